/*
 * groups.h - groups of an organization's devices: orgs/ORG/groups/GROUP.
 *
 * A group is its directory, and its number the directory's.  `members` names
 * devices of the organization, one a line: a serial number, a UDID, or a glob
 * over both; what follows a # is a comment.  The members are resolved when the
 * file changes and when a device does: GROUP_MEMBER and DEVICE_GROUP are the
 * same from both sides.
 */
#ifndef MDMFS_MODEL_GROUPS_H
#define MDMFS_MODEL_GROUPS_H

#include "engine/model/devices.h"
#include "engine/model/place.h"
#include "mdmfs/group.h"

/* Each member, in the order of numbers, from above after; *stop as in
 * each_fn. */
typedef enum err_code group_member_fn(
    void *arg, uint32_t device, bool *stop, struct err *err);
enum err_code group_each_member(struct txn *t, uint64_t group, uint32_t after,
    group_member_fn *fn, void *arg, struct err *err);

/* Each group that a device is in. */
typedef enum err_code device_group_fn(
    void *arg, uint64_t group, bool *stop, struct err *err);
enum err_code device_each_group(struct txn *t, uint32_t device,
    device_group_fn *fn, void *arg, struct err *err);

/* The device is new, or its organization or serial number is another one:
 * join and leave what follows. */
enum err_code groups_follow(struct txn *t, uint32_t device, struct err *err);
/* The device is gone. */
enum err_code groups_leave(struct txn *t, uint32_t device, struct err *err);

/* Rules for places: see place.c. */
enum err_code members_gather(struct txn *t, struct change *c, struct err *err);
enum err_code members_judge(struct change *c, struct err *err);
enum err_code members_apply(struct txn *t, struct change *c, struct err *err);
enum err_code members_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);
void members_release(struct change *c);

#endif
