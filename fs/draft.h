/*
 * draft.h - what is being written: staged until the engine accepts it.
 *
 * A draft belongs to one open file.  The committed bytes stay in effect until
 * draft_commit() (flush, fsync) has succeeded.  A name that is being created
 * is unborn: it can be looked up, but is in the store only after its first
 * commit.  Owner, mode and mtime set meanwhile are staged, too.  All functions
 * may be called from any thread.
 */
#ifndef MDMFS_FS_DRAFT_H
#define MDMFS_FS_DRAFT_H

#include "mdmfs/file.h"

#define DRAFT_TOTAL_MAX (256u << 20) /* bytes in all drafts */

struct drafts;
struct draft;

/* NULL: out of memory. */
struct drafts *drafts_new(struct engine *e);
/* All drafts were released. */
void drafts_free(struct drafts *d);

struct draft_open {
	uint64_t ino;
	uint64_t parent;
	const char *name; /* "": that of the unborn file of this number */
	enum place place;
	uint32_t org;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t version;   /* of the committed bytes; 0: a new name */
	bool truncate;      /* begin empty; the last writer wins */
	bool append;        /* offsets are ignored */
	struct bytes bytes; /* the committed ones, unless truncate */
	struct actor actor; /* who opens it */
};

/*
 * o is borrowed for the call; *ret is the caller's until draft_release().
 * With version 0 the name becomes unborn, or the handle joins the unborn of
 * that number.
 */
enum err_code draft_open(struct drafts *d, const struct draft_open *o,
    struct draft **ret, struct err *err);

/*
 * Fails as soon as no continuation could be accepted, and then for good until
 * the draft is emptied: poisoned.  *again (may be NULL) says that this failure
 * was already told.
 */
enum err_code draft_write(struct draft *f, uint64_t off, struct bytes bytes,
    const struct actor *actor, bool *again, struct err *err);
enum err_code draft_truncate(
    struct draft *f, uint64_t size, const struct actor *actor, struct err *err);

/* Append at most max staged bytes from off on. */
enum err_code draft_read(struct draft *f, uint64_t off, uint64_t max,
    struct buf *b, struct err *err);
uint64_t draft_size(struct draft *f);
/* The same without waiting for a commit.  False: nothing is written that was
 * not yet committed or refused. */
bool draft_pending(struct draft *f, uint64_t *size);

/*
 * Judge and store what was written since the last commit; nothing written:
 * ERR_OK, and nothing happens.  A failure is kept: the next call says the same
 * (and sets *again) until something is written.  *changed: it was committed
 * now.
 */
struct draft_result {
	bool again;
	bool changed;
};
enum err_code draft_commit(struct draft *f, const struct actor *actor,
    struct draft_result *ret, struct err *err);

/* A process that a signal has ended closes it: what was written is not
 * committed by that, nor by the last close, unless another process writes or
 * commits. */
void draft_abandon(struct draft *f);

/*
 * The last close.  What was never accepted is discarded; an unborn name
 * vanishes, and a file that was removed to make room for it comes back.  A
 * draft that was only emptied is committed now if the place takes an empty
 * file, or else fails here (ret->again is false then).  f is gone.
 */
enum err_code draft_release(
    struct draft *f, struct draft_result *ret, struct err *err);

/* Where it belongs, for messages: name is good until draft_release(). */
uint64_t draft_parent(const struct draft *f);
const char *draft_name(const struct draft *f);
uint32_t draft_org(const struct draft *f);
struct actor draft_actor(struct draft *f);
uint64_t draft_ino(const struct draft *f);

/* Unborn names as nodes (version 0).  False: none. */
bool drafts_find(
    struct drafts *d, uint64_t parent, const char *name, struct file_node *ret);
bool drafts_get(struct drafts *d, uint64_t ino, struct file_node *ret);
/* In no order; return false to stop. */
void drafts_list(
    struct drafts *d, uint64_t parent, file_entry_fn *fn, void *arg);

/* Stage attributes for what is unborn or has unaccepted bytes; false: nothing
 * is staged there, they belong into the store. */
bool drafts_setattr(struct drafts *d, uint64_t ino, const struct file_attr *a);

/* What is staged, over what is committed. */
void drafts_attr(struct drafts *d, uint64_t ino, struct file_node *node);

/* The unborn name goes away: what is still written to it will be lost, as in
 * a file that was removed.  False: it is not unborn. */
bool drafts_unlink(struct drafts *d, uint64_t ino);

#endif
