#include "engine/model/devices.h"

#include <string.h>

#include "engine/model/facts.h"
#include "engine/model/groups.h"
#include "engine/model/orgs.h"

static struct key
device_key(uint32_t number)
{
	struct key k = key_of(KIND_DEVICE);

	key_u32(&k, number);
	return k;
}

static struct key
id_key(const char *udid)
{
	struct key k = key_of(KIND_DEVICE_ID);

	key_bytes(&k, bytes_text(udid));
	return k;
}

static struct key
in_org_key(uint32_t org, uint32_t number)
{
	struct key k = key_of(KIND_DEVICE_ORG);

	key_u32(&k, org);
	key_u32(&k, number);
	return k;
}

bool
device_id_valid(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len <= DEVICE_ID_MAX &&
	       strspn(id,
		   "0123456789-"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
	           len;
}

static enum err_code
decode(struct bytes value, uint32_t number, struct device *ret, struct err *err)
{
	struct device d = { .number = number };
	uint8_t version;
	struct reader r = reader_of(value, &version);
	enum err_code rc;

	d.org = read_u32(&r);
	read_text(&r, d.udid, sizeof(d.udid));
	d.state = (enum device_state)read_u8(&r);
	d.user_enrollment = read_u8(&r) != 0;
	read_raw(&r, d.fingerprint, sizeof(d.fingerprint));
	d.enrolled_at = read_i64(&r);
	d.seen_at = read_i64(&r);
	d.last_user = read_u32(&r);
	if (version >= 2) {
		read_raw(&r, d.replaced, sizeof(d.replaced));
		d.renew_at = read_i64(&r);
	}
	if ((rc = record_end(&r, "device", err)) == ERR_OK)
		*ret = d;
	return rc;
}

enum err_code
device_read(struct txn *t, uint32_t number, struct device *ret, struct err *err)
{
	struct key k = device_key(number);
	struct bytes value;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc != ERR_OK)
		return err_set(err, rc, "device #%u: %s", number, err_text(rc));
	return decode(value, number, ret, err);
}

enum err_code
device_by_id(
    struct txn *t, const char *udid, struct device *ret, struct err *err)
{
	struct key k;
	uint32_t number;
	enum err_code rc = ERR_NOT_FOUND;

	if (strlen(udid) <= DEVICE_ID_MAX) {
		k = id_key(udid);
		rc = index_get_u32(t, &k, &number);
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "there is no device %.64s", udid);
	return device_read(t, number, ret, err);
}

enum err_code
device_store(struct txn *t, const struct device *d, struct err *err)
{
	struct key k = device_key(d->number);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 2);
	record_u32(&b, d->org);
	record_text(&b, d->udid);
	record_u8(&b, (uint8_t)d->state);
	record_u8(&b, d->user_enrollment);
	record_raw(&b, d->fingerprint, sizeof(d->fingerprint));
	record_i64(&b, d->enrolled_at);
	record_i64(&b, d->seen_at);
	record_u32(&b, d->last_user);
	record_raw(&b, d->replaced, sizeof(d->replaced));
	record_i64(&b, d->renew_at);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

static const uint8_t no_fingerprint[32];

bool
device_has_certificate(
    const struct device *d, const uint8_t fingerprint[static 32])
{
	return memcmp(d->fingerprint, fingerprint, sizeof(d->fingerprint)) ==
	           0 ||
	       (memcmp(d->replaced, fingerprint, sizeof(d->replaced)) == 0 &&
		   memcmp(d->replaced, no_fingerprint, sizeof(d->replaced)) !=
		       0);
}

enum err_code
device_drop_replaced(struct txn *t, struct device *d, enum cert_state state,
    int64_t now, struct err *err)
{
	enum err_code rc = issued_end(t, d->replaced, state, now, err);

	memset(d->replaced, 0, sizeof(d->replaced));
	return rc;
}

enum err_code
device_create(struct txn *t, const char *udid, uint32_t org, struct device *ret,
    struct err *err)
{
	struct device d = { .org = org };
	struct key id = id_key(udid), in_org;
	uint64_t number;
	enum err_code rc = counter_next(t, "device", &number, err);

	if (rc != ERR_OK)
		return rc;
	d.number = (uint32_t)number;
	memcpy(d.udid, udid, strlen(udid) + 1);
	in_org = in_org_key(org, d.number);
	if ((rc = index_put_u32(t, &id, d.number, err)) == ERR_OK &&
	    (rc = txn_put(t, key_view(&in_org), BYTES_NONE, err)) == ERR_OK &&
	    (rc = device_store(t, &d, err)) == ERR_OK)
		*ret = d;
	return rc;
}

enum err_code
device_move(struct txn *t, struct device *d, uint32_t org, struct err *err)
{
	struct key from = in_org_key(d->org, d->number);
	struct key to = in_org_key(org, d->number);
	enum err_code rc = txn_drop(t, &from, err);

	if (rc == ERR_OK)
		rc = txn_put(t, key_view(&to), BYTES_NONE, err);
	if (rc == ERR_OK)
		d->org = org;
	/* it joins others when it is stored: enrollment.c */
	return rc == ERR_OK ? groups_leave(t, d->number, err) : rc;
}

enum err_code
device_drop(struct txn *t, const struct device *d, struct err *err)
{
	struct key record = device_key(d->number), id = id_key(d->udid);
	struct key in_org = in_org_key(d->org, d->number);
	enum err_code rc = txn_drop(t, &record, err);

	if (rc == ERR_OK)
		rc = txn_drop(t, &id, err);
	if (rc == ERR_OK)
		rc = txn_drop(t, &in_org, err);
	return rc == ERR_OK ? groups_leave(t, d->number, err) : rc;
}

bool
device_udid(struct txn *t, uint32_t number, char udid[static DEVICE_ID_MAX + 1])
{
	struct device d;

	if (device_read(t, number, &d, NULL) != ERR_OK)
		return false;
	memcpy(udid, d.udid, sizeof(d.udid));
	return true;
}

enum err_code
device_org(struct txn *t, uint32_t number, uint32_t *org, struct err *err)
{
	struct device d;
	enum err_code rc = device_read(t, number, &d, err);

	if (rc == ERR_OK)
		*org = d.org;
	return rc;
}

enum err_code
device_count(
    struct txn *t, uint32_t org, int change, const char *topic, struct err *err)
{
	struct org o;
	enum err_code rc = org_read(t, org, &o, err);

	if (rc != ERR_OK)
		return rc;
	if (change > 0)
		o.enrolled++;
	else if (change < 0 && o.enrolled > 0)
		o.enrolled--;
	if (topic != NULL && strlen(topic) < sizeof(o.topic))
		memcpy(o.topic, topic, strlen(topic) + 1);
	return org_store(t, &o, err);
}

/* ---- the public verbs --------------------------------------------------- */

static void
view_of(const struct device *d, struct device_view *ret)
{
	*ret = (struct device_view){ .number = d->number,
		.org = d->org,
		.state = d->state,
		.enrolled_at = d->enrolled_at,
		.seen_at = d->seen_at };
	memcpy(ret->udid, d->udid, sizeof(ret->udid));
}

struct find {
	const char *udid;
	const char *serial;
	uint32_t number;
	struct device found;
};

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;
	enum err_code rc;

	if (f->udid != NULL)
		return device_by_id(t, f->udid, &f->found, err);
	if (f->serial != NULL &&
	    (rc = fact_serial(t, f->serial, &f->number, err)) != ERR_OK)
		return rc;
	return device_read(t, f->number, &f->found, err);
}

static enum err_code
find(struct engine *e, struct find *f, struct device_view *ret, struct err *err)
{
	enum err_code rc = store_view(e->store, find_txn, f, err);

	if (rc == ERR_OK)
		view_of(&f->found, ret);
	return rc;
}

enum err_code
device_find(struct engine *e, const char *udid, struct device_view *ret,
    struct err *err)
{
	struct find f = { .udid = udid };

	return find(e, &f, ret, err);
}

enum err_code
device_by_serial(struct engine *e, const char *serial, struct device_view *ret,
    struct err *err)
{
	struct find f = { .serial = serial };

	return find(e, &f, ret, err);
}

enum err_code
device_get(
    struct engine *e, uint32_t number, struct device_view *ret, struct err *err)
{
	struct find f = { .number = number };

	return find(e, &f, ret, err);
}

struct list {
	struct txn *t;
	uint32_t org;
	uint32_t after;
	device_fn *fn;
	void *arg;
	uint32_t n; /* how many were read */
};

static enum err_code
list_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct list *l = arg;
	struct device_view view;
	struct device d;
	enum err_code rc;

	l->n++;
	rc = l->org == 0 ? decode(value, key_get_u32(key, 1), &d, err)
	                 : device_read(l->t, key_get_u32(key, 5), &d, err);
	if (rc != ERR_OK)
		return rc;
	view_of(&d, &view);
	*stop = !l->fn(l->arg, &view);
	return ERR_OK;
}

static enum err_code
list_txn(struct txn *t, void *arg, struct err *err)
{
	struct list *l = arg;
	struct key prefix = key_of(KIND_DEVICE);
	struct key from = device_key(l->after + 1);

	l->t = t;
	if (l->org != 0) {
		prefix = key_of(KIND_DEVICE_ORG);
		key_u32(&prefix, l->org);
		from = in_org_key(l->org, l->after + 1);
	}
	return txn_each(
	    t, key_view(&prefix), key_view(&from), list_one, l, err);
}

enum err_code
device_list(struct engine *e, uint32_t org, uint32_t after, device_fn *fn,
    void *arg, struct err *err)
{
	struct list l = { .org = org, .after = after, .fn = fn, .arg = arg };
	enum err_code rc = store_view(e->store, list_txn, &l, err);

	engine_scanned(e, l.n);
	return rc;
}
