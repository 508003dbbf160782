/*
 * crl.h - certificate revocation lists (RFC 5280 5).
 */
#ifndef MDMFS_PKI_CRL_H
#define MDMFS_PKI_CRL_H

#include "engine/pki/cert.h"
#include "engine/pki/identity.h"

/* RFC 5280 5.3.1 */
enum crl_reason {
	CRL_UNSPECIFIED = 0,
	CRL_SUPERSEDED = 4,
	CRL_CEASED = 5, /* cessationOfOperation */
};

struct crl;

/* An empty list of ca's, which outlives it; *ret is the caller's. */
enum err_code crl_new(
    const struct identity *ca, struct crl **ret, struct err *err);
void crl_free(struct crl *c);

/* c was issued by ca and is not good any more since at (seconds). */
enum err_code crl_add(struct crl *crl, const struct cert *c, int64_t at,
    enum crl_reason reason, struct err *err);

/* Sign it and append it as DER.  number grows with each list (5.2.3); the
 * times are in seconds since 1970 UTC. */
enum err_code crl_sign(struct crl *crl, uint64_t number, int64_t now,
    int64_t next, struct buf *ret, struct err *err);

#endif
