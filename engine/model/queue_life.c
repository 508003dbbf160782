/*
 * How commands enter a queue, are handed out, and leave it.
 */
#include <string.h>

#include "engine/model/mass.h"
#include "engine/model/queue_priv.h"

/* ---- in ----------------------------------------------------------------- */

/* The file knows its place in the queue, so that nobody looks for it. */
static enum err_code
mark_file(struct txn *t, const struct queued *q, struct err *err)
{
	struct node n;
	enum err_code rc = node_get(t, q->ino, &n, NULL);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && n.shared))
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "queue: %s", err_text(rc));
	n.queued = q->order;
	return node_put(t, &n, err);
}

/*
 * The waiting command that asks the same.  One that changes the device must
 * not stand between: install, remove, install are three commands.
 */
static bool
is_repeated(struct txn *t, const struct channel *c, const struct queued *q,
    bool first, struct queued *other)
{
	struct key k = queue_key(KIND_QUEUE_SAME, c->id, q->hash);
	uint64_t order;

	return q->hash != 0 && index_get_u64(t, &k, &order) == ERR_OK &&
	       (order & QUEUE_LANE_FIRST) == (first ? QUEUE_LANE_FIRST : 0) &&
	       queue_get(t, c->id, order, other, NULL) == ERR_OK &&
	       other->hash == q->hash && other->followers < QUEUE_FOLLOWERS &&
	       (other->state == QUEUE_WAITING ||
		   other->state == QUEUE_NOT_NOW) &&
	       (other->expires == 0 || other->expires > q->since) &&
	       QUEUE_SEQ(order) >= c->last_change;
}

static enum err_code
merge(struct txn *t, struct channel *c, struct queued *q, struct queued *other,
    struct err *err)
{
	enum err_code rc;

	q->state = QUEUE_MERGED;
	q->into = other->order;
	memcpy(q->uuid, other->uuid, sizeof(q->uuid));
	other->followers++;
	c->waiting++;
	if ((rc = queue_store(t, other, err)) == ERR_OK)
		rc = queue_store(t, q, err);
	return rc;
}

/* It is the one that stands for its content and its UUID. */
static enum err_code
index_it(struct txn *t, const struct queued *q, struct err *err)
{
	struct key uuid = queue_uuid_key(q->channel, q->uuid);
	struct key same = queue_key(KIND_QUEUE_SAME, q->channel, q->hash);
	enum err_code rc = index_put_u64(t, &uuid, q->order, err);

	if (rc == ERR_OK && q->hash != 0)
		rc = index_put_u64(t, &same, q->order, err);
	return rc;
}

enum err_code
queue_add(struct txn *t, struct channel *c, struct queued *q, bool first,
    struct bytes plist, struct err *err)
{
	struct key uuid = queue_uuid_key(c->id, q->uuid), command, end;
	struct queued other;
	uint64_t seq, order;
	enum err_code rc;

	if (index_get_u64(t, &uuid, &order) == ERR_OK)
		return err_set(err, ERR_NOT_UNIQUE,
		    "a command with the CommandUUID %s is waiting already: "
		    "leave CommandUUID out and it gets one of its own",
		    q->uuid);
	if ((rc = counter_next(t, "queue", &seq, err)) != ERR_OK)
		return rc;
	q->order = (first ? QUEUE_LANE_FIRST : QUEUE_LANE) | seq;
	q->state = QUEUE_WAITING;
	q->command = seq;
	if ((rc = mark_file(t, q, err)) != ERR_OK)
		return rc;
	if (q->expires != 0) {
		end = queue_end_key(q->expires, c->id, q->order);
		rc = txn_put(t, key_view(&end), BYTES_NONE, err);
		if (rc != ERR_OK)
			return rc;
	}
	if (is_repeated(t, c, q, first, &other))
		return merge(t, c, q, &other, err);
	if (!queue_only_asks(q->type))
		c->last_change = seq;
	command = queue_command_key(q->command);
	if ((rc = txn_put_sealed(t, key_view(&command), plist, err)) ==
		ERR_OK &&
	    (rc = index_it(t, q, err)) == ERR_OK)
		rc = queue_store(t, q, err);
	c->waiting++;
	return rc;
}

enum err_code
queue_add_shared(
    struct txn *t, struct channel *c, struct queued *q, struct err *err)
{
	q->state = QUEUE_WAITING;
	if (!queue_only_asks(q->type))
		c->last_change = QUEUE_SEQ(q->order);
	c->waiting++;
	c->shared++;
	return queue_store(t, q, err);
}

/* ---- handed out --------------------------------------------------------- */

static enum mass_count
count_of(const struct queued *q, const struct channel *c)
{
	switch (q->state) {
	case QUEUE_SENT:
		return MASS_SENT;
	case QUEUE_NOT_NOW:
		return MASS_NOT_NOW;
	case QUEUE_WAITING:
	case QUEUE_MERGED:
	case QUEUE_SPOILT:
		break;
	}
	return c->pushed_seq >= QUEUE_SEQ(q->order) ? MASS_PUSHED : MASS_QUEUED;
}

struct take {
	struct txn *t;
	const struct channel *c;
	int64_t now;
	bool found;
	struct queued q;
	bool has_spoilt;
	struct queued spoilt;
};

static enum err_code
may_be_taken(void *arg, const struct queued *q, bool *stop, struct err *err)
{
	struct take *x = arg;

	(void)err;
	if (q->state == QUEUE_MERGED || q->state == QUEUE_SPOILT ||
	    (q->state == QUEUE_NOT_NOW &&
		q->not_now_session == x->c->session) ||
	    (q->expires != 0 && q->expires <= x->now &&
		q->state != QUEUE_SENT) ||
	    (q->mass != 0 && q->state != QUEUE_SENT &&
		!mass_goes_on(x->t, q->mass, x->now)))
		return ERR_OK;
	if (q->fit_until != 0 && q->fit_until <= x->now) {
		x->spoilt = *q;
		x->has_spoilt = true;
		return ERR_OK;
	}
	x->q = *q;
	x->found = *stop = true;
	return ERR_OK;
}

enum err_code
queue_take(struct txn *t, const struct channel *c, int64_t now,
    struct queued *q, struct buf *ret, bool *spoilt, struct err *err)
{
	struct take x = { .t = t, .c = c, .now = now };
	struct key k;
	enum err_code rc = queue_each(t, c->id, may_be_taken, &x, err);

	*spoilt = x.has_spoilt;
	if (rc == ERR_OK && x.has_spoilt) {
		x.spoilt.state = QUEUE_SPOILT;
		rc = queue_store(t, &x.spoilt, err);
	}
	if (rc == ERR_OK && !x.found)
		return err_set(err, ERR_NOT_FOUND, "nothing is queued");
	if (rc != ERR_OK)
		return rc;
	if (x.q.mass != 0) {
		rc = mass_plist(t, x.q.mass, x.q.uuid, ret, err);
		if (rc == ERR_OK)
			rc = mass_moved(
			    t, x.q.mass, count_of(&x.q, c), MASS_SENT, err);
	} else {
		k = queue_command_key(x.q.command);
		rc = txn_get_sealed(t, key_view(&k), ret, err);
	}
	if (rc != ERR_OK)
		return rc;
	x.q.state = QUEUE_SENT;
	x.q.sent_at = now;
	if ((rc = queue_store(t, &x.q, err)) == ERR_OK)
		*q = x.q;
	return rc;
}

enum err_code
queue_not_now(
    struct txn *t, const struct channel *c, struct queued *q, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (q->mass != 0)
		rc = mass_moved(t, q->mass, count_of(q, c), MASS_NOT_NOW, err);
	q->state = QUEUE_NOT_NOW;
	q->not_now_session = c->session;
	return rc == ERR_OK ? queue_store(t, q, err) : rc;
}

struct pushed {
	struct txn *t;
	struct channel *c;
	uint64_t seq;
};

static enum err_code
push_one(void *arg, const struct queued *q, bool *stop, struct err *err)
{
	struct pushed *x = arg;
	uint64_t seq = QUEUE_SEQ(q->order);

	(void)stop;
	if (q->mass == 0 || q->state != QUEUE_WAITING ||
	    seq <= x->c->pushed_seq || seq > x->seq)
		return ERR_OK;
	return mass_moved(x->t, q->mass, MASS_QUEUED, MASS_PUSHED, err);
}

enum err_code
queue_pushed(struct txn *t, struct channel *c, uint64_t seq, struct err *err)
{
	struct pushed x = { t, c, seq };
	enum err_code rc = ERR_OK;

	if (seq <= c->pushed_seq)
		return ERR_OK;
	if (c->shared > 0)
		rc = queue_each(t, c->id, push_one, &x, err);
	c->pushed_seq = seq;
	return rc;
}

/* ---- out ---------------------------------------------------------------- */

static enum err_code
drop_file_of(struct txn *t, const struct queued *q, struct err *err)
{
	struct node n;
	enum err_code rc = node_get(t, q->ino, &n, NULL);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && n.shared))
		return ERR_OK;
	if (rc == ERR_OK && (rc = node_unlink(t, &n, err)) == ERR_OK)
		rc = node_drop(t, &n, err);
	return rc;
}

/* One that shared q's answer takes its place, its plist and its UUID. */
static enum err_code
promote(
    struct txn *t, const struct queued *q, struct queued *heir, struct err *err)
{
	struct queued other;
	enum err_code rc = ERR_OK;
	uint32_t left = q->followers - 1;

	heir->state = QUEUE_WAITING;
	heir->into = 0;
	heir->command = q->command;
	heir->followers = left;
	if ((rc = queue_store(t, heir, err)) != ERR_OK ||
	    (rc = index_it(t, heir, err)) != ERR_OK)
		return rc;
	while (
	    left-- > 0 && (rc = queue_follower(t, q, &other, err)) == ERR_OK) {
		other.into = heir->order;
		if ((rc = queue_store(t, &other, err)) != ERR_OK)
			break;
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* What stands for its content and UUID, and the plist. */
static enum err_code
unindex(struct txn *t, const struct queued *q, struct err *err)
{
	struct key uuid = queue_uuid_key(q->channel, q->uuid);
	struct key same = queue_key(KIND_QUEUE_SAME, q->channel, q->hash);
	struct key command = queue_command_key(q->command);
	uint64_t order;
	enum err_code rc = txn_drop(t, &uuid, err);

	if (rc == ERR_OK && q->hash != 0 &&
	    index_get_u64(t, &same, &order) == ERR_OK && order == q->order)
		rc = txn_drop(t, &same, err);
	return rc == ERR_OK ? txn_drop(t, &command, err) : rc;
}

static enum err_code
leave_own(struct txn *t, const struct queued *q, struct err *err)
{
	struct queued other;
	bool answered = q->ending == QUEUE_DONE || q->ending == QUEUE_FAILED;
	enum err_code rc;

	if (q->state == QUEUE_MERGED) {
		rc = queue_get(t, q->channel, q->into, &other, NULL);
		if (rc == ERR_NOT_FOUND)
			return ERR_OK;
		if (rc != ERR_OK)
			return err_set(err, rc, "queue: %s", err_text(rc));
		if (other.followers > 0)
			other.followers--;
		return queue_store(t, &other, err);
	}
	if (!answered && queue_follower(t, q, &other, NULL) == ERR_OK)
		return promote(t, q, &other, err);
	return unindex(t, q, err);
}

enum err_code
queue_finish(struct txn *t, struct channel *c, const struct queued *q,
    bool drop_file, struct err *err)
{
	struct key record = queue_key(KIND_QUEUE, q->channel, q->order);
	struct key end = queue_end_key(q->expires, q->channel, q->order);
	enum err_code rc = txn_drop(t, &record, err);

	if (rc == ERR_OK && q->expires != 0)
		rc = txn_drop(t, &end, err);
	if (rc == ERR_OK && q->mass == 0)
		rc = leave_own(t, q, err);
	if (rc == ERR_OK && q->mass != 0)
		rc = mass_left(t, q, count_of(q, c), err);
	if (q->mass != 0 && c->shared > 0)
		c->shared--;
	if (rc == ERR_OK && c->waiting > 0)
		c->waiting--;
	return rc == ERR_OK && drop_file ? drop_file_of(t, q, err) : rc;
}

struct drop {
	struct txn *t;
	struct channel *c;
	uint32_t n;
};

static enum err_code
drop_one(void *arg, const struct queued *q, bool *stop, struct err *err)
{
	struct drop *d = arg;
	struct queued dropped = *q;

	(void)stop;
	d->n++;
	dropped.ending = QUEUE_DROPPED;
	return queue_finish(d->t, d->c, &dropped, true, err);
}

enum err_code
queue_drop(struct txn *t, struct channel *c, uint32_t *n, struct err *err)
{
	struct drop d = { t, c, 0 };
	enum err_code rc = queue_each(t, c->id, drop_one, &d, err);

	if (rc == ERR_OK)
		*n = d.n;
	return rc;
}
