#include "engine/pki/slot.h"

#include "tests/pki/material.h"

static int64_t now;

/* An authority, an intermediate, and leaves of all kinds below it. */
static void
make_material(void)
{
	material_begin();
	material_scripts();
	sh("cat > ext <<'E'\n"
	   "[ca]\nbasicConstraints=critical,CA:TRUE\n"
	   "keyUsage=keyCertSign,cRLSign\n"
	   "[tls]\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
	   "subjectAltName=DNS:mdm.example.com\n"
	   "[client]\nbasicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n"
	   "[encipher]\nkeyUsage=keyEncipherment\n"
	   "[push]\nbasicConstraints=critical,CA:FALSE\n"
	   "keyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n"
	   "E\n");
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out "
	   "root.pem -subj /CN=Root -days 3650;"
	   "sh issue inter /CN=Inter ca 3000 root;"
	   "sh issue tls /CN=mdm.example.com tls 90 inter;"
	   "cp tls.key tls2.key; sh issue tls2 /CN=mdm.example.com tls 200 "
	   "inter;"
	   "sh issue client /CN=client client 90 inter;"
	   "sh issue encipher /CN=encipher encipher 90 inter;"
	   "sh issue sha1 /CN=old tls 90 root -sha1;"
	   "sh issue expired /CN=expired tls 5 inter;"
	   "openssl genrsa -out weak.key 1024; sh issue weak /CN=weak tls 9 "
	   "inter;"
	   "openssl genpkey -algorithm ed25519 -out ed.key;"
	   "sh issue ed /CN=ed tls 9 inter;"
	   "U=/UID=com.apple.mgmt.External.1/CN=APSP:1;"
	   "sh issue push $U push 365 inter;"
	   "sh issue app /UID=com.example.app/CN=app push 365 inter;"
	   "openssl req -x509 -newkey rsa:2048 -nodes -keyout self.key "
	   "-out self.pem -subj /CN=self.example.com -days 120;"
	   "cat tls.pem inter.pem root.pem tls.key > all.pem;"
	   "cat tls.pem client.key > mixed.pem;"
	   "cat tls.pem client.pem > both.pem;"
	   "openssl pkcs12 -export -in tls.pem -inkey tls.key -certfile "
	   "client.pem -out export.p12 -passout pass:geheim;"
	   "openssl crl2pkcs7 -nocrl -certfile inter.pem -certfile root.pem "
	   "-out chain.p7");
}

static struct bundle *
open_file(const char *name, const char *password)
{
	struct buf f = load(name);
	struct bundle *b = NULL;
	struct err err = { 0 };

	if (bundle_parse(buf_view(&f), &password, password != NULL, &b, &err) !=
	    ERR_OK) {
		printf("Bail out! %s: %s\n", name, err.msg);
		exit(1);
	}
	buf_free(&f);
	return b;
}

static enum err_code
judge_at(enum slot_purpose purpose, const char *name, const char *password,
    int64_t when, struct err *err)
{
	struct bundle *b = open_file(name, password);
	enum err_code rc;

	memset(err, 0, sizeof(*err));
	rc = slot_judge_file(purpose, b, when, err);
	if (rc != ERR_OK)
		printf("# %s: %s\n", name, err->msg);
	bundle_free(b);
	return rc;
}

static enum err_code
judge(enum slot_purpose purpose, const char *name, struct err *err)
{
	return judge_at(purpose, name, "geheim", now, err);
}

static void
test_tls(void)
{
	struct err err;

	ok(judge(SLOT_TLS, "all.pem", &err) == ERR_OK,
	    "a chain with its key is fine for TLS");
	ok(judge(SLOT_TLS, "client.pem", &err) == ERR_KEY_REJECTED &&
		says(&err, "is not for a TLS server"),
	    "a certificate for clients is not");
	ok(judge(SLOT_TLS, "sha1.pem", &err) == ERR_KEY_REJECTED &&
		says(&err, "SHA-256"),
	    "nor one that is signed with SHA-1");
	ok(judge(SLOT_TLS, "weak.pem", &err) == ERR_KEY_REJECTED &&
		says(&err, "RSA key of 1024 bits is too weak"),
	    "nor one with a weak key");
	ok(judge(SLOT_TLS, "weak.key", &err) == ERR_KEY_REJECTED,
	    "nor the weak key alone");
	ok(judge(SLOT_TLS, "ed.key", &err) == ERR_KEY_REJECTED &&
		says(&err, "ED25519"),
	    "nor a key that devices do not know");
	ok(judge(SLOT_TLS, "self.pem", &err) == ERR_OK &&
		judge(SLOT_TLS, "root.pem", &err) == ERR_OK &&
		judge(SLOT_TLS, "chain.p7", &err) == ERR_OK,
	    "self-signed ones and chains alone are no reason to refuse");
	ok(judge(SLOT_TLS, "push.pem", &err) == ERR_KEY_REJECTED &&
		says(&err, "belongs into an organization's apns/"),
	    "a push certificate is sent to its place");
	ok(judge(SLOT_TLS, "mixed.pem", &err) == ERR_KEY_REJECTED &&
		says(&err,
		    "is not that of the certificate in it: mdm.example.com"),
	    "a key and a certificate of one file must belong together");
	ok(judge(SLOT_TLS, "both.pem", &err) == ERR_KEY_REJECTED &&
		says(&err, "take the others out"),
	    "one bad certificate beside a good one is named");
	ok(judge(SLOT_TLS, "export.p12", &err) == ERR_OK,
	    "but an export may hold others");
	ok(judge_at(SLOT_TLS, "export.p12", NULL, now, &err) == ERR_OK,
	    "a locked file waits for its password");
	ok(judge_at(SLOT_TLS, "export.p12", "falsch", now, &err) ==
		    ERR_KEY_REJECTED &&
		says(&err, "password"),
	    "a wrong password is refused");
}

static void
test_time(void)
{
	struct err err;

	ok(judge_at(SLOT_TLS, "expired.pem", NULL, now + 8 * 86400, &err) ==
		    ERR_KEY_EXPIRED &&
		says(&err, "3 days ago"),
	    "a certificate that has ended is refused, with the date");
	ok(judge_at(SLOT_TLS, "tls.pem", NULL, now - 3600, &err) ==
		    ERR_KEY_EXPIRED &&
		says(&err, "not valid before"),
	    "one that is not valid yet, too");
	ok(judge_at(SLOT_TLS, "tls.pem", NULL, now - 300, &err) == ERR_OK,
	    "unless clocks may be the reason");
	ok(judge_at(SLOT_APNS, "inter.pem", NULL, now + 9000 * 86400LL, &err) ==
		ERR_OK,
	    "of a CA the time is not judged");
}

static void
test_apns(void)
{
	struct err err;

	ok(judge(SLOT_APNS, "push.pem", &err) == ERR_OK,
	    "an MDM push certificate is fine for apns/");
	ok(judge(SLOT_APNS, "app.pem", &err) == ERR_KEY_REJECTED &&
		says(&err, "topic com.example.app is an app's; need "
			   "com.apple.mgmt."),
	    "that of an app is not");
	ok(judge(SLOT_APNS, "tls.pem", &err) == ERR_KEY_REJECTED &&
		says(&err, "not an MDM push certificate"),
	    "one without a topic is not");
	ok(judge(SLOT_APNS, "inter.pem", &err) == ERR_OK,
	    "a CA alone is material for the chain");
	ok(judge(SLOT_SIGNING, "encipher.pem", &err) == ERR_KEY_REJECTED &&
		says(&err, "digitalSignature"),
	    "who may not sign, signs no profiles");
}

struct slot {
	struct bundle *v[8];
	size_t n;
};

static enum err_code
pick(enum slot_purpose purpose, const char *names, int64_t when,
    struct identity **ret, struct err *err)
{
	struct slot s = { .n = 0 };
	char copy[128], *name, *rest = copy;
	enum err_code rc;

	snprintf(copy, sizeof(copy), "%s", names);
	while ((name = strsep(&rest, " ")) != NULL)
		s.v[s.n++] = open_file(name, NULL);
	memset(err, 0, sizeof(*err));
	rc = slot_pick(
	    purpose, (const struct bundle *const *)s.v, s.n, when, ret, err);
	while (s.n > 0)
		bundle_free(s.v[--s.n]);
	return rc;
}

/* How many days the picked certificate is valid in all, and the length of its
 * chain behind the point; -1: none. */
static double
picked(const char *names, int64_t when)
{
	struct identity *id = NULL;
	struct err err;
	double ret;

	if (pick(SLOT_TLS, names, when, &id, &err) != ERR_OK)
		return -1;
	ret = (double)(cert_expires(identity_leaf(id)) -
		       cert_begins(identity_leaf(id))) /
	          86400 +
	      (double)identity_n_certs(id) / 10;
	identity_free(id);
	return ret;
}

static bool
is(double a, double b)
{
	if (a - b < 0.01 && b - a < 0.01)
		return true;
	printf("# %f, not %f\n", a, b);
	return false;
}

static void
test_pick(void)
{
	struct identity *id = NULL;
	const char *missing = NULL;
	struct err err;

	ok(is(picked("all.pem", now), 90.3), "one file makes an identity");
	ok(is(picked("root.pem tls.key inter.pem tls.pem", now), 90.3),
	    "so do several files in any order");
	ok(is(picked("tls.key tls2.pem tls.pem", now), 200.1) &&
		is(picked("tls.key tls.pem tls2.pem", now), 200.1),
	    "the one that ends last is picked");
	ok(is(picked("tls.key tls.pem expired.key expired.pem", now), 90.1),
	    "whichever was written last");
	ok(is(picked("tls.key tls2.pem tls.pem", now + 300 * 86400LL), 200.1),
	    "where all have ended the last one still speaks for the slot");
	ok(is(picked("self.pem self.key", now), 120.1),
	    "a self-signed certificate that says it is a CA serves, too");
	ok(is(picked("self.pem self.key tls.pem tls.key", now), 90.1),
	    "but another goes first");
	ok(is(picked("client.key client.pem", now), -1),
	    "what is not fit is never picked");
	ok(pick(SLOT_TLS, "tls.pem tls.key inter.pem", now, &id, &err) ==
		    ERR_OK &&
		!identity_chain_complete(id, &missing) &&
		strcmp(missing, "CN=Root") == 0 && identity_n_sent(id) == 2,
	    "the issuer that is missing is told");
	identity_free(id);
	id = NULL;
	ok(pick(SLOT_TLS, "all.pem", now, &id, &err) == ERR_OK &&
		identity_chain_complete(id, &missing) &&
		identity_n_certs(id) == 3 && identity_n_sent(id) == 2,
	    "a complete chain is told, its root is not sent");
	identity_free(id);
}

static void
test_waiting(void)
{
	struct identity *id = NULL;
	struct err err;

	ok(pick(SLOT_TLS, "tls.pem", now, &id, &err) == ERR_NOT_FOUND &&
		id == NULL &&
		says(&err, "certificate mdm.example.com (serial ") &&
		says(&err, "has no key yet"),
	    "a certificate waits for its key");
	ok(pick(SLOT_TLS, "tls.key inter.pem", now, &id, &err) ==
		    ERR_NOT_FOUND &&
		says(&err, "key without certificate (P-256)"),
	    "a key waits for its certificate");
	ok(pick(SLOT_TLS, "export.p12", now, &id, &err) == ERR_NOT_FOUND &&
		says(&err, "locked"),
	    "a locked file waits for its password");
	ok(pick(SLOT_TLS, "inter.pem", now, &id, &err) == ERR_NOT_FOUND &&
		says(&err, "no certificate with its key"),
	    "an empty slot says so");
}

static void
test_waiting_of(void)
{
	struct bundle *v[] = { open_file("tls.pem", NULL),
		open_file("client.key", NULL), open_file("inter.pem", NULL) };
	const struct bundle *const *all = (const struct bundle *const *)v;
	struct buf b = { 0 };
	size_t i;

	slot_waiting_of(SLOT_TLS, all, 3, 0, NULL, &b);
	ok(strncmp(buf_str(&b), "certificate mdm.example.com", 27) == 0 &&
		strstr(buf_str(&b), "another's\n") != NULL &&
		strstr(buf_str(&b), "key without") == NULL,
	    "of one file it is told what it waits for, with an eye on the "
	    "others");
	buf_reset(&b);
	slot_waiting_of(SLOT_TLS, all, 3, 2, NULL, &b);
	ok(b.len == 0, "a chain waits for nothing");
	buf_free(&b);
	for (i = 0; i < 3; i++)
		bundle_free(v[i]);
}

static bool
is_cert(const struct cert *a, const struct cert *b)
{
	return bytes_equal(cert_der(a), cert_der(b));
}

static void
test_record(void)
{
	struct identity *id = NULL, *again = NULL;
	struct identity_ends ends = { .leaf = NULL };
	struct buf a = { 0 }, b = { 0 };
	struct err err;

	ok(pick(SLOT_TLS, "all.pem", now, &id, &err) == ERR_OK &&
		identity_encode(id, &a, &err) == ERR_OK &&
		identity_decode(buf_view(&a), &again, &err) == ERR_OK &&
		identity_encode(again, &b, &err) == ERR_OK &&
		bytes_equal(buf_view(&a), buf_view(&b)),
	    "an identity is the same after encoding and decoding");
	identity_free(again);
	again = NULL;
	ok(identity_decode_ends(buf_view(&a), &ends, &err) == ERR_OK &&
		is_cert(ends.leaf, identity_leaf(id)) &&
		is_cert(ends.last, identity_cert(id, 2)),
	    "its leaf and its root alone can be had, too");
	identity_ends_fini(&ends);
	a.p[a.len - 5] ^= 1;
	a.len--;
	ok(identity_decode(buf_view(&a), &again, &err) == ERR_DAMAGED &&
		again == NULL,
	    "a cut one is damaged");
	ok(identity_decode_ends(buf_view(&a), &ends, &err) == ERR_DAMAGED &&
		ends.leaf == NULL && ends.last == NULL,
	    "also for its ends");
	identity_free(id);
	id = NULL;
	buf_reset(&a);
	ok(pick(SLOT_TLS, "tls.pem tls.key", now, &id, &err) == ERR_OK &&
		identity_encode(id, &a, &err) == ERR_OK &&
		identity_decode_ends(buf_view(&a), &ends, &err) == ERR_OK &&
		ends.leaf == ends.last,
	    "of one without a chain both ends are the leaf");
	identity_ends_fini(&ends);
	identity_free(id);
	buf_wipe(&a);
	buf_wipe(&b);
}

int
main(void)
{
	make_material();
	now = time(NULL);
	test_tls();
	test_time();
	test_apns();
	test_pick();
	test_waiting();
	test_waiting_of();
	test_record();
	return tap_done();
}
