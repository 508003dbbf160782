#include "engine/model/certs.h"

#include <string.h>

#include "engine/model/devices.h"
#include "engine/model/due.h"

#define TRIM_MAX 500 /* at once */

static struct key
cert_key(enum kind kind, const uint8_t fingerprint[static 32])
{
	struct key k = key_of(kind);

	key_bytes(&k, bytes_of(fingerprint, CERT_FINGERPRINT_LEN));
	return k;
}

static struct key
end_key(int64_t expires, const uint8_t fingerprint[static 32])
{
	struct key k = key_of(KIND_CERT_END);

	key_u64(&k, expires < 0 ? 0 : (uint64_t)expires);
	key_bytes(&k, bytes_of(fingerprint, CERT_FINGERPRINT_LEN));
	return k;
}

const char *
cert_state_text(enum cert_state state)
{
	switch (state) {
	case CERT_SUPERSEDED:
		return "replaced";
	case CERT_REVOKED:
		return "revoked";
	case CERT_CEASED:
		return "given up when its device checked out";
	case CERT_VALID:
		break;
	}
	return "valid";
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
	if (version >= 3) {
		read_text(&r, i.name, sizeof(i.name));
		read_raw(&r, i.renews, sizeof(i.renews));
		read_raw(&r, i.renewed_by, sizeof(i.renewed_by));
		i.ended_at = read_i64(&r);
		admission_read(&r, &i.admission);
	}
	if ((rc = record_end(&r, "certificate", err)) == ERR_OK)
		*ret = i;
	return rc;
}

enum err_code
issued_store(struct txn *t, const struct issued *i, struct err *err)
{
	struct key k = cert_key(KIND_CERT, i->fingerprint);
	struct key end = end_key(i->expires, i->fingerprint);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 3);
	record_u32(&b, i->org);
	record_u32(&b, i->device);
	record_u32(&b, i->meant);
	record_u8(&b, (uint8_t)i->state);
	record_i64(&b, i->expires);
	record_raw(&b, i->key_id, sizeof(i->key_id));
	record_i64(&b, i->begins);
	record_text(&b, i->name);
	record_raw(&b, i->renews, sizeof(i->renews));
	record_raw(&b, i->renewed_by, sizeof(i->renewed_by));
	record_i64(&b, i->ended_at);
	admission_record(&b, &i->admission);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	if (rc == ERR_OK)
		rc = txn_put(t, key_view(&end), BYTES_NONE, err);
	buf_free(&b);
	return rc;
}

#define SERIAL_MAX 20 /* bytes: RFC 5280 4.1.2.2 */

/* False: no certificate that follows RFC 5280 has such a one. */
static bool
serial_key(struct key *ret, uint32_t org, struct bytes serial)
{
	if (serial.len == 0 || serial.len > SERIAL_MAX)
		return false;
	*ret = key_of(KIND_CERT_SERIAL);
	key_u32(ret, org);
	key_u8(ret, (uint8_t)serial.len);
	key_bytes(ret, serial);
	return true;
}

/* The certificate's own entry. */
static bool
own_serial_key(struct key *ret, uint32_t org, const struct cert *cert)
{
	if (!serial_key(ret, org, cert_serial_bytes(cert)))
		return false;
	key_bytes(ret, bytes_of(cert_fingerprint(cert), CERT_FINGERPRINT_LEN));
	return true;
}

enum err_code
issued_add(struct txn *t, const struct issued *i, const struct cert *cert,
    struct err *err)
{
	struct key der = cert_key(KIND_CERT_DER, i->fingerprint);
	struct key serial;
	struct issued with = *i;
	enum err_code rc;

	with.begins = cert_begins(cert);
	rc = issued_store(t, &with, err);
	if (rc == ERR_OK)
		rc = txn_put(t, key_view(&der), cert_der(cert), err);
	if (rc == ERR_OK && own_serial_key(&serial, i->org, cert))
		rc = txn_put(t, key_view(&serial), BYTES_NONE, err);
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
    enum cert_state state, int64_t now, struct err *err)
{
	struct issued i;
	enum err_code rc = issued_read(t, fingerprint, &i, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "certificate: %s", err_text(rc));
	if (i.state == CERT_VALID)
		i.ended_at = now;
	i.state = state;
	return issued_store(t, &i, err);
}

enum err_code
issued_end_successors(struct txn *t, const uint8_t fingerprint[static 32],
    enum cert_state state, int64_t now, struct err *err)
{
	struct issued i;
	enum err_code rc = ERR_OK;

	if (issued_read(t, fingerprint, &i, NULL) != ERR_OK)
		return ERR_OK;
	/* each is younger than the one that it renews: there are no circles */
	while (rc == ERR_OK &&
	       issued_read(t, i.renewed_by, &i, NULL) == ERR_OK &&
	       i.device == 0)
		if (i.state == CERT_VALID)
			rc = issued_end(t, i.fingerprint, state, now, err);
	return rc;
}

/* ---- by serial number --------------------------------------------------- */

enum err_code
issued_cert(struct txn *t, const uint8_t fingerprint[static 32],
    struct cert **ret, struct err *err)
{
	struct buf der = { 0 };
	enum err_code rc = issued_der(t, fingerprint, &der, err);

	if (rc == ERR_OK)
		rc = cert_parse(buf_view(&der), ret, err);
	buf_free(&der);
	return rc;
}

struct each {
	struct txn *t;
	issued_fn *fn;
	void *arg;
};

static enum err_code
each_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const struct each *x = arg;
	uint8_t fingerprint[CERT_FINGERPRINT_LEN];
	struct issued i;

	(void)value;
	memcpy(fingerprint, key.p + key.len - sizeof(fingerprint),
	    sizeof(fingerprint));
	if (issued_read(x->t, fingerprint, &i, NULL) != ERR_OK)
		return ERR_OK;
	return x->fn(x->arg, x->t, &i, stop, err);
}

enum err_code
issued_each(
    struct txn *t, uint32_t org, issued_fn *fn, void *arg, struct err *err)
{
	struct each x = { t, fn, arg };
	struct key prefix = key_of(KIND_CERT_SERIAL);

	key_u32(&prefix, org);
	return txn_each(t, key_view(&prefix), BYTES_NONE, each_one, &x, err);
}

struct search {
	const struct cert *ca;
	struct issued *ret;
	bool found;
};

/* Whoever moves in brings another CA's, with whatever number. */
static enum err_code
search_one(void *arg, struct txn *t, const struct issued *i, bool *stop,
    struct err *err)
{
	struct search *s = arg;
	struct cert *c = NULL;

	(void)err;
	if (issued_cert(t, i->fingerprint, &c, NULL) == ERR_OK &&
	    cert_issued_by(c, s->ca)) {
		*s->ret = *i;
		s->found = *stop = true;
	}
	cert_free(c);
	return ERR_OK;
}

enum err_code
issued_by_serial(struct txn *t, uint32_t org, struct bytes serial,
    const struct cert *ca, struct issued *ret, struct err *err)
{
	struct search s = { .ca = ca, .ret = ret };
	struct each x = { t, search_one, &s };
	struct key prefix;
	enum err_code rc = ERR_OK;

	if (serial_key(&prefix, org, serial))
		rc = txn_each(
		    t, key_view(&prefix), BYTES_NONE, each_one, &x, err);
	if (rc == ERR_OK && !s.found)
		rc = err_set(err, ERR_NOT_FOUND,
		    "no certificate with that serial number was issued");
	return rc;
}

static enum err_code
index_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct txn *t = arg;
	struct cert *c = NULL;
	struct issued i;
	struct key serial;
	enum err_code rc = ERR_OK;

	(void)stop;
	if (key.len == 1 + CERT_FINGERPRINT_LEN &&
	    issued_read(t, key.p + 1, &i, NULL) == ERR_OK &&
	    cert_parse(value, &c, NULL) == ERR_OK &&
	    own_serial_key(&serial, i.org, c))
		rc = txn_put(t, key_view(&serial), BYTES_NONE, err);
	cert_free(c);
	return rc;
}

enum err_code
issued_index(struct txn *t, struct err *err)
{
	struct key entries = key_of(KIND_CERT_SERIAL);
	struct key certs = key_of(KIND_CERT_DER);
	struct bytes key, value;

	if (txn_last(t, key_view(&entries), &key, &value, NULL) == ERR_OK)
		return ERR_OK;
	return txn_each(t, key_view(&certs), BYTES_NONE, index_one, t, err);
}

struct count {
	struct txn *t;
	uint32_t org;
	uint32_t n;
};

static enum err_code
count_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct count *c = arg;
	struct issued i;

	(void)value;
	(void)stop;
	(void)err;
	if (key.len == 9 + CERT_FINGERPRINT_LEN &&
	    issued_read(c->t, key.p + 9, &i, NULL) == ERR_OK &&
	    i.org == c->org && i.state == CERT_VALID)
		c->n++;
	return ERR_OK;
}

uint32_t
issued_count(struct txn *t, uint32_t org, int64_t expires)
{
	struct count c = { t, org, 0 };
	struct key prefix = key_of(KIND_CERT_END);

	key_u64(&prefix, (uint64_t)expires);
	return txn_each(t, key_view(&prefix), BYTES_NONE, count_one, &c,
		   NULL) == ERR_OK
	           ? c.n
	           : 0;
}

/* ---- forgetting --------------------------------------------------------- */

/* A device that was away may come back with it: look again in a while. */
static bool
in_use(struct txn *t, const struct issued *i)
{
	struct device d;

	return i->device != 0 &&
	       device_read(t, i->device, &d, NULL) == ERR_OK &&
	       device_has_certificate(&d, i->fingerprint);
}

static enum err_code
trim_one(
    void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err)
{
	const struct due *d = arg;
	uint8_t fingerprint[CERT_FINGERPRINT_LEN];
	struct key later, record, der, serial;
	struct cert *c = NULL;
	struct issued i;
	enum err_code rc;

	(void)due;
	if (key.len != DUE_REST + sizeof(fingerprint))
		return txn_del(t, key, err);
	memcpy(fingerprint, key.p + DUE_REST, sizeof(fingerprint));
	if ((rc = txn_del(t, key, err)) != ERR_OK)
		return rc;
	if (issued_read(t, fingerprint, &i, NULL) == ERR_OK && in_use(t, &i)) {
		later = end_key(d->now + 2 * ISSUED_KEPT, fingerprint);
		return txn_put(t, key_view(&later), BYTES_NONE, err);
	}
	record = cert_key(KIND_CERT, fingerprint);
	der = cert_key(KIND_CERT_DER, fingerprint);
	if (issued_read(t, fingerprint, &i, NULL) == ERR_OK &&
	    issued_cert(t, fingerprint, &c, NULL) == ERR_OK &&
	    own_serial_key(&serial, i.org, c))
		rc = txn_drop(t, &serial, err);
	cert_free(c);
	if (rc == ERR_OK && (rc = txn_drop(t, &record, err)) == ERR_OK)
		rc = txn_drop(t, &der, err);
	return rc;
}

enum err_code
issued_trim(struct txn *t, int64_t now, bool *more, struct err *err)
{
	struct due d = { .now = now - ISSUED_KEPT, .max = TRIM_MAX };
	enum err_code rc = due_each(t, KIND_CERT_END, &d, trim_one, &d, err);

	if (rc == ERR_OK)
		*more = d.next != 0 && d.next <= d.now;
	return rc;
}

enum err_code
issued_drop(struct txn *t, const uint8_t fingerprint[static 32],
    int64_t expires, struct err *err)
{
	struct key end = end_key(expires, fingerprint);
	struct key record = cert_key(KIND_CERT, fingerprint);
	struct key der = cert_key(KIND_CERT_DER, fingerprint);
	enum err_code rc = txn_drop(t, &end, err);

	if (rc == ERR_OK)
		rc = txn_drop(t, &record, err);
	return rc == ERR_OK ? txn_drop(t, &der, err) : rc;
}
