#include "engine/model/org_purge.h"

#include "engine/model/device_acts.h"
#include "engine/model/events.h"
#include "engine/model/mass.h"
#include "engine/model/orgs.h"

#define DEVICES_AT_ONCE 64

struct purge {
	struct engine *engine;
	struct org org; /* number 0: none is due */
	uint32_t devices[DEVICES_AT_ONCE];
	size_t n;
	uint32_t dropped;
	bool over;
};

static enum err_code
find_due(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct purge *p = arg;
	struct org o;
	enum err_code rc = org_decode(value, key_get_u32(key, 1), &o, err);

	if (rc != ERR_OK || o.removed_at == 0 ||
	    o.removed_at + ORG_KEPT > engine_now(p->engine))
		return rc;
	p->org = o;
	*stop = true;
	return ERR_OK;
}

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct purge *p = arg;
	struct key prefix = key_of(KIND_ORG);

	p->org = (struct org){ .number = 0 };
	return txn_each(t, key_view(&prefix), BYTES_NONE, find_due, p, err);
}

static enum err_code
note_device(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct purge *p = arg;

	(void)value;
	(void)err;
	p->devices[p->n++] = key_get_u32(key, 5);
	*stop = p->n == DEVICES_AT_ONCE;
	return ERR_OK;
}

struct records {
	struct key keys[32];
	size_t n;
};

static enum err_code
note_key(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct records *r = arg;

	(void)value;
	(void)err;
	r->keys[r->n].len = 0;
	key_bytes(&r->keys[r->n++], key);
	*stop = r->n == sizeof(r->keys) / sizeof(r->keys[0]);
	return ERR_OK;
}

/* All records of a kind whose keys begin with the organization's number. */
static enum err_code
drop_kind(struct txn *t, enum kind kind, uint32_t org, struct err *err)
{
	struct key prefix = key_of(kind);
	struct records r;
	enum err_code rc;
	size_t i;

	key_u32(&prefix, org);
	do {
		r.n = 0;
		rc = txn_each(
		    t, key_view(&prefix), BYTES_NONE, note_key, &r, err);
		for (i = 0; rc == ERR_OK && i < r.n; i++)
			rc = txn_drop(t, &r.keys[i], err);
	} while (rc == ERR_OK && r.n > 0);
	return rc;
}

/* With its last devices gone, the organization's own records. */
static enum err_code
drop_org(struct txn *t, struct purge *p, struct err *err)
{
	static const enum kind kinds[] = { KIND_IDENTITY, KIND_SLOT,
		KIND_OWN_KEY, KIND_REQUEST, KIND_PROBE, KIND_NOTICE,
		KIND_ENROLL, KIND_TOKEN_BEARER };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; rc == ERR_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		rc = drop_kind(t, kinds[i], p->org.number, err);
	if (rc == ERR_OK)
		rc = mass_drop_org(t, p->org.number, err);
	if (rc == ERR_OK)
		rc = org_drop(t, &p->org, err);
	p->over = true;
	return rc == ERR_OK
	           ? event_record(t, p->engine, 0, err,
			 "organization %s, removed %d days ago, is gone for "
			 "good: its CA, its keys and %u devices were dropped",
			 p->org.name, ORG_KEPT / 86400, p->dropped)
	           : rc;
}

static enum err_code
drop_txn(struct txn *t, void *arg, struct err *err)
{
	struct purge *p = arg;
	struct key prefix = key_of(KIND_DEVICE_ORG);
	struct device d;
	enum err_code rc;
	size_t i;

	p->over = false;
	p->n = 0;
	rc = org_read(t, p->org.number, &p->org, err);
	if (rc != ERR_OK || p->org.removed_at == 0) {
		p->over = true; /* it is back */
		return rc;
	}
	key_u32(&prefix, p->org.number);
	rc = txn_each(t, key_view(&prefix), BYTES_NONE, note_device, p, err);
	for (i = 0; rc == ERR_OK && i < p->n; i++)
		if ((rc = device_read(t, p->devices[i], &d, err)) == ERR_OK)
			rc = device_forget(t, &d, engine_now(p->engine), err);
	return rc == ERR_OK && p->n == 0 ? drop_org(t, p, err) : rc;
}

enum err_code
orgs_purge(struct engine *e, struct err *err)
{
	struct purge p = { .engine = e };
	enum err_code rc;

	while ((rc = store_view(e->store, find_txn, &p, err)) == ERR_OK &&
	       p.org.number != 0) {
		p.dropped = 0;
		do {
			rc = store_update(e->store, drop_txn, &p, err);
			p.dropped += (uint32_t)p.n;
		} while (rc == ERR_OK && !p.over);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}
