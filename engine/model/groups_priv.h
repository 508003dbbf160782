/*
 * groups_priv.h - between the files of groups.
 */
#ifndef MDMFS_MODEL_GROUPS_PRIV_H
#define MDMFS_MODEL_GROUPS_PRIV_H

#include "engine/model/groups.h"

/* The counter of changes of devices that may change memberships. */
#define GROUP_CHANGES "member-names"

#define GROUP_LINE_MAX 255 /* bytes of a serial number, UDID or glob */

struct key group_line_key(uint32_t org, struct bytes line, uint64_t group);
struct key group_says_key(uint64_t group, struct bytes line);
struct key group_glob_key(uint32_t org, uint64_t group, struct bytes glob);

enum err_code group_join(
    struct txn *t, uint64_t group, uint32_t device, struct err *err);
bool group_has(struct txn *t, uint64_t group, uint32_t device);
enum err_code group_part(
    struct txn *t, uint64_t group, uint32_t device, struct err *err);

/* What a line may call a device. */
struct member_names {
	char udid[DEVICE_ID_MAX + 1];
	char serial[GROUP_LINE_MAX + 1]; /* "": it has none of its own */
};
void member_names_read(
    struct txn *t, const struct device *d, struct member_names *ret);
bool member_matches(const struct member_names *names, struct bytes glob);

/* The next line that says something, without its comment.  False: the end. */
bool member_line(struct bytes *rest, struct bytes *line);
bool member_is_glob(struct bytes line);

/* The device of that organization that a line without wildcards names; false:
 * there is none. */
bool member_device(
    struct txn *t, uint32_t org, struct bytes line, uint32_t *ret);

#endif
