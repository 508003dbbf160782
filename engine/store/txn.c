#include <assert.h>
#include <stdlib.h>

#include "engine/store/seal.h"
#include "engine/store/store_priv.h"

/* Keys with a first byte of 0 are the store's own. */
static const uint8_t first_key[1] = { 1 };

static void
check_key(struct bytes key)
{
	assert(key.len > 0 && key.len <= STORE_KEY_MAX);
	assert(key.p[0] != 0);
}

static enum err_code
absent(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "no such record");
}

/* Remember that the backend has failed. */
static void
note_failure(struct txn *t, enum err_code rc)
{
	if (rc != ERR_OK && rc != ERR_NOT_FOUND && t->broken == ERR_OK)
		t->broken = rc;
}

static enum err_code
note(struct txn *t, enum err_code rc)
{
	note_failure(t, rc);
	return rc;
}

static enum err_code
is_broken(const struct txn *t, struct err *err)
{
	return err_set(err, t->broken, "%s: the transaction has failed before",
	    t->s->name);
}

bool
txn_is_writing(const struct txn *t)
{
	return t->writing;
}

enum err_code
txn_get_any(struct txn *t, struct bytes key, struct bytes *ret, struct err *err)
{
	struct bytes value;
	enum err_code rc;

	if (t->broken != ERR_OK)
		return is_broken(t, err);
	rc = note(t, t->b->b->ops->get(t->b, key, &value, err));
	if (rc == ERR_NOT_FOUND)
		return absent(err);
	if (rc == ERR_OK)
		*ret = value;
	return rc;
}

enum err_code
txn_get(struct txn *t, struct bytes key, struct bytes *ret, struct err *err)
{
	check_key(key);
	return txn_get_any(t, key, ret, err);
}

/* Put what key holds now on the log.  *was_there tells whether it is there. */
static enum err_code
remember(struct txn *t, struct bytes key, bool *was_there, struct err *err)
{
	struct bytes old = BYTES_NONE;
	enum err_code rc;
	struct undo *u;

	rc = note(t, t->b->b->ops->get(t->b, key, &old, err));
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	*was_there = rc == ERR_OK;
	u = malloc(sizeof(*u) + key.len + old.len);
	if (u == NULL)
		return err_set(err, ERR_NO_MEMORY, "a change of the store");
	u->was_there = *was_there;
	u->key_len = key.len;
	u->value_len = old.len;
	memcpy(u->p, key.p, key.len);
	if (old.len > 0)
		memcpy(u->p + key.len, old.p, old.len);
	SLIST_INSERT_HEAD(&t->log, u, link);
	return ERR_OK;
}

enum err_code
txn_put_any(
    struct txn *t, struct bytes key, struct bytes value, struct err *err)
{
	uint8_t k[STORE_KEY_MAX];
	enum err_code rc;
	bool was_there;

	assert(t->writing);
	if (t->broken != ERR_OK)
		return is_broken(t, err);
	if (value.len > STORE_VALUE_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "a record of %zu bytes is too big: %d at most", value.len,
		    STORE_VALUE_MAX);
	/* Both may be borrowed from the store, and LMDB moves what is on a
	 * page while it changes that page. */
	memcpy(k, key.p, key.len);
	buf_reset(&t->scratch);
	buf_bytes(&t->scratch, value);
	if ((rc = buf_error(&t->scratch, err)) != ERR_OK ||
	    (rc = remember(t, key, &was_there, err)) != ERR_OK)
		return rc;
	return note(t, t->b->b->ops->put(t->b, bytes_of(k, key.len),
			   buf_view(&t->scratch), err));
}

enum err_code
txn_put(struct txn *t, struct bytes key, struct bytes value, struct err *err)
{
	check_key(key);
	return txn_put_any(t, key, value, err);
}

enum err_code
txn_del(struct txn *t, struct bytes key, struct err *err)
{
	uint8_t k[STORE_KEY_MAX];
	enum err_code rc;
	bool was_there;

	check_key(key);
	assert(t->writing);
	if (t->broken != ERR_OK)
		return is_broken(t, err);
	memcpy(k, key.p, key.len);
	if ((rc = remember(t, key, &was_there, err)) != ERR_OK)
		return rc;
	if (!was_there) {
		struct undo *u = SLIST_FIRST(&t->log);

		SLIST_REMOVE_HEAD(&t->log, link);
		free(u);
		return absent(err);
	}
	return note(t, t->b->b->ops->del(t->b, bytes_of(k, key.len), err));
}

void
txn_forget(struct txn *t)
{
	struct undo *u;

	while ((u = SLIST_FIRST(&t->log)) != NULL) {
		SLIST_REMOVE_HEAD(&t->log, link);
		free(u);
	}
}

void
txn_undo(struct txn *t)
{
	struct bytes key;
	enum err_code rc;
	struct undo *u;

	SLIST_FOREACH(u, &t->log, link)
	{
		if (t->broken != ERR_OK)
			return;
		key = bytes_of(u->p, u->key_len);
		if (u->was_there)
			rc = t->b->b->ops->put(t->b, key,
			    bytes_of(u->p + u->key_len, u->value_len), NULL);
		else
			rc = t->b->b->ops->del(t->b, key, NULL);
		/* what the log says was put must be there */
		note_failure(t, rc == ERR_NOT_FOUND ? ERR_DAMAGED : rc);
	}
}

/* Where a walk over prefix begins. */
static size_t
first_of(struct bytes prefix, struct bytes from, uint8_t *at)
{
	struct bytes low = prefix;
	size_t common = from.len < prefix.len ? from.len : prefix.len;
	int c = common > 0 ? memcmp(from.p, prefix.p, common) : 0;

	if (c > 0 || (c == 0 && from.len > prefix.len))
		low = from;
	if (low.len == 0 || low.p[0] == 0)
		low = bytes_of(first_key, sizeof(first_key));
	memcpy(at, low.p, low.len);
	return low.len;
}

enum err_code
txn_each(struct txn *t, struct bytes prefix, struct bytes from, each_fn *fn,
    void *arg, struct err *err)
{
	uint8_t pre[STORE_KEY_MAX];
	uint8_t at[STORE_KEY_MAX + 1];
	bool stop = false;
	enum err_code rc;
	struct pair pair;
	size_t len;

	assert(prefix.len <= STORE_KEY_MAX && from.len <= STORE_KEY_MAX);
	/* fn may change the store that they are borrowed from */
	len = first_of(prefix, from, at);
	if (prefix.len > 0)
		memcpy(pre, prefix.p, prefix.len);
	prefix.p = pre;
	for (;;) {
		if (t->broken != ERR_OK)
			return is_broken(t, err);
		rc = note(
		    t, t->b->b->ops->seek(t->b, bytes_of(at, len), &pair, err));
		if (rc == ERR_NOT_FOUND)
			return ERR_OK;
		if (rc != ERR_OK)
			return rc;
		if (!bytes_begin(pair.key, prefix))
			return ERR_OK;
		/* the next key that there can be: one NUL longer */
		memcpy(at, pair.key.p, pair.key.len);
		at[pair.key.len] = 0;
		len = pair.key.len + 1;
		rc = fn(arg, pair.key, pair.value, &stop, err);
		if (rc != ERR_OK || stop)
			return rc;
	}
}

enum err_code
txn_last(struct txn *t, struct bytes prefix, struct bytes *key,
    struct bytes *value, struct err *err)
{
	uint8_t end[STORE_KEY_MAX];
	size_t len = prefix.len;
	struct pair pair;
	enum err_code rc;

	assert(prefix.len <= STORE_KEY_MAX);
	if (t->broken != ERR_OK)
		return is_broken(t, err);
	/* the first string behind all that begin with prefix; none: len 0 */
	if (len > 0)
		memcpy(end, prefix.p, len);
	while (len > 0 && end[len - 1] == 0xff)
		len--;
	if (len > 0)
		end[len - 1]++;
	rc = note(t, t->b->b->ops->last(t->b, bytes_of(end, len), &pair, err));
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == ERR_NOT_FOUND || !bytes_begin(pair.key, prefix) ||
	    pair.key.p[0] == 0)
		return absent(err);
	*key = pair.key;
	*value = pair.value;
	return ERR_OK;
}

enum err_code
txn_put_sealed(
    struct txn *t, struct bytes key, struct bytes value, struct err *err)
{
	struct buf sealed = { 0 };
	enum err_code rc;

	check_key(key);
	rc = seal_close(t->s->key, key, value, &sealed, err);
	if (rc == ERR_OK)
		rc = txn_put(t, key, buf_view(&sealed), err);
	buf_free(&sealed);
	return rc;
}

enum err_code
txn_get_sealed(
    struct txn *t, struct bytes key, struct buf *ret, struct err *err)
{
	struct bytes sealed;
	enum err_code rc;

	rc = txn_get(t, key, &sealed, err);
	if (rc != ERR_OK)
		return rc;
	return seal_open(t->s->key, key, sealed, ret, err);
}
