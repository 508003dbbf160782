/*
 * identity_priv.h - the identities of a moment, parsed, and found by name.
 */
#ifndef MDMFS_WIRE_IDENTITY_PRIV_H
#define MDMFS_WIRE_IDENTITY_PRIV_H

#include <openssl/ssl.h>

#include "engine/wire/server.h"

/* Never changes; counted, from any thread. */
struct identities;

/*
 * Copy and parse.  Those whose version old has are taken from there; old may
 * be NULL.  ERR_INVALID, ERR_KEY_REJECTED, ERR_TOO_BIG, ERR_NOT_FOUND (neither
 * bytes nor a known version).
 */
enum err_code identities_new(const struct wire_identity *in, size_t n,
    const struct identities *old, struct identities **ret, struct err *err);
struct identities *identities_ref(struct identities *ids);
void identities_free(struct identities *ids);
size_t identities_count(const struct identities *ids);

/* Give ctx those that are for everybody. */
bool identities_use(const struct identities *ids, SSL_CTX *ctx);
/* Give a handshake those for that name; false: the name is not listed, and
 * nothing has changed. */
bool identities_choose(
    const struct identities *ids, SSL *ssl, const char *name);

/* NULL unless der is exactly one certificate. */
X509 *identity_x509(struct bytes der);

#endif
