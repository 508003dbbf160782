/*
 * vendor_priv.h - between vendor.c (requests of others), vendor_push.c (an
 * organization's own) and vendor_mdmcert.c (mdmcert.download).
 */
#ifndef MDMFS_MODEL_VENDOR_PRIV_H
#define MDMFS_MODEL_VENDOR_PRIV_H

#include "engine/model/orgs.h"
#include "engine/model/slots.h"
#include "engine/model/vendor.h"
#include "engine/pki/push_request.h"

/* The identity of that slot, the caller's; NULL: none is in effect. */
enum err_code vendor_identity(struct txn *t, uint32_t org, enum slot slot,
    struct identity **ret, struct err *err);

/* Whether vendor (not NULL) can sign at that time.  ERR_KEY_EXPIRED,
 * ERR_KEY_REJECTED. */
enum err_code vendor_check(
    const struct identity *vendor, int64_t now, struct err *err);

/* An organization's pending request for a push certificate. */
struct pending {
	struct org org;
	struct csr *csr; /* NULL: none */
};
/* Free it with pending_fini(). */
enum err_code pending_read(
    struct txn *t, uint32_t org, struct pending *ret, struct err *err);
void pending_fini(struct pending *p);
/* ERR_INVALID with what to do: there is none. */
enum err_code pending_check(const struct pending *p, struct err *err);

/*
 * What the service's answer, as it was written, holds: file (appended; base64
 * for Apple's portal) and the request in it, the caller's.  id: of
 * SLOT_OF_MDMCERT.  ERR_UNDECODABLE, ERR_KEY_REJECTED.
 */
enum err_code mdmcert_open(const struct identity *id, struct bytes answer,
    struct buf *file, struct csr **csr, struct err *err);

#endif
