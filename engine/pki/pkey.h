/*
 * pkey.h - private keys.
 *
 * A struct pkey never changes; it is counted like a struct cert, and its
 * memory is wiped with the last pkey_free().
 */
#ifndef MDMFS_PKI_PKEY_H
#define MDMFS_PKI_PKEY_H

#include "engine/pki/keyspec.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

struct pkey;

/* A fresh RSA key of 2048 to 8192 bits; takes 0.1 s and more. */
enum err_code pkey_generate_rsa(int bits, struct pkey **ret, struct err *err);
enum err_code pkey_generate_p256(struct pkey **ret, struct err *err);

/*
 * Exactly one unencrypted DER key: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 A.1.2)
 * or SEC1 (RFC 5915).  The key's two halves must belong together.
 * ERR_UNDECODABLE, ERR_KEY_REJECTED, ERR_NO_MEMORY.
 */
enum err_code pkey_parse(struct bytes der, struct pkey **ret, struct err *err);

/* Append PKCS#8 DER, unencrypted: give it to buf_wipe(). */
enum err_code pkey_encode(
    const struct pkey *k, struct buf *ret, struct err *err);

struct pkey *pkey_ref(struct pkey *k);
void pkey_free(struct pkey *k);

const struct keyspec *pkey_keyspec(const struct pkey *k);
/* Equals cert_key_id() of the certificates for this key; KEYSPEC_ID_LEN. */
const uint8_t *pkey_id(const struct pkey *k);

/* Append the signature of message over SHA-256: RSASSA-PKCS1-v1_5 or DER
 * ECDSA. */
enum err_code pkey_sign(const struct pkey *k, struct bytes message,
    struct buf *ret, struct err *err);

#endif
