/*
 * org_purge.h - the end of organizations that were removed.
 */
#ifndef MDMFS_MODEL_ORG_PURGE_H
#define MDMFS_MODEL_ORG_PURGE_H

#include "engine/model/model.h"

/*
 * Drop what organizations left that were removed more than ORG_KEPT seconds
 * ago: devices, queues, CA, keys.  In small transactions; cheap when there is
 * nothing to do.  Not inside a transaction.
 */
enum err_code orgs_purge(struct engine *e, struct err *err);

#endif
