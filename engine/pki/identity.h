/*
 * identity.h - a private key, its certificate, and the chain above it.
 *
 * Never changes; counted like a struct cert.
 */
#ifndef MDMFS_PKI_IDENTITY_H
#define MDMFS_PKI_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/pki/cert.h"
#include "engine/pki/pkey.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

#define IDENTITY_MAX_CHAIN 16 /* certificates, leaf and root included */

struct identity;

/*
 * Join key and leaf, and build the chain from pool, which may hold any
 * certificates in any order.  All are counted, not copied.
 * ERR_KEY_REJECTED: the key is not the certificate's.
 */
enum err_code identity_new(struct pkey *key, struct cert *leaf,
    struct cert *const pool[], size_t n_pool, struct identity **ret,
    struct err *err);
struct identity *identity_ref(struct identity *id);
void identity_free(struct identity *id);

/* Borrowed from id. */
struct pkey *identity_key(const struct identity *id);
struct cert *identity_leaf(const struct identity *id);
/* The chain, each issued by the next; 0 is the leaf, the last may be the
 * root. */
size_t identity_n_certs(const struct identity *id);
struct cert *identity_cert(const struct identity *id, size_t i);
/* How many of them to send in TLS: without a self-signed root (but at least
 * the leaf). */
size_t identity_n_sent(const struct identity *id);

/* True when the chain ends in a self-signed root; else the issuer that is
 * missing (cert_issuer() text) is in *missing, borrowed from id. */
bool identity_chain_complete(const struct identity *id, const char **missing);

/* As bytes of our own; append to ret, give it to buf_wipe(). */
enum err_code identity_encode(
    const struct identity *id, struct buf *ret, struct err *err);
/* ERR_DAMAGED. */
enum err_code identity_decode(
    struct bytes bytes, struct identity **ret, struct err *err);

/*
 * The ends of the chain alone, the caller's: without its key, which costs
 * many times as much.  last is the leaf once more if there is nothing above
 * it.  ERR_DAMAGED.
 */
struct identity_ends {
	struct cert *leaf;
	struct cert *last;
};
enum err_code identity_decode_ends(
    struct bytes bytes, struct identity_ends *ret, struct err *err);
void identity_ends_fini(struct identity_ends *ends);

#endif
