/*
 * A mass command in slices: what is to be done next, taking it back from its
 * devices, and its end.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/group_settle.h"
#include "engine/model/mass.h"
#include "engine/model/mass_judge.h"
#include "engine/model/orgs.h"
#include "engine/model/queue_expiry.h"
#include "engine/model/queue_priv.h"

/* ---- taking back -------------------------------------------------------- */

struct sweep {
	struct txn *t;
	struct engine *engine;
	const struct mass *m;
	uint32_t after;
	uint32_t done;
	bool all;
};

static enum err_code
take_back(struct sweep *s, struct queued *q, struct err *err)
{
	struct channel c;
	enum err_code rc;

	q->ending = s->m->stopped_as;
	q->expires = 0;
	if (q->ending == QUEUE_EXPIRED)
		return queue_expire_one(s->t, s->engine, q, err);
	if ((rc = channel_read(s->t, q->channel, &c, err)) == ERR_OK)
		rc = queue_finish(s->t, &c, q, false, err);
	if (rc == ERR_OK && c.waiting == 0)
		rc = channel_calm(s->t, &c, err);
	return rc == ERR_OK ? channel_store(s->t, &c, err) : rc;
}

static enum err_code
sweep_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct sweep *s = arg;
	struct channel_id id = { key_get_u32(key, 9), 0 };
	struct queued q;
	enum err_code rc;

	(void)value;
	if (s->done == MASS_SLICE) {
		s->all = false;
		*stop = true;
		return ERR_OK;
	}
	s->done++;
	s->after = id.device;
	rc = queue_get(s->t, id, s->m->order, &q, NULL);
	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && q.state == QUEUE_SENT))
		return ERR_OK;
	return rc == ERR_OK ? take_back(s, &q, err)
	                    : err_set(err, rc, "queue: %s", err_text(rc));
}

/* One slice; the counts are the records' own, so m is read anew. */
static enum err_code
sweep(
    struct txn *t, struct engine *e, struct mass *m, bool *all, struct err *err)
{
	struct sweep s = { t, e, m, m->after, 0, true };
	struct key prefix = key_of(KIND_MASS_DEVICE), from;
	enum err_code rc;

	key_u64(&prefix, m->number);
	from = prefix;
	key_u32(&from, m->after + 1);
	rc =
	    txn_each(t, key_view(&prefix), key_view(&from), sweep_one, &s, err);
	if (rc == ERR_OK)
		rc = mass_read(t, m->number, m, err);
	if (rc != ERR_OK)
		return rc;
	m->after = s.all ? 0 : s.after;
	*all = s.all;
	return mass_store(t, m, err);
}

/* ---- the end ------------------------------------------------------------ */

static enum err_code
drop_file(struct txn *t, struct mass *m, struct err *err)
{
	struct node n;
	enum err_code rc =
	    m->file == 0 ? ERR_NOT_FOUND : node_get(t, m->file, &n, NULL);

	m->file = 0;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK && (rc = node_unlink(t, &n, err)) == ERR_OK)
		rc = node_drop(t, &n, err);
	return rc;
}

struct trim {
	struct txn *t;
	uint32_t over; /* that are finished */
	uint32_t oldest;
};

static enum err_code
trim_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct trim *x = arg;
	struct mass m;
	enum err_code rc =
	    mass_read(x->t, (uint32_t)key_get_u64(key, 5), &m, err);

	(void)value;
	(void)stop;
	if (rc != ERR_OK || m.ended_at == 0)
		return rc;
	if (x->over++ == 0)
		x->oldest = m.number;
	return ERR_OK;
}

/* Pages of old ones go. */
static enum err_code
trim(struct txn *t, uint32_t org, struct err *err)
{
	struct key prefix = key_of(KIND_MASS_OF);
	struct trim x = { .t = t };
	struct mass m;
	enum err_code rc;

	key_u32(&prefix, org);
	rc = txn_each(t, key_view(&prefix), BYTES_NONE, trim_one, &x, err);
	if (rc != ERR_OK || x.over <= MASS_KEPT)
		return rc;
	if ((rc = mass_read(t, x.oldest, &m, err)) == ERR_OK)
		rc = mass_drop(t, &m, err);
	return rc;
}

static enum err_code
close_it(struct txn *t, struct engine *e, struct mass *m, struct err *err)
{
	struct key plist = queue_command_key(QUEUE_SEQ(m->order));
	struct key end =
	    queue_end_key(m->expires, (struct channel_id){ 0, 0 }, m->number);
	enum err_code rc;

	if (m->ended_at != 0)
		return ERR_OK;
	m->ended_at = engine_now(e);
	if ((rc = drop_file(t, m, err)) != ERR_OK ||
	    (rc = txn_drop(t, &plist, err)) != ERR_OK ||
	    (rc = txn_drop(t, &end, err)) != ERR_OK ||
	    (rc = mass_store(t, m, err)) != ERR_OK ||
	    (rc = event_record(t, e, m->org, err,
		 "command %s (%s) for %u devices is over: %u acknowledged, %u "
		 "failed, %u skipped, %u cancelled, %u expired, %u dropped",
		 m->name, m->type, m->members, m->n[MASS_DONE],
		 m->n[MASS_FAILED], m->n[MASS_SKIPPED], m->n[MASS_CANCELLED],
		 m->n[MASS_EXPIRED], m->n[MASS_DROPPED])) != ERR_OK)
		return rc;
	return trim(t, m->org, err);
}

/* ---- whatever is to be done --------------------------------------------- */

struct run {
	struct engine *engine;
	struct txn *t;
	uint64_t mass; /* 0: nothing is to be done */
};

static enum err_code
first_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct run *r = arg;
	struct mass m;
	uint64_t number = key_get_u64(key, 1);

	(void)value;
	(void)err;
	if (mass_read(r->t, (uint32_t)number, &m, NULL) == ERR_OK &&
	    m.fanning && mass_waits(r->t, &m))
		return ERR_OK;
	r->mass = number;
	*stop = true;
	return ERR_OK;
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;
	struct key prefix = key_of(KIND_MASS_OPEN);

	r->t = t;
	r->mass = 0;
	return txn_each(t, key_view(&prefix), BYTES_NONE, first_one, r, err);
}

static enum err_code
run_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;
	struct key open = key_of(KIND_MASS_OPEN);
	struct mass m;
	bool all = true;
	enum err_code rc = mass_read(t, (uint32_t)r->mass, &m, NULL);

	key_u64(&open, r->mass);
	if (rc == ERR_NOT_FOUND)
		return txn_drop(t, &open, err);
	if (rc != ERR_OK)
		return err_set(err, rc, "mass command: %s", err_text(rc));
	if (m.fanning) {
		if ((rc = mass_fan_out(t, r->engine, &m, err)) == ERR_OK)
			rc = mass_store(t, &m, err);
		all = !m.fanning;
	} else if (m.stopping && m.ended_at == 0) {
		rc = sweep(t, r->engine, &m, &all, err);
	}
	if (rc != ERR_OK || !all)
		return rc;
	if (m.n[MASS_QUEUED] + m.n[MASS_PUSHED] + m.n[MASS_SENT] +
		m.n[MASS_NOT_NOW] ==
	    0)
		rc = close_it(t, r->engine, &m, err);
	return rc == ERR_OK ? txn_drop(t, &open, err) : rc;
}

/* One that cannot be done must not keep the others, and the house, busy. */
static enum err_code
give_up_txn(struct txn *t, void *arg, struct err *err)
{
	const struct run *r = arg;
	struct key open = key_of(KIND_MASS_OPEN);

	key_u64(&open, r->mass);
	return txn_drop(t, &open, err);
}

enum err_code
mass_run(struct engine *e, int64_t *next, struct err *err)
{
	struct run r = { .engine = e };
	struct err why = { 0 };
	enum err_code rc;
	int slices = 0;

	*next = 0;
	while ((rc = store_view(e->store, look_txn, &r, err)) == ERR_OK &&
	       r.mass != 0) {
		/* the keeper has other chores, too */
		if (slices++ == MASS_ROUND) {
			*next = engine_now(e);
			return ERR_OK;
		}
		rc = store_update(e->store, run_txn, &r, &why);
		if (rc == ERR_STANDBY || rc == ERR_FULL)
			return err_set(err, rc, "%s", why.msg);
		if (rc == ERR_OK)
			continue;
		log_error("command %llu for many devices stands still: %s",
		    (unsigned long long)r.mass, why.msg);
		rc = store_update(e->store, give_up_txn, &r, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}
