/*
 * results.h - the answers of devices: devices/UDID/results/NAME.
 *
 * A device keeps its newest ones; nothing grows for ever.
 */
#ifndef MDMFS_MODEL_RESULTS_H
#define MDMFS_MODEL_RESULTS_H

#include "engine/model/channels.h"
#include "engine/model/place.h"

#define RESULTS_KEPT 1000   /* of each channel, without system/keep-results */
#define RESULTS_MOST 100000 /* that it may say */

/*
 * The file of the command becomes an answer of the same name; the oldest ones
 * go.  Changes c; store it afterwards.
 */
struct result {
	const struct engine *engine;
	const struct node *command; /* the file in commands/ */
	struct bytes bytes;
};
enum err_code results_add(
    struct txn *t, struct channel *c, const struct result *r, struct err *err);

/* All of a device (user 0) or user. */
enum err_code results_drop(
    struct txn *t, uint32_t device, uint32_t user, struct err *err);

/* Rules for places: see place.c. */
enum err_code result_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);
enum err_code keep_judge(struct change *c, struct err *err);

#endif
