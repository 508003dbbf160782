/*
 * pool_priv.h - the request threads and their queue.
 */
#ifndef MDMFS_WIRE_POOL_PRIV_H
#define MDMFS_WIRE_POOL_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "mdmfs/err.h"

struct pool;
struct request;

struct pool_options {
	unsigned threads;
	unsigned queue;
	/* in a request thread; it gives the request back itself */
	void (*run)(struct request *r);
	/* there is room in the queue again, for the loops (bits) that were
	 * told that there is none; from any thread */
	void (*room)(void *arg, uint32_t loops);
	void *arg;
};

/* NULL when out of memory. */
struct pool *pool_new(const struct pool_options *options);

enum err_code pool_start(struct pool *p, struct err *err);

/* Hand r over.  False: the queue is full; loop (0 to 31) is remembered. */
bool pool_submit(struct pool *p, struct request *r, unsigned loop);

/* Run what is queued, then end the threads. */
void pool_stop(struct pool *p);

void pool_free(struct pool *p);

#endif
