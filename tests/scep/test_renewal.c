/* One renewal for each certificate, and what goes when there is another. */
#include "tests/scep/talk.h"
#include "tests/tap.h"

/* Renew with c, for key; the answer's certificate or NULL. */
static X509 *
renew(const struct client *c, EVP_PKEY *key)
{
	struct answer r = enroll(c, "17", key, NULL, 0);
	X509 *x = granted(&r) ? X509_dup(r.cert) : NULL;

	answer_free(&r);
	return x;
}

static enum cert_state
state(X509 *x)
{
	return world_issued(&w, x).state;
}

int
main(void)
{
	EVP_PKEY *two = client_key(2048), *three = client_key(2048);
	struct client c;
	struct client old, next;
	struct answer r;
	struct issued issued;
	X509 *b, *b2, *b3, *d;

	world_open(&w);
	c = client_new(2048);
	world_challenge(&w, "FIRST");
	r = enroll(&c, "19", c.key, "FIRST", 0);
	ok(granted(&r), "a client has a certificate");
	old = (struct client){ c.key, r.cert };

	b = renew(&old, two);
	ok(b != NULL && state(b) == CERT_VALID && state(old.cert) == CERT_VALID,
	    "it renews it, and both are good until the new one is used");
	b2 = renew(&old, two);
	ok(b2 != NULL && X509_cmp(b, b2) == 0,
	    "the same key gets the same certificate again");
	b3 = renew(&old, three);
	ok(b3 != NULL && X509_cmp(b, b3) != 0 && state(b3) == CERT_VALID &&
		state(b) == CERT_SUPERSEDED,
	    "another key takes its place");
	ok(refused(enroll(&(struct client){ two, b }, "17", c.key, NULL, 0),
	       "2", "was replaced"),
	    "and what it replaced renews nothing");

	next = (struct client){ three, b3 };
	d = renew(&next, two);
	ok(d != NULL && state(old.cert) == CERT_SUPERSEDED &&
		state(b3) == CERT_VALID,
	    "who renews the new one does not need the first any more");
	ok(refused(enroll(&old, "17", two, NULL, 0), "2", "was replaced"),
	    "which is over");

	issued = world_issued(&w, d);
	issued.device = 4;
	world_store_issued(&w, &issued);
	ok(refused(enroll(&next, "17", c.key, NULL, 0), "2",
	       "renewed already, and the new one is in use"),
	    "once a device uses the new one the old one renews nothing");
	ok(event_says("renewed already"), "an event tells why");

	X509_free(b);
	X509_free(b2);
	X509_free(b3);
	X509_free(d);
	answer_free(&r);
	client_free(&c);
	EVP_PKEY_free(two);
	EVP_PKEY_free(three);
	world_close(&w);
	return tap_done();
}
