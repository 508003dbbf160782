/*
 * copy.h - the data file of a store that another process may have open.
 */
#ifndef MDMFS_STORE_COPY_H
#define MDMFS_STORE_COPY_H

#include "mdmfs/err.h"

/* A consistent, compacted copy of dir's store to path (mode 0600), which must
 * not exist; the server that has the store open goes on.  ERR_EXISTS,
 * ERR_NOT_FOUND, ERR_DAMAGED, ERR_DENIED, ERR_FULL. */
enum err_code store_copy_out(
    const char *dir, const char *path, struct err *err);

/* The counterpart: make dir a store of the copy at path.  dir must hold none
 * yet (ERR_EXISTS).  The master key is not in a copy. */
enum err_code store_copy_in(const char *path, const char *dir, struct err *err);

#endif
