/*
 * vendor.h - requests for push certificates that an MDM vendor signs: this
 * server as the vendor (system/vendor/), and mdmcert.download.
 */
#ifndef MDMFS_MODEL_VENDOR_H
#define MDMFS_MODEL_VENDOR_H

#include "engine/model/place.h"
#include "engine/pki/identity.h"
#include "mdmfs/vendor.h"

/* Files of system/vendor/ have changed: an event on whether the requests in
 * sign/ are signed with what is in effect now. */
enum err_code vendor_changed(
    struct txn *t, const struct engine *e, struct err *err);

/* Rules for places: see place.c. */
enum err_code vendor_request_gather(
    struct txn *t, struct change *c, struct err *err);
enum err_code vendor_request_judge(struct change *c, struct err *err);
enum err_code vendor_request_apply(
    struct txn *t, struct change *c, struct err *err);
void vendor_request_release(struct change *c);

enum err_code mdmcert_judge(struct change *c, struct err *err);
/* Whole lines of such a file, of which more may follow. */
enum err_code mdmcert_judge_lines(struct bytes lines, struct err *err);

enum err_code mdmcert_answer_gather(
    struct txn *t, struct change *c, struct err *err);
enum err_code mdmcert_answer_judge(struct change *c, struct err *err);
enum err_code mdmcert_answer_apply(
    struct txn *t, struct change *c, struct err *err);
void mdmcert_answer_release(struct change *c);

#endif
