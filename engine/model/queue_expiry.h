/*
 * queue_expiry.h - commands that nobody wants any more.
 */
#ifndef MDMFS_MODEL_QUEUE_EXPIRY_H
#define MDMFS_MODEL_QUEUE_EXPIRY_H

#include "engine/model/queue.h"

/* When a command that is written now expires by orgs/ORG/command-expiry; 0:
 * never. */
int64_t expiry_default(struct txn *t, uint32_t org, int64_t now);

/*
 * Commands whose time is over leave their queues: results/NAME says Status
 * Expired.  One that was sent is asked about again in an hour.  Not inside of
 * a transaction; *next is when the next one is due (0: none).
 */
enum err_code queue_expire(struct engine *e, int64_t *next, struct err *err);

/* One that was not sent is over. */
enum err_code queue_expire_one(
    struct txn *t, struct engine *e, struct queued *q, struct err *err);

/* Rule for the place: see place.c. */
enum err_code command_expiry_judge(struct change *c, struct err *err);

#endif
