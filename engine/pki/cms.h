/*
 * cms.h - signed and enveloped messages (RFC 5652).
 */
#ifndef MDMFS_PKI_CMS_H
#define MDMFS_PKI_CMS_H

#include "engine/pki/cert.h"
#include "engine/pki/identity.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

#define CMS_MAX (32u << 20) /* bytes of a message */

/*
 * Append a DER SignedData with content inside and the identity's whole chain
 * with it, signed over SHA-256: a signed configuration profile.
 */
enum err_code cms_sign(const struct identity *id, struct bytes content,
    struct buf *ret, struct err *err);

/*
 * Verify the signature (exactly one signer) of a SignedData, DER or BER.
 * *signer is the certificate that it names, out of the message; nothing is
 * said about who issued it or whether it is still valid.  SHA-1 and SHA-2;
 * RSA PKCS#1 v1.5 or PSS, ECDSA.  content is appended; *signer is the
 * caller's.  Both are untouched on failure.
 * ERR_UNDECODABLE: no SignedData, or the signature does not hold.
 * ERR_KEY_REJECTED: a digest that proves nothing (MD5).
 */
enum err_code cms_verify_attached(struct bytes der, struct buf *content,
    struct cert **signer, struct err *err);
enum err_code cms_verify_detached(struct bytes der, struct bytes content,
    struct cert **signer, struct err *err);

enum cms_cipher {
	CMS_CIPHER_AES256, /* CBC, all of them */
	CMS_CIPHER_AES128,
	CMS_CIPHER_3DES,
};

/* Append a DER EnvelopedData for the RSA key of recipient. */
enum err_code cms_encrypt(const struct cert *recipient, struct bytes content,
    enum cms_cipher cipher, struct buf *ret, struct err *err);

/*
 * Append what an EnvelopedData, DER or BER, holds for id; also single DES,
 * which old SCEP clients use.  The recipient must be id's certificate.
 * ERR_UNDECODABLE: no EnvelopedData, or damaged.  ERR_KEY_REJECTED: for
 * somebody else.  ERR_UNSUPPORTED: a cipher that is not known.
 */
enum err_code cms_decrypt(const struct identity *id, struct bytes der,
    struct buf *ret, struct err *err);

/* Append a DER SignedData that holds certificates alone ("degenerate"). */
enum err_code cms_certs_only(
    struct cert *const certs[], size_t n, struct buf *ret, struct err *err);

#endif
