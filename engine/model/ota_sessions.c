#include "engine/model/ota_sessions.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "engine/model/due.h"

#define TRIM_MAX 100

static struct key
ota_key(const uint8_t hash[static 32])
{
	struct key k = key_of(KIND_OTA);

	key_bytes(&k, bytes_of(hash, 32));
	return k;
}

void
ota_wipe(struct ota *o)
{
	OPENSSL_cleanse(o, sizeof(*o));
}

enum err_code
ota_read(struct txn *t, uint32_t org, const char *challenge, struct ota *ret,
    struct err *err)
{
	struct ota o = { .org = 0 };
	struct buf b = { 0 };
	uint8_t version;
	struct reader r;
	struct key k;
	enum err_code rc;

	SHA256((const uint8_t *)challenge, strlen(challenge), o.hash);
	k = ota_key(o.hash);
	if ((rc = txn_get_sealed(t, key_view(&k), &b, NULL)) != ERR_OK) {
		rc = err_set(
		    err, rc, "the challenge of this enrollment is not known");
		goto out;
	}
	r = reader_of(buf_view(&b), &version);
	o.org = read_u32(&r);
	o.state = (enum ota_state)read_u8(&r);
	o.expires = read_i64(&r);
	admission_read(&r, &o.admission);
	read_text(&r, o.udid, sizeof(o.udid));
	read_text(&r, o.serial, sizeof(o.serial));
	read_raw(&r, o.signer, sizeof(o.signer));
	read_text(&r, o.identity, sizeof(o.identity));
	read_raw(&r, o.fingerprint, sizeof(o.fingerprint));
	read_text(&r, o.final, sizeof(o.final));
	rc = record_end(&r, "enrollment over the air", err);
	if (rc == ERR_OK && o.org != org)
		rc = err_set(err, ERR_NOT_FOUND,
		    "the challenge of this enrollment is of another "
		    "organization");
	if (rc == ERR_OK)
		*ret = o;
out:
	ota_wipe(&o);
	buf_wipe(&b);
	return rc;
}

enum err_code
ota_store(struct txn *t, const struct ota *o, struct err *err)
{
	struct key k = ota_key(o->hash);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_u32(&b, o->org);
	record_u8(&b, (uint8_t)o->state);
	record_i64(&b, o->expires);
	admission_record(&b, &o->admission);
	record_text(&b, o->udid);
	record_text(&b, o->serial);
	record_raw(&b, o->signer, sizeof(o->signer));
	record_text(&b, o->identity);
	record_raw(&b, o->fingerprint, sizeof(o->fingerprint));
	record_text(&b, o->final);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put_sealed(t, key_view(&k), buf_view(&b), err);
	buf_wipe(&b);
	return rc;
}

enum err_code
ota_add(struct txn *t, struct ota *o, const char *challenge, int64_t now,
    struct err *err)
{
	struct key end = key_of(KIND_OTA_END);
	enum err_code rc;

	SHA256((const uint8_t *)challenge, strlen(challenge), o->hash);
	o->expires = now + OTA_LIFE;
	key_u64(&end, (uint64_t)o->expires);
	key_bytes(&end, bytes_of(o->hash, sizeof(o->hash)));
	if ((rc = ota_store(t, o, err)) == ERR_OK)
		rc = txn_put(t, key_view(&end), BYTES_NONE, err);
	return rc == ERR_OK ? ota_trim(t, now, err) : rc;
}

enum err_code
ota_trim(struct txn *t, int64_t now, struct err *err)
{
	struct due d = { .now = now, .max = TRIM_MAX };

	return due_drop(t, KIND_OTA_END, KIND_OTA, &d, err);
}
