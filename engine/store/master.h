/*
 * master.h - the file of the master key: 32 random bytes, for its owner only.
 */
#ifndef MDMFS_STORE_MASTER_H
#define MDMFS_STORE_MASTER_H

#include "engine/store/store.h"

/*
 * Read the key in path.  If there is none: make it when is_new is true (the
 * store holds nothing yet), ERR_NOT_FOUND otherwise.  ERR_KEY_REJECTED: not
 * a key; ERR_DENIED: others may read it, or we may not; ERR_FULL.
 * Wipe key after use.
 */
enum err_code master_load(const char *path, bool is_new,
    uint8_t key[static STORE_MASTER_KEY_LEN], struct err *err);

#endif
