/*
 * disk_priv.h - what the store needs of the file system.
 */
#ifndef MDMFS_STORE_DISK_PRIV_H
#define MDMFS_STORE_DISK_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "mdmfs/err.h"

/* An errno as a failure: "fmt: cause and remedy". */
enum err_code disk_error(struct err *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Make dir (mode 0700) unless it is there. */
enum err_code disk_make_dir(const char *dir, struct err *err);

/* Make the name of path durable: sync the directory that it is in. */
enum err_code disk_sync_parent(const char *path, struct err *err);

/* Whether nothing more can be written to fd, a file in the directory dir_fd,
 * for lack of room: LMDB reports a short write as EIO. */
bool disk_is_full(int dir_fd, int fd);

/* Make the file path (mode 0600) at least size bytes long, with room on the
 * disk for all of them. */
enum err_code disk_allocate(const char *path, size_t size, struct err *err);

/*
 * Take the lock file dir/lock for this process; *ret is its descriptor, and
 * closing it gives the lock back.  ERR_CHANGED: another process has it.
 */
enum err_code disk_lock(const char *dir, int *ret, struct err *err);

#endif
