/*
 * keys.h - {key}: names that a device made up, as 24 bits of an inode number.
 *
 * The bits are a hash; a name whose hash an earlier name of the same list has
 * takes the next free number.  So numbers need no memory between two calls.
 */
#ifndef MDMFS_FS_KEYS_H
#define MDMFS_FS_KEYS_H

#include "mdmfs/bytes.h"

struct keys {
	uint8_t maybe[8192]; /* a bit for each number's low 16 bits */
	uint32_t *taken;
	size_t n;
	size_t cap;
};

/* k is zeroed before the first name; names come in the list's order.
 * 0: out of memory. */
uint32_t keys_next(struct keys *k, const char *name);

void keys_fini(struct keys *k);

#endif
