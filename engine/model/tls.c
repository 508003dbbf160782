#include "engine/model/tls.h"

#include <string.h>
#include <strings.h>

#include "engine/model/orgs.h"

enum err_code
tls_state(struct txn *t, struct tls_state *ret, struct err *err)
{
	struct tls_state s = { .own = false };
	enum err_code rc =
	    slot_facts(t, slot_of(0, SLOT_OF_TLS), &s.facts, err);

	if (rc == ERR_OK && s.facts.version == 0) {
		s.own = true;
		rc = slot_facts(t, slot_of(0, SLOT_OF_OWN_TLS), &s.facts, err);
	}
	if (rc == ERR_OK)
		*ret = s;
	return rc;
}

/* Which slot is the one for everybody. */
static enum err_code
slot_in_use(struct txn *t, struct slot_id *ret, struct err *err)
{
	struct tls_state s;
	enum err_code rc = tls_state(t, &s, err);

	if (rc == ERR_OK && s.facts.version == 0)
		return err_set(
		    err, ERR_NOT_FOUND, "there is no HTTPS certificate yet");
	if (rc == ERR_OK)
		*ret = slot_of(0, s.own ? SLOT_OF_OWN_TLS : SLOT_OF_TLS);
	return rc;
}

enum err_code
tls_identity(struct txn *t, struct identity **ret, struct err *err)
{
	struct slot_id id;
	enum err_code rc = slot_in_use(t, &id, err);

	return rc == ERR_OK ? slot_identity(t, id, ret, err) : rc;
}

enum err_code
tls_ends(struct txn *t, struct identity_ends *ret, struct err *err)
{
	struct slot_id id;
	enum err_code rc = slot_in_use(t, &id, err);

	return rc == ERR_OK ? slot_ends(t, id, ret, err) : rc;
}

/* ---- all of them -------------------------------------------------------- */

enum err_code
tls_change(struct txn *t, struct tls_change *ret, struct err *err)
{
	struct tls_change c;
	enum err_code rc = counter_last(t, "tls", &c.identities, err);

	if (rc == ERR_OK)
		rc = counter_last(t, "url", &c.urls, err);
	if (rc == ERR_OK)
		*ret = c;
	return rc;
}

struct each {
	struct txn *t;
	tls_fn *fn;
	void *arg;
};

/* A key of KIND_SLOT: org4 slot1 [dir8]. */
static enum err_code
each_slot(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const struct each *x = arg;
	struct slot_facts facts;
	struct slot_id id;
	enum err_code rc;

	(void)value;
	(void)stop;
	if (key.len < 6 || key.p[5] != SLOT_OF_TLS)
		return ERR_OK;
	id = slot_of(key_get_u32(key, 1), SLOT_OF_TLS);
	if (key.len >= 14)
		id.dir = key_get_u64(key, 6);
	rc = slot_facts(x->t, id, &facts, err);
	if (rc != ERR_OK || facts.version == 0)
		return rc;
	return x->fn(x->arg, x->t, id, &facts, err);
}

/* Those of one organization (0: the system). */
static enum err_code
each_of(struct txn *t, uint32_t org, tls_fn *fn, void *arg, struct err *err)
{
	struct each x = { t, fn, arg };
	struct key prefix = key_of(KIND_SLOT);

	key_u32(&prefix, org);
	key_u8(&prefix, SLOT_OF_TLS);
	return txn_each(t, key_view(&prefix), BYTES_NONE, each_slot, &x, err);
}

enum err_code
tls_each(struct txn *t, tls_fn *fn, void *arg, struct err *err)
{
	struct each x = { t, fn, arg };
	struct key prefix = key_of(KIND_SLOT);

	/* the system's have organization 0: they come first */
	return txn_each(t, key_view(&prefix), BYTES_NONE, each_slot, &x, err);
}

struct urls {
	struct txn *t;
	tls_url_fn *fn;
	void *arg;
};

static enum err_code
each_org(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const struct urls *x = arg;
	uint32_t org = key_get_u32(key, 1);
	struct system_url url;

	(void)value;
	(void)stop;
	/* one that cannot be read was refused at the door: not here */
	if (org_url_own(x->t, org, &url, NULL) != ERR_OK)
		return ERR_OK;
	return x->fn(x->arg, org, &url, err);
}

enum err_code
tls_urls(struct txn *t, tls_url_fn *fn, void *arg, struct err *err)
{
	struct urls x = { t, fn, arg };
	struct key prefix = key_of(KIND_ORG);

	return txn_each(t, key_view(&prefix), BYTES_NONE, each_org, &x, err);
}

void
tls_path(struct txn *t, struct slot_id id, struct buf *ret)
{
	struct node n;
	struct org o;

	if (id.org != 0 && org_read(t, id.org, &o, NULL) == ERR_OK)
		buf_printf(ret, "orgs/%s/tls", o.name);
	else if (id.dir != 0 && node_get(t, id.dir, &n, NULL) == ERR_OK)
		buf_printf(ret, "system/tls/%s", n.name);
	else
		buf_text(ret, "system/tls");
}

bool
tls_names_cut(const struct slot_facts *facts)
{
	return strlen(facts->names) > sizeof(facts->names) - 256;
}

/* ---- for one name ------------------------------------------------------- */

struct choice {
	uint32_t org; /* 0: any */
	const char *host;
	bool star; /* those with a star; else the exact ones */
	bool ended;
	int64_t now;
	struct tls_choice found;
};

/* RFC 6125 6.4.3: a star is one label. */
static bool
carries(const struct cert *c, const char *host, bool star)
{
	const char *dot = strchr(host, '.');
	size_t i;

	for (i = 0; i < cert_n_names(c); i++) {
		const struct san *name = cert_name(c, i);

		if (name->kind != SAN_DNS || (name->text[0] == '*') != star)
			continue;
		if (star ? dot != NULL && strcasecmp(name->text + 1, dot) == 0
			 : strcasecmp(name->text, host) == 0)
			return true;
	}
	return false;
}

/* The same, as far as the facts tell: long lists of names are cut there. */
static bool
may_carry(const struct slot_facts *f, const char *host, bool star)
{
	const char *dot = strchr(host, '.'), *p = f->names;
	const char *wanted = star ? dot : host;
	size_t len;

	if (tls_names_cut(f))
		return true;
	while (wanted != NULL && *p != '\0') {
		len = strcspn(p, ",");
		if ((*p == '*') == star && len - star == strlen(wanted) &&
		    strncasecmp(p + star, wanted, len - star) == 0)
			return true;
		p += len;
		p += strspn(p, ", ");
	}
	return false;
}

static enum err_code
choose_one(void *arg, struct txn *t, struct slot_id id,
    const struct slot_facts *facts, struct err *err)
{
	struct choice *x = arg;
	struct tls_choice *found = &x->found;
	struct identity_ends chain = { .leaf = NULL };
	enum err_code rc;

	if (found->n == sizeof(found->chains) / sizeof(found->chains[0]) ||
	    (facts->expires < x->now) != x->ended ||
	    !may_carry(facts, x->host, x->star))
		return ERR_OK;
	if ((rc = slot_ends(t, id, &chain, err)) != ERR_OK)
		return rc;
	if (carries(chain.leaf, x->host, x->star)) {
		found->chains[found->n++] = chain;
		found->covered = true;
	} else {
		identity_ends_fini(&chain);
	}
	return ERR_OK;
}

static enum err_code
choose(struct txn *t, struct choice *x, struct err *err)
{
	enum err_code rc;

	if (x->org == 0)
		return tls_each(t, choose_one, x, err);
	rc = each_of(t, 0, choose_one, x, err);
	return rc == ERR_OK ? each_of(t, x->org, choose_one, x, err) : rc;
}

enum err_code
tls_listed(struct txn *t, uint32_t org, const char *host, int64_t now,
    struct tls_choice *ret, struct err *err)
{
	struct choice x = { .org = org, .host = host, .now = now };
	enum err_code rc = ERR_OK;
	int i;

	for (i = 0; i < 4 && rc == ERR_OK && x.found.n == 0; i++) {
		x.star = i % 2 == 1;
		x.ended = i / 2 == 1;
		rc = choose(t, &x, err);
	}
	if (rc == ERR_OK)
		*ret = x.found;
	else
		tls_choice_fini(&x.found);
	return rc;
}

enum err_code
tls_choose(struct txn *t, uint32_t org, const char *host, int64_t now,
    struct tls_choice *ret, struct err *err)
{
	struct tls_choice c;
	enum err_code rc = tls_listed(t, org, host, now, &c, err);

	if (rc != ERR_OK)
		return rc;
	if (c.n == 0) {
		if ((rc = tls_ends(t, &c.chains[0], err)) != ERR_OK)
			return rc;
		c.n = 1;
		c.covered = cert_covers_host(c.chains[0].leaf, host);
	}
	*ret = c;
	return ERR_OK;
}

void
tls_choice_fini(struct tls_choice *c)
{
	while (c->n > 0)
		identity_ends_fini(&c->chains[--c->n]);
}
