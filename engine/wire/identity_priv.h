/*
 * identity_priv.h - a struct wire_identity that was parsed and copied.
 */
#ifndef MDMFS_WIRE_IDENTITY_PRIV_H
#define MDMFS_WIRE_IDENTITY_PRIV_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "engine/wire/server.h"

#define IDENTITIES_MAX 64

struct identity {
	EVP_PKEY *key;
	X509 *leaf;
	STACK_OF(X509) * chain; /* without the leaf */
	char **names;
	size_t n_names;
};

/* *ret is an array of n, the caller's until identities_free(); NULL if n is
 * 0.  ERR_INVALID, ERR_KEY_REJECTED. */
enum err_code identities_parse(const struct wire_identity *in, size_t n,
    struct identity **ret, struct err *err);
void identities_free(struct identity *ids, size_t n);

/* NULL unless der is exactly one certificate. */
X509 *identity_x509(struct bytes der);

#endif
