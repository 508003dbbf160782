/*
 * sizes.h - the sizes of generated pages that take long to make.
 *
 * Only stat(2) of a name uses them: a file that is open has the size of what
 * it was opened with.
 */
#ifndef MDMFS_FS_SIZES_H
#define MDMFS_FS_SIZES_H

#include <pthread.h>

#include "fs/view.h"

#define SIZES 64

struct sizes {
	pthread_mutex_t mutex; /* protects the rest */
	struct {
		uint64_t ino;
		uint64_t who;
		uint64_t size;
		int64_t until; /* CLOCK_MONOTONIC, ns */
	} known[SIZES];
};

void sizes_init(struct sizes *s);
void sizes_fini(struct sizes *s);

int64_t sizes_now(void);

/* view is NULL for a page that is the same for everybody. */
bool sizes_get(
    struct sizes *s, uint64_t ino, const struct view *view, uint64_t *ret);

/* A page that was made just now, from sizes_now() == began on.  Its size is
 * good for a while that grows with what it cost; of cheap ones it is not
 * kept. */
struct sizes_page {
	uint64_t ino;
	const struct view *view;
	int64_t began;
};
void sizes_put(struct sizes *s, const struct sizes_page *page, uint64_t size);

#endif
