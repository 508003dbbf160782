/*
 * revoked.h - the list of an organization's certificates that are not good any
 * more, for other services that trust its CA.
 *
 * mdmfs itself asks the store, at once; a list is at most a minute old.
 */
#ifndef MDMFS_SCEP_REVOKED_H
#define MDMFS_SCEP_REVOKED_H

#include "engine/model/certs.h"
#include "engine/model/model.h"
#include "engine/pki/crl.h"
#include "engine/pki/identity.h"

#define REVOKED_MAKE INT64_C(60)    /* seconds for which a list is handed out */
#define REVOKED_GOOD INT64_C(86400) /* seconds that it says it is good */

/* As other services are told of it. */
enum crl_reason revoked_reason(enum cert_state state);

struct revoked;

/* NULL: out of memory. */
struct revoked *revoked_new(struct engine *e);
void revoked_free(struct revoked *r);

/* Append the list (DER) of the organization whose CA is ca.  Any thread,
 * outside of transactions. */
enum err_code revoked_list(struct revoked *r, uint32_t org,
    const struct identity *ca, int64_t now, struct buf *ret, struct err *err);

#endif
