/*
 * group_settle.h - members of a group that are still being found.
 *
 * A file that changes more than PLAN_SLICE memberships takes effect in slices
 * behind the write, so that nobody waits for them; GROUP_OPEN says that some
 * are missing.  Until it is gone GROUP_MEMBER is not what the file says.
 */
#ifndef MDMFS_MODEL_GROUP_SETTLE_H
#define MDMFS_MODEL_GROUP_SETTLE_H

#include "engine/model/groups.h"

#define GROUP_ROUND 20 /* slices before the others in the house have a turn */

struct group_open {
	uint64_t seq; /* of the write; another file is another one */
	uint32_t org;
	int64_t since;
	uint32_t joined;
	uint32_t parted;
};

/* ERR_NOT_FOUND without a message: its members are as the file says. */
enum err_code group_open_read(
    struct txn *t, uint64_t group, struct group_open *ret, struct err *err);
enum err_code group_open_store(
    struct txn *t, uint64_t group, const struct group_open *o, struct err *err);
enum err_code group_open_drop(struct txn *t, uint64_t group, struct err *err);
bool group_is_open(struct txn *t, uint64_t group);

/* As group_each_member(), but when it is open of those that the file names. */
enum err_code group_each_named(struct txn *t, uint32_t org, uint64_t group,
    uint32_t after, group_member_fn *fn, void *arg, struct err *err);

/* How far the open one has come: begins with zeros, and may be lost. */
struct plan;
struct groups_watch {
	struct plan *plan;
	uint64_t seq; /* that it is for */
};
void groups_watch_fini(struct groups_watch *w);

/* GROUP_ROUND slices of what is open; *next is 0, or now if more are left.
 * Not inside of a transaction. */
enum err_code groups_settle(
    struct engine *e, struct groups_watch *w, int64_t *next, struct err *err);

#endif
