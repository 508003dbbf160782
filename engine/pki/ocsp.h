/*
 * ocsp.h - the online certificate status protocol, the responder's side (RFC
 * 6960, RFC 5019).
 */
#ifndef MDMFS_PKI_OCSP_H
#define MDMFS_PKI_OCSP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pki/crl.h"
#include "engine/pki/identity.h"

#define OCSP_REQUEST_MAX 4096 /* bytes */
#define OCSP_ASKED_MAX   16   /* certificates in one request */
#define OCSP_NONCE_MAX   128  /* bytes: RFC 9654 2.1 */

/* What is true of one certificate. */
struct ocsp_status {
	bool known; /* the CA has issued it */
	bool revoked;
	int64_t revoked_at; /* seconds since 1970 UTC */
	enum crl_reason reason;
};

/* Tell what is true of the certificate with that serial number (the content of
 * its INTEGER), which the CA that is asked has issued or not. */
typedef enum err_code ocsp_fn(
    void *arg, struct bytes serial, struct ocsp_status *ret, struct err *err);

/*
 * Append the answer (DER), signed by the CA itself and good until next, to the
 * request (DER).  fn is called once for each certificate that names this CA;
 * of others the answer says unknown.  *nonce is whether the client sent one,
 * which makes the answer good for it alone.
 * ERR_INVALID: it is no request, asks for more than OCSP_ASKED_MAX, has a nonce
 * of another length than RFC 9654 allows, or a critical extension.
 */
enum err_code ocsp_answer(const struct identity *ca, struct bytes request,
    int64_t now, int64_t next, ocsp_fn *fn, void *arg, bool *nonce,
    struct buf *ret, struct err *err);

/* Append an answer that says why there is none (2.3), unsigned. */
enum ocsp_failure {
	OCSP_MALFORMED = 1,
	OCSP_INTERNAL = 2,
	OCSP_TRY_LATER = 3,
};
void ocsp_fail(enum ocsp_failure why, struct buf *ret);

#endif
