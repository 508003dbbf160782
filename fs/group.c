#include "mdmfs/group.h"

#include "fs/handlers.h"

/* A group's number is that of its directory, which fits into at->number as
 * long as there were fewer than 4 billion files. */
struct listing {
	const struct at *at;
	tree_entry_fn *fn;
	void *arg;
};

static bool
put(const struct listing *l, const char *name, uint64_t number)
{
	struct tree_entry entry = {
		.name = name, .at = *l->at, .cookie = number
	};

	entry.at.number = (uint32_t)number;
	return number > UINT32_MAX || l->fn(l->arg, &entry);
}

/* ---- status/orgs/{org}/groups ------------------------------------------- */

static bool
list_group(void *arg, const char *name, uint64_t group)
{
	return put(arg, name, group);
}

static enum err_code
list_groups(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct listing l = { at, fn, arg };

	return group_list(at->engine, at->org, after, list_group, &l, err);
}

static enum err_code
find_group(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	uint64_t group;
	enum err_code rc = group_find(at->engine, at->org, name, &group, err);

	if (rc != ERR_OK)
		return rc;
	*ret = (struct tree_entry){ .at = *at, .cookie = group };
	ret->at.number = (uint32_t)group;
	return ERR_OK;
}

const struct tree_names group_names = { list_groups, find_group };

enum err_code
group_members_read(const struct at *at, struct buf *b, struct err *err)
{
	return group_members_page(at->engine, at->number, b, err);
}

/* ---- commands ----------------------------------------------------------- */

static struct group_commands_of
of(const struct at *at)
{
	return (struct group_commands_of){ at->org, at->number, 0 };
}

static bool
list_command(void *arg, const char *name, uint32_t command)
{
	return put(arg, name, command);
}

static enum err_code
list_commands(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct group_commands_of whose = of(at);
	struct listing l = { at, fn, arg };

	if (after > UINT32_MAX)
		return ERR_OK;
	whose.after = (uint32_t)after;
	return group_commands(at->engine, &whose, list_command, &l, err);
}

static enum err_code
find_command(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	struct group_commands_of whose = of(at);
	uint32_t command;
	enum err_code rc =
	    group_command_find(at->engine, &whose, name, &command, err);

	if (rc != ERR_OK)
		return rc;
	*ret = (struct tree_entry){ .at = *at, .cookie = command };
	ret->at.number = command;
	return ERR_OK;
}

const struct tree_names group_command_names = { list_commands, find_command };

enum err_code
group_command_read(const struct at *at, struct buf *b, struct err *err)
{
	return group_command_page(at->engine, at->number, b, err);
}
