/*
 * refusal.h - why writes were refused, for those who read it afterwards.
 *
 * The last refusal of each user (status/last-error), of each directory
 * (.error) and of each name (NAME.error).  In memory, the newest ones only.
 * All functions may be called from any thread.
 */
#ifndef MDMFS_FS_REFUSAL_H
#define MDMFS_FS_REFUSAL_H

#include "mdmfs/file.h"

#define REFUSAL_MAX 1024 /* of them are kept */

struct refusals;

/* e: for the line in events; NULL: none is written.  NULL: out of memory. */
struct refusals *refusals_new(struct engine *e);
void refusals_free(struct refusals *r);

struct refusal {
	uint64_t dir;     /* inode number of the directory */
	const char *name; /* in it */
	const char *path; /* for people: orgs/acme/apns/push.p12 */
	uint32_t org;     /* whose event; 0: nobody's in particular */
	struct actor actor;
	const struct err *err;
};

/*
 * Keep it, and write one line of events:
 * uid=0 pid=12 comm=cp refused PATH ERRNO: reason
 */
void refusal_record(struct refusals *r, const struct refusal *f);

/* A write in dir was accepted: its .error and NAME.error are past. */
void refusal_clear(struct refusals *r, uint64_t dir, const char *name);

/* The number of the newest refusal; 0: none.  name NULL: of the directory. */
uint64_t refusal_of_name(struct refusals *r, uint64_t dir, const char *name);
uint64_t refusal_of_user(struct refusals *r, uint32_t uid);

/*
 * Append the page: `ERRNO text`, then `file:`, one `reason:` a finding,
 * `time:`, `uid:`, `pid:` and `command:` lines.  ERR_NOT_FOUND.
 */
enum err_code refusal_page(
    struct refusals *r, uint64_t number, struct buf *b, struct err *err);

/* When it was refused, seconds since 1970 UTC; 0: not there any more.  *dir:
 * the directory that shows it, or 0; may be NULL. */
int64_t refusal_time(struct refusals *r, uint64_t number, uint64_t *dir);

#endif
