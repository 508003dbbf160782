/*
 * health.h - identities good and bad, and what the doctor says of them, for the
 * tests of its checks.
 */
#ifndef MDMFS_TESTS_MODEL_HEALTH_H
#define MDMFS_TESTS_MODEL_HEALTH_H

#include <time.h>

#include "engine/model/health.h"
#include "engine/model/slots.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

static uint32_t acme;
static struct health h;

/* ---- material ----------------------------------------------------------- */

#define WORLD_CHAIN "world-sub.pem world.pem"
#define OWN_CHAIN   "own-sub.pem own.pem"
#define APPLE_CHAIN "Apple-sub.pem Apple.pem"

/*
 * A root "world", which devices know, and "own", which they do not, each with
 * an intermediate.  Extensions of leaves are by purpose.
 */
static inline void
make_authorities(void)
{
	sh("printf 'basicConstraints=critical,CA:TRUE\\n"
	   "keyUsage=critical,keyCertSign' > ca.ext; "
	   "printf 'extendedKeyUsage=serverAuth\\n"
	   "subjectAltName=DNS:mdm.example.com,DNS:*.wild.example' > tls.ext; "
	   "printf 'subjectAltName=DNS:mdm.example.com\\n"
	   "extendedKeyUsage=clientAuth,emailProtection' > client.ext; "
	   "printf 'extendedKeyUsage=serverAuth' > bare.ext; "
	   "printf 'extendedKeyUsage=emailProtection' > signing.ext; "
	   "printf 'extendedKeyUsage=clientAuth\\n"
	   "keyUsage=digitalSignature\\n"
	   "1.2.840.113635.100.6.3.2=DER:0500' > push.ext");
	sh("for r in world own Apple; do "
	   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout $r.key -out $r.pem -days 4000 "
	   "-subj /O=$r/CN=$r-root; "
	   "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout $r-sub.key -out csr "
	   "-subj \"/O=$r Inc./CN=$r-sub\"; "
	   "openssl x509 -req -in csr -CA $r.pem -CAkey $r.key -days 3000 "
	   "-extfile ca.ext -out $r-sub.pem; done");
}

struct leaf {
	const char *by;      /* NULL: self-signed */
	const char *ext;     /* a file; NULL: tls.ext */
	const char *subject; /* NULL: /CN=mdm.example.com */
	int days;            /* 0: 300 */
	const char *digest;  /* NULL: sha256 */
	const char *chain;   /* files behind it: OWN_CHAIN */
};

/* In leaf.pem. */
static inline void
make_leaf(const struct leaf *l)
{
	const char *subject =
	    l->subject == NULL ? "/CN=mdm.example.com" : l->subject;
	const char *digest = l->digest == NULL ? "sha256" : l->digest;
	const char *ext = l->ext == NULL ? "tls.ext" : l->ext;
	int days = l->days == 0 ? 300 : l->days;

	sh("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout k -out csr -subj '%s'",
	    subject);
	if (l->by == NULL)
		sh("openssl x509 -req -in csr -signkey k -%s -days %d "
		   "-extfile %s -out c",
		    digest, days, ext);
	else
		sh("openssl x509 -req -in csr -CA %s.pem -CAkey %s.key -%s "
		   "-days %d -extfile %s -out c",
		    l->by, l->by, digest, days, ext);
	sh("cat c k %s > leaf.pem", l->chain == NULL ? "" : l->chain);
}

struct install {
	struct slot_id slot;
	struct identity *id; /* NULL: nothing */
};

static inline enum err_code
install_txn(struct txn *t, void *arg, struct err *err)
{
	const struct install *i = arg;

	return i->id == NULL ? slot_clear(t, i->slot, err)
	                     : slot_install(t, i->slot, i->id, err);
}

static inline void
clear(struct slot_id slot)
{
	struct install i = { slot, NULL };

	must(store_update(rules->store, install_txn, &i, &rules_err));
}

/* Straight into effect, whatever the slot's judgement would say of it. */
static inline void
install(struct slot_id slot, const struct leaf *l)
{
	struct install i = { .slot = slot };
	struct cert *pool[16];
	struct bundle *b = NULL;
	struct buf bytes;
	size_t n;

	make_leaf(l);
	bytes = load("leaf.pem");
	must(bundle_parse(buf_view(&bytes), NULL, 0, &b, &rules_err));
	for (n = 0; n < bundle_n_certs(b); n++)
		pool[n] = bundle_cert(b, n);
	must(identity_new(
	    bundle_key(b, 0), pool[0], pool + 1, n - 1, &i.id, &rules_err));
	must(store_update(rules->store, install_txn, &i, &rules_err));
	identity_free(i.id);
	bundle_free(b);
	buf_free(&bytes);
}

/* ---- looking ------------------------------------------------------------ */

static inline void
examine(void)
{
	health_fini(&h);
	must(health_examine(rules, NULL, NULL, &h, &rules_err));
}

static inline const struct health_check *
find(const char *name, const char *whose)
{
	size_t i;

	for (i = 0; i < h.n_checks; i++)
		if (strcmp(h.checks[i].name, name) == 0 &&
		    strcmp(h.checks[i].whose, whose) == 0)
			return &h.checks[i];
	return NULL;
}

/* The check has that state, and says that of cause or remedy. */
static inline void
expect(const char *name, const char *whose, enum health_state state,
    const char *part, const char *what)
{
	const struct health_check *k;
	bool good;

	examine();
	k = find(name, whose);
	good = k != NULL && k->state == state &&
	       (strstr(k->cause, part) != NULL ||
		   strstr(k->remedy, part) != NULL) &&
	       (k->remedy[0] == '\0') == (state == HEALTH_PASS);
	ok(good, what);
	if (!good)
		printf("# %s: %s, %s (%s)\n", name,
		    k == NULL ? "not there" : health_state_name(k->state),
		    k == NULL ? "" : k->cause, k == NULL ? "" : k->remedy);
}

static inline void
expect_pass(const char *name, const char *whose, const char *what)
{
	expect(name, whose, HEALTH_PASS, "", what);
}

static inline void
expect_none(const char *name, const char *whose, const char *what)
{
	examine();
	ok(find(name, whose) == NULL, what);
}

/* Devices know the roots in that file alone. */
static inline void
health_begin(const char *roots)
{
	static const struct engine_options options;
	char path[64];

	material_begin();
	make_authorities();
	snprintf(path, sizeof(path), "%s/%s", material_dir, roots);
	setenv("SSL_CERT_FILE", path, 1);
	rules_ns = ((int64_t)time(NULL) + 60) * 1000000000;
	rules_begin(&options);
	acme = org_number("acme");
}

static inline int
health_done(void)
{
	health_fini(&h);
	engine_close(rules);
	return tap_done();
}

#endif
