/*
 * disk_priv.h - what the store needs of the file system.
 */
#ifndef MDMFS_STORE_DISK_PRIV_H
#define MDMFS_STORE_DISK_PRIV_H

#include <stdbool.h>

#include "mdmfs/err.h"

/* An errno as a failure: "fmt: cause and remedy". */
enum err_code disk_error(struct err *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Make dir (mode 0700) unless it is there. */
enum err_code disk_make_dir(const char *dir, struct err *err);

/* Make the name of path durable: sync the directory that it is in. */
enum err_code disk_sync_parent(const char *path, struct err *err);

/* Whether nothing more can be written to fd, a file in dir, for lack of room:
 * LMDB reports a short write as EIO. */
bool disk_is_full(const char *dir, int fd);

/*
 * Take the lock file dir/lock for this process; *ret is its descriptor, and
 * closing it gives the lock back.  ERR_CHANGED: another process has it.
 */
enum err_code disk_lock(const char *dir, int *ret, struct err *err);

#endif
