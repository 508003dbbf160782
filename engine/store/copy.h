/*
 * copy.h - a store from a copy: the counterpart of store_copy().
 */
#ifndef MDMFS_STORE_COPY_H
#define MDMFS_STORE_COPY_H

#include "mdmfs/err.h"

/*
 * Make dir (made if missing) a store of the copy at path.  The master key is
 * not in a copy: put it beside it, or name it when opening.
 * ERR_EXISTS: dir holds a store; ERR_DAMAGED: path is no copy of one;
 * ERR_NOT_FOUND, ERR_DENIED, ERR_FULL.
 */
enum err_code store_copy_in(const char *path, const char *dir, struct err *err);

#endif
