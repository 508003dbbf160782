/*
 * device.h - one simulated device: what it says, over libcurl and OpenSSL.
 */
#ifndef MDMFS_TESTS_SIMULATE_DEVICE_H
#define MDMFS_TESTS_SIMULATE_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <curl/curl.h>
#include <openssl/x509.h>

#include "engine/base/pl.h"
#include "mdmfs/buf.h"

/* How all of them behave: simulate's options. */
struct behaviour {
	const char *url, *org, *cacert, *profile, *seed, *identity, *keys,
	    *state, *apple;
	int count, threads, rounds, wait_ms, not_now;
	int reuse, http1, sha1, error, vanish, check_out, ota;
};
extern struct behaviour behaviour;

/* What they did, together. */
extern atomic_long n_enrolled, n_requests, n_answers, n_not_now, n_failed;

struct device {
	CURL *curl; /* of the thread */
	char udid[64];
	EVP_PKEY *key;
	X509 *cert;
	char server[512]; /* ServerURL */
	char topic[256];
	int refused; /* commands that got NotNow */
	long status; /* of the last answer */
	struct buf reply;
	struct buf tls; /* key and certificate as PEM */
};

/* Take up the identity of an earlier run; false: there is none. */
bool device_recall(struct device *d);
/* Profile, SCEP, Authenticate, TokenUpdate; d->key is set. */
bool device_enroll(struct device *d);
/* Idle, then an answer to each command. */
bool device_visit(struct device *d);
bool device_check_out(struct device *d);
/* The enrollment profile, over the air in three steps; NULL: it failed, and
 * was said and counted.  The caller's. */
struct pl *device_ota(struct device *d);
void device_fini(struct device *d);

/* ---- between device.c and ota.c ------------------------------------------ */

/* One request; true if it was answered with 200; the answer is in d->reply. */
bool device_request(struct device *d, const char *method, const char *url,
    struct bytes body, struct curl_slist *headers);
/* The answer as a profile, signed or not; NULL, and said, if it is none. */
struct pl *device_profile(struct device *d, struct bytes file);
struct pl *device_payload(const struct pl *profile, const char *type);
/* RFC 8894: a certificate for the challenge of a SCEP payload, in d->cert. */
bool device_scep(struct device *d, const struct pl *settings);

#endif
