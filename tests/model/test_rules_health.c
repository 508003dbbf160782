/* Every check of the doctor: what passes, what does not, and what is said. */
#include "engine/model/health.h"

#include <sys/wait.h>
#include <time.h>

#include "engine/model/health_priv.h"
#include "engine/model/probe.h"
#include "engine/model/slots.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

static uint32_t acme;
static uint64_t acme_dir;
static struct health h;

/* ---- material ----------------------------------------------------------- */

/*
 * A root "world", which devices know, and "own", which they do not, each with
 * an intermediate.  Extensions of leaves are by purpose.
 */
static void
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
	const char *ext;     /* a file */
	const char *subject; /* NULL: /CN=mdm.example.com */
	int days;
	const char *digest; /* NULL: sha256 */
	const char *chain;  /* files behind it: "own-sub.pem own.pem" */
};

/* In leaf.pem. */
static void
make_leaf(const struct leaf *l)
{
	const char *subject =
	    l->subject == NULL ? "/CN=mdm.example.com" : l->subject;
	const char *digest = l->digest == NULL ? "sha256" : l->digest;

	sh("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout k -out csr -subj '%s'",
	    subject);
	if (l->by == NULL)
		sh("openssl x509 -req -in csr -signkey k -%s -days %d "
		   "-extfile %s -out c",
		    digest, l->days, l->ext);
	else
		sh("openssl x509 -req -in csr -CA %s.pem -CAkey %s.key -%s "
		   "-days %d -extfile %s -out c",
		    l->by, l->by, digest, l->days, l->ext);
	sh("cat c k %s > leaf.pem", l->chain == NULL ? "" : l->chain);
}

struct install {
	struct slot_id slot;
	struct identity *id; /* NULL: nothing */
};

static enum err_code
install_txn(struct txn *t, void *arg, struct err *err)
{
	const struct install *i = arg;

	return i->id == NULL ? slot_clear(t, i->slot, err)
	                     : slot_install(t, i->slot, i->id, err);
}

static void
clear(struct slot_id slot)
{
	struct install i = { slot, NULL };

	must(store_update(rules->store, install_txn, &i, &rules_err));
}

/* Straight into effect, whatever the slot's judgement would say of it. */
static void
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

static void
examine(void)
{
	health_fini(&h);
	must(health_examine(rules, NULL, NULL, &h, &rules_err));
}

static const struct health_check *
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
static void
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

static void
expect_pass(const char *name, const char *whose, const char *what)
{
	expect(name, whose, HEALTH_PASS, "", what);
}

static void
expect_none(const char *name, const char *whose, const char *what)
{
	examine();
	ok(find(name, whose) == NULL, what);
}

static void
wipe(uint64_t parent, const char *name)
{
	struct file_node n;
	int64_t next;

	must(file_find(rules, parent, name, &n, &rules_err));
	must(file_remove(rules, n.ino, &rules_root, &rules_err));
	pass(3000);
	must(removal_run(rules, &next, &rules_err));
}

/* ---- the tests ---------------------------------------------------------- */

static void
test_urls(void)
{
	struct slot_id tls = slot_of(0, SLOT_OF_TLS);

	expect("url", "", HEALTH_FAIL, "echo https://", "no system/url fails");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL, "https://localhost\n");
	expect("url", "", HEALTH_WARN, "the device itself",
	    "localhost is not what a device can reach");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://mdm.example.com\n");
	expect_pass("url", "", "a URL with https passes");
	expect_none("url", "acme", "an organization needs none of its own");
	install(tls, &(struct leaf){ "world-sub", "tls.ext", NULL, 300, NULL,
			 "world-sub.pem world.pem" });
	expect_pass("tls.names", "", "its host is among the SAN names");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://other.example.com\n");
	expect("tls.names", "", HEALTH_FAIL, "mdm.example.com, *.wild.example",
	    "a host that is not fails, with the names that are there");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://a.wild.example\n");
	expect_pass("tls.names", "", "a star stands for a label");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://a.b.wild.example\n");
	expect("tls.names", "", HEALTH_FAIL, "", "and not for two");
	put(acme_dir, "url", PLACE_ORG_URL, "https://acme.example\n");
	expect_pass("url", "acme", "an organization may have its own");
	expect("tls.names", "acme", HEALTH_FAIL, "orgs/acme/tls/",
	    "a certificate must be for that, too");
	install(slot_of(acme, SLOT_OF_TLS),
	    &(struct leaf){ "world-sub", "tls.ext", NULL, 300, NULL,
		"world-sub.pem world.pem" });
	put(acme_dir, "url", PLACE_ORG_URL, "https://MDM.example.com\n");
	expect_pass("tls.names", "acme", "its own one counts");
	clear(slot_of(acme, SLOT_OF_TLS));
	wipe(acme_dir, "url");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://mdm.example.com\n");
}

/* What is served stops below a root of one's own. */
static void
test_tls_trust(void)
{
	struct buf root = load("own.pem");
	struct file_node trust;

	install(slot_of(0, SLOT_OF_TLS), &(struct leaf){ "own-sub", "tls.ext",
					     NULL, 300, NULL, "own-sub.pem" });
	expect("tls.chain", "", HEALTH_FAIL, "a root of your own",
	    "a root that nobody has is missing");
	trust = put(FILE_INO_SYSTEM, "trust", PLACE_TRUST, "");
	put(trust.ino, "own.pem", PLACE_TRUST_FILE, buf_str(&root));
	expect("tls.chain", "", HEALTH_PASS, "system/trust",
	    "one in system/trust is not: devices get it");
	wipe(trust.ino, "own.pem");
	wipe(FILE_INO_SYSTEM, "trust");
	buf_free(&root);
}

/* Something is there and does not work yet. */
static void
test_pending(void)
{
	struct file_node apns, tls;
	struct buf cert;

	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://mdm.example.com\n");
	tls = put(FILE_INO_SYSTEM, "tls", PLACE_TLS, "");
	put(tls.ino, "subject", PLACE_SLOT_SUBJECT, "CN=mdm.example.com\n");
	install(slot_of(0, SLOT_OF_OWN_TLS),
	    &(struct leaf){
		"own-sub", "tls.ext", NULL, 40, NULL, "own-sub.pem own.pem" });
	expect("tls.own", "", HEALTH_WARN, "sign status/system/tls.csr",
	    "a request that waits for its answer is what to do next");
	wipe(tls.ino, "subject");
	make_leaf(&(struct leaf){ "own-sub", "tls.ext", NULL, 40, NULL, NULL });
	cert = load("c");
	put(tls.ino, "c.pem", PLACE_TLS_FILE, buf_str(&cert));
	expect("tls.own", "", HEALTH_WARN, "status/system/tls says",
	    "files that cannot be used are not nothing");
	wipe(tls.ino, "c.pem");
	wipe(FILE_INO_SYSTEM, "tls");
	clear(slot_of(0, SLOT_OF_OWN_TLS));
	wipe(FILE_INO_SYSTEM, "url");
	apns = put(acme_dir, "apns", PLACE_APNS, "");
	put(apns.ino, "subject", PLACE_SLOT_SUBJECT, "CN=acme\n");
	expect("push.present", "acme", HEALTH_FAIL,
	    "sign status/orgs/acme/apns.csr", "the same for push");
	wipe(apns.ino, "subject");
	wipe(acme_dir, "apns");
	buf_free(&cert);
}

static void
test_tls(void)
{
	struct slot_id tls = slot_of(0, SLOT_OF_TLS);
	static const char *const names[] = { "tls.san", "tls.chain", "tls.root",
		"tls.lifetime", "tls.key", "tls.digest", "tls.purpose",
		"tls.end" };
	const struct health_check *k;
	bool all = true;
	size_t i;

	install(tls, &(struct leaf){ "world-sub", "tls.ext", NULL, 300, NULL,
			 "world-sub.pem world.pem" });
	examine();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		all = all && (k = find(names[i], "")) != NULL &&
		      k->state == HEALTH_PASS;
	ok(all, "a certificate of a known authority passes everything");
	ok(h.certs[0].role != HEALTH_TLS, "and is not among the worst");
	install(tls,
	    &(struct leaf){ "world-sub", "tls.ext", NULL, 300, NULL, NULL });
	expect("tls.chain", "", HEALTH_FAIL, "O=world Inc., CN=world-sub",
	    "a missing intermediate is named");
	expect("tls.chain", "", HEALTH_FAIL, "append it", "with the way out");
	expect_none("tls.root", "", "and nothing is said of an unknown root");
	test_tls_trust();
	install(tls, &(struct leaf){ "own-sub", "tls.ext", NULL, 300, NULL,
			 "own-sub.pem own.pem" });
	expect("tls.root", "", HEALTH_PASS, "O=own, CN=own-root",
	    "a private root that goes along with the profile passes");
	install(tls, &(struct leaf){ NULL, "tls.ext", NULL, 300, NULL, NULL });
	expect("tls.root", "", HEALTH_WARN, "self-signed",
	    "a self-signed certificate is warned of");
	install(tls, &(struct leaf){ "own-sub", "tls.ext", NULL, 900, NULL,
			 "own-sub.pem own.pem" });
	expect("tls.lifetime", "", HEALTH_FAIL, "900 days",
	    "more than 825 days fail");
	install(tls, &(struct leaf){ "own-sub", "tls.ext", NULL, 300, "sha1",
			 "own-sub.pem own.pem" });
	expect("tls.digest", "", HEALTH_FAIL, "SHA-1", "SHA-1 fails");
	install(tls, &(struct leaf){ "own-sub", "bare.ext", NULL, 300, NULL,
			 "own-sub.pem own.pem" });
	expect("tls.san", "", HEALTH_FAIL, "subjectAltName",
	    "a certificate without SAN fails");
	expect("tls.names", "", HEALTH_FAIL, "no name at all", "by name, too");
	install(tls, &(struct leaf){ "own-sub", "client.ext", NULL, 300, NULL,
			 "own-sub.pem own.pem" });
	expect("tls.purpose", "", HEALTH_FAIL, "serverAuth",
	    "so does one that is not for servers");
	sh("openssl req -new -newkey rsa:1024 -nodes -keyout weak.key "
	   "-out csr -subj /CN=weak; openssl x509 -req -in csr -CA own.pem "
	   "-CAkey own.key -days 3000 -extfile ca.ext -out weak.pem");
	install(tls, &(struct leaf){ "weak", "tls.ext", NULL, 300, NULL,
			 "weak.pem own.pem" });
	expect("tls.key", "", HEALTH_FAIL, "2048", "a weak key above it fails");
}

static void
test_ends(void)
{
	struct slot_id tls = slot_of(0, SLOT_OF_TLS);
	int64_t now = rules_ns;

	install(tls, &(struct leaf){ "own-sub", "tls.ext", NULL, 400, NULL,
			 "own-sub.pem own.pem" });
	expect("tls.end", "", HEALTH_PASS, "days-left=399",
	    "a certificate with a year left passes");
	rules_ns = now + INT64_C(341) * 86400 * 1000000000;
	expect("tls.end", "", HEALTH_WARN, "days-left=58",
	    "one of a year is warned of 60 days before");
	rules_ns = now + INT64_C(394) * 86400 * 1000000000;
	expect("tls.end", "", HEALTH_WARN, "very soon", "10 days before");
	rules_ns = now + INT64_C(401) * 86400 * 1000000000;
	expect("tls.end", "", HEALTH_FAIL, "days-left=-1",
	    "and fails once it has ended");
	rules_ns = now;
	install(tls, &(struct leaf){ "own-sub", "tls.ext", NULL, 90, NULL,
			 "own-sub.pem own.pem" });
	rules_ns = now + INT64_C(60) * 86400 * 1000000000;
	expect_pass("tls.end", "",
	    "one of 90 days is quiet while certbot would renew it");
	rules_ns = now + INT64_C(69) * 86400 * 1000000000;
	expect("tls.end", "", HEALTH_WARN, "days-left=20",
	    "and not when it does not");
	rules_ns = now - INT64_C(86400) * 1000000000;
	expect("tls.end", "", HEALTH_FAIL, "clock",
	    "one that is not valid yet may mean the clock");
	rules_ns = now;
	sh("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout short.key -out csr -subj /CN=short; openssl x509 "
	   "-req -in csr -CA own.pem -CAkey own.key -days 20 -extfile ca.ext "
	   "-out short.pem");
	install(tls, &(struct leaf){ "short", "tls.ext", NULL, 300, NULL,
			 "short.pem own.pem" });
	expect("tls.end", "", HEALTH_WARN, "a certificate above",
	    "an intermediate that ends first is told");
	clear(tls);
	install(slot_of(0, SLOT_OF_OWN_TLS),
	    &(struct leaf){
		"own-sub", "tls.ext", NULL, 40, NULL, "own-sub.pem own.pem" });
	expect("tls.own", "", HEALTH_WARN, "production",
	    "the server's own certificate is warned of");
	expect_pass("tls.end", "", "but not of its end: it renews itself");
}

static void
test_signing(void)
{
	struct slot_id signing = slot_of(0, SLOT_OF_SIGNING);
	struct file_node trust;
	struct buf root = load("Apple.pem");

	install(slot_of(0, SLOT_OF_TLS),
	    &(struct leaf){ "world-sub", "tls.ext", NULL, 300, NULL,
		"world-sub.pem world.pem" });
	expect("signing.present", "", HEALTH_WARN, "2 organizations",
	    "without a signing certificate profiles are not signed");
	install(slot_of(acme, SLOT_OF_SIGNING),
	    &(struct leaf){ "world-sub", "signing.ext", "/CN=signer", 300, NULL,
		"world-sub.pem world.pem" });
	expect("signing.present", "", HEALTH_WARN,
	    "1 organization:", "those that have their own do not need it");
	expect_pass("signing.root", "acme", "a known root is Verified");
	expect_pass("signing.lifetime", "acme", "300 days are fine");
	clear(slot_of(acme, SLOT_OF_SIGNING));
	install(signing, &(struct leaf){ "world-sub", "signing.ext",
			     "/CN=signer", 300, NULL, NULL });
	expect("signing.chain", "", HEALTH_WARN, "Not Verified",
	    "a missing intermediate makes it Not Verified");
	install(
	    signing, &(struct leaf){ "Apple-sub", "signing.ext", "/CN=signer",
			 300, NULL, "Apple-sub.pem Apple.pem" });
	expect("signing.root", "", HEALTH_WARN, "CN=Apple-root, which devices",
	    "so does a root that devices do not know");
	trust = put(FILE_INO_SYSTEM, "trust", PLACE_TRUST, "");
	put(trust.ino, "root.pem", PLACE_TRUST_FILE, buf_str(&root));
	expect("signing.root", "", HEALTH_PASS, "goes along",
	    "unless system/trust has it");
	expect("trust.end", "", HEALTH_PASS, "days-left=39",
	    "the end of that root is watched");
	rules_ns += INT64_C(3960) * 86400 * 1000000000;
	expect("trust.end", "", HEALTH_WARN, "system/trust/root.pem",
	    "and told before it comes");
	rules_ns -= INT64_C(3960) * 86400 * 1000000000;
	wipe(trust.ino, "root.pem");
	install(slot_of(0, SLOT_OF_TLS),
	    &(struct leaf){ "Apple-sub", "tls.ext", NULL, 300, NULL,
		"Apple-sub.pem Apple.pem" });
	expect_pass("signing.root", "", "or the HTTPS certificate");
	install(
	    signing, &(struct leaf){ "Apple-sub", "signing.ext", "/CN=signer",
			 90, "sha1", "Apple-sub.pem Apple.pem" });
	expect("signing.lifetime", "", HEALTH_WARN, "90 days only",
	    "a signer of 90 days flips to Not Verified");
	expect("signing.strength", "", HEALTH_WARN, "SHA-1", "SHA-1, too");
	buf_free(&root);
}

static enum err_code
probe_txn(struct txn *t, void *arg, struct err *err)
{
	struct probe *p = arg;
	struct slot_facts f;
	enum err_code rc = slot_facts(t, slot_of(acme, SLOT_OF_APNS), &f, err);

	p->org = acme;
	p->identity_version = f.version;
	return rc == ERR_OK ? probe_store(t, p, err) : rc;
}

static void
outcome(enum probe_outcome outcome, int64_t ago, const char *text)
{
	struct probe p = { .outcome = outcome,
		.tried_at = engine_now(rules) - ago };

	snprintf(p.text, sizeof(p.text), "%s", text);
	must(store_update(rules->store, probe_txn, &p, &rules_err));
}

static void
test_push(void)
{
	struct slot_id slot = slot_of(acme, SLOT_OF_APNS);
	struct leaf good = { "Apple-sub", "push.ext",
		"/UID=" TOPIC "/CN=APSP:x", 365, NULL, NULL };
	struct leaf foreign = { "own-sub", "push.ext",
		"/UID=com.apple.mgmt.External.2/CN=APSP:y", 365, NULL, NULL };
	struct file_node apns;

	expect("push.present", "acme", HEALTH_FAIL, "no device can enroll",
	    "without a push certificate no device can enroll");
	examine();
	ok(h.certs[0].role == HEALTH_PUSH && !h.certs[0].present &&
		h.certs[0].state == HEALTH_FAIL && h.certs[0].todo[0] != '\0',
	    "it stands first among the certificates, as missing");
	install(slot, &good);
	expect_pass("push.present", "acme", "a push certificate is there");
	expect_pass("push.issuer", "acme", "of Apple");
	expect_pass("push.end", "acme", "for a year");
	expect("push.account", "acme", HEALTH_WARN, "apple-account",
	    "an Apple Account that nobody wrote down is warned of");
	apns = put(acme_dir, "apns", PLACE_APNS, "");
	put(apns.ino, "apple-account", PLACE_APPLE_ACCOUNT, "it@acme.example");
	expect("push.account", "acme", HEALTH_PASS, "it@acme.example",
	    "once it stands there, it is told");
	expect_pass("push.topic", "acme", "any topic is good for no device");
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "H-1", "SERIAL"));
	must(token_update(acme, 1, "H-1", "", TOPIC));
	expect("push.topic", "acme", HEALTH_PASS, "devices (1) use",
	    "the one that devices use is good");
	examine();
	ok(h.n_devices == 2 && h.devices[0].enrolled == 1,
	    "devices are counted by organization");

	expect("push.live", "acme", HEALTH_WARN, "not asked yet",
	    "a certificate that was not tried");
	outcome(PROBE_ACCEPTED, 60, "");
	expect_pass("push.live", "acme", "one that was taken passes");
	install(slot, &foreign);
	expect("push.issuer", "acme", HEALTH_WARN, "is not Apple",
	    "an issuer that is not Apple is warned of");
	outcome(PROBE_ACCEPTED, 60, "");
	expect_pass("push.issuer", "acme",
	    "unless the push service takes the certificate");
	install(slot, &good);
	outcome(PROBE_ACCEPTED, 4 * 86400, "");
	expect(
	    "push.live", "acme", HEALTH_WARN, "last asked", "but not for ever");
	outcome(PROBE_REFUSED, 60, "403 BadCertificate: revoked");
	expect("push.live", "acme", HEALTH_FAIL, "403 BadCertificate",
	    "one that was refused fails, with Apple's reason");
	outcome(PROBE_UNREACHABLE, 60, "cannot connect");
	expect("push.live", "acme", HEALTH_WARN, "api.push.apple.com",
	    "a service that cannot be reached is warned of");
	install(slot, &foreign);
	expect("push.live", "acme", HEALTH_WARN, "not asked yet",
	    "the outcome counts for one certificate alone");
	expect("push.topic", "acme", HEALTH_FAIL,
	    "renew, don't create, the certificate of topic " TOPIC
	    " at identity.apple.com with Apple Account it@acme.example",
	    "another topic fails, with the way back");
	expect("push.topic", "acme", HEALTH_FAIL,
	    "com.apple.mgmt.External.2, but the enrolled devices (1)",
	    "and both topics and the number of devices");
	expect("push.issuer", "acme", HEALTH_WARN, "CN=own-sub",
	    "an issuer that is not Apple is named");
}

static void
test_rest(void)
{
	struct leaf vendor = { "own-sub", "signing.ext", "/CN=vendor", 365,
		NULL, NULL };
	struct file_node enrollment;
	int64_t now = rules_ns;
	struct identity *ca = NULL;

	expect_pass("clock", "", "a clock that goes on");
	rules_ns -= INT64_C(3600) * 1000000000;
	expect("clock", "", HEALTH_FAIL, "backwards", "one that went back");
	rules_ns = INT64_C(1000000000) * 1000000000;
	expect("clock", "", HEALTH_FAIL, "2001-", "one that was never set");
	rules_ns = now;
	expect_pass("roots", "", "this machine knows the world's roots");
	expect_pass("enrollment.open", "acme", "enrollment is closed");
	enrollment = put(acme_dir, "enrollment", PLACE_ENROLLMENT, "");
	put(enrollment.ino, "open", PLACE_ENROLLMENT_OPEN, "");
	expect("enrollment.open", "acme", HEALTH_WARN,
	    "rm orgs/acme/enrollment/open", "open enrollment is warned of");
	expect_none("ca.end", "acme", "a CA is made when it is needed");
	must(slot_ca(rules, acme, &ca, &rules_err));
	identity_free(ca);
	expect_pass("ca.end", "acme", "then its end is watched");
	expect_none("vendor.end", "", "a vendor certificate is rare");
	install(slot_of(0, SLOT_OF_VENDOR), &vendor);
	expect("vendor.issuer", "", HEALTH_WARN, "CN=own-sub",
	    "where it is, Apple should have issued it");
	expect("vendor.chain", "", HEALTH_FAIL, "CN=own-sub",
	    "its chain must be whole");
	expect_pass("vendor.end", "", "and not end");
	expect_pass("push.outbox", "", "a push waits for a moment");
	must(device_push(
	    rules, device_number("H-1"), 0, &rules_root, &rules_err));
	pass(1000 * 1000);
	expect("push.outbox", "", HEALTH_WARN, "15 minutes",
	    "but not for 15 minutes");
}

static bool
only_umbrella(void *arg, uint32_t org)
{
	(void)arg;
	return org == 0 || org != acme;
}

static void
test_filter(void)
{
	bool other = false;
	size_t i;

	health_fini(&h);
	must(health_examine(rules, only_umbrella, NULL, &h, &rules_err));
	for (i = 0; i < h.n_checks; i++)
		other |= strcmp(h.checks[i].whose, "acme") == 0 ||
		         strstr(h.checks[i].cause, "acme") != NULL;
	for (i = 0; i < h.n_certs; i++)
		other |= h.certs[i].slot.org == acme;
	ok(!other && h.n_devices == 1,
	    "who sees one organization hears nothing of another");
	for (i = 1; i < h.n_checks; i++)
		if (h.checks[i - 1].state < h.checks[i].state)
			break;
	ok(i == h.n_checks, "the worst stands first");
}

/* ---- many organizations ------------------------------------------------- */

#define MANY 10000

static enum err_code
many_txn(struct txn *t, void *arg, struct err *err)
{
	enum err_code rc = ERR_OK;
	uint32_t i;

	for (i = 0; rc == ERR_OK && i < MANY; i++) {
		struct org o = { .number = 1000 + i };
		struct probe p = { .org = 1000 + i,
			.outcome = PROBE_ACCEPTED,
			.tried_at = engine_now(rules) };
		struct slot_facts f;

		snprintf(o.name, sizeof(o.name), "many%u", i);
		rc = org_store(t, &o, err);
		if (rc == ERR_OK)
			rc = slot_install(
			    t, slot_of(o.number, SLOT_OF_APNS), arg, err);
		if (rc == ERR_OK)
			rc = slot_facts(
			    t, slot_of(o.number, SLOT_OF_APNS), &f, err);
		p.identity_version = f.version;
		if (rc == ERR_OK)
			rc = probe_store(t, &p, err);
	}
	return rc;
}

static void
test_many(void)
{
	struct leaf leaf = { "Apple-sub", "push.ext",
		"/UID=" TOPIC "/CN=APSP:x", 365, NULL, NULL };
	struct timespec a, b;
	struct install i = { .id = NULL };
	struct bundle *bundle = NULL;
	struct buf bytes;
	double ms;

	make_leaf(&leaf);
	bytes = load("leaf.pem");
	must(bundle_parse(buf_view(&bytes), NULL, 0, &bundle, &rules_err));
	must(identity_new(bundle_key(bundle, 0), bundle_cert(bundle, 0), NULL,
	    0, &i.id, &rules_err));
	must(store_update(rules->store, many_txn, i.id, &rules_err));
	put(FILE_INO_ORGS, "A B", PLACE_ORG, "");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	examine();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	ms = (double)(b.tv_sec - a.tv_sec) * 1000 +
	     (double)(b.tv_nsec - a.tv_nsec) / 1000000;
	printf(
	    "# %d organizations, %zu checks: %.0f ms\n", MANY, h.n_checks, ms);
	ok(find("push.end", "many7") == NULL &&
		strstr(find("push.end", "")->cause,
		    " organizations, the first has days-left=364") != NULL,
	    "of many organizations the passes are counted");
	ok(find("push.account", "many7") != NULL, "the warnings are not");
	ok(strstr(find("push.present", "A B")->remedy,
	       "echo CN='A B' > 'orgs/A B/apns/subject'") != NULL,
	    "a command can be typed although a name has a space");
	ok(ms < 1000, "thousands of organizations cost no second");
	identity_free(i.id);
	bundle_free(bundle);
	buf_free(&bytes);
}

/* ---- the table ---------------------------------------------------------- */

static void
test_names(void)
{
	char page[1 << 17], item[64];
	FILE *f = fopen("fs/mdmfs.7", "r");
	size_t i, n = f == NULL ? 0 : fread(page, 1, sizeof(page) - 1, f);

	page[n] = '\0';
	for (i = 0; i < n_health_rows; i++) {
		snprintf(
		    item, sizeof(item), ".It Ic %s\n", health_rows[i].name);
		if (strstr(page, item) == NULL)
			break;
	}
	ok(n > 0 && i == n_health_rows, "every check is in the manual");
	if (i < n_health_rows)
		printf("# %s is not\n", health_rows[i].name);
	if (f != NULL)
		fclose(f);
}

/* The list of roots is read once in a process, so this is another one; before
 * there are threads. */
static void
test_no_roots(void)
{
	static const struct engine_options options;
	const struct health_check *k;
	int status = 1;
	pid_t child = fork();

	if (child == 0) {
		setenv("SSL_CERT_FILE", "/dev/null", 1);
		rules_begin(&options);
		install(slot_of(0, SLOT_OF_TLS),
		    &(struct leaf){ "own-sub", "tls.ext", NULL, 300, NULL,
			"own-sub.pem own.pem" });
		examine();
		k = find("roots", "");
		_exit(k != NULL && k->state == HEALTH_WARN &&
			      strstr(k->remedy, "ca-certificates") != NULL &&
			      find("tls.root", "") == NULL
			  ? 0
			  : 1);
	}
	ok(waitpid(child, &status, 0) == child && status == 0,
	    "a machine that knows no roots judges none, and says so");
}

int
main(void)
{
	static const struct engine_options options;
	struct file_node org;
	char world[64];

	material_begin();
	make_authorities();
	snprintf(world, sizeof(world), "%s/world.pem", material_dir);
	setenv("SSL_CERT_FILE", world, 1);
	rules_ns = ((int64_t)time(NULL) + 60) * 1000000000;
	test_no_roots();
	rules_begin(&options);
	test_names();
	acme = org_number("acme");
	must(file_find(rules, FILE_INO_ORGS, "acme", &org, &rules_err));
	acme_dir = org.ino;
	test_pending();
	test_urls();
	test_tls();
	test_ends();
	test_signing();
	test_push();
	test_rest();
	test_filter();
	test_many();
	health_fini(&h);
	engine_close(rules);
	return tap_done();
}
