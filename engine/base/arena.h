/*
 * arena.h - memory that is given back all at once: one for each request.
 */
#ifndef MDMFS_BASE_ARENA_H
#define MDMFS_BASE_ARENA_H

#include <stddef.h>

#include "mdmfs/bytes.h"

struct arena;

/* The caller's, until arena_free(); NULL when out of memory. */
struct arena *arena_new(void);

/* size bytes, zeroed, aligned for anything; good until arena_reset() or
 * arena_free().  NULL when out of memory. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of b with a NUL behind it; NULL when out of memory. */
char *arena_text(struct arena *a, struct bytes b);

/* Give everything back but keep one block for the next request. */
void arena_reset(struct arena *a);

void arena_free(struct arena *a);

#endif
