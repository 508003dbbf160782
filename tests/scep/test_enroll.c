#include "engine/scep/enroll.h"

#include "tests/scep/talk.h"
#include "tests/tap.h"

#define DAY INT64_C(86400)

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
	struct answer first, r, again;

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
	r = enroll(&renewing, "17", next, "OLD", 0);
	ok(granted(&r), "the challenge of its first request may be repeated");
	answer_free(&r);
	r = enroll(&renewing, "19", c.key, "OLD", 0);
	ok(granted(&r) && X509_cmp(r.cert, first.cert) != 0,
	    "also for the same key, which gets a new certificate");
	answer_free(&r);
	r = enroll(&renewing, "17", next, "FORGOTTEN", 0);
	ok(granted(&r), "also when the server has forgotten it");
	answer_free(&r);
	ok(refused(enroll(&renewing, "17", next, "FOR-5", 0), "2",
	       "another device"),
	    "but it must not be another device's");
	ok(refused(enroll(&renewing, "17", next, "FOREIGN", 0), "2",
	       "another organization"),
	    "nor another organization's");
	r = enroll(&renewing, "17", next, "NEW", 0);
	ok(granted(&r) && world_issued(&w, r.cert).meant == 4,
	    "a good one may be there");
	again = enroll(&renewing, "17", next, "NEW", 0);
	ok(granted(&again) && X509_cmp(r.cert, again.cert) == 0,
	    "and gets the same certificate again");
	answer_free(&again);
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

int
main(void)
{
	world_open(&w);
	test_enroll();
	test_challenges();
	test_keys();
	test_renewal();
	world_close(&w);
	return tap_done();
}
