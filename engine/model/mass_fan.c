/*
 * Whom a mass command is for, and queueing it for them.
 */
#include <string.h>

#include "engine/model/group_settle.h"
#include "engine/model/mass.h"
#include "engine/model/mass_judge.h"
#include "engine/model/orgs.h"
#include "engine/model/queue_priv.h"

/* ---- whom it is for ----------------------------------------------------- */

struct walk {
	struct txn *t;
	const struct mass *m;
	mass_device_fn *fn;
	void *arg;
};

static enum err_code
walk_member(void *arg, uint32_t device, bool *stop, struct err *err)
{
	struct walk *w = arg;
	struct device d;
	enum err_code rc = device_read(w->t, device, &d, err);

	if (rc != ERR_OK || d.state != DEVICE_ENROLLED || d.org != w->m->org)
		return rc;
	return w->fn(w->arg, &d, stop, err);
}

static enum err_code
walk_org(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	(void)value;
	return walk_member(arg, key_get_u32(key, 5), stop, err);
}

enum err_code
mass_each_device(struct txn *t, const struct mass *m, mass_device_fn *fn,
    void *arg, struct err *err)
{
	struct walk w = { t, m, fn, arg };
	struct key prefix = key_of(KIND_DEVICE_ORG), from;

	if (m->group != 0)
		return group_each_named(
		    t, m->org, m->group, m->after, walk_member, &w, err);
	key_u32(&prefix, m->org);
	from = prefix;
	key_u32(&from, m->after + 1);
	return txn_each(
	    t, key_view(&prefix), key_view(&from), walk_org, &w, err);
}

static enum err_code
count_one(void *arg, const struct device *d, bool *stop, struct err *err)
{
	uint32_t *n = arg;

	(void)d;
	(void)stop;
	(void)err;
	++*n;
	return ERR_OK;
}

enum err_code
mass_members(
    struct txn *t, uint32_t org, uint64_t group, uint32_t *ret, struct err *err)
{
	struct mass m = { .org = org, .group = group };
	struct org o;
	uint32_t n = 0;
	enum err_code rc;

	if (group == 0) { /* counted already */
		if ((rc = org_read(t, org, &o, err)) == ERR_OK)
			*ret = o.enrolled;
		return rc;
	}
	if ((rc = mass_each_device(t, &m, count_one, &n, err)) == ERR_OK)
		*ret = n;
	return rc;
}

/* ---- queueing ----------------------------------------------------------- */

struct fan {
	struct txn *t;
	struct mass *m;
	struct mass_judge *judge;
	uint64_t pace; /* when the next push may go, in milliseconds */
	uint64_t now;
	uint32_t done;
	bool all;
};

/* The time for one push more, in seconds. */
static int64_t
next_push(struct fan *f)
{
	uint64_t at = f->pace > f->now ? f->pace : f->now;

	f->pace = at + 1000 / MASS_PUSHES;
	return (int64_t)(at / 1000);
}

static enum err_code
queue_one(struct fan *f, const struct device *d, struct err *err)
{
	struct mass *m = f->m;
	struct queued q = { .channel = { d->number, 0 },
		.order = m->order,
		.mass = m->number,
		.since = m->since };
	struct channel c;
	bool pushed;
	enum err_code rc = channel_read(f->t, q.channel, &c, err);

	if (rc != ERR_OK)
		return rc;
	memcpy(q.type, m->type, sizeof(q.type));
	pushed = c.pushed_seq >= QUEUE_SEQ(m->order);
	m->n[pushed ? MASS_PUSHED : MASS_QUEUED]++;
	if ((rc = queue_add_shared(f->t, &c, &q, err)) != ERR_OK ||
	    (rc = mass_put_device(f->t, m, d->number, err)) != ERR_OK)
		return rc;
	if (c.has_token &&
	    (c.push_due == 0 || (uint64_t)c.push_due * 1000 > f->pace))
		rc = channel_wake(f->t, &c, next_push(f), err);
	return rc == ERR_OK ? channel_store(f->t, &c, err) : rc;
}

static enum err_code
fan_one(void *arg, const struct device *d, bool *stop, struct err *err)
{
	struct fan *f = arg;
	struct mass *m = f->m;
	struct validation_device v;
	const char *why;
	enum err_code rc;

	if (f->done == MASS_SLICE || m->n[MASS_LEFT] == 0) {
		f->all = m->n[MASS_LEFT] == 0;
		*stop = true;
		return ERR_OK;
	}
	f->done++;
	m->n[MASS_LEFT]--;
	m->after = d->number;
	validation_device_read(f->t, d, 0, &v);
	if (mass_judge(f->judge, &v, &why))
		return queue_one(f, d, err);
	m->n[MASS_SKIPPED]++;
	rc = mass_note(f->t, m, d->number, MASS_SKIPPED, why, err);
	return rc;
}

static struct key
pace_key(void)
{
	return key_of(KIND_MASS_PACE);
}

static enum err_code
fan_out(struct fan *f, struct err *err)
{
	struct key pace = pace_key();
	struct mass *m = f->m;
	enum err_code rc;

	(void)!index_get_u64(f->t, &pace, &f->pace);
	f->all = true;
	rc = mass_each_device(f->t, m, fan_one, f, err);
	if (rc == ERR_OK)
		rc = index_put_u64(f->t, &pace, f->pace, err);
	if (rc != ERR_OK)
		return rc;
	m->fanning = !f->all;
	if (f->all) { /* who left between the count and now */
		m->n[MASS_DROPPED] += m->n[MASS_LEFT];
		m->n[MASS_LEFT] = 0;
		m->after = 0;
	}
	return mass_open(f->t, m->number, err);
}

bool
mass_waits(struct txn *t, const struct mass *m)
{
	return m->group != 0 && group_is_open(t, m->group);
}

enum err_code
mass_fan_out(struct txn *t, struct engine *e, struct mass *m, struct err *err)
{
	char hole[QUEUE_UUID_MAX + 1];
	struct fan f = {
		.t = t, .m = m, .now = (uint64_t)(engine_now_ns(e) / 1000000)
	};
	const struct schema *schema = engine_schema(e);
	struct schema_envelope env;
	struct buf plist = { 0 };
	struct pl *root = NULL;
	enum err_code rc;

	if (mass_waits(t, m)) {
		schema_free(schema);
		return mass_open(t, m->number, err);
	}
	mass_uuid(m->number, 0, m->since, hole);
	if ((rc = mass_plist(t, m->number, hole, &plist, err)) == ERR_OK &&
	    (rc = pl_parse(buf_view(&plist), &root, err)) == ERR_OK &&
	    (rc = schema_command_check_envelope(schema, root, &env, err)) ==
		ERR_OK &&
	    (rc = mass_judge_new(
		 schema, validation_read(t), &env, &f.judge, err)) == ERR_OK)
		rc = fan_out(&f, err);
	mass_judge_free(f.judge);
	pl_free(root);
	schema_free(schema);
	buf_wipe(&plist);
	return rc;
}
