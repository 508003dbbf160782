/*
 * staging.h - files that wait in staging/NAME until all of them are applied
 * at once: kept as they are, judged by nobody, limited in number and size.
 */
#ifndef MDMFS_MODEL_STAGING_H
#define MDMFS_MODEL_STAGING_H

#include "engine/model/place.h"

/* Rows of place.c: they count what is in staging/. */
enum err_code stage_apply(struct txn *t, struct change *c, struct err *err);
enum err_code stage_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);

/* Remove staging/NAME with all that is in it, now. */
enum err_code stage_drop(
    struct txn *t, struct engine *e, uint64_t ino, struct err *err);

#endif
