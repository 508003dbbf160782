/*
 * walks.h - rm -r devices/UDID.
 *
 * What is in a device's directory is generated or the server's, so that nothing
 * in it can be removed one by one before the whole, as rm -r, shutil.rmtree() and
 * find -delete do.  They hold the directory open, have listed it, and remove in
 * the thread that opened it: for that thread removals below succeed without
 * effect, and rmdir of the directory then means the whole.
 *
 * If it never comes, they are carried out when the directory is closed (find
 * -name x -delete), but only if every one of them could be: somebody who tried to
 * remove something generated meant the whole, and nothing is lost.
 *
 * Who walks through all of devices/ may not remove any of them.
 */
#ifndef MDMFS_FS_WALKS_H
#define MDMFS_FS_WALKS_H

#include "mdmfs/file.h"

/* An open directory: its magic is none of a handle. */
struct walk {
	unsigned no_magic;
	struct walk *next, **link; /* protected by a mutex */
	uint32_t device;           /* 0: all devices */
	int32_t thread;            /* that opened it */
	bool listed;
	bool whole; /* something was removed that cannot be removed alone */
	bool plus;  /* it is given attributes */
	struct actor actor; /* who removed something first */
	struct walk_removal *removals;
};

struct walk_removal {
	struct walk_removal *next;
	uint64_t dir, ino;
	char name[]; /* with its end */
};

/* The directory was opened.  NULL: out of memory. */
struct walk *walk_new(uint32_t device, int32_t thread);
/* It is being listed. */
void walk_list(struct walk *w);
/* It is closed: what is left to be done, in order of removal, is the caller's;
 * NULL for nothing. */
struct walk_removal *walk_free(struct walk *w);

enum walk_is {
	WALK_NONE,   /* the removal stands alone */
	WALK_TAKEN,  /* it succeeds, without effect for now */
	WALK_REFUSED /* somebody walks through all devices */
};

/* What is removed. */
struct walk_name {
	uint64_t dir;
	uint64_t ino; /* of a file that can be removed alone; 0: it cannot */
	const char *name;
};

/* A thread removes something below a device's directory. */
enum walk_is walk_remove(uint32_t device, int32_t thread,
    const struct actor *actor, const struct walk_name *what);

/* The device is gone: nothing is left to be done. */
void walk_done(uint32_t device);

#endif
