/*
 * mdm_signature.h - the Mdm-Signature header: a device proves with each
 * request that it has the key of its certificate.
 *
 * The certificate comes with the message, so this proves possession and
 * nothing else: whose certificate it is, is the caller's to look up by
 * cert_fingerprint().
 */
#ifndef MDMFS_PKI_MDM_SIGNATURE_H
#define MDMFS_PKI_MDM_SIGNATURE_H

#include <stdint.h>

#include "engine/pki/cert.h"

/* Parsed certificates by the SHA-256 of their DER, since parsing costs more
 * than verifying.  May be used from several threads at once. */
struct signature_cache;

/* max certificates are kept, the least recently used goes first (about 6 KB
 * each); one that was not used for a day goes, too. */
enum err_code signature_cache_new(
    size_t max, struct signature_cache **ret, struct err *err);
void signature_cache_free(struct signature_cache *c);
/* Forget one, after a revocation. */
void signature_cache_drop(struct signature_cache *c,
    const uint8_t fingerprint[static CERT_FINGERPRINT_LEN]);

/*
 * header is the header's value: base64 of a detached SignedData over body
 * (the request's exact bytes; may be empty).  now: seconds since 1970 UTC, for
 * the cache alone.  *signer is the caller's (cert_free()).
 * ERR_UNDECODABLE: not such a message, or the signature does not hold.
 * ERR_KEY_REJECTED: a digest that proves nothing (MD5).
 */
enum err_code mdm_signature_verify(struct signature_cache *c,
    struct bytes header, struct bytes body, int64_t now, struct cert **signer,
    struct err *err);

#endif
