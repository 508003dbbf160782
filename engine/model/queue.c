#include "engine/model/queue.h"

#include <string.h>

#include "engine/model/mass.h"
#include "engine/model/queue_priv.h"

/* Version 1 had no lanes; 2 is a command of the device's own, 3 one of a mass
 * command, whose UUID and file follow from its number and the device's; 4 is
 * 2 with an end of its fitness. */
static enum err_code
decode(
    struct bytes key, struct bytes value, struct queued *ret, struct err *err)
{
	struct queued q = { .channel = { key_get_u32(key, 1),
				key_get_u32(key, 5) },
		.order = key_get_u64(key, 9) };
	uint8_t version;
	struct reader r = reader_of(value, &version);
	enum err_code rc;

	q.state = (enum queue_state)read_u8(&r);
	if (version == 3) {
		q.mass = read_u32(&r);
	} else {
		q.command = read_u64(&r);
		q.ino = read_u64(&r);
		read_text(&r, q.uuid, sizeof(q.uuid));
	}
	read_text(&r, q.type, sizeof(q.type));
	q.since = read_i64(&r);
	q.sent_at = read_i64(&r);
	q.not_now_session = read_u64(&r);
	if (version == 2 || version == 4) {
		q.hash = read_u64(&r);
		q.expires = read_i64(&r);
		q.into = read_u64(&r);
		q.followers = read_u32(&r);
	}
	if (version == 4)
		q.fit_until = read_i64(&r);
	if ((rc = record_end(&r, "queue", err)) != ERR_OK)
		return rc;
	if (q.mass != 0) {
		q.ino = mass_ino(q.mass, q.channel.device);
		mass_uuid(q.mass, q.channel.device, q.since, q.uuid);
	}
	*ret = q;
	return ERR_OK;
}

enum err_code
queue_store(struct txn *t, const struct queued *q, struct err *err)
{
	struct key k = queue_key(KIND_QUEUE, q->channel, q->order);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, q->mass != 0 ? 3 : q->fit_until != 0 ? 4 : 2);
	record_u8(&b, (uint8_t)q->state);
	if (q->mass != 0) {
		record_u32(&b, q->mass);
	} else {
		record_u64(&b, q->command);
		record_u64(&b, q->ino);
		record_text(&b, q->uuid);
	}
	record_text(&b, q->type);
	record_i64(&b, q->since);
	record_i64(&b, q->sent_at);
	record_u64(&b, q->not_now_session);
	if (q->mass == 0) {
		record_u64(&b, q->hash);
		record_i64(&b, q->expires);
		record_u64(&b, q->into);
		record_u32(&b, q->followers);
	}
	if (q->mass == 0 && q->fit_until != 0)
		record_i64(&b, q->fit_until);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
queue_get(struct txn *t, struct channel_id id, uint64_t order,
    struct queued *ret, struct err *err)
{
	struct key k = queue_key(KIND_QUEUE, id, order);
	struct bytes value;
	enum err_code rc = txn_get(t, key_view(&k), &value, err);

	return rc == ERR_OK ? decode(key_view(&k), value, ret, err) : rc;
}

enum err_code
queue_by_uuid(struct txn *t, struct channel_id id, const char *uuid,
    struct queued *ret, struct err *err)
{
	struct key k;
	uint64_t order;
	uint32_t mass;
	enum err_code rc = ERR_NOT_FOUND;

	if (strlen(uuid) <= QUEUE_UUID_MAX) {
		k = queue_uuid_key(id, uuid);
		rc = index_get_u64(t, &k, &order);
	}
	if (rc == ERR_NOT_FOUND && id.user == 0 &&
	    mass_of_uuid(uuid, id.device, &mass))
		rc = mass_order(t, mass, id.device, &order);
	if (rc == ERR_OK)
		rc = queue_get(t, id, order, ret, err);
	if (rc == ERR_OK && strcmp(ret->uuid, uuid) != 0)
		rc = ERR_NOT_FOUND;
	return rc == ERR_OK
	           ? rc
	           : err_set(err, rc, "no command with that CommandUUID");
}

struct each {
	queue_fn *fn;
	void *arg;
};

static enum err_code
each_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct each *each = arg;
	struct queued q;
	enum err_code rc = decode(key, value, &q, err);

	return rc == ERR_OK ? each->fn(each->arg, &q, stop, err) : rc;
}

enum err_code
queue_each(struct txn *t, struct channel_id id, queue_fn *fn, void *arg,
    struct err *err)
{
	struct each each = { fn, arg };
	struct key prefix = queue_prefix(KIND_QUEUE, id);

	return txn_each(t, key_view(&prefix), BYTES_NONE, each_one, &each, err);
}

struct search {
	uint64_t ino;  /* by file, or */
	uint64_t into; /* one that was merged into that */
	bool found;
	struct queued q;
};

static enum err_code
search_one(void *arg, const struct queued *q, bool *stop, struct err *err)
{
	struct search *s = arg;

	(void)err;
	if (s->into != 0 ? q->state == QUEUE_MERGED && q->into == s->into
			 : q->ino == s->ino) {
		s->q = *q;
		s->found = *stop = true;
	}
	return ERR_OK;
}

static enum err_code
search(struct txn *t, struct channel_id id, struct search *s,
    struct queued *ret, struct err *err)
{
	enum err_code rc = queue_each(t, id, search_one, s, err);

	if (rc == ERR_OK && !s->found)
		return err_set(err, ERR_NOT_FOUND, "it is not queued");
	if (rc == ERR_OK)
		*ret = s->q;
	return rc;
}

/* The node knows; only those of older stores have to be looked for. */
enum err_code
queue_by_file(struct txn *t, struct channel_id id, const struct node *n,
    struct queued *ret, struct err *err)
{
	struct search s = { .ino = n->n.ino };
	struct queued q;
	uint64_t order = n->queued;
	enum err_code rc = ERR_OK;

	if (n->shared)
		rc = mass_order(t, mass_of_ino(n->n.ino), id.device, &order);
	if (rc == ERR_OK && order == 0)
		return search(t, id, &s, ret, err);
	if (rc == ERR_OK)
		rc = queue_get(t, id, order, &q, NULL);
	if (rc == ERR_OK && q.ino != n->n.ino)
		rc = ERR_NOT_FOUND;
	if (rc != ERR_OK)
		return err_set(err, rc, "it is not queued");
	*ret = q;
	return ERR_OK;
}

enum err_code
queue_follower(
    struct txn *t, const struct queued *q, struct queued *ret, struct err *err)
{
	struct search s = { .into = q->order };

	if (q->followers == 0)
		return err_set(err, ERR_NOT_FOUND, "nothing is merged into it");
	return search(t, q->channel, &s, ret, err);
}

const char *
queue_word(const struct queued *q, const struct channel *c)
{
	switch (q->state) {
	case QUEUE_SENT:
		return "sent";
	case QUEUE_NOT_NOW:
		return "not-now";
	case QUEUE_MERGED:
		return "merged";
	case QUEUE_WAITING:
	case QUEUE_SPOILT:
		break;
	}
	return c->pushed_seq >= QUEUE_SEQ(q->order) ? "pushed" : "queued";
}
