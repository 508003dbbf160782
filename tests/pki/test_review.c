#include "engine/pki/review.h"

#include "tests/pki/material.h"

static struct roots *roots;

static void
make_material(void)
{
	material_begin();
	material_scripts();
	sh("cat > ext <<'E'\n[ca]\nbasicConstraints=critical,CA:TRUE\n"
	   "[tls]\nextendedKeyUsage=serverAuth\n"
	   "subjectAltName=DNS:mdm.example.com\n"
	   "[ip]\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:192.0.2.1\n"
	   "[mail]\nextendedKeyUsage=serverAuth\nsubjectAltName=email:a@b.c\n"
	   "[plain]\nsubjectAltName=DNS:mdm.example.com\n"
	   "E\n"
	   "set -e; sh self root /CN=World 3000; sh self old /CN=Old 3;"
	   "sh self private /CN=Private 3000; sh self late /CN=Late 2000 -sha1;"
	   "sh self self /CN=self.example.com 300 "
	   "-addext subjectAltName=DNS:self.example.com "
	   "-addext extendedKeyUsage=serverAuth;"
	   "cp root.key cross.key; sh issue cross /CN=World ca 2 old -sha1;"
	   "cp root.pem bundle.pem;"
	   "sh issue inter /CN=Inter ca 2500 root;"
	   "sh issue pinter /CN=PInter ca 2500 private;"
	   "sh issue weak-inter /CN=Weak ca 2500 private -sha1;"
	   "sh issue short-inter /CN=Short ca 30 private");
	sh("set -e; L=/CN=mdm.example.com; "
	   "A='/C=US/O=Apple Inc./CN=Apple Worldwide Developer Relations';"
	   "sh issue tls $L tls 90 inter; sh issue plain $L plain 90 inter;"
	   "sh issue ip $L ip 825 inter; sh issue mail $L mail 90 inter;"
	   "sh issue long $L tls 826 inter;"
	   "sh issue own $L tls 120 pinter;"
	   "sh issue below-weak $L tls 120 weak-inter;"
	   "sh issue outlives $L tls 120 short-inter;"
	   "sh issue late-leaf $L tls 120 late;"
	   "openssl genrsa -out small.key 1024;"
	   "openssl req -x509 -key small.key -out small.pem -days 300 -subj "
	   "/CN=Small; sh issue below-small $L tls 100 small;"
	   "sh self apple-root '/O=Apple Inc./CN=Apple Root CA' 3000;"
	   "sh issue apple-inter \"$A\" ca 2000 apple-root;"
	   "sh issue push /UID=com.apple.mgmt.External.1/CN=APSP plain 365 "
	   "apple-inter;"
	   "sh issue vendor /CN=Vendor plain 365 apple-inter;"
	   "sh self fake /UID=com.apple.mgmt.External.1/CN=Fake 365");
}

/* An identity of the first name and a pool of all. */
static struct identity *
make_identity(const char *names)
{
	struct bundle *b[8];
	struct cert *pool[8];
	struct identity *id = NULL;
	struct err err = { 0 };
	char copy[128], *name, *rest = copy, file[64];
	size_t n = 0, i;

	snprintf(copy, sizeof(copy), "%s", names);
	while ((name = strsep(&rest, " ")) != NULL) {
		struct buf f;

		snprintf(file, sizeof(file), "%s.pem", name);
		f = load(file);
		if (n == 0) { /* the key, too */
			struct buf key;

			snprintf(file, sizeof(file), "%s.key", name);
			key = load(file);
			buf_bytes(&f, buf_view(&key));
			buf_wipe(&key);
		}
		if (bundle_parse(buf_view(&f), NULL, 0, &b[n], &err) != ERR_OK)
			exit(1);
		pool[n] = bundle_cert(b[n], 0);
		n++;
		buf_wipe(&f);
	}
	if (identity_new(bundle_key(b[0], 0), pool[0], pool, n, &id, &err) !=
	    ERR_OK)
		exit(1);
	for (i = 0; i < n; i++)
		bundle_free(b[i]);
	return id;
}

static struct identity_review
review_by(enum slot_purpose purpose, const char *names, const struct roots *r)
{
	struct identity *id = make_identity(names);
	struct identity_review ret;

	memset(&ret, 0xff, sizeof(ret));
	identity_review(id, purpose, r, &ret);
	identity_free(id);
	return ret;
}

static struct identity_review
review(enum slot_purpose purpose, const char *names)
{
	return review_by(purpose, names, roots);
}

static void
judged(enum slot_purpose purpose, const char *names, unsigned flaws,
    const char *what)
{
	unsigned found = review(purpose, names).flaws;

	if (!ok(found == flaws, what))
		printf("# flaws %#x, not %#x\n", found, flaws);
}

static void
test_chain(void)
{
	struct identity_review r;

	judged(SLOT_TLS, "tls inter", 0,
	    "a chain that stops below a known root is fine");
	r = review(SLOT_TLS, "tls inter");
	ok(strcmp(r.root, "CN=World") == 0 && r.missing[0] == '\0',
	    "the root is told although it is not sent");
	judged(SLOT_TLS, "tls inter root", 0, "one with its root, too");
	judged(SLOT_TLS, "tls inter cross old", 0,
	    "of a cross-signed root nobody needs what stands behind it, weak "
	    "and expired as it may be");
	judged(SLOT_TLS, "tls", FLAW_CHAIN_INCOMPLETE,
	    "a missing intermediate is found");
	r = review(SLOT_TLS, "tls");
	ok(strcmp(r.missing, "CN=Inter") == 0 &&
		strcmp(r.root, "CN=mdm.example.com") == 0,
	    "and named");
	judged(SLOT_SIGNING, "own pinter private", FLAW_ROOT_PRIVATE,
	    "a private root is one");
	judged(SLOT_TLS, "own pinter", FLAW_CHAIN_INCOMPLETE,
	    "a private root that is not there is missing");
	judged(SLOT_TLS, "self", FLAW_SELF_SIGNED,
	    "a self-signed certificate is called that");
	judged(SLOT_TLS, "outlives short-inter private",
	    FLAW_ROOT_PRIVATE | FLAW_CHAIN_ENDS,
	    "an intermediate that ends first is found");
	r = review(SLOT_TLS, "outlives short-inter private");
	ok(llabs(r.chain_ends - time(NULL) - 30 * 86400LL) < 600,
	    "with the time of its end");
}

static void
test_no_roots(void)
{
	struct identity_review r;

	r = review_by(SLOT_TLS, "own pinter private", NULL);
	ok(r.flaws == FLAW_ROOTS_UNKNOWN && strcmp(r.root, "CN=Private") == 0,
	    "without a list of roots none is called private");
	r = review_by(SLOT_TLS, "tls inter", NULL);
	ok(r.flaws == FLAW_ROOTS_UNKNOWN && strcmp(r.missing, "CN=World") == 0,
	    "nor is a chain below a root called incomplete");
	r = review_by(SLOT_TLS, "tls", NULL);
	ok(r.flaws == (FLAW_ROOTS_UNKNOWN | FLAW_CHAIN_INCOMPLETE),
	    "but a leaf alone is");
	r = review_by(SLOT_TLS, "self", NULL);
	ok(r.flaws == FLAW_SELF_SIGNED, "self-signed is seen without a list");
}

static void
test_tls(void)
{
	judged(SLOT_TLS, "plain inter", FLAW_NO_SERVER_AUTH,
	    "devices want extendedKeyUsage to say serverAuth");
	judged(SLOT_TLS, "mail inter", FLAW_NO_NAMES,
	    "a mail address is no name of a server");
	judged(SLOT_TLS, "ip inter", 0, "an address is; 825 days are fine");
	judged(SLOT_TLS, "long inter", FLAW_TOO_LONG, "826 days are too many");
	judged(SLOT_TLS, "below-weak weak-inter private",
	    FLAW_ROOT_PRIVATE | FLAW_WEAK_DIGEST,
	    "SHA-1 under an intermediate is weak");
	judged(SLOT_TLS, "late-leaf late", FLAW_ROOT_PRIVATE,
	    "under a root it is nothing");
	judged(SLOT_TLS, "below-small small", FLAW_ROOT_PRIVATE | FLAW_WEAK_KEY,
	    "a weak key of an issuer is weak");
	judged(SLOT_SIGNING, "plain inter", FLAW_SHORT_LIVED,
	    "profiles signed for 90 days soon show as not verified");
	judged(SLOT_SIGNING, "long inter", 0,
	    "for signing no names are wanted, and a long life is good");
}

static void
test_apple(void)
{
	judged(SLOT_APNS, "push", 0,
	    "of a push certificate of Apple's nothing is wanted");
	judged(SLOT_APNS, "fake", FLAW_NOT_APPLE,
	    "one that Apple did not issue is found");
	judged(SLOT_VENDOR, "vendor apple-inter apple-root", 0,
	    "a vendor's chain to Apple's root is fine");
	judged(SLOT_VENDOR, "vendor apple-inter", FLAW_CHAIN_INCOMPLETE,
	    "it must be whole: Apple's portal wants the root, too");
	judged(SLOT_VENDOR, "plain inter root", FLAW_NOT_APPLE,
	    "a vendor that Apple does not know is none");
}

int
main(void)
{
	char path[128];

	make_material();
	snprintf(path, sizeof(path), "%s/bundle.pem", material_dir);
	if (roots_load(path, &roots, NULL) != ERR_OK)
		exit(1);
	test_chain();
	test_no_roots();
	test_tls();
	test_apple();
	roots_free(roots);
	ok(ERR_peek_error() == 0, "no OpenSSL error is left behind");
	return tap_done();
}
