/*
 * signature_cache_priv.h - finding and keeping a signer's certificate.
 */
#ifndef MDMFS_PKI_SIGNATURE_CACHE_PRIV_H
#define MDMFS_PKI_SIGNATURE_CACHE_PRIV_H

#include "engine/pki/mdm_signature.h"

/* The caller's (cert_free()); NULL: not there. */
struct cert *signature_cache_find(struct signature_cache *c,
    const uint8_t fingerprint[static CERT_FINGERPRINT_LEN], int64_t now);

/* Counts cert once more; does nothing when memory is short. */
void signature_cache_keep(
    struct signature_cache *c, struct cert *cert, int64_t now);

#endif
