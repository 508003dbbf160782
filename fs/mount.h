/*
 * mount.h - the mount itself: from the check of the mount point to its end.
 */
#ifndef MDMFS_FS_MOUNT_H
#define MDMFS_FS_MOUNT_H

#include "fs/fs.h"

struct mount;

/*
 * Clear a stale mount that a killed server left.  ERR_INVALID: it would hide the
 * state_dir; ERR_DENIED: a user may not write there; ERR_CHANGED: something else
 * is mounted there; ERR_NOT_EMPTY, ERR_NOT_DIR, ERR_NOT_FOUND: the directory.
 */
enum err_code mount_check(
    const char *mountpoint, const char *state_dir, struct err *err);

/* words: for libfuse's -o. */
enum err_code mount_open(struct fs *f, const char *words,
    const char *mountpoint, struct mount **ret, struct err *err);

/* Answer the kernel until mount_stop() or until it was unmounted. */
enum err_code mount_serve(struct mount *m, struct err *err);

/* From a signal thread: make mount_serve() return. */
void mount_stop(struct mount *m);

/* Unmount.  Takes NULL. */
void mount_close(struct mount *m);

#endif
