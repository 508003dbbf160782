/*
 * import.h - devices that another server manages now, taken over without
 * touching them: their Authenticate, TokenUpdate and SetBootstrapToken
 * messages, as that server has kept them (NanoMDM's and others' migrations),
 * are written to orgs/ORG/enrollment/import/.
 *
 * Such a device has a certificate of another CA, which is in no message.  It
 * is bound when the device first comes with it; until then the device's record
 * holds a fingerprint that no certificate can have.  With import/ca.pem only
 * certificates of that CA are bound.
 */
#ifndef MDMFS_MODEL_IMPORT_H
#define MDMFS_MODEL_IMPORT_H

#include "engine/model/enrollment.h"
#include "engine/model/place.h"

/* Whether s is an imported device that comes for the first time, with a
 * certificate that is not known here. */
bool import_waits(struct txn *t, const struct speaker *s);

/* Bind it: s->cert is needed.  ERR_DENIED: import/ca.pem has not issued it, or
 * the message names another topic than that of the push certificate. */
enum err_code import_bind(
    struct txn *t, const struct speaker *s, struct err *err);

/* Whether the device has not come yet since it was imported. */
bool import_is_waiting(const struct device *d);

/* How many of an organization have not. */
uint32_t import_count(struct txn *t, uint32_t org);

/* Rules for places: see place.c. */
enum err_code import_judge(struct change *c, struct err *err);
enum err_code import_apply(struct txn *t, struct change *c, struct err *err);
void import_release(struct change *c);
enum err_code import_ca_judge(struct change *c, struct err *err);

#endif
