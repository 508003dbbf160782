/*
 * scratch_priv.h - between scratch.c (the verbs) and scratch_table.c (the
 * nodes, found by number and by name, and the room for them).
 */
#ifndef MDMFS_FS_SCRATCH_PRIV_H
#define MDMFS_FS_SCRATCH_PRIV_H

#include <pthread.h>

#include "fs/scratch.h"

#define BUCKETS 1024

struct scratch_entry {
	/* of the same bucket; by name, if it has one */
	struct scratch_entry *next_ino;
	struct scratch_entry *next_name;
	struct scratch_entry *next, **link; /* all, oldest first */
	struct scratch_node n;
	char *name; /* NULL: removed */
	bool became;
	unsigned opens;
	unsigned children;
	struct buf bytes; /* or the target of a link */
};

struct scratch {
	pthread_mutex_t mutex; /* protects everything below */
	struct scratch_entry *by_ino[BUCKETS];
	struct scratch_entry *by_name[BUCKETS];
	struct scratch_entry *first, **last;
	uint64_t cookie;
	uint64_t total;
	unsigned count;
};

int64_t scratch_now_ns(void);

/* For all of these s->mutex is held. */
struct scratch_entry *scratch_by_ino(struct scratch *s, uint64_t ino);
struct scratch_entry *scratch_by_name(
    struct scratch *s, uint64_t parent, const char *name);

/* A node without a name.  NULL: out of memory. */
struct scratch_entry *scratch_add(
    struct scratch *s, const struct scratch_node *new, struct bytes bytes);
/* The name is free; owned is n's from now on. */
void scratch_name_give(
    struct scratch *s, struct scratch_entry *n, uint64_t parent, char *owned);
void scratch_name_take(struct scratch *s, struct scratch_entry *n);
/* Take the name; n is gone unless it is open. */
void scratch_unlink(struct scratch *s, struct scratch_entry *n);
void scratch_drop(struct scratch *s, struct scratch_entry *n);

/* Whether of's owner may have so many more nodes and bytes; drops what is old
 * if that helps.  ERR_QUOTA, ERR_FULL. */
enum err_code scratch_make_room(struct scratch *s,
    const struct scratch_node *of, uint64_t nodes, uint64_t bytes,
    struct err *err);

#endif
