#include "engine/model/channels.h"

#include <string.h>

#include <openssl/crypto.h>

#include "engine/model/due.h"

static struct key
channel_key(enum kind kind, struct channel_id id)
{
	struct key k = key_of(kind);

	key_u32(&k, id.device);
	key_u32(&k, id.user);
	return k;
}

static struct key
wake_key(int64_t due, struct channel_id id)
{
	struct key k = key_of(KIND_WAKE);

	key_u64(&k, (uint64_t)due);
	key_u32(&k, id.device);
	key_u32(&k, id.user);
	return k;
}

enum err_code
channel_read(
    struct txn *t, struct channel_id id, struct channel *ret, struct err *err)
{
	struct key k = channel_key(KIND_CHANNEL, id);
	struct channel c = { .id = id };
	struct bytes value;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc == ERR_NOT_FOUND) {
		*ret = c;
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "channel: %s", err_text(rc));
	r = reader_of(value, &version);
	c.has_token = read_u8(&r) != 0;
	c.token_at = read_i64(&r);
	c.waiting = read_u32(&r);
	c.session = read_u64(&r);
	c.last_was_not_now = read_u8(&r) != 0;
	c.push_due = read_i64(&r);
	c.push_tries = read_u32(&r);
	c.pushed_at = read_i64(&r);
	c.outcome_at = read_i64(&r);
	read_text(&r, c.outcome, sizeof(c.outcome));
	if (version >= 2)
		c.pushed_seq = read_u64(&r);
	if (version >= 3)
		c.results = read_u32(&r);
	if (version >= 4) {
		c.shared = read_u32(&r);
		c.last_change = read_u64(&r);
	}
	if (version >= 5) {
		c.push_held = read_u8(&r) != 0;
		c.held_version = read_u64(&r);
	}
	if ((rc = record_end(&r, "channel", err)) == ERR_OK)
		*ret = c;
	return rc;
}

enum err_code
channel_store(struct txn *t, const struct channel *c, struct err *err)
{
	struct key k = channel_key(KIND_CHANNEL, c->id);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 5);
	record_u8(&b, c->has_token);
	record_i64(&b, c->token_at);
	record_u32(&b, c->waiting);
	record_u64(&b, c->session);
	record_u8(&b, c->last_was_not_now);
	record_i64(&b, c->push_due);
	record_u32(&b, c->push_tries);
	record_i64(&b, c->pushed_at);
	record_i64(&b, c->outcome_at);
	record_text(&b, c->outcome);
	record_u64(&b, c->pushed_seq);
	record_u32(&b, c->results);
	record_u32(&b, c->shared);
	record_u64(&b, c->last_change);
	record_u8(&b, c->push_held);
	record_u64(&b, c->held_version);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
channel_drop(struct txn *t, struct channel_id id, struct err *err)
{
	struct key k = channel_key(KIND_CHANNEL, id);
	struct key token = channel_key(KIND_TOKEN, id);
	struct channel c;
	enum err_code rc = channel_read(t, id, &c, err);

	if (rc == ERR_OK)
		rc = channel_calm(t, &c, err);
	if (rc == ERR_OK)
		rc = txn_drop(t, &token, err);
	if (rc == ERR_OK)
		rc = txn_drop(t, &k, err);
	return rc;
}

enum err_code
channel_put_token(struct txn *t, struct channel *c,
    const struct push_token *token, int64_t now, struct err *err)
{
	struct key k = channel_key(KIND_TOKEN, c->id);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_bytes(&b, bytes_of(token->token, token->len));
	record_text(&b, token->magic);
	record_text(&b, token->topic);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put_sealed(t, key_view(&k), buf_view(&b), err);
	buf_wipe(&b);
	c->has_token = true;
	c->token_at = now;
	return rc;
}

enum err_code
channel_get_token(struct txn *t, struct channel_id id, struct push_token *ret,
    struct err *err)
{
	struct key k = channel_key(KIND_TOKEN, id);
	struct push_token token = { .len = 0 };
	struct buf b = { 0 };
	struct bytes raw;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get_sealed(t, key_view(&k), &b, err);

	if (rc == ERR_OK) {
		r = reader_of(buf_view(&b), &version);
		raw = read_bytes(&r);
		if (raw.len > sizeof(token.token))
			r.failed = true;
		else if (raw.len > 0)
			memcpy(token.token, raw.p, raw.len);
		token.len = raw.len;
		read_text(&r, token.magic, sizeof(token.magic));
		read_text(&r, token.topic, sizeof(token.topic));
		if ((rc = record_end(&r, "push token", err)) == ERR_OK)
			*ret = token;
	}
	buf_wipe(&b);
	OPENSSL_cleanse(&token, sizeof(token));
	return rc;
}

enum err_code
channel_wake(struct txn *t, struct channel *c, int64_t due, struct err *err)
{
	struct key k = wake_key(due, c->id);
	enum err_code rc;

	if (!c->has_token || (c->push_due != 0 && c->push_due <= due))
		return ERR_OK;
	if ((rc = channel_calm(t, c, err)) != ERR_OK)
		return rc;
	c->push_due = due;
	return txn_put(t, key_view(&k), BYTES_NONE, err);
}

enum err_code
channel_calm(struct txn *t, struct channel *c, struct err *err)
{
	struct key k = wake_key(c->push_due, c->id);

	if (c->push_due == 0)
		return ERR_OK;
	c->push_due = 0;
	return txn_drop(t, &k, err);
}

struct list {
	struct channel_id *ret;
	size_t n;
};

static enum err_code
list_one(
    void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err)
{
	struct list *l = arg;

	(void)t;
	(void)due;
	(void)err;
	l->ret[l->n++] = (struct channel_id){ key_get_u32(key, DUE_REST),
		key_get_u32(key, DUE_REST + 4) };
	return ERR_OK;
}

enum err_code
channels_due(struct txn *t, int64_t now, struct channel_id *ret, size_t max,
    size_t *n, int64_t *next, struct err *err)
{
	struct due d = { .now = now, .max = max };
	struct list l = { .ret = ret };
	enum err_code rc = due_each(t, KIND_WAKE, &d, list_one, &l, err);

	*n = l.n;
	*next = d.next;
	return rc;
}
