#include "engine/model/queue.h"

#include <string.h>

static struct key
queue_prefix(struct channel_id id)
{
	struct key k = key_of(KIND_QUEUE);

	key_u32(&k, id.device);
	key_u32(&k, id.user);
	return k;
}

static struct key
queue_key(struct channel_id id, uint64_t seq)
{
	struct key k = queue_prefix(id);

	key_u64(&k, seq);
	return k;
}

struct key
queue_uuid_key(struct channel_id id, const char *uuid)
{
	struct key k = key_of(KIND_QUEUE_ID);

	key_u32(&k, id.device);
	key_u32(&k, id.user);
	key_bytes(&k, bytes_text(uuid));
	return k;
}

static struct key
command_key(uint64_t command)
{
	struct key k = key_of(KIND_COMMAND);

	key_u64(&k, command);
	return k;
}

static enum err_code
decode(
    struct bytes key, struct bytes value, struct queued *ret, struct err *err)
{
	struct queued q = { .channel = { key_get_u32(key, 1),
				key_get_u32(key, 5) },
		.seq = key_get_u64(key, 9) };
	uint8_t version;
	struct reader r = reader_of(value, &version);
	enum err_code rc;

	q.state = (enum queue_state)read_u8(&r);
	q.command = read_u64(&r);
	q.ino = read_u64(&r);
	read_text(&r, q.uuid, sizeof(q.uuid));
	read_text(&r, q.type, sizeof(q.type));
	q.since = read_i64(&r);
	q.sent_at = read_i64(&r);
	q.not_now_session = read_u64(&r);
	if ((rc = record_end(&r, "queue", err)) == ERR_OK)
		*ret = q;
	return rc;
}

enum err_code
queue_store(struct txn *t, const struct queued *q, struct err *err)
{
	struct key k = queue_key(q->channel, q->seq);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_u8(&b, (uint8_t)q->state);
	record_u64(&b, q->command);
	record_u64(&b, q->ino);
	record_text(&b, q->uuid);
	record_text(&b, q->type);
	record_i64(&b, q->since);
	record_i64(&b, q->sent_at);
	record_u64(&b, q->not_now_session);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
queue_add(struct txn *t, struct channel *c, struct queued *q,
    struct bytes plist, struct err *err)
{
	struct key command, uuid = queue_uuid_key(c->id, q->uuid);
	uint64_t other;
	enum err_code rc;

	if (index_get_u64(t, &uuid, &other) == ERR_OK)
		return err_set(err, ERR_NOT_UNIQUE,
		    "a command with the CommandUUID %s is waiting already: "
		    "leave CommandUUID out and it gets one of its own",
		    q->uuid);
	if ((rc = counter_next(t, "queue", &q->seq, err)) != ERR_OK)
		return rc;
	q->state = QUEUE_WAITING;
	q->command = q->seq;
	command = command_key(q->command);
	if ((rc = txn_put_sealed(t, key_view(&command), plist, err)) ==
		ERR_OK &&
	    (rc = index_put_u64(t, &uuid, q->seq, err)) == ERR_OK)
		rc = queue_store(t, q, err);
	c->waiting++;
	return rc;
}

enum err_code
queue_by_uuid(struct txn *t, struct channel_id id, const char *uuid,
    struct queued *ret, struct err *err)
{
	struct key k;
	struct bytes value;
	uint64_t seq;
	enum err_code rc = ERR_NOT_FOUND;

	if (strlen(uuid) <= QUEUE_UUID_MAX) {
		k = queue_uuid_key(id, uuid);
		rc = index_get_u64(t, &k, &seq);
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "no command with that CommandUUID");
	k = queue_key(id, seq);
	if ((rc = txn_get(t, key_view(&k), &value, err)) != ERR_OK)
		return rc;
	return decode(key_view(&k), value, ret, err);
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
	struct key prefix = queue_prefix(id);

	return txn_each(t, key_view(&prefix), BYTES_NONE, each_one, &each, err);
}

struct search {
	uint64_t ino;     /* by file, or */
	uint64_t session; /* the first that did not answer NotNow in it */
	bool found;
	struct queued q;
};

static enum err_code
file_is(void *arg, const struct queued *q, bool *stop, struct err *err)
{
	struct search *s = arg;

	(void)err;
	if (q->ino == s->ino) {
		s->q = *q;
		s->found = *stop = true;
	}
	return ERR_OK;
}

enum err_code
queue_by_file(struct txn *t, struct channel_id id, uint64_t ino,
    struct queued *ret, struct err *err)
{
	struct search s = { .ino = ino };
	enum err_code rc = queue_each(t, id, file_is, &s, err);

	if (rc == ERR_OK && !s.found)
		return err_set(err, ERR_NOT_FOUND, "it is not queued");
	if (rc == ERR_OK)
		*ret = s.q;
	return rc;
}

static enum err_code
may_be_taken(void *arg, const struct queued *q, bool *stop, struct err *err)
{
	struct search *s = arg;

	(void)err;
	if (q->state != QUEUE_NOT_NOW || q->not_now_session != s->session) {
		s->q = *q;
		s->found = *stop = true;
	}
	return ERR_OK;
}

enum err_code
queue_take(struct txn *t, const struct channel *c, int64_t now,
    struct queued *q, struct buf *ret, struct err *err)
{
	struct search s = { .session = c->session };
	struct key k;
	enum err_code rc = queue_each(t, c->id, may_be_taken, &s, err);

	if (rc == ERR_OK && !s.found)
		return err_set(err, ERR_NOT_FOUND, "nothing is queued");
	if (rc != ERR_OK)
		return rc;
	k = command_key(s.q.command);
	if ((rc = txn_get_sealed(t, key_view(&k), ret, err)) != ERR_OK)
		return rc;
	s.q.state = QUEUE_SENT;
	s.q.sent_at = now;
	if ((rc = queue_store(t, &s.q, err)) == ERR_OK)
		*q = s.q;
	return rc;
}

enum err_code
queue_finish(struct txn *t, struct channel *c, const struct queued *q,
    bool drop_file, struct err *err)
{
	struct key record = queue_key(q->channel, q->seq);
	struct key uuid = queue_uuid_key(q->channel, q->uuid);
	struct key command = command_key(q->command);
	struct node n;
	enum err_code rc = txn_drop(t, &record, err);

	if (rc == ERR_OK)
		rc = txn_drop(t, &uuid, err);
	if (rc == ERR_OK)
		rc = txn_drop(t, &command, err);
	if (rc == ERR_OK && c->waiting > 0)
		c->waiting--;
	if (rc != ERR_OK || !drop_file)
		return rc;
	if ((rc = node_get(t, q->ino, &n, NULL)) == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK && (rc = node_unlink(t, &n, err)) == ERR_OK)
		rc = node_drop(t, &n, err);
	return rc;
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

	(void)stop;
	d->n++;
	return queue_finish(d->t, d->c, q, true, err);
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
