/*
 * push_request.h - the file that identity.apple.com/pushcert takes: a request
 * for an MDM push certificate, signed by an MDM vendor.
 *
 * Base64 of an XML property list with three strings (Apple, "Setting Up Push
 * Notifications for Your MDM Customers"): PushCertRequestCSR, base64 of the
 * DER request; PushCertCertificateChain, PEM of the vendor's certificate and
 * all above it, the root included; PushCertSignature, base64 of the vendor's
 * RSASSA-PKCS1-v1_5 signature of that DER over SHA-256.
 */
#ifndef MDMFS_PKI_PUSH_REQUEST_H
#define MDMFS_PKI_PUSH_REQUEST_H

#include "engine/pki/csr.h"
#include "engine/pki/identity.h"

#define PUSH_REQUEST_MAX (1u << 20) /* bytes of such a file */

/* Whether Apple makes a push certificate for the request's key: RSA, 2048 bits
 * at least.  ERR_KEY_REJECTED with the remedy. */
enum err_code push_request_check_csr(const struct csr *csr, struct err *err);

/* Whether vendor can sign: it has an RSA key, and its chain reaches the root.
 * ERR_KEY_REJECTED; the message names the certificate that is missing.  Says
 * nothing on its validity: slot_judge_cert(). */
enum err_code push_request_check_vendor(
    const struct identity *vendor, struct err *err);

/* Append the file, one line.  The same bytes each time.  Fails as the two
 * above. */
enum err_code push_request_make(const struct identity *vendor,
    const struct csr *csr, struct buf *ret, struct err *err);

/*
 * The request inside such a file, whoever made it; *ret is the caller's, for
 * csr_free().  The signature is not judged: that is Apple's matter.
 * ERR_UNDECODABLE: what it is instead.
 */
enum err_code push_request_read(
    struct bytes file, struct csr **ret, struct err *err);

#endif
