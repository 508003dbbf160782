/*
 * mass_limit.h - so that nobody wipes a company by a glob: commands that
 * cannot be undone from here, for more devices than system/mass-limit says,
 * need a confirmation.
 */
#ifndef MDMFS_MODEL_MASS_LIMIT_H
#define MDMFS_MODEL_MASS_LIMIT_H

#include "engine/model/place.h"

#define MASS_LIMIT 10 /* devices, without system/mass-limit */
#define DROPS_SPAN 60 /* seconds for which single commands are counted */

struct pl;

/* What such a command does, in words: "wipes the device".  NULL: it can be
 * undone. */
const char *irreversible(const struct pl *command);

uint32_t mass_limit_read(struct txn *t);

/*
 * Count one that somebody gave to a single device.  ERR_INVALID with the way
 * out: more than limit within a minute.
 */
struct drop_check {
	uint32_t uid;
	int64_t now;
	uint32_t limit;
	const char *type;
	const char *what; /* of irreversible() */
	const char *udid;
};
enum err_code drops_count(
    struct txn *t, const struct drop_check *d, struct err *err);

/* Rule for the place: see place.c. */
enum err_code mass_limit_judge(struct change *c, struct err *err);

#endif
