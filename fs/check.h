/*
 * check.h - `mdmfs check [--schema DIR] DIR`: judge a configuration tree without a server.
 */
#ifndef MDMFS_FS_CHECK_H
#define MDMFS_FS_CHECK_H

#include "mdmfs/err.h"

/*
 * Write DIR/orgs and DIR/system into a store in memory; print a line for each
 * fault on standard output.  *faults counts them.  schema is the directory of
 * the tables, as --schema of the server; NULL: those that are built in.
 */
enum err_code check_tree(
    const char *dir, const char *schema, unsigned *faults, struct err *err);

#endif
