/*
 * push.h - drains the outbox of pushes (model/channels.h) through APNs.
 *
 * A wish to push is durable before it is tried, and stays until Apple has
 * taken it or said that it never will: a crash forgets none.
 */
#ifndef MDMFS_PUSH_PUSH_H
#define MDMFS_PUSH_PUSH_H

#include "engine/model/model.h"

struct push;

/* url, trust: as in struct engine_options.  Starts the thread. */
enum err_code push_open(struct engine *e, const char *url, const char *trust,
    struct push **ret, struct err *err);

/* Something was committed: look whether a push is due.  Short; any thread. */
void push_wake(struct push *p);

/* What was sent gets its answer first.  Takes NULL. */
void push_close(struct push *p);

#endif
