/*
 * staging.h - what a staged tree would change: the difference between
 * staging/NAME/ and the mount, as one batch for the engine.
 *
 * Of orgs/ORG, of each file or directory right in system/, and of notes right
 * in the root and in orgs/, what is staged becomes the whole; what is not
 * staged stays as it is.
 */
#ifndef MDMFS_FS_STAGING_H
#define MDMFS_FS_STAGING_H

#include "fs/staging_items.h"
#include "fs/tree.h"
#include "fs/view.h"

struct staging {
	struct engine *engine;
	const struct actor *actor;
	const struct view *view; /* who would commit */
	uint64_t stage;
	char name[256];              /* of the stage */
	struct staging_items writes; /* in this order */
	struct staging_items removals;
	struct staging_items attrs;
	struct buf lines; /* one a change: add, change, remove, mode PATH */
	unsigned added;
	unsigned changed;
	unsigned removed;
	struct buf faults; /* one a line: PATH: ERRNO: what is wrong */
	unsigned nfaults;
	enum err_code first; /* the code of the first fault */
	uint64_t next_ino;   /* reserved */
	uint64_t end_ino;
};

/* Work out what at's stage would change for its caller, and which names and
 * permissions are wrong.  Free s with staging_fini(), also after a failure.
 * Nothing of the content is judged. */
enum err_code staging_plan(
    struct staging *s, const struct at *at, struct err *err);

/* Let the engine judge all of it, and apply it if there is no fault. */
enum err_code staging_run(struct staging *s, bool judge_only, struct err *err);

void staging_fini(struct staging *s);

#endif
