/*
 * view.h - what a caller may see: devices/UDID and status/orgs/ORG have owner,
 * group and mode of orgs/ORG, and so have the events of an organization.
 */
#ifndef MDMFS_FS_VIEW_H
#define MDMFS_FS_VIEW_H

#include "mdmfs/event.h"
#include "mdmfs/org.h"

#define VIEW_GROUPS_MAX 128

struct view {
	uint32_t uid;
	uint32_t gid;
	bool squashed;    /* root that acts as uid; the kernel lets it do all */
	unsigned ngroups; /* supplementary ones */
	uint32_t groups[VIEW_GROUPS_MAX];
};

/* What somebody may do with a file, as in its mode. */
#define VIEW_READ    4u
#define VIEW_WRITE   2u
#define VIEW_EXECUTE 1u
struct view_owned {
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
};
bool view_may(const struct view *v, const struct view_owned *of, unsigned want);

/* Whether the caller could list orgs/ORG. */
bool view_sees(const struct view *v, const struct org_view *org);

/* The organizations that a caller sees at this moment. */
struct view_orgs {
	bool all;
	uint32_t *numbers; /* ascending */
	size_t n;
	size_t cap;
};
enum err_code view_orgs_init(struct view_orgs *o, struct engine *e,
    const struct view *v, struct err *err);
void view_orgs_fini(struct view_orgs *o);

/* For event_read(); arg is the struct view_orgs. */
event_filter view_filter;

/* Owner, group and mode for what belongs to an organization; one that is gone
 * belongs to root alone. */
void view_owner(struct engine *e, uint32_t org, struct org_view *ret);

#endif
