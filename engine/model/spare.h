/*
 * spare.h - directories that are there as soon as their parent is, so that
 * nobody has to make them before the first write: commands/ of groups and
 * organizations.
 *
 * While one is empty it is not listed, has mode and owner of its parent, and
 * goes with it; so a tree that is copied from elsewhere need not know it.
 */
#ifndef MDMFS_MODEL_SPARE_H
#define MDMFS_MODEL_SPARE_H

#include "engine/model/model.h"
#include "engine/model/node.h"

/* The one of a new directory. */
enum err_code spare_make(struct txn *t, const struct node *parent,
    enum place place, struct err *err);
bool spare_is_hidden(struct txn *t, const struct node *n);
/* The parent's mode or owner is another one. */
enum err_code spare_follow(
    struct txn *t, const struct node *parent, struct err *err);
/* Those in a directory that is to be removed.  ERR_NOT_EMPTY names something
 * else that is in it. */
enum err_code spare_drop(
    struct txn *t, struct engine *e, uint64_t parent, struct err *err);

#endif
