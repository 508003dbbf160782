#include "engine/model/slot_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/slot_names.h"
#include "engine/model/slot_priv.h"
#include "engine/pki/csr.h"

void
slot_request_fini(struct slot_request *r)
{
	buf_free(&r->names);
	buf_free(&r->der);
}

void
slot_request_fingerprint(
    const uint8_t key_id[static KEYSPEC_ID_LEN], char ret[static 17])
{
	int i;

	for (i = 0; i < 8; i++)
		snprintf(ret + 2 * i, 3, "%02x", key_id[i]);
}

/* ---- in the store ------------------------------------------------------- */

static struct key
request_key(struct slot_id lasting)
{
	struct key k = key_of(KIND_REQUEST);

	key_u32(&k, lasting.org);
	key_u8(&k, (uint8_t)lasting.slot);
	key_u64(&k, lasting.dir);
	return k;
}

static enum err_code
decode(struct bytes key, struct bytes value, struct slot_request *ret,
    struct err *err)
{
	struct slot_request r = { .made = 0 };
	uint8_t version;
	struct reader reader = reader_of(value, &version);
	enum err_code rc;

	r.id.org = key_get_u32(key, 1);
	r.id.slot = (enum slot)key.p[5];
	r.dir = read_u64(&reader);
	r.file = read_u64(&reader);
	read_raw(&reader, r.key_id, sizeof(r.key_id));
	r.made = read_i64(&reader);
	read_text(&reader, r.subject, sizeof(r.subject));
	buf_bytes(&r.names, read_bytes(&reader));
	buf_bytes(&r.der, read_bytes(&reader));
	r.lasting = key_get_u64(key, 6);
	if (r.lasting != 0)
		r.id.dir = r.dir;
	if ((rc = record_end(&reader, "request", err)) == ERR_OK &&
	    (rc = buf_error(&r.names, err)) == ERR_OK)
		rc = buf_error(&r.der, err);
	if (rc == ERR_OK)
		*ret = r;
	else
		slot_request_fini(&r);
	return rc;
}

enum err_code
slot_request_get(
    struct txn *t, struct slot_id id, struct slot_request *ret, struct err *err)
{
	struct slot_id lasting;
	struct bytes value;
	struct key k;
	enum err_code rc = slot_lasting_id(t, id, &lasting, NULL);

	if (rc == ERR_OK) {
		k = request_key(lasting);
		rc = txn_get(t, key_view(&k), &value, NULL);
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "there is no request that waits");
	return decode(key_view(&k), value, ret, err);
}

static enum err_code
put(struct txn *t, struct slot_request *r, struct err *err)
{
	struct slot_id lasting;
	struct buf b = { 0 };
	struct key k;
	enum err_code rc = slot_lasting_id(t, r->id, &lasting, err);

	if (rc != ERR_OK)
		return rc;
	r->lasting = lasting.dir;
	k = request_key(lasting);
	record_u8(&b, 1);
	record_u64(&b, r->dir);
	record_u64(&b, r->file);
	record_raw(&b, r->key_id, sizeof(r->key_id));
	record_i64(&b, r->made);
	record_text(&b, r->subject);
	record_bytes(&b, buf_view(&r->names));
	record_bytes(&b, buf_view(&r->der));
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
slot_request_drop(struct txn *t, const struct slot_request *r, struct err *err)
{
	struct slot_id lasting = r->id;
	struct key k;

	lasting.dir = r->lasting; /* its directory may be gone */
	k = request_key(lasting);
	return txn_drop(t, &k, err);
}

/* ---- making ------------------------------------------------------------- */

/* What it carries now, as text; none is fine. */
static enum err_code
make(struct txn *t, const struct slot_request *r, bool tls, struct buf *names,
    struct buf *der, struct err *err)
{
	struct csr_wanted wanted = { .subject = r->subject };
	struct slot_names list = { .n = 0 };
	struct pkey *key = NULL;
	enum err_code rc = ERR_OK;

	if (tls)
		rc = slot_names_read(t, r->id.org, r->dir, &list, err);
	wanted.names = list.v;
	wanted.n_names = list.n;
	slot_names_text(&list, names);
	if (rc == ERR_OK && (!tls || list.n > 0) &&
	    (rc = slot_key_read(t, r->id, r->key_id, &key, err)) == ERR_OK)
		rc = csr_make(key, &wanted, der, err);
	if (rc == ERR_OK)
		rc = buf_error(names, err);
	pkey_free(key);
	slot_names_fini(&list);
	return rc;
}

/* Whether old has what r asks for, so that its bytes can stay. */
static bool
is_same(const struct slot_request *old, const struct slot_request *r,
    const struct buf *names, bool tls)
{
	return old->der.len > 0 &&
	       memcmp(old->key_id, r->key_id, sizeof(r->key_id)) == 0 &&
	       strcmp(old->subject, r->subject) == 0 &&
	       (!tls || names->len == 0 ||
		   bytes_equal(buf_view(&old->names), buf_view(names)));
}

/* What has become of old, if why is not known. */
static void
explain(const struct slot_request *old, struct slot_request *r, const char *why,
    struct buf *ret)
{
	if (why != NULL) {
		buf_text(ret, why);
		return;
	}
	buf_printf(ret, "%s: %s",
	    old->der.len > 0 ? "it was made again with the same key, because "
			       "its names have changed"
			     : "its names are there now",
	    buf_str(&r->names));
}

static enum err_code
tell(struct txn *t, struct engine *e, const struct slot_request *r,
    const char *why, struct err *err)
{
	struct buf path = { 0 }, advice = { 0 };
	char fingerprint[17];
	enum err_code rc;

	slot_request_fingerprint(r->key_id, fingerprint);
	if (r->der.len > 0) {
		buf_text(&path, "is in ");
		slot_request_path(t, r->id, &path);
	} else {
		buf_text(&path, "waits for a name");
	}
	rc = slot_request_advice(t, r, &advice, err);
	if (rc == ERR_OK)
		rc = event_record(t, e, r->id.org, err,
		    "%s: the request for %s (key %s) %s; %s. Next: %s",
		    slot_kind_of(r->id)->name, r->subject, fingerprint,
		    buf_str(&path), why, buf_str(&advice));
	buf_free(&path);
	buf_free(&advice);
	return rc;
}

enum err_code
slot_request_store(struct txn *t, struct engine *e, struct slot_request *r,
    const char *why, struct err *err)
{
	bool tls = slot_kind_of(r->id)->purpose == SLOT_TLS, same;
	struct buf names = { 0 }, der = { 0 }, said = { 0 };
	struct slot_request old = { .made = 0 };
	enum err_code rc = slot_request_get(t, r->id, &old, NULL);

	if (rc != ERR_OK && rc != ERR_NOT_FOUND) {
		rc = err_set(err, rc, "request: %s", err_text(rc));
		goto out;
	}
	if ((rc = make(t, r, tls, &names, &der, err)) != ERR_OK)
		goto out;
	same = is_same(&old, r, &names, tls);
	buf_reset(&r->names);
	buf_reset(&r->der);
	buf_bytes(&r->names, buf_view(same ? &old.names : &names));
	buf_bytes(&r->der, buf_view(same ? &old.der : &der));
	if (same)
		r->made = old.made;
	explain(&old, r, why, &said);
	if ((rc = put(t, r, err)) == ERR_OK && !same &&
	    (why != NULL || der.len > 0))
		rc = tell(t, e, r, buf_str(&said), err);
out:
	slot_request_fini(&old);
	buf_free(&said);
	buf_free(&names);
	buf_free(&der);
	return rc;
}

/* ---- all of them -------------------------------------------------------- */

struct walk {
	struct txn *t;
	struct engine *engine;
	uint64_t file; /* looked for */
	struct slot_request *found;
};

static enum err_code
find_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct walk *w = arg;
	struct slot_request r;
	enum err_code rc = decode(key, value, &r, err);

	if (rc != ERR_OK)
		return rc;
	if (r.file == w->file) {
		*w->found = r;
		w->found = NULL;
		*stop = true;
	} else {
		slot_request_fini(&r);
	}
	return ERR_OK;
}

static struct key
prefix_of(uint32_t org)
{
	struct key k = key_of(KIND_REQUEST);

	key_u32(&k, org);
	return k;
}

enum err_code
slot_request_of_file(struct txn *t, uint32_t org, uint64_t file,
    struct slot_request *ret, struct err *err)
{
	struct walk w = { .t = t, .file = file, .found = ret };
	struct key prefix = prefix_of(org);
	enum err_code rc =
	    txn_each(t, key_view(&prefix), BYTES_NONE, find_one, &w, err);

	if (rc == ERR_OK && w.found != NULL)
		return ERR_NOT_FOUND;
	return rc;
}

static enum err_code
rename_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct walk *w = arg;
	struct err why = { 0 };
	struct slot_request r;
	enum err_code rc = decode(key, value, &r, err);

	(void)stop;
	if (rc != ERR_OK)
		return rc;
	r.made = engine_now(w->engine);
	if (r.id.slot == SLOT_OF_TLS)
		rc = slot_request_store(w->t, w->engine, &r, NULL, &why);
	slot_request_fini(&r);
	if (rc == ERR_OK || rc == ERR_NOT_FOUND)
		return ERR_OK; /* the directory was removed, it will follow */
	return err_set(err, rc, "%s", why.msg);
}

enum err_code
slot_request_rename(
    struct txn *t, struct engine *e, uint32_t org, struct err *err)
{
	struct walk w = { .t = t, .engine = e };
	struct key prefix = org == 0 ? key_of(KIND_REQUEST) : prefix_of(org);

	return txn_each(t, key_view(&prefix), BYTES_NONE, rename_one, &w, err);
}
