/*
 * seen.h - attributes that were given with a name a moment ago.
 *
 * The kernel keeps none, so stat(2) asks twice: for the name, and at once for
 * the attributes that came with it; open(2) goes on to the page whose size was
 * among them.  The second question of the same thread is answered with what
 * the first one found, once, and only while the store has not changed.
 */
#ifndef MDMFS_FS_SEEN_H
#define MDMFS_FS_SEEN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "mdmfs/buf.h"

#define SEEN          64
#define SEEN_PAGE_MAX 4096

/* What is asked for, and by whom. */
struct seen_key {
	uint64_t ino;
	int32_t pid; /* of the thread; 0: unknown, never found again */
	uint32_t uid;
	uint64_t version; /* engine_version() before it was looked at */
};

struct seen {
	pthread_mutex_t mutex; /* protects the rest */
	struct {
		struct seen_key key;
		int64_t until; /* CLOCK_MONOTONIC, ns */
		bool stat_taken;
		struct stat st;
		struct buf page; /* len 0: none */
	} known[SEEN];           /* by thread; a clash costs speed alone */
};

void seen_init(struct seen *s);
void seen_fini(struct seen *s);

/* page is what st tells the size of, or NULL; it is moved away unless it is
 * longer than SEEN_PAGE_MAX. */
void seen_put(struct seen *s, const struct seen_key *key, const struct stat *st,
    struct buf *page);
/* Found at most once; *ret is untouched if it is not. */
bool seen_take(struct seen *s, const struct seen_key *key, struct stat *ret);
/* The page, for ret, which is empty; the attributes are gone with it. */
bool seen_take_page(
    struct seen *s, const struct seen_key *key, struct buf *ret);
/* The thread changes something. */
void seen_drop(struct seen *s, int32_t pid);

#endif
