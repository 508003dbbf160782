#include <stdlib.h>
#include <string.h>

#include "engine/model/health_priv.h"
#include "engine/model/settings.h"
#include "engine/model/tls.h"
#include "engine/model/trust.h"
#include "engine/pki/bundle.h"

/* What there is to be looked at: certificates, organizations, roots. */

/* A certificate that is in effect, or one that is missing. */
static struct health_cert *
add_cert(struct look *x, enum health_role role, struct slot_id slot,
    const struct slot_facts *f)
{
	struct health_cert *c =
	    health_grow(x, x->h.certs, x->h.n_certs, &x->cap_certs, sizeof(*c));

	if (c == NULL)
		return NULL;
	x->h.certs = c;
	c += x->h.n_certs++;
	*c = (struct health_cert){ .role = role,
		.slot = slot,
		.whose = "",
		.path = "",
		.present = f->version != 0,
		.says = "",
		.todo = "" };
	c->facts = (struct health_facts){ .version = f->version,
		.begins = f->begins,
		.expires = f->expires,
		.chain_ends = f->chain_ends,
		.flaws = f->flaws,
		.topic = health_keep(x, f->topic),
		.subject = health_keep(x, f->subject),
		.serial = health_keep(x, f->serial),
		.issuer = health_keep(x, f->issuer),
		.missing = health_keep(x, f->missing),
		.root = health_keep(x, f->root),
		.names = health_keep(x, f->names) };
	memcpy(c->facts.fingerprint, f->fingerprint, sizeof(f->fingerprint));
	c->ends = f->chain_ends != 0 && f->chain_ends < f->expires
	              ? f->chain_ends
	              : f->expires;
	return c;
}

static enum err_code
add_if_present(struct look *x, enum health_role role, struct slot_id slot,
    struct health_cert **ret, struct err *err)
{
	struct slot_facts f;
	enum err_code rc = slot_facts(x->t, slot, &f, err);

	*ret = NULL;
	if (rc == ERR_OK && f.version != 0)
		*ret = add_cert(x, role, slot, &f);
	return rc;
}

static enum err_code
add_named_tls(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct look *x = arg;
	struct slot_id slot = { 0, SLOT_OF_TLS, n->n.ino };
	struct health_cert *c;
	enum err_code rc;

	(void)t;
	(void)stop;
	if (n->n.place != PLACE_TLS_NAMED)
		return ERR_OK;
	rc = add_if_present(x, HEALTH_TLS, slot, &c, err);
	if (c != NULL) {
		c->whose = health_text(x, "tls/%s", n->name);
		c->path = health_text(x, "system/tls/%s", n->name);
	}
	return rc;
}

static enum err_code
look_at_tls(struct look *x, struct err *err)
{
	struct health_cert *c = NULL;
	struct tls_state s;
	struct node dir;
	enum err_code rc = tls_state(x->t, &s, err);

	if (rc != ERR_OK)
		return rc;
	if (s.facts.version != 0)
		c = add_cert(x, HEALTH_TLS,
		    slot_of(0, s.own ? SLOT_OF_OWN_TLS : SLOT_OF_TLS),
		    &s.facts);
	if (c != NULL) {
		c->own = s.own;
		c->path = s.own ? "" : "system/tls";
	}
	rc = org_file(x->t, 0, NULL, "tls", &dir, NULL);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "system/tls: %s", err_text(rc));
	return node_each(x->t, dir.n.ino, 0, add_named_tls, x, err);
}

static enum err_code
add_trusted(void *arg, const struct node *n, struct cert *c, struct err *err)
{
	struct look *x = arg;

	(void)err;
	if (x->n_roots < HEALTH_ROOTS_MAX)
		x->roots[x->n_roots++] =
		    (struct health_root){ .file = health_keep(x, n->name),
			    .subject = health_keep(x, cert_subject(c)),
			    .ends = cert_expires(c) };
	return ERR_OK;
}

static enum err_code
look_at_system(struct look *x, struct err *err)
{
	struct health_cert *c;
	enum err_code rc = look_at_tls(x, err);

	if (rc == ERR_OK)
		rc = trust_each(x->t, add_trusted, x, err);
	if (rc == ERR_OK)
		rc = add_if_present(
		    x, HEALTH_VENDOR, slot_of(0, SLOT_OF_VENDOR), &c, err);
	if (rc == ERR_OK && c != NULL)
		c->path = "system/vendor";
	return rc;
}

/* clang-format off */
static const struct org_slot { enum slot slot; enum health_role role; const char *dir; } org_slots[] = {
	{ SLOT_OF_APNS,    HEALTH_PUSH,      "apns" },
	{ SLOT_OF_SIGNING, HEALTH_SIGNING,   "signing" },
	{ SLOT_OF_TLS,     HEALTH_TLS,       "tls" },
	{ SLOT_OF_CA,      HEALTH_DEVICE_CA, NULL },
};
/* clang-format on */

static enum err_code
add_org_cert(struct look *x, struct health_org *o, const struct org_slot *s,
    const struct slot_facts *f)
{
	struct health_cert *c =
	    add_cert(x, s->role, slot_of(o->number, s->slot), f);

	if (c == NULL)
		return ERR_OK; /* x->failed */
	c->whose = o->name;
	c->own = s->dir == NULL;
	if (s->dir != NULL)
		c->path = health_text(x, "orgs/%s/%s", o->name, s->dir);
	if (s->role == HEALTH_SIGNING)
		o->signer = c->facts.subject;
	return ERR_OK;
}

struct org_scan {
	struct look *x;
	struct health_org *o;
	bool push;
};

/* Only what is there is looked at: with thousands of organizations each look
 * in vain counts. */
static enum err_code
add_slot(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct org_scan *s = arg;
	struct slot_facts f;
	enum err_code rc;
	size_t i;

	(void)value;
	(void)stop;
	for (i = 0; i < sizeof(org_slots) / sizeof(org_slots[0]); i++)
		if (key.len == 6 && key.p[5] == org_slots[i].slot)
			break;
	if (i == sizeof(org_slots) / sizeof(org_slots[0]))
		return ERR_OK;
	rc = slot_facts(
	    s->x->t, slot_of(s->o->number, org_slots[i].slot), &f, err);
	if (rc != ERR_OK || f.version == 0)
		return rc;
	s->push |= org_slots[i].role == HEALTH_PUSH;
	return add_org_cert(s->x, s->o, &org_slots[i], &f);
}

static enum err_code
add_certs_of(struct look *x, struct health_org *o, struct err *err)
{
	static const struct slot_facts nothing;
	struct key prefix = key_of(KIND_SLOT);
	struct org_scan s = { x, o, false };
	enum err_code rc;

	key_u32(&prefix, o->number);
	rc = txn_each(x->t, key_view(&prefix), BYTES_NONE, add_slot, &s, err);
	if (rc == ERR_OK && !s.push)
		rc = add_org_cert(x, o, &org_slots[0], &nothing);
	return rc;
}

static enum err_code
add_org(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct look *x = arg;
	struct health_org *o;
	struct org org;
	struct node n;
	enum err_code rc;

	(void)stop;
	if (x->filter != NULL && !x->filter(x->arg, key_get_u32(key, 1)))
		return ERR_OK;
	rc = org_decode(value, key_get_u32(key, 1), &org, err);
	if (rc != ERR_OK || org.removed_at != 0)
		return rc;
	o = health_grow(x, x->orgs, x->n_orgs, &x->cap_orgs, sizeof(*o));
	if (o == NULL)
		return err_set(err, ERR_NO_MEMORY, "organizations");
	x->orgs = o;
	o += x->n_orgs++;
	*o = (struct health_org){ .number = org.number,
		.enrolled = org.enrolled,
		.dir = org.dir,
		.name = health_keep(x, org.name),
		.topic = health_keep(x, org.topic),
		.has_url = node_find(x->t, org.dir, "url", &n, NULL) == ERR_OK,
		.first_cert = x->h.n_certs };
	rc = add_certs_of(x, o, err);
	o->n_certs = x->h.n_certs - o->first_cert;
	return rc;
}

/* The system's signing identity is missed when an organization needs it. */
static enum err_code
look_at_signing(struct look *x, struct err *err)
{
	struct slot_facts f;
	struct health_cert *c;
	bool needed = x->n_orgs == 0;
	size_t i;
	enum err_code rc =
	    slot_facts(x->t, slot_of(0, SLOT_OF_SIGNING), &f, err);

	for (i = 0; i < x->n_orgs; i++)
		needed |= x->orgs[i].signer == NULL;
	if (rc != ERR_OK || (f.version == 0 && !needed))
		return rc;
	c = add_cert(x, HEALTH_SIGNING, slot_of(0, SLOT_OF_SIGNING), &f);
	if (c != NULL)
		c->path = "system/signing";
	return rc;
}

static void
count_devices(struct look *x)
{
	size_t i;

	x->h.devices = calloc(x->n_orgs + 1, sizeof(*x->h.devices));
	x->failed |= x->h.devices == NULL;
	for (i = 0; x->h.devices != NULL && i < x->n_orgs; i++)
		x->h.devices[x->h.n_devices++] =
		    (struct health_devices){ .org = x->orgs[i].number,
			    .whose = x->orgs[i].name,
			    .enrolled = x->orgs[i].enrolled };
}

enum err_code
health_gather(struct look *x, struct err *err)
{
	struct key orgs = key_of(KIND_ORG);
	struct notice_days days;
	enum err_code rc = look_at_system(x, err);

	x->soon = 60 * 86400;
	if (rc == ERR_OK && notice_days_read(x->t, &days, NULL) == ERR_OK &&
	    days.n > 0)
		x->soon = days.days[0] * INT64_C(86400);
	x->n_system = x->h.n_certs;
	if (rc == ERR_OK)
		rc = txn_each(
		    x->t, key_view(&orgs), BYTES_NONE, add_org, x, err);
	if (rc == ERR_OK)
		rc = look_at_signing(x, err);
	if (rc == ERR_OK)
		count_devices(x);
	return rc;
}
