/*
 * group.h - groups of devices, and commands for many devices.
 */
#ifndef MDMFS_GROUP_H
#define MDMFS_GROUP_H

#include "mdmfs/file.h"

/* The groups of an organization, by the numbers of their directories; those
 * above after, in order; return false to stop. */
typedef bool group_fn(void *arg, const char *name, uint64_t group);
enum err_code group_list(struct engine *e, uint32_t org, uint64_t after,
    group_fn *fn, void *arg, struct err *err);
/* ERR_NOT_FOUND */
enum err_code group_find(struct engine *e, uint32_t org, const char *name,
    uint64_t *group, struct err *err);

/* status/orgs/ORG/groups/GROUP/members: the members as they are resolved, a
 * line each: UDID TAB serial number TAB name; then the lines of the file that
 * match nothing, as comments.  While some are still to be found, a comment in
 * front that says so, and none of those lines. */
enum err_code group_members_page(
    struct engine *e, uint64_t group, struct buf *b, struct err *err);

/* Commands for all of a group, or with group 0 of an organization. */
struct group_commands_of {
	uint32_t org; /* group 0 alone */
	uint64_t group;
	uint32_t after; /* of group_commands() */
};

/* Also those that are over and whose pages are kept; by their numbers, those
 * above after. */
typedef bool group_command_fn(void *arg, const char *name, uint32_t command);
enum err_code group_commands(struct engine *e,
    const struct group_commands_of *of, group_command_fn *fn, void *arg,
    struct err *err);
/* The newest of that name.  ERR_NOT_FOUND */
enum err_code group_command_find(struct engine *e,
    const struct group_commands_of *of, const char *name, uint32_t *command,
    struct err *err);

/* status/orgs/ORG/commands/NAME: how far it has come. */
enum err_code group_command_page(
    struct engine *e, uint32_t command, struct buf *b, struct err *err);

#endif
