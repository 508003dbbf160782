/*
 * fs.h - what the operations of one mount share.
 */
#ifndef MDMFS_FS_FS_H
#define MDMFS_FS_FS_H

#include <pthread.h>

#include "fs/draft.h"
#include "fs/owners.h"
#include "fs/refusal.h"
#include "fs/scratch.h"
#include "fs/seen.h"
#include "fs/sizes.h"

struct notify;

struct fs {
	struct engine *engine;
	struct scratch *scratch;
	struct drafts *drafts;
	struct refusals *refusals;
	struct sizes sizes;
	struct owners owners;
	struct seen seen;
	struct notify *notify; /* NULL until the mount is there */
	int64_t started;       /* seconds since 1970 UTC */
	int state_fd;          /* of the store's folder; -1: in memory */
	bool squash;           /* root acts as the two below */
	uint32_t squash_uid;
	uint32_t squash_gid;
	pthread_mutex_t mutex; /* protects the two below */
	uint64_t next_ino;     /* reserved numbers not used yet */
	uint64_t end_ino;
	/* ops_list.c; CLOCK_MONOTONIC, ns */
	_Atomic int64_t listed_until;  /* the kernel has attributes */
	_Atomic int64_t settled_until; /* it is given none */
};

/* f is the caller's memory; e is borrowed until fs_fini(). */
enum err_code fs_init(struct fs *f, struct engine *e, struct err *err);
void fs_fini(struct fs *f);

/* A number for a new file. */
enum err_code fs_new_ino(struct fs *f, uint64_t *ret, struct err *err);

#endif
