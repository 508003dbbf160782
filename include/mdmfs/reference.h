/*
 * reference.h - what may be asked of devices: a page for each request type,
 * made of Apple's schema.
 */
#ifndef MDMFS_REFERENCE_H
#define MDMFS_REFERENCE_H

#include <stdbool.h>

#include "mdmfs/engine.h"

/* Request types by their place in the schema, those above after (0: all);
 * number is the type's own and stays the same when the schema is replaced.
 * Return false to stop. */
typedef bool reference_fn(
    void *arg, const char *name, uint32_t place, uint32_t number);
void reference_list(
    struct engine *e, uint32_t after, reference_fn *fn, void *arg);

/* status/commands/NAME, for people.  ERR_NOT_FOUND */
enum err_code reference_page(
    struct engine *e, uint32_t number, struct buf *b, struct err *err);

#endif
