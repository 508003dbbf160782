/*
 * serve.h - the life of the server: store, listeners, mount, and their end.
 */
#ifndef MDMFS_FS_SERVE_H
#define MDMFS_FS_SERVE_H

#include "fs/options.h"

/*
 * Serve until SIGTERM, SIGINT or an unmount.  In the background (unless
 * o->foreground) the parent returns once the server serves, or with its
 * failure; *parent says that it is the parent.
 */
enum err_code serve(const struct options *o, bool *parent, struct err *err);

#endif
