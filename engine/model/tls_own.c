#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/tls.h"
#include "engine/pki/ca.h"

#define OWN_DAYS   397 /* of a self-made certificate */
#define RENEW_DAYS 30  /* before its end */

/* A name that a certificate in effect carries. */
struct name {
	char *text; /* lower case */
	uint32_t org;
};

struct own {
	struct engine *engine;
	struct name *names; /* by text */
	size_t n_names, room;
	char hosts[TLS_OWN_MAX_NAMES][256];
	size_t n_hosts;
	size_t too_many; /* hosts that found no room */
	bool needed;
	struct identity *root;
	bool root_is_new;
	struct identity *made;
};

static void
add_host(struct own *o, const char *host)
{
	size_t i;

	for (i = 0; i < o->n_hosts; i++)
		if (strcmp(o->hosts[i], host) == 0)
			return;
	if (o->n_hosts == TLS_OWN_MAX_NAMES) {
		o->too_many++;
		return;
	}
	memcpy(o->hosts[o->n_hosts++], host, strlen(host) + 1);
}

static void
names_reset(struct own *o)
{
	while (o->n_names > 0)
		free(o->names[--o->n_names].text);
}

static enum err_code
add_name(
    struct own *o, const char *text, size_t len, uint32_t org, struct err *err)
{
	struct name *p = o->names;
	size_t i;

	if (o->n_names == o->room) {
		p = reallocarray(p, o->room * 2 + 64, sizeof(*p));
		if (p == NULL)
			return err_set(err, ERR_NO_MEMORY, "HTTPS names");
		o->names = p;
		o->room = o->room * 2 + 64;
	}
	p += o->n_names;
	p->org = org;
	if ((p->text = strndup(text, len)) == NULL)
		return err_set(err, ERR_NO_MEMORY, "HTTPS names");
	for (i = 0; i < len; i++)
		if (p->text[i] >= 'A' && p->text[i] <= 'Z')
			p->text[i] = (char)(p->text[i] + 32);
	o->n_names++;
	return ERR_OK;
}

/* Out of the facts, which cost no decoding, unless they are cut. */
static enum err_code
add_names(void *arg, struct txn *t, struct slot_id id,
    const struct slot_facts *facts, struct err *err)
{
	struct own *o = arg;
	const char *p = facts->names;
	struct identity *identity = NULL;
	enum err_code rc = ERR_OK;
	size_t i, len;

	if (tls_names_cut(facts)) {
		rc = slot_identity(t, id, &identity, err);
		for (i = 0;
		     rc == ERR_OK && i < cert_n_names(identity_leaf(identity));
		     i++) {
			p = cert_name(identity_leaf(identity), i)->text;
			rc = add_name(o, p, strlen(p), id.org, err);
		}
		identity_free(identity);
		return rc;
	}
	for (; *p != '\0' && rc == ERR_OK; p += strspn(p, ", ")) {
		len = strcspn(p, ",");
		rc = add_name(o, p, len, id.org, err);
		p += len;
	}
	return rc;
}

static int
by_text(const void *a, const void *b)
{
	const struct name *f = a, *g = b;
	int c = strcmp(f->text, g->text);

	return c != 0 ? c : f->org < g->org ? -1 : f->org > g->org;
}

/* Whether a certificate that was put here is shown to that organization's
 * devices under that name: the system's, or its own. */
static bool
is_covered(const struct own *o, const char *text, uint32_t org)
{
	char copy[256];
	struct name key = { copy, 0 };

	snprintf(copy, sizeof(copy), "%s", text);
	if (o->n_names == 0)
		return false;
	if (bsearch(&key, o->names, o->n_names, sizeof(key), by_text) != NULL)
		return true;
	key.org = org;
	return bsearch(&key, o->names, o->n_names, sizeof(key), by_text) !=
	       NULL;
}

static enum err_code
add_org(void *arg, uint32_t org, const struct system_url *url, struct err *err)
{
	struct own *o = arg;
	const char *dot = strchr(url->host, '.');
	char star[256];

	(void)err;
	snprintf(star, sizeof(star), "*%.254s", dot != NULL ? dot : "");
	if (!is_covered(o, url->host, org) &&
	    (dot == NULL || !is_covered(o, star, org)))
		add_host(o, url->host);
	return ERR_OK;
}

static bool
covers_all(const struct own *o, const struct cert *leaf)
{
	size_t i;

	for (i = 0; i < o->n_hosts; i++)
		if (!cert_covers_host(leaf, o->hosts[i]))
			return false;
	return cert_covers_host(leaf, "localhost");
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct own *o = arg;
	struct identity *id = NULL;
	struct system_url url;
	struct tls_state s;
	enum err_code rc = tls_state(t, &s, err);

	o->needed = false;
	names_reset(o);
	o->n_hosts = o->too_many = 0;
	identity_free(o->root);
	o->root = NULL;
	if (rc != ERR_OK || !s.own)
		return rc;
	if (system_url_read(t, &url, NULL) == ERR_OK)
		add_host(o, url.host);
	if ((rc = tls_each(t, add_names, o, err)) != ERR_OK)
		return rc;
	if (o->n_names > 0)
		qsort(o->names, o->n_names, sizeof(*o->names), by_text);
	if ((rc = tls_urls(t, add_org, o, err)) != ERR_OK)
		return rc;
	rc = slot_identity(t, slot_of(0, SLOT_OF_TLS_CA), &o->root, NULL);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(
		    err, rc, "the server's own root: %s", err_text(rc));
	o->needed = true;
	if (s.facts.version != 0 &&
	    slot_identity(t, slot_of(0, SLOT_OF_OWN_TLS), &id, NULL) ==
		ERR_OK) {
		o->needed = !covers_all(o, identity_leaf(id)) ||
		            s.facts.expires - engine_now(o->engine) <
		                RENEW_DAYS * INT64_C(86400);
		identity_free(id);
	}
	return ERR_OK;
}

static enum err_code
make(struct own *o, struct err *err)
{
	struct san names[TLS_OWN_MAX_NAMES + 3];
	struct ca_server server = { .names = names, .days = OWN_DAYS };
	int64_t now = engine_now(o->engine);
	struct pkey *key = NULL;
	struct cert *leaf = NULL, *pool[1];
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < o->n_hosts; i++)
		if (strcmp(o->hosts[i], "localhost") != 0)
			names[server.n_names++] =
			    (struct san){ san_kind_of_host(o->hosts[i]),
				    o->hosts[i] };
	names[server.n_names++] = (struct san){ SAN_DNS, "localhost" };
	names[server.n_names++] = (struct san){ SAN_IP, "127.0.0.1" };
	names[server.n_names++] = (struct san){ SAN_IP, "::1" };
	o->root_is_new = o->root == NULL;
	/* RSA, since some SCEP clients read no root with an elliptic key; the
	 * leaf has one, for its fast handshakes */
	if (o->root_is_new)
		rc = ca_create("mdmfs server root", now, &o->root, err);
	if (rc == ERR_OK)
		rc = pkey_generate_p256(&key, err);
	if (rc == ERR_OK)
		rc = ca_issue_server(o->root, key, &server, now, &leaf, err);
	if (rc == ERR_OK) {
		pool[0] = identity_leaf(o->root);
		rc = identity_new(key, leaf, pool, 1, &o->made, err);
	}
	pkey_free(key);
	cert_free(leaf);
	return rc;
}

static enum err_code
tell(struct txn *t, const struct own *o, struct err *err)
{
	struct buf names = { 0 };
	size_t i, shown = o->n_hosts < 5 ? o->n_hosts : 5;
	enum err_code rc;

	for (i = 0; i < shown; i++)
		buf_printf(&names, "%s%s", i == 0 ? "" : ", ", o->hosts[i]);
	if (shown < o->n_hosts)
		buf_printf(&names, " and %zu more names", o->n_hosts - shown);
	rc = event_record(t, o->engine, 0, err,
	    "tls: system/tls has no certificate, so the server made one for "
	    "%s, signed by a root of its own; devices get the root with their "
	    "enrollment profile",
	    shown > 0 ? buf_str(&names) : "localhost");
	buf_free(&names);
	if (rc == ERR_OK && o->too_many > 0)
		rc = event_record(t, o->engine, 0, err,
		    "tls: %zu further organizations' names have no room in the "
		    "server's own certificate (%d at most): put certificates "
		    "for them into orgs/ORG/tls or system/tls",
		    o->too_many, TLS_OWN_MAX_NAMES);
	return rc;
}

static enum err_code
keep_txn(struct txn *t, void *arg, struct err *err)
{
	struct own *o = arg;
	enum err_code rc = ERR_OK;

	if (o->root_is_new)
		rc = slot_install(t, slot_of(0, SLOT_OF_TLS_CA), o->root, err);
	if (rc == ERR_OK)
		rc = slot_install(t, slot_of(0, SLOT_OF_OWN_TLS), o->made, err);
	return rc == ERR_OK ? tell(t, o, err) : rc;
}

static enum err_code
watch_txn(struct txn *t, void *arg, struct err *err)
{
	struct tls_watch *w = arg;
	struct tls_state s;
	enum err_code rc = tls_change(t, &w->change, err);

	if (rc == ERR_OK)
		rc = tls_state(t, &s, err);
	if (rc == ERR_OK)
		w->look_at = s.own
		                 ? s.facts.expires - RENEW_DAYS * INT64_C(86400)
		                 : INT64_MAX;
	return rc;
}

enum err_code
tls_ensure(struct engine *e, struct tls_watch *watch, struct err *err)
{
	struct own *o;
	struct tls_watch now = { 0 };
	enum err_code rc = store_view(e->store, watch_txn, &now, err);

	if (rc != ERR_OK ||
	    (memcmp(&now.change, &watch->change, sizeof(now.change)) == 0 &&
		engine_now(e) < watch->look_at))
		return rc;
	if ((o = calloc(1, sizeof(*o))) == NULL)
		return err_set(err, ERR_NO_MEMORY, "HTTPS certificate");
	o->engine = e;
	rc = store_view(e->store, look_txn, o, err);
	if (rc == ERR_OK && o->needed && (rc = make(o, err)) == ERR_OK)
		rc = store_update(e->store, keep_txn, o, err);
	if (rc == ERR_OK)
		*watch = now; /* what was made is looked at once more */
	identity_free(o->root);
	identity_free(o->made);
	names_reset(o);
	free(o->names);
	free(o);
	return rc;
}
