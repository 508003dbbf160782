#include "engine/model/certs.h"

#include <string.h>

static struct key
cert_key(enum kind kind, const uint8_t fingerprint[static 32])
{
	struct key k = key_of(kind);

	key_bytes(&k, bytes_of(fingerprint, CERT_FINGERPRINT_LEN));
	return k;
}

enum err_code
issued_read(struct txn *t, const uint8_t fingerprint[static 32],
    struct issued *ret, struct err *err)
{
	struct key k = cert_key(KIND_CERT, fingerprint);
	struct issued i = { 0 };
	struct bytes value;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc != ERR_OK)
		return err_set(
		    err, rc, "the certificate was not issued or imported here");
	memcpy(i.fingerprint, fingerprint, sizeof(i.fingerprint));
	r = reader_of(value, &version);
	i.org = read_u32(&r);
	i.device = read_u32(&r);
	i.meant = read_u32(&r);
	i.state = (enum cert_state)read_u8(&r);
	i.expires = read_i64(&r);
	read_raw(&r, i.key_id, sizeof(i.key_id));
	if (version >= 2)
		i.begins = read_i64(&r);
	if ((rc = record_end(&r, "certificate", err)) == ERR_OK)
		*ret = i;
	return rc;
}

enum err_code
issued_store(struct txn *t, const struct issued *i, struct err *err)
{
	struct key k = cert_key(KIND_CERT, i->fingerprint);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 2);
	record_u32(&b, i->org);
	record_u32(&b, i->device);
	record_u32(&b, i->meant);
	record_u8(&b, (uint8_t)i->state);
	record_i64(&b, i->expires);
	record_raw(&b, i->key_id, sizeof(i->key_id));
	record_i64(&b, i->begins);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
issued_add(struct txn *t, const struct issued *i, const struct cert *cert,
    struct err *err)
{
	struct key der = cert_key(KIND_CERT_DER, i->fingerprint);
	struct issued with = *i;
	enum err_code rc;

	with.begins = cert_begins(cert);
	rc = issued_store(t, &with, err);

	if (rc == ERR_OK)
		rc = txn_put(t, key_view(&der), cert_der(cert), err);
	return rc;
}

enum err_code
issued_der(struct txn *t, const uint8_t fingerprint[static 32], struct buf *ret,
    struct err *err)
{
	struct key k = cert_key(KIND_CERT_DER, fingerprint);
	struct bytes value;
	enum err_code rc = txn_get(t, key_view(&k), &value, err);

	if (rc != ERR_OK)
		return rc;
	buf_bytes(ret, value);
	return buf_error(ret, err);
}

enum err_code
issued_end(struct txn *t, const uint8_t fingerprint[static 32],
    enum cert_state state, struct err *err)
{
	struct issued i;
	enum err_code rc = issued_read(t, fingerprint, &i, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "certificate: %s", err_text(rc));
	i.state = state;
	return issued_store(t, &i, err);
}
