/* What is to renew an enrollment ends with it, used or not. */
#include "engine/model/enrollment.h"
#include "tests/scep/talk.h"
#include "tests/tap.h"

#define UDID "00008030-0000000000000001"

static struct pl *nothing;
static struct err why;

struct said {
	enum { AUTHENTICATE, TOKEN_UPDATE, CHECK_OUT, RENEW } what;
	struct speaker s;
	const char *challenge;
};

static enum err_code
renew_txn(struct txn *t, const struct said *x, struct err *err)
{
	struct device d;
	enum err_code rc = device_by_id(t, UDID, &d, err);
	struct challenge c = { .org = w.org,
		.meant = d.number,
		.renews = d.enrolled_at,
		.expires = WORLD_NOW + CHALLENGE_LIFE };

	return rc == ERR_OK ? challenge_put(t, &c, x->challenge, err) : rc;
}

static enum err_code
said_txn(struct txn *t, void *arg, struct err *err)
{
	const struct push_token token = { .len = 32, .topic = "com.example" };
	struct said *x = arg;

	switch (x->what) {
	case AUTHENTICATE:
		return enrollment_authenticate(t, &x->s, err);
	case TOKEN_UPDATE:
		return enrollment_token_update(t, &x->s, &token, err);
	case CHECK_OUT:
		return enrollment_check_out(t, &x->s, err);
	case RENEW:
		return renew_txn(t, x, err);
	}
	return ERR_OK;
}

/* The device with that certificate says so; why has the reason. */
static enum err_code
say(int what, X509 *cert, int64_t later)
{
	struct said x = { .what = what,
		.s = { .engine = &w.engine,
		    .org = w.org,
		    .id = UDID,
		    .message = nothing,
		    .now = WORLD_NOW + later } };

	NEED(X509_digest(cert, EVP_sha256(), x.s.fingerprint, NULL) == 1);
	return store_update(w.engine.store, said_txn, &x, &why);
}

static void
renewal(const char *challenge)
{
	struct said x = { .what = RENEW, .challenge = challenge };

	NEED(store_update(w.engine.store, said_txn, &x, &why) == ERR_OK);
}

/* As a device does: a new key, which signs for itself. */
static X509 *
get(const char *challenge)
{
	struct client c = client_new(2048);
	struct answer r = enroll(&c, "19", c.key, challenge, 0);
	X509 *x = granted(&r) ? X509_dup(r.cert) : NULL;

	NEED(x != NULL);
	answer_free(&r);
	client_free(&c);
	return x;
}

static enum cert_state
state(X509 *x)
{
	return world_issued(&w, x).state;
}

static bool
refuses(const char *challenge)
{
	struct client c = client_new(2048);
	bool yes = refused(enroll(&c, "19", c.key, challenge, 0), "2",
	    "an enrollment that has ended");

	client_free(&c);
	return yes;
}

static void
test_check_out(void)
{
	X509 *first, *failed, *second, *third;

	world_challenge(&w, "FIRST");
	first = get("FIRST");
	NEED(say(AUTHENTICATE, first, 0) == ERR_OK &&
	     say(TOKEN_UPDATE, first, 0) == ERR_OK);
	renewal("LOST");
	renewal("SECOND");
	renewal("THIRD");
	renewal("UNUSED");
	failed = get("LOST");
	ok(state(failed) == CERT_VALID, "a renewal gives a certificate");
	second = get("SECOND");
	ok(state(failed) == CERT_SUPERSEDED && state(first) == CERT_VALID,
	    "another one takes its place, if no device has used it");
	ok(say(AUTHENTICATE, second, 1) == ERR_OK &&
		say(TOKEN_UPDATE, second, 1) == ERR_OK &&
		state(first) == CERT_SUPERSEDED && state(second) == CERT_VALID,
	    "the device goes on with it");
	third = get("THIRD");
	ok(state(third) == CERT_VALID && state(second) == CERT_VALID,
	    "and renews again");
	ok(say(CHECK_OUT, second, 2) == ERR_OK &&
		state(second) == CERT_CEASED && state(third) == CERT_CEASED,
	    "a check-out ends what was to renew it, too");
	ok(say(AUTHENTICATE, third, 3) != ERR_OK &&
		strstr(why.msg, "given up when its device checked out") != NULL,
	    "which enrolls nothing");
	ok(refuses("UNUSED"), "no challenge is left that would");
	X509_free(first);
	X509_free(failed);
	X509_free(second);
	X509_free(third);
}

static void
test_anew(void)
{
	X509 *first, *unused, *next;

	world_challenge(&w, "AGAIN");
	first = get("AGAIN");
	ok(say(AUTHENTICATE, first, 100) == ERR_OK &&
		say(TOKEN_UPDATE, first, 100) == ERR_OK,
	    "the device comes back as whoever is let in");
	ok(refuses("UNUSED"), "its former enrollment is not renewed by that");
	renewal("NEXT");
	renewal("LEFT");
	unused = get("NEXT");
	world_challenge(&w, "ANEW");
	next = get("ANEW");
	ok(say(AUTHENTICATE, next, 200) == ERR_OK &&
		state(first) == CERT_SUPERSEDED &&
		state(unused) == CERT_SUPERSEDED && state(next) == CERT_VALID,
	    "who enrolls anew ends the renewals of the old enrollment");
	ok(refuses("LEFT"), "and its challenges");
	X509_free(first);
	X509_free(unused);
	X509_free(next);
}

/* A client may sign with the certificate that it renews, again and again. */
static void
test_chain(void)
{
	struct client one = client_new(2048);
	EVP_PKEY *keys[3] = { NULL };
	X509 *certs[4] = { NULL };
	struct answer r;
	int i;

	world_challenge(&w, "CHAIN");
	r = enroll(&one, "19", one.key, "CHAIN", 0);
	NEED(granted(&r));
	certs[0] = X509_dup(r.cert);
	answer_free(&r);
	NEED(say(AUTHENTICATE, certs[0], 300) == ERR_OK &&
	     say(TOKEN_UPDATE, certs[0], 300) == ERR_OK);
	for (i = 0; i < 3; i++) {
		struct client c = { i == 0 ? one.key : keys[i - 1], certs[i] };

		keys[i] = client_key(2048);
		r = enroll(&c, "17", keys[i], NULL, 0);
		NEED(granted(&r));
		certs[i + 1] = X509_dup(r.cert);
		answer_free(&r);
	}
	ok(state(certs[3]) == CERT_VALID, "a renewal may be renewed");
	ok(say(CHECK_OUT, certs[0], 301) == ERR_OK &&
		state(certs[0]) == CERT_CEASED &&
		state(certs[2]) == CERT_CEASED &&
		state(certs[3]) == CERT_CEASED,
	    "a check-out ends all that grew out of it");
	for (i = 0; i < 3; i++)
		EVP_PKEY_free(keys[i]);
	for (i = 0; i < 4; i++)
		X509_free(certs[i]);
	client_free(&one);
}

int
main(void)
{
	nothing = pl_new_dict();
	world_open(&w);
	test_check_out();
	test_anew();
	test_chain();
	world_close(&w);
	pl_free(nothing);
	return tap_done();
}
