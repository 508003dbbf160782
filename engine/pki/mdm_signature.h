/*
 * mdm_signature.h - the Mdm-Signature header: a device proves with each
 * request that it has the key of its certificate.
 *
 * The certificate comes with the message, so this proves possession and
 * nothing else: whose certificate it is, is the caller's to look up by its
 * SHA-256.
 */
#ifndef MDMFS_PKI_MDM_SIGNATURE_H
#define MDMFS_PKI_MDM_SIGNATURE_H

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

/*
 * header is the header's value: base64 of a detached SignedData over body
 * (the request's exact bytes; may be empty).  The signer's certificate, DER, is
 * appended to *signer.  Nothing of it was judged but that its key made the
 * signature; it may not even be one that cert_parse() takes.
 * ERR_UNDECODABLE: not such a message, or the signature does not hold.
 * ERR_KEY_REJECTED: a digest that proves nothing (MD5).
 */
enum err_code mdm_signature_verify(struct bytes header, struct bytes body,
    struct buf *signer, struct err *err);

#endif
