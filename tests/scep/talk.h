/*
 * talk.h - one world and short sentences about it, for the tests of the
 * responder.
 */
#ifndef MDMFS_TESTS_SCEP_TALK_H
#define MDMFS_TESTS_SCEP_TALK_H

#include "tests/scep/world.h"

static struct world w;

struct client {
	EVP_PKEY *key;
	X509 *cert;
};

static inline struct client
client_new(unsigned bits)
{
	EVP_PKEY *key = client_key(bits);

	return (struct client){ key, client_self_sign(key, "throw-away") };
}

static inline void
client_free(struct client *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->cert);
}

static int status; /* of the last exchange */

/* Ask for a certificate for key, signed with c. */
static inline struct answer
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
static inline bool
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

static inline bool
granted(const struct answer *r)
{
	bool fine = status == 200 && r->signed_by_ca &&
	            strcmp(r->status, "0") == 0 && r->cert != NULL;

	if (!fine)
		printf("# %d: status %s, fault %s: %s\n", status, r->status,
		    r->fault, r->text);
	return fine;
}

static inline bool
event_says(const char *text)
{
	struct buf b = world_events(&w);
	bool yes = strstr(buf_str(&b), text) != NULL;

	buf_free(&b);
	return yes;
}

#endif
