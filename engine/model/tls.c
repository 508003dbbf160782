#include "engine/model/tls.h"

#include <string.h>

#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/pki/ca.h"

#define OWN_DAYS   397 /* of a self-made certificate */
#define RENEW_DAYS 30  /* before its end */

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

enum err_code
tls_identity(struct txn *t, struct identity **ret, struct err *err)
{
	struct tls_state s;
	enum err_code rc = tls_state(t, &s, err);

	if (rc == ERR_OK && s.facts.version == 0)
		return err_set(
		    err, ERR_NOT_FOUND, "there is no HTTPS certificate yet");
	if (rc != ERR_OK)
		return rc;
	return slot_identity(
	    t, slot_of(0, s.own ? SLOT_OF_OWN_TLS : SLOT_OF_TLS), ret, err);
}

/* ---- the self-made one -------------------------------------------------- */

struct own {
	struct engine *engine;
	char host[256]; /* "": no system/url yet */
	bool needed;
	struct identity *root;
	bool root_is_new;
	struct identity *made;
};

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct own *o = arg;
	struct identity *id = NULL;
	struct system_url url;
	struct tls_state s;
	enum err_code rc = tls_state(t, &s, err);

	o->needed = false;
	o->host[0] = '\0';
	identity_free(o->root);
	o->root = NULL;
	if (rc != ERR_OK || !s.own)
		return rc;
	if (system_url_read(t, &url, NULL) == ERR_OK)
		memcpy(o->host, url.host, sizeof(o->host));
	rc = slot_identity(t, slot_of(0, SLOT_OF_TLS_CA), &o->root, NULL);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(
		    err, rc, "the server's own root: %s", err_text(rc));
	o->needed = true;
	if (s.facts.version != 0 &&
	    slot_identity(t, slot_of(0, SLOT_OF_OWN_TLS), &id, NULL) ==
		ERR_OK) {
		o->needed = !cert_covers_host(identity_leaf(id),
				o->host[0] != '\0' ? o->host : "localhost") ||
		            s.facts.expires - engine_now(o->engine) <
		                RENEW_DAYS * INT64_C(86400);
		identity_free(id);
	}
	return ERR_OK;
}

static enum err_code
make(struct own *o, struct err *err)
{
	struct san names[4] = { { SAN_DNS, o->host }, { SAN_DNS, "localhost" },
		{ SAN_IP, "127.0.0.1" }, { SAN_IP, "::1" } };
	struct ca_server server = {
		.names = names, .n_names = 4, .days = OWN_DAYS
	};
	int64_t now = engine_now(o->engine);
	struct pkey *key = NULL;
	struct cert *leaf = NULL, *pool[1];
	enum err_code rc = ERR_OK;

	if (o->host[0] == '\0' || strcmp(o->host, "localhost") == 0) {
		server.names++;
		server.n_names--;
	} else {
		names[0].kind = san_kind_of_host(o->host);
	}
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
keep_txn(struct txn *t, void *arg, struct err *err)
{
	struct own *o = arg;
	enum err_code rc = ERR_OK;

	if (o->root_is_new)
		rc = slot_install(t, slot_of(0, SLOT_OF_TLS_CA), o->root, err);
	if (rc == ERR_OK)
		rc = slot_install(t, slot_of(0, SLOT_OF_OWN_TLS), o->made, err);
	if (rc != ERR_OK)
		return rc;
	return event_record(t, o->engine, 0, err,
	    "tls: system/tls is empty, so the server made a certificate for "
	    "%s, signed by a root of its own; devices get the root with their "
	    "enrollment profile",
	    o->host[0] != '\0' ? o->host : "localhost");
}

static enum err_code
watch_txn(struct txn *t, void *arg, struct err *err)
{
	struct tls_watch *w = arg;
	struct slot_facts slot, own;
	struct node url;
	enum err_code rc = slot_facts(t, slot_of(0, SLOT_OF_TLS), &slot, err);

	if (rc == ERR_OK)
		rc = slot_facts(t, slot_of(0, SLOT_OF_OWN_TLS), &own, err);
	if (rc != ERR_OK)
		return rc;
	w->slot = slot.version;
	w->own = own.version;
	w->look_at = slot.version != 0
	                 ? INT64_MAX
	                 : own.expires - RENEW_DAYS * INT64_C(86400);
	rc = org_file(t, 0, NULL, "url", &url, NULL);
	w->url = rc == ERR_OK ? url.n.version : 0;
	return ERR_OK;
}

enum err_code
tls_ensure(struct engine *e, struct tls_watch *watch, struct err *err)
{
	struct own o = { .engine = e };
	struct tls_watch now = { 0 };
	enum err_code rc = store_view(e->store, watch_txn, &now, err);

	if (rc != ERR_OK ||
	    (now.slot == watch->slot && now.own == watch->own &&
		now.url == watch->url && engine_now(e) < watch->look_at))
		return rc;
	rc = store_view(e->store, look_txn, &o, err);
	if (rc == ERR_OK && o.needed && (rc = make(&o, err)) == ERR_OK)
		rc = store_update(e->store, keep_txn, &o, err);
	identity_free(o.root);
	identity_free(o.made);
	if (rc == ERR_OK)
		rc = store_view(e->store, watch_txn, watch, err);
	return rc;
}
