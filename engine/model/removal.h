/*
 * removal.h - removed files: out of sight at once, out of effect a little
 * later, because tools remove a file that they are about to write again.
 */
#ifndef MDMFS_MODEL_REMOVAL_H
#define MDMFS_MODEL_REMOVAL_H

#include "engine/model/model.h"
#include "engine/model/node.h"

#define REMOVAL_DELAY 2 /* seconds */

/* Another file takes that name: its removed predecessor is dropped without
 * effects. */
enum err_code removal_forget(struct txn *t, struct engine *e,
    const struct node *successor, struct err *err);

/* The file of that place that was removed from that name and is not due yet;
 * 0: none. */
uint64_t removal_of(
    struct txn *t, uint64_t parent, const char *name, enum place place);

/* The files that were removed from that directory and are not due yet. */
typedef enum err_code removal_fn(
    void *arg, struct txn *t, const struct node *n, struct err *err);
enum err_code removal_each(
    struct txn *t, uint64_t parent, removal_fn *fn, void *arg, struct err *err);

/* Remove with all effects now, in this transaction. */
enum err_code removal_at_once(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);

/* Carry out what is due; *next is the time of the next one (seconds), 0 if
 * there is none.  One whose effects fail is logged and put off for an hour. */
enum err_code removal_run(struct engine *e, int64_t *next, struct err *err);

#endif
