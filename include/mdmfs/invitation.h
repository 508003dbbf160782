/*
 * invitation.h - invitations to enroll: files in
 * orgs/ORG/enrollment/invitations/.
 */
#ifndef MDMFS_INVITATION_H
#define MDMFS_INVITATION_H

#include "mdmfs/file.h"

/* Those of an organization, by the file; cookies and order of file_list(). */
enum err_code invitation_list(struct engine *e, uint32_t org, uint64_t after,
    file_entry_fn *fn, void *arg, struct err *err);
/* ERR_NOT_FOUND */
enum err_code invitation_find(struct engine *e, uint32_t org, const char *name,
    struct file_node *ret, struct err *err);

/* status/orgs/ORG/invitations/NAME: `key: value` lines: the link, until when
 * it is good, who has used it.  A secret: wipe b. */
enum err_code invitation_page(
    struct engine *e, uint64_t ino, struct buf *b, struct err *err);

#endif
