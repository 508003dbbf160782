/*
 * org.h - organizations: the tenants of the server.
 */
#ifndef MDMFS_ORG_H
#define MDMFS_ORG_H

#include "mdmfs/file.h"

struct org_view {
	uint32_t number; /* from 1; never used twice */
	char name[256];  /* the directory's */
	/* of orgs/ORG; decide who sees its devices and status */
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	int64_t mtime_ns;
};

/* ERR_NOT_FOUND.  Organizations that were removed are not found. */
enum err_code org_find(
    struct engine *e, const char *name, struct org_view *ret, struct err *err);
enum err_code org_get(
    struct engine *e, uint32_t number, struct org_view *ret, struct err *err);

/* Those with a number above after, in order; return false to stop. */
typedef bool org_fn(void *arg, const struct org_view *org);
enum err_code org_list(
    struct engine *e, uint32_t after, org_fn *fn, void *arg, struct err *err);

/* status/orgs/ORG/apns, signing and tls, status/system/tls, signing and vendor
 * (org 0): `key: value` lines on the identity in effect, the request that waits
 * for its answer, and what else waits.  place is PLACE_APNS, PLACE_SIGNING,
 * PLACE_TLS or PLACE_VENDOR. */
enum err_code org_slot_page(struct engine *e, uint32_t org, enum place place,
    struct buf *b, struct err *err);
/* The same of system/tls/NAME; dir is the number of that directory. */
enum err_code org_tls_page(
    struct engine *e, uint64_t dir, struct buf *b, struct err *err);

/* status/.../SLOT.csr: the unanswered request of such a slot, PEM; the same
 * bytes each time.  ERR_NOT_FOUND: there is none, or it waits for a name. */
enum err_code org_request_page(struct engine *e, uint32_t org, enum place place,
    struct buf *b, struct err *err);
enum err_code org_tls_request_page(
    struct engine *e, uint64_t dir, struct buf *b, struct err *err);

/*
 * status/orgs/ORG/enroll.mobileconfig: the enrollment profile.  The same bytes
 * until its challenge is used or has expired.  ERR_INVALID, ERR_KEY_EXPIRED,
 * ERR_KEY_REJECTED with the reason while it may not be handed out.
 */
enum err_code org_enroll_profile(
    struct engine *e, uint32_t org, struct buf *b, struct err *err);

/* status/orgs/ORG/scep: `key: value` lines on the organization's own CA, its
 * address for devices and their number. */
enum err_code org_scep_page(
    struct engine *e, uint32_t org, struct buf *b, struct err *err);

/* status/orgs/ORG/scep-challenges: a line for each file in scep/challenges:
 * DEVICE, waiting, used or expired, since or until when (or "-"), and the
 * string if the server made it (or "-"), with tabs between them.  Secret. */
enum err_code org_scep_challenges_page(
    struct engine *e, uint32_t org, struct buf *b, struct err *err);

/* status/orgs/ORG/anchor-certs.json: the value of anchor_certs in an ADE
 * profile (JSON): the roots of the HTTPS chain and of system/trust. */
enum err_code org_anchor_certs(
    struct engine *e, uint32_t org, struct buf *b, struct err *err);

/* The certificate (PEM) of the organization's own CA.  ERR_NOT_FOUND until a
 * device has first asked for it. */
enum err_code org_ca_page(
    struct engine *e, uint32_t org, struct buf *b, struct err *err);

#endif
