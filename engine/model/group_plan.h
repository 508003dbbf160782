/*
 * group_plan.h - what is to be done until a group's lines and members are what
 * its file says.
 *
 * A plan is the file, parsed, and a place in the walk over what the store has.
 * plan_look() goes on with the walk and notes what differs; plan_act() does
 * that in an update.  A plan needs no memory of its own in the store: another
 * one for the same file finds what is left.
 *
 * The lines come first.  As soon as they are in the store a device that comes
 * or changes joins and leaves by itself (groups_follow()), so the walk over
 * the members need not look back.
 */
#ifndef MDMFS_MODEL_GROUP_PLAN_H
#define MDMFS_MODEL_GROUP_PLAN_H

#include "engine/model/groups_priv.h"

#define PLAN_SLICE 1000  /* changes in one transaction */
#define PLAN_LOOK  10000 /* records in one view */

struct plan;

/* From the bytes of the file, which are copied.  *ret is the caller's, until
 * plan_free(). */
enum err_code plan_new(uint32_t org, uint64_t group, struct bytes file,
    struct plan **ret, struct err *err);

/* Go on, for PLAN_LOOK records or until PLAN_SLICE changes are noted; at the
 * latest to where the lines are done.  *looked is raised by the records. */
enum err_code plan_look(
    struct txn *t, struct plan *p, uint32_t *looked, struct err *err);
/* The changes that are noted. */
size_t plan_noted(const struct plan *p);
/* The walk is at its end. */
bool plan_is_over(const struct plan *p);
/* Do what is noted, as far as it still holds; joined and parted are raised. */
enum err_code plan_act(struct txn *t, const struct plan *p, uint32_t *joined,
    uint32_t *parted, struct err *err);
/* What was noted is done. */
void plan_next(struct plan *p);

void plan_free(struct plan *p);

#endif
