/*
 * vendor.h - signed requests for push certificates: what Apple's portal takes.
 */
#ifndef MDMFS_VENDOR_H
#define MDMFS_VENDOR_H

#include "mdmfs/file.h"

/*
 * status/orgs/ORG/apns.push-request: the organization's pending request,
 * signed by the vendor identity in system/vendor/; or what was in
 * orgs/ORG/apns/mdmcert-answer, unchanged, as long as that holds the pending
 * request.  ERR_INVALID, ERR_KEY_REJECTED, ERR_KEY_EXPIRED with what is
 * missing.
 */
enum err_code vendor_push_request(
    struct engine *e, uint32_t org, struct buf *b, struct err *err);

/*
 * status/orgs/ORG/apns.mdmcert-request: the JSON that mdmcert.download's
 * signrequest takes; holds the service key, so wipe b.  The key for the
 * service's answers is made when it is first asked for (0.2 s).
 * ERR_NOT_FOUND: the organization has no apns/mdmcert.
 */
enum err_code vendor_mdmcert_request(
    struct engine *e, uint32_t org, struct buf *b, struct err *err);

/* Requests of others in system/vendor/sign/, by the number of their file; in
 * order, those above after; return false to stop.  stem: NAME of NAME.csr. */
typedef bool vendor_request_fn(void *arg, const char *stem, uint32_t number);
enum err_code vendor_request_list(struct engine *e, uint32_t after,
    vendor_request_fn *fn, void *arg, struct err *err);
/* ERR_NOT_FOUND */
enum err_code vendor_request_find(
    struct engine *e, const char *stem, uint32_t *number, struct err *err);

/* status/system/vendor/NAME.push-request.  ERR_NOT_FOUND; else as
 * vendor_push_request(). */
enum err_code vendor_request_page(
    struct engine *e, uint32_t number, struct buf *b, struct err *err);

#endif
