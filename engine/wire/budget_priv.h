/*
 * budget_priv.h - how many bytes of request bodies there may be at once.
 *
 * Two classes, so that nobody can wait for ever: a body whose size is not
 * known takes a little of BUDGET_SMALL first and, if that is not enough, all
 * that its route allows of BUDGET_LARGE.  Who has got LARGE waits for nothing.
 */
#ifndef MDMFS_WIRE_BUDGET_PRIV_H
#define MDMFS_WIRE_BUDGET_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum budget_class {
	BUDGET_SMALL,
	BUDGET_LARGE,
	BUDGET_CLASSES,
};

#define BUDGET_SMALL_MAX (64 * 1024) /* a body of at most that is small */

struct budget {
	pthread_mutex_t mutex;
	/* protected by mutex */
	size_t limit[BUDGET_CLASSES];
	size_t used[BUDGET_CLASSES];
	uint32_t hungry; /* bit i: loop i waits */
};

void budget_init(struct budget *b, size_t total, size_t largest);
void budget_fini(struct budget *b);

/* False: there is not enough; loop (0 to 31) is remembered. */
bool budget_take(
    struct budget *b, enum budget_class class, size_t size, unsigned loop);

/* Returns the loops (bits) that should try again. */
uint32_t budget_give(struct budget *b, enum budget_class class, size_t size);

size_t budget_used(struct budget *b);

#endif
