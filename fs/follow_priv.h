/*
 * follow_priv.h - between notify.c (the thread) and follow.c (the readers).
 */
#ifndef MDMFS_FS_FOLLOW_PRIV_H
#define MDMFS_FS_FOLLOW_PRIV_H

#include <pthread.h>

#include <fuse_lowlevel.h>

#include "fs/notify.h"

struct waiter {
	struct waiter *next;
	fuse_req_t req;
	struct follow *follow;
	size_t size;
};

struct poller {
	struct poller *next;
	struct fuse_pollhandle *ph;
};

struct notify {
	struct engine *engine;
	int eventfd;
	pthread_t thread;
	pthread_mutex_t mutex; /* protects everything below */
	bool running;
	bool stopping;
	struct waiter *waiters;
	struct poller *pollers;
};

/* Answer those waiters who have something to read; all, when stopping. */
void follow_wake(struct notify *n);

#endif
