/*
 * due.h - what is to be done at a time: the kinds whose keys begin with one.
 */
#ifndef MDMFS_MODEL_DUE_H
#define MDMFS_MODEL_DUE_H

#include "engine/model/record.h"

/* Where in a key stands what follows the time. */
#define DUE_REST 9

/* Times are in seconds since 1970 UTC. */
struct due {
	int64_t now;
	size_t max;   /* keys at once */
	int64_t next; /* the first that was left; 0: none was */
};

/* key is borrowed for the call, and may be deleted. */
typedef enum err_code due_fn(
    void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err);

/* Called with each key whose time is not after now, the earliest first, until
 * fn fails. */
enum err_code due_each(struct txn *t, enum kind kind, struct due *d, due_fn *fn,
    void *arg, struct err *err);

/* The same: drop the key, and the record of that kind which the rest of the key
 * names. */
enum err_code due_drop(struct txn *t, enum kind kind, enum kind record,
    struct due *d, struct err *err);

#endif
