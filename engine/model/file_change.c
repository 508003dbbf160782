/*
 * A change of a file or directory, in three steps: gather what the judgement
 * needs in a view, judge outside of any transaction, apply in an update.
 */
#include <string.h>

#include "engine/model/devices.h"
#include "engine/model/events.h"
#include "engine/model/place.h"
#include "engine/model/removal.h"
#include "mdmfs/file.h"

/*
 * The directory that w names.  Directories of devices have no record: their
 * number says whose they are.
 */
static enum err_code
parent_of(struct txn *t, const struct file_write *w, struct node *ret,
    struct err *err)
{
	struct node n = { .n = { .ino = w->parent, .is_dir = true } };
	enum err_code rc;

	if (w->parent >> 63 == 0) {
		rc = node_get(t, w->parent, ret, err);
		if (rc == ERR_OK && ret->removal_due != 0)
			rc = ERR_NOT_FOUND;
		if (rc == ERR_NOT_FOUND)
			return err_set(err, rc, "the directory was removed");
		if (rc == ERR_OK && !ret->n.is_dir)
			return err_set(err, ERR_NOT_DIR, "not a directory");
		return rc;
	}
	n.n.device = (uint32_t)(w->parent >> 24);
	n.n.user = (uint32_t)(w->parent & 0xffffff);
	if ((rc = device_org(t, n.n.device, &n.n.org, err)) == ERR_OK)
		*ret = n;
	return rc;
}

static void
node_from(struct change *c)
{
	const struct file_write *w = c->w;
	struct node *n = &c->node;
	int64_t now_ns = engine_now_ns(c->engine);

	*n = (struct node){ .n = {
				.ino = w->ino,
				.parent = w->parent,
				.place = w->place,
				.is_dir = place_limit(w->place) == 0,
				.mode = w->mode & 07777,
				.uid = w->uid,
				.gid = w->gid,
				.size = w->bytes.len,
				.mtime_ns =
				    w->mtime_ns != 0 ? w->mtime_ns : now_ns,
				.ctime_ns = now_ns,
				.org = c->parent.n.org,
				.device = c->parent.n.device,
				.user = c->parent.n.user,
			    } };
	memcpy(n->name, w->name, strlen(w->name) + 1);
}

/* What stands at the name now, and whether w may take its place. */
static enum err_code
prepare(struct txn *t, struct change *c, struct err *err)
{
	const struct file_write *w = c->w;
	enum err_code rc;

	if ((rc = parent_of(t, w, &c->parent, err)) != ERR_OK)
		return rc;
	node_from(c);
	rc = node_find(t, w->parent, w->name, &c->old, NULL);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "%s: %s", w->name, err_text(rc));
	c->replaces = rc == ERR_OK;
	c->before = c->replaces ? c->old.n.ino
	                        : removal_of(t, w->parent, w->name, w->place);
	if (c->replaces && c->old.n.is_dir && !c->node.n.is_dir)
		return err_set(err, ERR_IS_DIR, "%s is a directory", w->name);
	if (w->base_version != 0 &&
	    (!c->replaces || c->old.n.version != w->base_version))
		return err_set(err, ERR_CHANGED,
		    "%s was changed by someone else since it was opened: read "
		    "it again, then write",
		    w->name);
	return ERR_OK;
}

static enum err_code
gather_txn(struct txn *t, void *arg, struct err *err)
{
	struct change *c = arg;
	const struct place_rule *rule = place_rule(c->w->place);
	enum err_code rc = prepare(t, c, err);

	if (rc == ERR_OK && rule->gather != NULL)
		rc = rule->gather(t, c, err);
	return rc;
}

/*
 * The bytes, mode and owner that the name has already: a second run of cp or
 * rsync.  It keeps its version and is no event; only its times are new.
 */
static bool
is_same(struct txn *t, const struct change *c)
{
	const struct file_node *old = &c->old.n, *new = &c->node.n;
	struct buf b = { 0 };
	bool same;

	if (!c->replaces || c->old.shared || new->is_dir ||
	    c->source_version != 0 || old->size != new->size ||
	    old->place != new->place || old->mode != new->mode ||
	    old->uid != new->uid || old->gid != new->gid)
		return false;
	same = node_get_content(t, &c->old, &b, NULL) == ERR_OK &&
	       bytes_equal(buf_view(&b), c->w->bytes);
	buf_wipe(&b);
	return same;
}

/* Store node and content in place of what had the name. */
static enum err_code
store_node(struct txn *t, struct change *c, bool same, struct err *err)
{
	enum err_code rc;

	if (same)
		c->node.n.version = c->old.n.version;
	else if ((rc = counter_next(t, "version", &c->node.n.version, err)) !=
		 ERR_OK)
		return rc;
	if ((rc = removal_forget(t, c->engine, &c->node, err)) != ERR_OK)
		return rc;
	if (c->replaces) {
		if ((rc = node_unlink(t, &c->old, err)) != ERR_OK)
			return rc;
		if (c->old.n.ino != c->node.n.ino &&
		    (rc = node_drop(t, &c->old, err)) != ERR_OK)
			return rc;
	}
	if ((rc = node_put(t, &c->node, err)) == ERR_OK &&
	    (rc = node_link(t, &c->node, err)) == ERR_OK && !c->node.n.is_dir)
		rc = node_put_content(t, &c->node, c->w->bytes, err);
	if (rc == ERR_OK && !(c->replaces && c->old.n.ino == c->node.n.ino))
		rc = node_touch(t, c->w->parent, c->node.n.ctime_ns, err);
	return rc;
}

enum err_code
change_apply(struct txn *t, struct change *c, struct err *err)
{
	const struct place_rule *rule = place_rule(c->w->place);
	enum err_code rc = prepare(t, c, err);
	bool same = rc == ERR_OK && is_same(t, c);

	c->note[0] = '\0';
	if (rc == ERR_OK && c->node.n.is_dir && c->replaces)
		return err_set(err, ERR_EXISTS, "%s exists", c->w->name);
	if (same && !rule->again && c->old.n.ino == c->node.n.ino) {
		c->node.n.version = c->old.n.version;
		c->node.queued = c->old.queued;
		return node_put(t, &c->node, err);
	}
	if (rc == ERR_OK)
		rc = store_node(t, c, same, err);
	if (rc == ERR_OK && rule->apply != NULL)
		rc = rule->apply(t, c, err);
	if (rc == ERR_OK && !rule->quiet &&
	    (!same || (rule->again && c->note[0] != '\0')))
		rc = event_change(t, c->engine, &c->w->actor,
		    c->replaces ? "changed" : "accepted", &c->node, c->note,
		    err);
	return rc;
}

static enum err_code
apply_txn(struct txn *t, void *arg, struct err *err)
{
	return change_apply(t, arg, err);
}

static enum err_code
check_size(const struct file_write *w, struct err *err)
{
	uint64_t limit = place_limit(w->place);

	if (strlen(w->name) > NODE_NAME_MAX)
		return err_set(err, ERR_NAME_TOO_LONG,
		    "a name has at most %d bytes", NODE_NAME_MAX);
	if (limit > 0 && w->bytes.len > limit)
		return err_set(err, ERR_TOO_BIG,
		    "%zu bytes; a file here has at most %llu", w->bytes.len,
		    (unsigned long long)limit);
	return ERR_OK;
}

static enum err_code
judge(struct change *c, struct err *err)
{
	const struct place_rule *rule = place_rule(c->w->place);
	enum err_code rc;

	c->now = engine_now(c->engine);
	if ((rc = check_size(c->w, err)) != ERR_OK)
		return rc;
	rc = store_view(c->engine->store, gather_txn, c, err);
	if (rc == ERR_OK && rule->judge != NULL)
		rc = rule->judge(c, err);
	return rc;
}

enum err_code
change_judge(struct txn *t, struct change *c, struct err *err)
{
	const struct place_rule *rule = place_rule(c->w->place);
	enum err_code rc;

	c->now = engine_now(c->engine);
	if ((rc = check_size(c->w, err)) == ERR_OK)
		rc = gather_txn(t, c, err);
	if (rc == ERR_OK && rule->judge != NULL)
		rc = rule->judge(c, err);
	return rc;
}

void
change_fini(struct change *c)
{
	const struct place_rule *rule = place_rule(c->w->place);

	if (rule->release != NULL)
		rule->release(c);
	c->context = NULL;
}

enum err_code
file_judge(struct engine *e, const struct file_write *w, struct err *err)
{
	struct change c = { .engine = e, .w = w };
	enum err_code rc = judge(&c, err);

	change_fini(&c);
	return rc;
}

static enum err_code
change(struct change *c, txn_fn *apply, struct file_node *ret, struct err *err)
{
	enum err_code rc;

	if ((rc = judge(c, err)) == ERR_OK)
		rc = store_update(c->engine->store, apply, c, err);
	if (rc == ERR_OK && ret != NULL)
		*ret = c->node.n;
	change_fini(c);
	return rc;
}

enum err_code
file_write(struct engine *e, const struct file_write *w, struct file_node *ret,
    struct err *err)
{
	struct change c = { .engine = e, .w = w };

	return change(&c, apply_txn, ret, err);
}

enum err_code
file_mkdir(struct engine *e, const struct file_write *w, struct file_node *ret,
    struct err *err)
{
	struct change c = { .engine = e, .w = w };

	return change(&c, apply_txn, ret, err);
}

/* ---- rename ------------------------------------------------------------- */

/*
 * A rename is a removal of the old name and a write of the same bytes under
 * the new one, in one transaction; the inode number stays.
 */
static enum err_code
rename_txn(struct txn *t, void *arg, struct err *err)
{
	struct change *c = arg;
	struct node source, there;
	enum err_code rc = node_get(t, c->w->ino, &source, err);

	if (rc == ERR_OK && source.removal_due != 0)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	if (rc == ERR_OK && source.n.version != c->source_version)
		return err_set(err, ERR_CHANGED,
		    "%s was changed while it was renamed", source.name);
	if (rc == ERR_OK && c->no_replace &&
	    node_find(t, c->w->parent, c->w->name, &there, NULL) == ERR_OK)
		return err_set(err, ERR_EXISTS, "%s exists", c->w->name);
	if (rc == ERR_OK)
		rc = removal_at_once(t, c->engine, &source, err);
	if (rc == ERR_OK)
		rc = node_touch(
		    t, source.n.parent, engine_now_ns(c->engine), err);
	if (rc == ERR_OK)
		rc = apply_txn(t, c, err);
	return rc;
}

enum err_code
file_rename(struct engine *e, const struct file_write *to, bool no_replace,
    struct err *err)
{
	struct file_node n;
	struct file_write w = *to;
	struct change c = { .engine = e, .w = &w, .no_replace = no_replace };
	struct file_node target;
	struct buf b = { 0 };
	enum err_code rc;

	if ((rc = file_get(e, to->ino, &n, err)) != ERR_OK)
		return rc;
	if (n.is_dir)
		return err_set(err, ERR_NOT_HERE,
		    "a directory cannot be renamed: make the new one, move the "
		    "files, remove the old one");
	if (no_replace &&
	    file_find(e, to->parent, to->name, &target, NULL) == ERR_OK)
		return err_set(err, ERR_EXISTS, "%s exists", to->name);
	if ((rc = file_read(e, to->ino, &b, err)) == ERR_OK) {
		w.bytes = buf_view(&b);
		w.mode = n.mode;
		w.uid = n.uid;
		w.gid = n.gid;
		w.mtime_ns = n.mtime_ns;
		c.source_version = n.version;
		rc = change(&c, rename_txn, NULL, err);
	}
	buf_wipe(&b);
	return rc;
}
