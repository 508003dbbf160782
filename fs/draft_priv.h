/*
 * draft_priv.h - between draft.c and draft_write.c (one open file) and
 * drafts.c (the names that are being written).
 */
#ifndef MDMFS_FS_DRAFT_PRIV_H
#define MDMFS_FS_DRAFT_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "fs/draft.h"

/* The file that one or more drafts are for. */
struct target {
	struct target *next, **link;
	unsigned drafts;
	unsigned dirty;  /* of them have unaccepted bytes */
	bool unborn;     /* not in the store */
	bool hidden;     /* unborn, and its name is not shown (any more) */
	bool unlinked;   /* unborn, and removed by somebody */
	unsigned staged; /* FILE_SET_... of node that are not in the store */
	struct file_node node;
	char name[256];
};

struct drafts {
	struct engine *engine;
	pthread_mutex_t mutex; /* protects the targets */
	struct target *first;
	atomic_uint unborn; /* targets that are; mostly 0: no lock then */
	atomic_uint targets;
	atomic_uint_fast64_t total; /* bytes in all drafts */
};

struct draft {
	struct drafts *d;
	struct target *target;
	uint64_t ino; /* as when it was opened, like all down to the mutex */
	uint64_t parent;
	enum place place;
	uint32_t org;
	char name[256];
	pthread_mutex_t mutex;        /* protects everything below */
	atomic_uint_fast64_t pending; /* bytes that a commit waits for, + 1 */
	struct actor actor;           /* the last who wrote */
	struct buf buf;
	bool append;
	bool dirty;   /* written since the last commit */
	bool emptied; /* empty since it was opened, and never committed */
	bool poisoned;
	bool failed;    /* err is the judgement of buf as it is */
	bool abandoned; /* a signal ended who closed it last */
	struct err err;
	uint64_t base_version; /* 0: the last writer wins */
	uint64_t prefix;       /* bytes written from 0 on without a gap */
	bool no_scan;          /* earlier bytes were written again */
	struct file_scan *scan;
};

int64_t draft_now_ns(void);

/* n bytes more of all that is being written.  ERR_FULL. */
enum err_code draft_take_bytes(struct drafts *d, uint64_t n, struct err *err);
/* f->mutex is held. */
void draft_set_dirty(struct draft *f, bool dirty);
/* The failure that was told already. */
enum err_code draft_told_before(
    const struct draft *f, bool *again, struct err *err);

/* d->mutex is held. */
struct target *target_get(struct drafts *d, uint64_t ino);
/* NULL: out of memory. */
struct target *target_new(struct drafts *d, const struct draft_open *o);
/* It is in the store now. */
void target_born(struct drafts *d, struct target *t);
/* One draft less; with the last one, t is gone. */
void target_leave(struct drafts *d, struct target *t);

#endif
