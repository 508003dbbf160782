#include "engine/model/bearers.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/base/text.h"

/* Stored: never change or reuse one. */
enum what { TOKEN = 1, INVITATION = 2 };

static struct key
hash_key(uint32_t org, const uint8_t hash[static BEARER_HASH])
{
	struct key k = key_of(KIND_TOKEN_BEARER);

	key_u32(&k, org);
	key_bytes(&k, bytes_of(hash, BEARER_HASH));
	return k;
}

static struct key
text_key(uint32_t org, struct bytes text)
{
	uint8_t hash[BEARER_HASH];

	SHA256(text.p, text.len, hash);
	return hash_key(org, hash);
}

/* ---- tokens ------------------------------------------------------------- */

enum err_code
bearer_make(char text[static BEARER_TOKEN + 1], struct err *err)
{
	uint8_t random[BEARER_TOKEN / 2];
	struct buf b = { 0 };
	enum err_code rc;

	if (RAND_bytes(random, sizeof(random)) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_INTERNAL, "no random bytes");
	}
	text_hex(&b, bytes_of(random, sizeof(random)));
	if ((rc = buf_error(&b, err)) == ERR_OK)
		memcpy(text, buf_str(&b), BEARER_TOKEN + 1);
	buf_wipe(&b);
	OPENSSL_cleanse(random, sizeof(random));
	return rc;
}

static enum err_code
decode(struct bytes value, struct bearer *b, struct err *err)
{
	uint8_t version;
	struct reader r = reader_of(value, &version);

	if (read_u8(&r) != TOKEN)
		return err_set(err, ERR_NOT_FOUND, "no access token");
	b->device = read_u32(&r);
	b->made_at = read_i64(&r);
	read_text(&r, b->user, sizeof(b->user));
	read_text(&r, b->apple_id, sizeof(b->apple_id));
	return record_end(&r, "access token", err);
}

static enum err_code
store(struct txn *t, uint32_t org, const struct bearer *x, struct err *err)
{
	struct key k = hash_key(org, x->hash);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_u8(&b, TOKEN);
	record_u32(&b, x->device);
	record_i64(&b, x->made_at);
	record_text(&b, x->user);
	record_text(&b, x->apple_id);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

struct trim {
	struct txn *t;
	int64_t before;
};

static enum err_code
trim_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct trim *trim = arg;
	struct bearer b = { .device = 0 };

	(void)stop;
	if (decode(value, &b, NULL) != ERR_OK || b.device != 0 ||
	    b.made_at > trim->before)
		return ERR_OK;
	return txn_del(trim->t, key, err);
}

enum err_code
bearer_add(struct txn *t, uint32_t org, const char *text,
    const struct bearer *b, struct err *err)
{
	struct trim trim = { t, b->made_at - BEARER_UNUSED };
	struct key prefix = key_of(KIND_TOKEN_BEARER);
	struct bearer fresh = *b;
	enum err_code rc;

	key_u32(&prefix, org);
	rc = txn_each(t, key_view(&prefix), BYTES_NONE, trim_one, &trim, err);
	SHA256((const uint8_t *)text, strlen(text), fresh.hash);
	return rc == ERR_OK ? store(t, org, &fresh, err) : rc;
}

static enum err_code
read_hash(struct txn *t, uint32_t org, const uint8_t hash[static BEARER_HASH],
    struct bearer *ret, struct err *err)
{
	struct key k = hash_key(org, hash);
	struct bearer b = { .device = 0 };
	struct bytes value;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc != ERR_OK)
		return err_set(err, rc, "the access token is not known");
	memcpy(b.hash, hash, sizeof(b.hash));
	if ((rc = decode(value, &b, err)) == ERR_OK)
		*ret = b;
	return rc;
}

enum err_code
bearer_find(struct txn *t, uint32_t org, struct bytes text, int64_t now,
    struct bearer *ret, struct err *err)
{
	uint8_t hash[BEARER_HASH];
	struct bearer b;
	enum err_code rc;

	SHA256(text.p, text.len, hash);
	rc = read_hash(t, org, hash, &b, err);
	if (rc == ERR_OK && b.device == 0 && b.made_at + BEARER_UNUSED < now)
		return err_set(err, ERR_NOT_FOUND,
		    "the access token was not used in time");
	if (rc == ERR_OK)
		*ret = b;
	return rc;
}

enum err_code
bearer_bind(struct txn *t, uint32_t org, const uint8_t hash[static BEARER_HASH],
    uint32_t device, struct err *err)
{
	struct bearer b;
	enum err_code rc = read_hash(t, org, hash, &b, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "access token: %s", err_text(rc));
	b.device = device;
	return store(t, org, &b, err);
}

enum err_code
bearer_forget(struct txn *t, uint32_t org,
    const uint8_t hash[static BEARER_HASH], struct err *err)
{
	struct key k = hash_key(org, hash);

	return txn_drop(t, &k, err);
}

/* ---- invitations -------------------------------------------------------- */

enum err_code
bearer_put_invitation(struct txn *t, uint32_t org, const char *code,
    uint64_t ino, struct err *err)
{
	struct key k = text_key(org, bytes_text(code));
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_u8(&b, INVITATION);
	record_u64(&b, ino);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
bearer_invitation(struct txn *t, uint32_t org, const char *code, uint64_t *ret,
    struct err *err)
{
	struct key k = text_key(org, bytes_text(code));
	struct bytes value;
	struct reader r;
	uint8_t version;
	uint64_t ino;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc != ERR_OK)
		return err_set(err, rc, "the invitation is not known");
	r = reader_of(value, &version);
	if (read_u8(&r) != INVITATION)
		return err_set(err, ERR_NOT_FOUND, "no invitation");
	ino = read_u64(&r);
	if ((rc = record_end(&r, "invitation", err)) == ERR_OK)
		*ret = ino;
	return rc;
}

enum err_code
bearer_drop(struct txn *t, uint32_t org, struct bytes text, struct err *err)
{
	struct key k = text_key(org, text);

	return txn_drop(t, &k, err);
}
