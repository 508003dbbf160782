/*
 * Many changes in one transaction.  They are judged in it, because each must
 * see those in front of it: the writer waits meanwhile, readers do not.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/model/events.h"
#include "engine/model/place.h"
#include "engine/model/removal.h"
#include "engine/model/staging.h"

struct batch {
	struct engine *engine;
	const struct file_batch *b;
	unsigned faults;
	struct err first;
	uint64_t *lost; /* directories that could not be made */
	size_t nlost;
};

static bool
is_lost(const struct batch *x, uint64_t dir)
{
	for (size_t i = 0; i < x->nlost; i++)
		if (x->lost[i] == dir)
			return true;
	return false;
}

/* The store itself fails: nothing more can be learned. */
static bool
is_end(enum err_code code)
{
	return code == ERR_FULL || code == ERR_NO_MEMORY ||
	       code == ERR_DAMAGED || code == ERR_STANDBY ||
	       code == ERR_INTERNAL;
}

/* What would be in a directory that cannot be made is no fault of its own. */
static enum err_code
lose(struct batch *x, const struct file_item *item, struct err *err)
{
	uint64_t *more;

	if (item->act != FILE_ACT_MKDIR)
		return ERR_OK;
	more = realloc(x->lost, (x->nlost + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(err, ERR_NO_MEMORY, "staging");
	x->lost = more;
	x->lost[x->nlost++] = item->w.ino;
	return ERR_OK;
}

static enum err_code
fault(struct batch *x, size_t i, const struct err *why, struct err *err)
{
	if (x->faults++ == 0)
		x->first = *why;
	if (x->b->fault != NULL)
		x->b->fault(x->b->arg, i, why);
	if (is_end(why->code)) {
		*err = *why;
		return why->code;
	}
	return lose(x, &x->b->items[i], err);
}

/* ---- one item ----------------------------------------------------------- */

static enum err_code
staged_bytes(
    struct txn *t, const struct file_item *item, struct buf *b, struct err *err)
{
	struct node n;
	enum err_code rc = node_get(t, item->from, &n, NULL);

	if (rc != ERR_OK || n.removal_due != 0 || n.n.is_dir)
		return err_set(err, ERR_CHANGED,
		    "it was removed from staging/ meanwhile: write to commit "
		    "again");
	return node_get_content(t, &n, b, err);
}

static enum err_code
write_one(struct batch *x, struct txn *t, const struct file_item *item,
    struct err *err)
{
	struct file_write w = item->w;
	struct change c = { .engine = x->engine, .w = &w };
	struct buf b = { 0 };
	enum err_code rc = ERR_OK;

	w.actor = *x->b->actor;
	if (item->act == FILE_ACT_WRITE)
		rc = staged_bytes(t, item, &b, err);
	w.bytes = buf_view(&b);
	if (rc == ERR_OK) {
		rc = change_judge(t, &c, err);
		if (rc == ERR_OK)
			rc = change_apply(t, &c, err);
		change_fini(&c);
	}
	buf_wipe(&b);
	return rc;
}

static enum err_code
attr_one(struct batch *x, struct txn *t, const struct file_item *item,
    struct err *err)
{
	struct node n;
	enum err_code rc = node_get(t, item->w.ino, &n, NULL);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && n.removal_due != 0))
		return ERR_OK; /* a fault was told already, or it was removed */
	if (rc != ERR_OK)
		return err_set(err, rc, "%s: %s", item->w.name, err_text(rc));
	n.n.mode = item->w.mode & 07777;
	n.n.uid = item->w.uid;
	n.n.gid = item->w.gid;
	if (item->w.mtime_ns != 0)
		n.n.mtime_ns = item->w.mtime_ns;
	n.n.ctime_ns = engine_now_ns(x->engine);
	return node_put(t, &n, err);
}

static enum err_code
not_empty(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	(void)arg;
	(void)t;
	(void)stop;
	return err_set(err, ERR_NOT_EMPTY,
	    "it is not in the staged tree, but %s was put into it meanwhile",
	    n->name);
}

static enum err_code
remove_one(struct batch *x, struct txn *t, const struct file_item *item,
    struct err *err)
{
	struct node n;
	enum err_code rc = node_get(t, item->w.ino, &n, NULL);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && n.removal_due != 0))
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "%s: %s", item->w.name, err_text(rc));
	if (n.n.is_dir)
		rc = node_each(t, n.n.ino, 0, not_empty, NULL, err);
	if (rc == ERR_OK)
		rc = event_change(
		    t, x->engine, x->b->actor, "removed", &n, "", err);
	if (rc == ERR_OK)
		rc = removal_at_once(t, x->engine, &n, err);
	if (rc == ERR_OK)
		rc = node_touch(t, n.n.parent, engine_now_ns(x->engine), err);
	return rc;
}

static enum err_code
do_one(struct batch *x, struct txn *t, const struct file_item *item,
    struct err *err)
{
	switch (item->act) {
	case FILE_ACT_WRITE:
	case FILE_ACT_MKDIR:
		return write_one(x, t, item, err);
	case FILE_ACT_ATTR:
		return attr_one(x, t, item, err);
	case FILE_ACT_REMOVE:
		return remove_one(x, t, item, err);
	}
	return ERR_OK;
}

/* ---- all ---------------------------------------------------------------- */

static enum err_code
finish(struct batch *x, struct txn *t, struct err *err)
{
	const struct file_batch *b = x->b;
	enum err_code rc = ERR_OK;

	if (b->stage != 0)
		rc = stage_drop(t, x->engine, b->stage, err);
	if (rc == ERR_OK && b->event != NULL)
		rc = event_record(t, x->engine, 0, err, "%s", b->event);
	return rc;
}

static enum err_code
batch_txn(struct txn *t, void *arg, struct err *err)
{
	struct batch *x = arg;
	const struct file_batch *b = x->b;
	enum err_code rc = ERR_OK;

	x->faults = 0;
	x->nlost = 0;
	if (b->begin != NULL)
		b->begin(b->arg);
	for (size_t i = 0;
	     rc == ERR_OK && i < b->n && x->faults < FILE_FAULTS_MAX; i++) {
		struct err why = { 0 };

		if (b->items[i].act <= FILE_ACT_MKDIR &&
		    is_lost(x, b->items[i].w.parent))
			rc = lose(x, &b->items[i], err);
		else if (do_one(x, t, &b->items[i], &why) != ERR_OK)
			rc = fault(x, i, &why, err);
	}
	if (rc != ERR_OK)
		return rc;
	if (x->faults > 0) {
		*err = x->first;
		return x->first.code;
	}
	if ((rc = finish(x, t, err)) != ERR_OK || !b->judge_only)
		return rc;
	/* all was well: undo it */
	return err_set(err, ERR_CHANGED, "judged");
}

enum err_code
file_write_all(
    struct engine *e, const struct file_batch *batch, struct err *err)
{
	struct batch x = { .engine = e, .b = batch };
	struct err why = { 0 };
	enum err_code rc = store_update(e->store, batch_txn, &x, &why);

	free(x.lost);
	if (rc == ERR_OK ||
	    (batch->judge_only && x.faults == 0 && rc == ERR_CHANGED))
		return ERR_OK;
	if (err != NULL)
		*err = why;
	return rc;
}
