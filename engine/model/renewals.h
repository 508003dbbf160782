/*
 * renewals.h - when the identity of a device is renewed, and the command for
 * it.
 *
 * At half of a certificate's validity, and 30 days before its end at the
 * latest, the device is sent its enrollment profile again, with a challenge
 * for it alone; then daily until it has come through.  The enrollment goes on:
 * enrollment.h.
 *
 * A challenge of NDES lives for an hour, and there are five of them.  So its
 * profile waits without one; when the device comes for it, it is told of
 * nothing, while one is fetched (it takes seconds) and put in; then it is
 * pushed.
 */
#ifndef MDMFS_MODEL_RENEWALS_H
#define MDMFS_MODEL_RENEWALS_H

#include "engine/model/queue.h"

#define RENEWAL_NAME  "renew-identity"   /* in commands/ */
#define RENEWAL_AGAIN INT64_C(86400)     /* seconds, until the next look */
#define RENEWAL_FRESH INT64_C(5 * 86400) /* a waiting command is made anew */

/* Plan it by the certificate that the device has now.  Changes d; store it
 * afterwards.  Without a record of the certificate nothing is planned. */
enum err_code renewal_plan(
    struct txn *t, struct device *d, int64_t now, struct err *err);
/* At that time (seconds); 0: never. */
enum err_code renewal_set(
    struct txn *t, struct device *d, int64_t due, struct err *err);

/* Devices whose time has come, the longest due first, at most max; *next is
 * when the next one is due (0: none is planned). */
enum err_code renewals_due(struct txn *t, int64_t now, uint32_t *ret,
    size_t max, size_t *n, int64_t *next, struct err *err);

/* Whether the device should be sent a profile now: it is enrolled, and none
 * that is still fresh waits for it, or it has come for one (below). */
enum err_code renewal_wanted(struct txn *t, const struct device *d, int64_t now,
    bool *ret, struct err *err);

/* Whether the device came for the one that waits, which has no challenge that
 * is still good.  After renewal_failed() it has to come once more. */
bool renewal_asked(struct txn *t, const struct device *d);
enum err_code renewal_failed(
    struct txn *t, const struct device *d, struct err *err);

/* orgs/ORG/enrollment/renewal-grace: for how many days after its end a
 * certificate still lets a device in.  ERR_INVALID. */
enum err_code renewal_grace_parse(
    struct bytes file, uint32_t *days, struct err *err);
/* Rule for the place: see place.c. */
enum err_code renewal_grace_judge(struct change *c, struct err *err);

/* Queue the profile as commands/renew-identity, in place of one that waits,
 * and look again after RENEWAL_AGAIN.  fit_until: as in struct queued.  Stores
 * d. */
enum err_code renewal_queue(struct txn *t, const struct engine *e,
    struct device *d, struct bytes profile, int64_t fit_until, struct err *err);

#endif
