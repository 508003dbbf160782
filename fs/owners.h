/*
 * owners.h - whose the organizations are, and in which ones the devices that
 * were looked up last, kept in memory until the store changes: nearly every
 * node takes owner, mode and times of them, on each of the ways of one path.
 */
#ifndef MDMFS_FS_OWNERS_H
#define MDMFS_FS_OWNERS_H

#include <pthread.h>

#include "fs/view.h"

#define OWNERS         16384 /* of organizations: 512 KiB at most */
#define OWNERS_DEVICES 256

struct owners_device {
	uint32_t device; /* 0: free */
	uint32_t org;
	int64_t seconds; /* when it was seen, or enrolled */
	uint64_t version;
};

struct owners {
	pthread_mutex_t mutex; /* protects the rest */
	struct {
		uint32_t org; /* 0: free */
		struct view_owned of;
		uint64_t version; /* engine_version() before it was read */
	} known[OWNERS];
	struct owners_device devices[OWNERS_DEVICES];
};

void owners_init(struct owners *o);
void owners_fini(struct owners *o);

/* Root's alone if there is no such organization (any more). */
void owners_get(
    struct owners *o, struct engine *e, uint32_t org, struct view_owned *ret);

/* d->device says which; the rest is filled in.  ERR_NOT_FOUND. */
enum err_code owners_device(struct owners *o, struct engine *e,
    struct owners_device *d, struct err *err);
/* One that was looked up otherwise; d->version is engine_version() before. */
void owners_put_device(struct owners *o, const struct owners_device *d);

#endif
