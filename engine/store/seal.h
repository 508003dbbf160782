/*
 * seal.h - secrets at rest: AES-256-GCM under the master key.
 *
 * A sealed value is one byte of version (1), a random nonce of 12 bytes, the
 * ciphertext, a tag of 16 bytes (NIST SP 800-38D).  The name it is stored
 * under is associated data.  Random nonces are good for 2^32 seals under one
 * key: more than a store ever makes.
 */
#ifndef MDMFS_STORE_SEAL_H
#define MDMFS_STORE_SEAL_H

#include "engine/store/store.h"

#define SEAL_OVERHEAD (1 + 12 + 16)

/* Appends the sealed value to ret.  ERR_NO_MEMORY, ERR_INTERNAL. */
enum err_code seal_close(const uint8_t key[static STORE_MASTER_KEY_LEN],
    struct bytes name, struct bytes plain, struct buf *ret, struct err *err);

/* Appends the plain value to ret, which is unchanged after a failure.
 * ERR_DAMAGED: not sealed with this key for this name, or altered. */
enum err_code seal_open(const uint8_t key[static STORE_MASTER_KEY_LEN],
    struct bytes name, struct bytes sealed, struct buf *ret, struct err *err);

#endif
