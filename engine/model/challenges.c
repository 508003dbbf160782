#include "engine/model/challenges.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/model/due.h"

#define TRIM_AFTER INT64_C(7 * 86400)
#define TRIM_MAX   100

static struct key
challenge_key(const uint8_t hash[static 32])
{
	struct key k = key_of(KIND_CHALLENGE);

	key_bytes(&k, bytes_of(hash, 32));
	return k;
}

static struct key
end_key(int64_t expires, const uint8_t hash[static 32])
{
	struct key k = key_of(KIND_CHALL_END);

	key_u64(&k, (uint64_t)expires);
	key_bytes(&k, bytes_of(hash, 32));
	return k;
}

enum err_code
challenge_make(char text[static CHALLENGE_LEN + 1], struct err *err)
{
	/* 32 letters without those that are mistaken for one another: 5 bits
	 * a character */
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	uint8_t random[CHALLENGE_LEN];
	size_t i;

	if (RAND_bytes(random, sizeof(random)) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_INTERNAL, "no random bytes");
	}
	for (i = 0; i < CHALLENGE_LEN; i++)
		text[i] = letters[random[i] & 31];
	text[CHALLENGE_LEN] = '\0';
	return ERR_OK;
}

enum err_code
challenge_store(struct txn *t, const struct challenge *c, struct err *err)
{
	struct key k = challenge_key(c->hash);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 3);
	record_u32(&b, c->org);
	record_u32(&b, c->meant);
	record_i64(&b, c->expires);
	record_i64(&b, c->used_at);
	record_raw(&b, c->key_id, sizeof(c->key_id));
	record_raw(&b, c->fingerprint, sizeof(c->fingerprint));
	admission_record(&b, &c->admission);
	record_text(&b, c->name);
	record_u64(&b, c->ino);
	record_u64(&b, c->version);
	record_i64(&b, c->renews);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
challenge_put(
    struct txn *t, struct challenge *c, const char *text, struct err *err)
{
	struct key end;
	enum err_code rc;

	SHA256((const uint8_t *)text, strlen(text), c->hash);
	end = end_key(c->expires, c->hash);
	if ((rc = challenge_store(t, c, err)) == ERR_OK)
		rc = txn_put(t, key_view(&end), BYTES_NONE, err);
	return rc;
}

enum err_code
challenge_add(struct txn *t, const char *text, uint32_t org, uint32_t meant,
    int64_t expires, struct err *err)
{
	struct challenge c = { .org = org,
		.meant = meant,
		.expires = expires,
		.admission = { .way = ADMISSION_FILE } };

	return challenge_put(t, &c, text, err);
}

enum err_code
challenge_read(
    struct txn *t, const char *text, struct challenge *ret, struct err *err)
{
	struct challenge c = { 0 };
	struct bytes value;
	struct reader r;
	uint8_t version;
	struct key k;
	enum err_code rc;

	SHA256((const uint8_t *)text, strlen(text), c.hash);
	k = challenge_key(c.hash);
	if ((rc = txn_get(t, key_view(&k), &value, NULL)) != ERR_OK)
		return err_set(err, rc, "the challenge is not known");
	r = reader_of(value, &version);
	c.org = read_u32(&r);
	c.meant = read_u32(&r);
	c.expires = read_i64(&r);
	c.used_at = read_i64(&r);
	read_raw(&r, c.key_id, sizeof(c.key_id));
	read_raw(&r, c.fingerprint, sizeof(c.fingerprint));
	if (version >= 2) {
		admission_read(&r, &c.admission);
		read_text(&r, c.name, sizeof(c.name));
		c.ino = read_u64(&r);
		c.version = read_u64(&r);
	}
	if (version >= 3)
		c.renews = read_i64(&r);
	if ((rc = record_end(&r, "challenge", err)) == ERR_OK)
		*ret = c;
	return rc;
}

enum err_code
challenges_trim(struct txn *t, int64_t now, struct err *err)
{
	struct due d = { .now = now - TRIM_AFTER, .max = TRIM_MAX };

	return due_drop(t, KIND_CHALL_END, KIND_CHALLENGE, &d, err);
}
