#include "engine/scep/scep.h"

#include "engine/base/text.h"
#include "tests/scep/world.h"
#include "tests/tap.h"

#define DAY INT64_C(86400)

static struct world w;

/* ---- operations --------------------------------------------------------- */

static bool
get_answers(const char *query, int status, const char *type, const char *text)
{
	struct exchange x = { .method = "GET", .query = bytes_text(query) };
	bool fine;

	world_serve(&w, &x);
	fine = x.status == status && strcmp(x.content_type, type) == 0 &&
	       strstr(buf_str(&x.reply), text) != NULL;
	if (!fine)
		printf("# %d %s %s\n", x.status, x.content_type,
		    buf_str(&x.reply));
	world_free_exchange(&x);
	return fine;
}

static void
test_operations(void)
{
	const char *plain = "text/plain; charset=utf-8";
	struct exchange x = { .method = "GET",
		.query = bytes_text("operation=GetCACert&message=7") };
	const uint8_t *p;
	X509 *ca;

	ok(get_answers("operation=GetCACaps&message=0", 200, "text/plain",
	       "AES\nDES3\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\n"
	       "SHA-512\nSCEPStandard\n"),
	    "GetCACaps lists what is taken, one a line");
	world_serve(&w, &x);
	p = x.reply.p;
	ca = d2i_X509(NULL, &p, (long)x.reply.len);
	ok(x.status == 200 &&
		strcmp(x.content_type, "application/x-x509-ca-cert") == 0,
	    "GetCACert has the exact type of a single certificate");
	ok(ca != NULL && p == x.reply.p + x.reply.len &&
		X509_cmp(ca, w.ca) == 0,
	    "and is the organization's CA, whatever message says");
	ok((X509_get_key_usage(ca) &
	       (KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT)) ==
		(KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT),
	    "which may sign messages and be encrypted for");
	X509_free(ca);
	world_free_exchange(&x);
	ok(get_answers("operation=GetNextCACert", 404, plain, "no next CA"),
	    "GetNextCACert is not found");
	ok(get_answers("operation=GetCAChain", 404, plain, "no chain"),
	    "nor is GetCAChain");
	ok(get_answers("", 400, plain, "This is a SCEP address"),
	    "a browser is told what this is");
	ok(get_answers("operation=Nothing", 400, plain, "GetCACert"),
	    "an unknown operation is refused");
	ok(get_answers("operation=PKIOperation", 400, plain, "&message="),
	    "a GET of a PKIOperation needs its message");
	ok(get_answers(
	       "operation=PKIOperation&message=!!", 400, plain, "base64"),
	    "in base64");
	ok(get_answers(
	       "operation=PKIOperation&message=MAA=", 400, plain, "pkiMessage"),
	    "and a pkiMessage");
}

static void
test_organizations(void)
{
	struct exchange x = { .method = "GET",
		.query = bytes_text("operation=GetCACert"),
		.params = { "nobody" } };
	struct world_step back = { .what = ADD_ORG, .org = 2, .name = "other" };
	struct world_step gone = {
		.what = REMOVE_ORG, .org = 2, .when = WORLD_NOW
	};

	world_serve(&w, &x);
	ok(x.status == 404 &&
		strstr(buf_str(&x.reply), "no organization") != NULL,
	    "an unknown organization is not found, in plain words");
	world_free_exchange(&x);
	x.params[0] = "other";
	world_serve(&w, &x);
	ok(x.status == 200 && x.reply.len > 0, "another one has its own CA");
	world_free_exchange(&x);
	world_step(&w, &gone);
	world_serve(&w, &x);
	ok(x.status == 404,
	    "a removed one is not found, although it was known");
	world_free_exchange(&x);
	world_step(&w, &back);
}

/* ---- enrollment --------------------------------------------------------- */

struct client {
	EVP_PKEY *key;
	X509 *cert;
};

static struct client
client_new(unsigned bits)
{
	EVP_PKEY *key = client_key(bits);

	return (struct client){ key, client_self_sign(key, "throw-away") };
}

static void
client_free(struct client *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->cert);
}

static int status; /* of the last exchange */

/* Ask for a certificate for key, signed with c. */
static struct answer
enroll(const struct client *c, const char *type, EVP_PKEY *key,
    const char *challenge, int64_t now)
{
	struct buf csr =
	    client_csr(key, "device", challenge, "DNS:a.example,email:b@c.d");
	struct ask a = { .type = type,
		.transaction = "ABCDEF",
		.nonce = "0123456789abcdef",
		.key = c->key,
		.cert = c->cert,
		.ca = w.ca,
		.content = buf_view(&csr) };
	struct answer r = world_post(&w, &a, now, &status);

	buf_free(&csr);
	return r;
}

/* Whether it was refused so; frees the answer. */
static bool
refused(struct answer r, const char *fault, const char *text)
{
	bool fine = status == 200 && r.signed_by_ca &&
	            strcmp(r.status, "2") == 0 && strcmp(r.fault, fault) == 0 &&
	            strstr(r.text, text) != NULL && r.cert == NULL;

	if (!fine)
		printf("# %d: status %s, fault %s: %s\n", status, r.status,
		    r.fault, r.text);
	answer_free(&r);
	return fine;
}

static bool
granted(const struct answer *r)
{
	bool fine = status == 200 && r->signed_by_ca &&
	            strcmp(r->status, "0") == 0 && r->cert != NULL;

	if (!fine)
		printf("# %d: status %s, fault %s: %s\n", status, r->status,
		    r->fault, r->text);
	return fine;
}

static bool
event_says(const char *text)
{
	struct buf b = world_events(&w);
	bool yes = strstr(buf_str(&b), text) != NULL;

	buf_free(&b);
	return yes;
}

static bool
has_name(X509 *x, int type, const char *text)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool yes = false;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int t;
		const ASN1_STRING *s = GENERAL_NAME_get0_value(
		    sk_GENERAL_NAME_value(names, i), &t);

		yes = yes ||
		      (t == type && bytes_equal(bytes_text(text),
					bytes_of(ASN1_STRING_get0_data(s),
					    (size_t)ASN1_STRING_length(s))));
	}
	GENERAL_NAMES_free(names);
	return yes;
}

static void
check_profile(X509 *x, EVP_PKEY *key)
{
	EVP_PKEY *ca_key = X509_get0_pubkey(w.ca);
	X509_NAME *subject = client_name("device");
	int days = 0, seconds = 0;
	time_t now = WORLD_NOW;

	ok(X509_verify(x, ca_key) == 1 && X509_NAME_cmp(X509_get_issuer_name(x),
					      X509_get_subject_name(w.ca)) == 0,
	    "it is signed by the organization's CA");
	ok(EVP_PKEY_eq(X509_get0_pubkey(x), key) == 1 &&
		X509_NAME_cmp(X509_get_subject_name(x), subject) == 0,
	    "has the key and the subject that were asked for");
	ok(has_name(x, GEN_DNS, "a.example") && has_name(x, GEN_EMAIL, "b@c.d"),
	    "and the names");
	ok(X509_check_ca(x) == 0, "is no CA, although that was asked for");
	ok(X509_get_extended_key_usage(x) == XKU_SSL_CLIENT,
	    "is for TLS clients");
	ASN1_TIME_diff(
	    &days, &seconds, X509_get0_notBefore(x), X509_get0_notAfter(x));
	ok(days == 364 && X509_cmp_time(X509_get0_notBefore(x), &now) < 0,
	    "is valid for a year, from a little before now");
	X509_NAME_free(subject);
	ERR_clear_error();
}

static void
test_enroll(void)
{
	struct client c = client_new(2048), other = client_new(2048);
	struct answer r, again;
	struct issued issued;

	world_challenge(&w, "FIRST");
	r = enroll(&c, "19", c.key, "FIRST", WORLD_NOW);
	ok(granted(&r), "a good challenge gets a certificate");
	check_profile(r.cert, c.key);
	issued = world_issued(&w, r.cert);
	ok(issued.org == 1 && issued.state == CERT_VALID && issued.meant == 0 &&
		issued.device == 0 && issued.expires > WORLD_NOW + 364 * DAY,
	    "the store knows it");
	ok(event_says("scep: certificate") &&
		event_says("issued for \"O=Example, CN=device\"; transaction "
			   "ABCDEF, from 192.0.2.7"),
	    "and an event tells it");

	again = enroll(&c, "19", c.key, "FIRST", WORLD_NOW + DAY);
	ok(granted(&again) && X509_cmp(again.cert, r.cert) == 0,
	    "the same key gets the same certificate again within a day");
	answer_free(&again);
	ok(refused(enroll(&c, "19", c.key, "FIRST", WORLD_NOW + DAY + 1), "2",
	       "challenge already used on 2026-09-21T14:13:20Z"),
	    "but not later");
	ok(refused(enroll(&other, "19", other.key, "FIRST", WORLD_NOW), "2",
	       "challenge already used"),
	    "another key gets nothing for it");
	ok(event_says("scep: refused for \"O=Example, CN=device\"; "
		      "transaction ABCDEF, from 192.0.2.7: challenge already "
		      "used on 2026-09-21T14:13:20Z"),
	    "and an event tells why");
	ok(!event_says("FIRST"), "without the challenge");
	issued.state = CERT_REVOKED;
	world_store_issued(&w, &issued);
	ok(refused(enroll(&c, "19", c.key, "FIRST", WORLD_NOW), "2", "revoked"),
	    "a revoked certificate is not given again");
	answer_free(&r);
	client_free(&c);
	client_free(&other);
}

static void
test_challenges(void)
{
	struct client c = client_new(2048), other = client_new(2048);
	struct world_step foreign = { .what = ADD_CHALLENGE,
		.org = 2,
		.name = "FOREIGN",
		.when = WORLD_NOW + DAY };
	struct world_step meant = { .what = ADD_CHALLENGE,
		.org = 1,
		.meant = 77,
		.name = "MEANT",
		.when = WORLD_NOW + DAY };
	struct answer r;

	ok(refused(enroll(&c, "19", c.key, NULL, 0), "2", "no challenge"),
	    "without a challenge there is no certificate");
	ok(refused(enroll(&c, "19", c.key, "", 0), "2", "no challenge"),
	    "an empty one is none");
	ok(refused(
	       enroll(&c, "19", c.key, "GUESS", 0), "2", "unknown challenge"),
	    "an unknown one is refused");
	world_step(&w, &foreign);
	ok(refused(enroll(&c, "19", c.key, "FOREIGN", 0), "2",
	       "another organization"),
	    "so is one of another organization");
	world_step(&w, &meant);
	ok(refused(enroll(&c, "19", c.key, "MEANT", WORLD_NOW + DAY), "2",
	       "challenge expired on 2026-09-22T14:13:20Z"),
	    "so is one that has expired");
	ok(refused(
	       enroll(&c, "19", other.key, "MEANT", 0), "2", "not issued here"),
	    "a first request is signed with its own key");
	ok(refused(enroll(&c, "17", c.key, "MEANT", 0), "2", "a renewal"),
	    "and is no RenewalReq");
	r = enroll(&c, "19", c.key, "MEANT", 0);
	ok(granted(&r) && world_issued(&w, r.cert).meant == 77,
	    "a challenge for one device makes a certificate for it alone");
	answer_free(&r);
	client_free(&c);
	client_free(&other);
}

static void
test_keys(void)
{
	struct client weak = client_new(1024), ec = client_new(0);
	struct buf csr, message;
	struct answer r = { 0 };
	struct exchange x = { .method = "POST", .params = { "acme" } };
	struct ask a = { .type = "19",
		.transaction = "EC",
		.nonce = "1",
		.key = ec.key,
		.cert = ec.cert,
		.ca = w.ca };

	world_challenge(&w, "WEAK");
	ok(refused(enroll(&weak, "19", weak.key, "WEAK", 0), "2", "2048"),
	    "an RSA key of 1024 bits is refused, with the remedy");
	csr = client_csr(ec.key, "device", "WEAK", NULL);
	a.content = buf_view(&csr);
	message = client_message(&a);
	x.body = buf_view(&message);
	world_serve(&w, &x);
	ok(x.status == 200, "a POST without operation is a PKIOperation");
	r = client_read(buf_view(&x.reply), w.ca, NULL, NULL, "WEAK");
	ok(granted(&r) && EVP_PKEY_eq(X509_get0_pubkey(r.cert), ec.key) == 1,
	    "a P-256 key gets a certificate, for the challenge that the weak "
	    "one did not use up");
	answer_free(&r);
	world_free_exchange(&x);
	buf_free(&message);
	buf_free(&csr);
	client_free(&weak);
	client_free(&ec);
}

/* ---- renewal ------------------------------------------------------------ */

static void
test_renewal(void)
{
	struct client c = client_new(2048), renewing;
	EVP_PKEY *next = client_key(2048);
	struct world_step meant = { .what = ADD_CHALLENGE,
		.org = 1,
		.meant = 5,
		.name = "FOR-5",
		.when = WORLD_NOW + DAY };
	struct issued issued;
	struct answer first, r;

	world_challenge(&w, "OLD");
	world_challenge(&w, "NEW");
	world_step(&w, &meant);
	first = enroll(&c, "19", c.key, "OLD", 0);
	ok(granted(&first), "a client has a certificate");
	renewing = (struct client){ c.key, first.cert };
	issued = world_issued(&w, first.cert);
	issued.device = 4;
	world_store_issued(&w, &issued);

	r = enroll(&renewing, "17", next, NULL, 0);
	ok(granted(&r), "a RenewalReq signed with it needs no challenge");
	ok(world_issued(&w, r.cert).meant == 4 &&
		world_issued(&w, r.cert).device == 0,
	    "the new certificate is for the old one's device alone");
	ok(X509_NAME_cmp(X509_get_subject_name(r.cert),
	       X509_get_subject_name(first.cert)) == 0 &&
		EVP_PKEY_eq(X509_get0_pubkey(r.cert), next) == 1,
	    "with the old subject and the new key");
	ok(world_issued(&w, first.cert).state == CERT_VALID,
	    "the old one stays valid until the new one is used");
	ok(event_says(" renewed for \""), "an event tells it");
	answer_free(&r);
	r = enroll(&renewing, "18", next, NULL, 0);
	ok(granted(&r), "so does an UpdateReq");
	answer_free(&r);
	r = enroll(&renewing, "19", next, "", 0);
	ok(granted(&r), "and a PKCSReq, as many clients send");
	answer_free(&r);
	ok(refused(enroll(&renewing, "17", next, "GUESS", 0), "2", "unknown"),
	    "a challenge that is given must be good");
	ok(refused(enroll(&renewing, "17", next, "FOR-5", 0), "2",
	       "another device"),
	    "and not be another device's");
	r = enroll(&renewing, "17", next, "NEW", 0);
	ok(granted(&r) && world_issued(&w, r.cert).meant == 4,
	    "a good one may be there");
	answer_free(&r);
	ok(refused(enroll(&c, "19", c.key, "NEW", 0), "2", "already used"),
	    "and is used up");

	ok(refused(enroll(&renewing, "17", next, NULL, WORLD_NOW + 366 * DAY),
	       "2", "ended on"),
	    "what has ended is not renewed");
	issued.state = CERT_SUPERSEDED;
	world_store_issued(&w, &issued);
	ok(refused(enroll(&renewing, "19", next, NULL, 0), "2", "replaced"),
	    "nor what was replaced");
	issued.state = CERT_VALID;
	issued.org = 2;
	world_store_issued(&w, &issued);
	ok(refused(
	       enroll(&renewing, "17", next, NULL, 0), "2", "not issued here"),
	    "nor another organization's");
	world_challenge(&w, "ANEW");
	r = enroll(&renewing, "19", c.key, "ANEW", 0);
	ok(granted(&r) && world_issued(&w, r.cert).meant == 0,
	    "with a good challenge and the same key it enrolls anew");
	answer_free(&r);
	answer_free(&first);
	EVP_PKEY_free(next);
	client_free(&c);
}

/* ---- other messages and hostile ones ------------------------------------ */

static void
test_other_types(void)
{
	struct client c = client_new(2048);

	world_challenge(&w, "UNUSED");
	ok(refused(enroll(&c, "20", c.key, "UNUSED", 0), "4", "pending"),
	    "CertPoll: nothing is ever pending");
	ok(refused(enroll(&c, "21", c.key, "UNUSED", 0), "2", "fetched"),
	    "GetCert is refused");
	ok(refused(enroll(&c, "22", c.key, "UNUSED", 0), "2", "fetched"),
	    "GetCRL is refused");
	ok(refused(enroll(&c, "3", c.key, "UNUSED", 0), "2", "messageType"),
	    "a client sends no CertRep");
	ok(refused(enroll(&c, "99", c.key, "UNUSED", 0), "2", "messageType"),
	    "nor what nobody knows");
	client_free(&c);
}

static void
test_hostile(void)
{
	struct client c = client_new(2048), other = client_new(2048);
	struct buf csr = client_csr(c.key, "device", "UNUSED", NULL);
	struct ask a = { .type = "19",
		.transaction = "x\n\x01\xff",
		.nonce = "1",
		.digest = EVP_md5(),
		.key = c.key,
		.cert = c.cert,
		.ca = w.ca,
		.content = buf_view(&csr) };
	struct buf junk = { 0 }, message;
	struct exchange x = { .method = "POST" };
	struct answer r;

	r = world_post(&w, &a, 0, &status);
	ok(strcmp(r.transaction, a.transaction) == 0 && r.digest == NID_sha256,
	    "any transactionID is echoed; the answer is over SHA-256");
	ok(refused(r, "0", "MD5"), "MD5 is badAlg");
	ok(event_says("transaction x\\n\\x01\\xff, from"),
	    "an event escapes what a client says");
	a.digest = NULL;
	a.transaction = "1";
	a.ca = other.cert;
	ok(refused(world_post(&w, &a, 0, &status), "1", "not encrypted for"),
	    "a message for another CA is badMessageCheck");
	a.ca = w.ca;
	a.cipher = EVP_camellia_128_cbc();
	ok(refused(world_post(&w, &a, 0, &status), "0", "CAMELLIA"),
	    "an unknown cipher is badAlg");
	a.cipher = NULL;
	a.content = bytes_of("\x30\x03\x02\x01\x01", 5);
	ok(refused(world_post(&w, &a, 0, &status), "2", "signing request"),
	    "what is no request is badRequest");
	csr.p[csr.len - 9] ^= 1;
	a.content = buf_view(&csr);
	ok(refused(world_post(&w, &a, 0, &status), "2", "its own key"),
	    "so is one that its key did not sign");
	csr.p[csr.len - 9] ^= 1;

	message = client_message(&a);
	message.p[message.len - 9] ^= 1;
	x.body = buf_view(&message);
	world_serve(&w, &x);
	status = x.status;
	ok(refused(client_read(buf_view(&x.reply), w.ca, c.key, c.cert, NULL),
	       "1", "signature does not hold"),
	    "a wrong signature is badMessageCheck");
	world_free_exchange(&x);
	x.body.len /= 2;
	world_serve(&w, &x);
	ok(x.status == 400, "a message that is cut short is a 400");
	world_free_exchange(&x);
	buf_free(&message);

	buf_resize(&junk, 1u << 20);
	x.body = buf_view(&junk);
	world_serve(&w, &x);
	ok(x.status == 413, "1 MiB of junk is too much");
	world_free_exchange(&x);
	x.body.len = SCEP_MESSAGE_MAX;
	world_serve(&w, &x);
	ok(x.status == 400, "and less of it is no message");
	world_free_exchange(&x);
	buf_free(&junk);
	ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");

	r = world_post(&w, &a, 0, &status);
	ok(granted(&r), "after all that the same client is served");
	answer_free(&r);
	buf_free(&csr);
	client_free(&c);
	client_free(&other);
}

/* A PKIOperation by GET; plus: how '+' is written, lines: of the base64. */
static bool
get_works(const struct ask *a, const char *plus, size_t lines)
{
	struct buf message = client_message(a), base64 = { 0 }, query = { 0 };
	struct exchange x = { .method = "GET" };
	struct answer r;
	bool fine;
	size_t i;

	text_base64(&base64, buf_view(&message));
	buf_text(&query, "operation=PKIOperation&message=");
	for (i = 0; i < base64.len; i++) {
		if (base64.p[i] == '+')
			buf_text(&query, plus);
		else if (base64.p[i] == '=')
			buf_text(&query, "%3D");
		else
			buf_char(&query, (char)base64.p[i]);
		if (lines > 0 && i % lines == lines - 1)
			buf_text(&query, "%0A");
	}
	x.query = buf_view(&query);
	world_serve(&w, &x);
	status = x.status;
	r = client_read(buf_view(&x.reply), w.ca, a->key, a->cert, NULL);
	fine = granted(&r);
	answer_free(&r);
	world_free_exchange(&x);
	buf_free(&query);
	buf_free(&base64);
	buf_free(&message);
	return fine;
}

static void
test_get(void)
{
	struct client c = client_new(2048);
	struct buf csr = client_csr(c.key, "device", "BY-GET", NULL);
	struct ask a = { .type = "19",
		.transaction = "1",
		.nonce = "1",
		.key = c.key,
		.cert = c.cert,
		.ca = w.ca,
		.content = buf_view(&csr) };

	world_challenge(&w, "BY-GET");
	ok(get_works(&a, "%2B", 64),
	    "GET: lines with %0A and %2B, as strongSwan sends them");
	ok(get_works(&a, "+", 0), "GET: raw '+' and '/', as macOS sends them");
	buf_free(&csr);
	client_free(&c);
}

static void
test_quiet(void)
{
	struct client c = client_new(2048);
	struct exchange x = { .method = "POST", .now = WORLD_NOW + 600 };
	struct ask a = { .type = "20",
		.transaction = "FLOOD",
		.nonce = "1",
		.key = c.key,
		.cert = c.cert,
		.ca = w.ca,
		.content = bytes_text("x") };
	struct buf message = client_message(&a), events;
	const char *p;
	int i, n = 0;

	x.body = buf_view(&message);
	for (i = 0; i < 100; i++) {
		world_serve(&w, &x);
		world_free_exchange(&x);
		buf_reset(&x.reply);
		x.reply = (struct buf){ 0 };
	}
	events = world_events(&w);
	for (p = buf_str(&events); (p = strstr(p, "FLOOD")) != NULL; p++)
		n++;
	ok(n == 30, "a flood of refusals does not flood the events");
	buf_free(&events);
	x.now += 60;
	world_serve(&w, &x);
	ok(event_says("(and 70 more that are not listed)"),
	    "and they are counted");
	world_free_exchange(&x);
	buf_free(&message);
	client_free(&c);
}

int
main(void)
{
	world_open(&w);
	test_operations();
	test_organizations();
	test_enroll();
	test_challenges();
	test_keys();
	test_renewal();
	test_other_types();
	test_hostile();
	test_get();
	test_quiet();
	world_close(&w);
	return tap_done();
}
