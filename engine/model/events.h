/*
 * events.h - writing events; include/mdmfs/event.h reads them.
 */
#ifndef MDMFS_MODEL_EVENTS_H
#define MDMFS_MODEL_EVENTS_H

#include "engine/model/model.h"
#include "engine/model/node.h"
#include "mdmfs/event.h"

/* `events` is cut when it has become this long, and goes on as events.1. */
#define EVENTS_MAX (4u << 20)

/* One line: the time, then what fmt says (clean of control characters). */
enum err_code event_record(struct txn *t, const struct engine *e, uint32_t org,
    struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* TIME uid=0 pid=7 comm=cp VERB PATH: NOTE */
enum err_code event_change(struct txn *t, const struct engine *e,
    const struct actor *actor, const char *verb, const struct node *n,
    const char *note, struct err *err);

/* When the newest one was (seconds since 1970 UTC).  ERR_NOT_FOUND: there is
 * none. */
enum err_code event_newest(struct txn *t, int64_t *ret, struct err *err);

#endif
