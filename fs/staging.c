#include "fs/staging.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/names.h"
#include "fs/text.h"

#define RESERVE 256

/* A directory of both trees. */
struct pair {
	uint64_t staged;
	struct file_node live; /* ino 0: it is new */
	uint64_t ino;          /* of the live one or the new one */
	const struct tree_row *row;
	const char *path; /* "" is the root */
	bool replace;     /* what is not staged goes */
};

static char *
path_below(const char *dir, const char *name, struct err *err)
{
	struct buf b = { 0 };
	char *path = NULL;

	if (*dir != '\0')
		buf_printf(&b, "%s/", dir);
	buf_text(&b, name);
	if (buf_error(&b, err) == ERR_OK &&
	    (path = strdup(buf_str(&b))) == NULL)
		(void)!err_set(err, ERR_NO_MEMORY, "staging");
	buf_free(&b);
	return path;
}

/* ---- faults, permissions, numbers --------------------------------------- */

static void
fault(struct staging *s, const char *path, const struct err *err)
{
	if (s->nfaults++ == 0)
		s->first = err->code;
	text_fault(&s->faults, path, err);
}

static bool
deny(struct staging *s, const struct file_node *n, const char *path)
{
	struct err err = { 0 };

	if (err_set(&err, ERR_DENIED,
		"it is not yours to change: owner %u:%u, mode %04o", n->uid,
		n->gid, n->mode) != ERR_OK)
		fault(s, path, &err);
	return false;
}

static bool
has(const struct staging *s, const struct file_node *n, unsigned want)
{
	return view_may(
	    s->view, &(struct view_owned){ n->uid, n->gid, n->mode }, want);
}

/* As the kernel would answer the same change of one file. */
static bool
may(struct staging *s, const struct file_node *n, unsigned want,
    const char *path)
{
	return has(s, n, want) || deny(s, n, path);
}

/* In a directory with the sticky bit everybody removes his own alone. */
static bool
may_remove(struct staging *s, const struct file_node *dir,
    const struct file_node *n, const char *path)
{
	uint32_t uid = s->view->uid;

	return (dir->mode & S_ISVTX) == 0 || uid == 0 || uid == dir->uid ||
	       uid == n->uid || deny(s, n, path);
}

/* What the caller could not read is not compared for him. */
static bool
may_read(const struct staging *s, const struct file_node *n)
{
	return place_is_secret(n->place)
	           ? s->view->uid == 0 || s->view->uid == n->uid
	           : has(s, n, VIEW_READ);
}

static enum err_code
new_ino(struct staging *s, uint64_t *ret, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (s->next_ino == s->end_ino) {
		rc = file_reserve(s->engine, RESERVE, &s->next_ino, err);
		s->end_ino = rc == ERR_OK ? s->next_ino + RESERVE : 0;
		if (rc != ERR_OK)
			s->next_ino = 0;
	}
	if (rc == ERR_OK)
		*ret = s->next_ino++;
	return rc;
}

/* ---- one file ----------------------------------------------------------- */

/* What a staged file or directory makes of one that is there: root takes mode
 * and owner, others the mode of what is theirs. */
static struct file_write
wanted(const struct staging *s, const struct pair *dir,
    const struct file_node *staged, const struct file_node *live)
{
	struct file_write w = { .parent = dir->ino,
		.ino = live->ino,
		.mode = staged->mode,
		.uid = staged->uid,
		.gid = staged->gid,
		.mtime_ns = staged->mtime_ns };

	if (live->ino == 0 || s->view->uid == 0)
		return w;
	if (live->uid != s->view->uid)
		w.mode = live->mode;
	w.uid = live->uid;
	w.gid = live->gid;
	return w;
}

static enum err_code
same_bytes(struct staging *s, const struct file_node *a,
    const struct file_node *b, bool *ret, struct err *err)
{
	struct buf x = { 0 }, y = { 0 };
	enum err_code rc = ERR_OK;

	*ret = false;
	if (a->size == b->size &&
	    (rc = file_read(s->engine, a->ino, &x, err)) == ERR_OK &&
	    (rc = file_read(s->engine, b->ino, &y, err)) == ERR_OK)
		*ret = bytes_equal(buf_view(&x), buf_view(&y));
	buf_wipe(&x);
	buf_wipe(&y);
	return rc;
}

/* Mode, owner and time alone. */
static enum err_code
plan_attr(struct staging *s, const struct file_write *w,
    const struct file_node *live, const char *path, struct err *err)
{
	const struct file_item item = { .act = FILE_ACT_ATTR, .w = *w };

	if (live->mode != w->mode || live->uid != w->uid ||
	    live->gid != w->gid) {
		buf_printf(&s->lines, "mode %s: %04o %u:%u, was %04o %u:%u\n",
		    path, w->mode, w->uid, w->gid, live->mode, live->uid,
		    live->gid);
		s->changed++;
	} else if (live->mtime_ns == w->mtime_ns ||
		   (s->view->uid != 0 && s->view->uid != live->uid)) {
		return ERR_OK;
	}
	return staging_add(&s->attrs, &item, path, err);
}

static enum err_code
plan_file(struct staging *s, const struct pair *dir, enum place place,
    const struct staging_entry *e, const struct file_node *live,
    const char *path, struct err *err)
{
	struct file_item item = { .act = FILE_ACT_WRITE, .from = e->node.ino };
	bool same = false;
	enum err_code rc = ERR_OK;

	item.w = wanted(s, dir, &e->node, live);
	item.w.place = place;
	if (live->ino != 0 && live->place == place && may_read(s, live))
		rc = same_bytes(s, live, &e->node, &same, err);
	if (rc != ERR_OK)
		return rc;
	if (same)
		return plan_attr(s, &item.w, live, path, err);
	if (live->ino != 0
		? !may(s, live, VIEW_WRITE, path)
		: dir->live.ino != 0 &&
		      !may(s, &dir->live, VIEW_WRITE | VIEW_EXECUTE, path))
		return ERR_OK;
	if (live->ino == 0 && (rc = new_ino(s, &item.w.ino, err)) != ERR_OK)
		return rc;
	buf_printf(
	    &s->lines, "%s %s\n", live->ino != 0 ? "change" : "add", path);
	if (live->ino != 0)
		s->changed++;
	else
		s->added++;
	return staging_add(&s->writes, &item, path, err);
}

/* ---- what goes ---------------------------------------------------------- */

static bool
holds_commands(enum place place)
{
	return place == PLACE_ORG_COMMANDS || place == PLACE_GROUP_COMMANDS;
}

/* To remove all that is in a directory it must be listed, as by rm -r. */
#define VIEW_ALL (VIEW_READ | VIEW_WRITE | VIEW_EXECUTE)

static enum err_code plan_removal(struct staging *s,
    const struct file_node *dir, const struct file_node *node, const char *path,
    struct err *err);

static enum err_code
plan_emptying(struct staging *s, const struct file_node *dir, const char *path,
    struct err *err)
{
	struct staging_entries l = { 0 };
	enum err_code rc = staging_list(s->engine, dir->ino, &l, err);
	bool allowed =
	    rc == ERR_OK && (l.n == 0 || may(s, dir, VIEW_ALL, path));

	for (size_t i = 0; rc == ERR_OK && allowed && i < l.n; i++) {
		char *below = path_below(path, l.p[i].name, err);

		rc = below == NULL
		         ? ERR_NO_MEMORY
		         : plan_removal(s, dir, &l.p[i].node, below, err);
		free(below);
	}
	staging_entries_free(&l);
	return rc;
}

/* Of dir.  A directory that cannot be emptied stays: that is told already. */
static enum err_code
plan_removal(struct staging *s, const struct file_node *dir,
    const struct file_node *node, const char *path, struct err *err)
{
	const struct file_item item = { .act = FILE_ACT_REMOVE,
		.w = { .ino = node->ino, .parent = node->parent } };
	unsigned faults = s->nfaults;
	enum err_code rc = ERR_OK;

	if (!may_remove(s, dir, node, path))
		return ERR_OK;
	if (node->is_dir)
		rc = plan_emptying(s, node, path, err);
	if (rc != ERR_OK || s->nfaults > faults)
		return rc;
	buf_printf(&s->lines, "remove %s\n", path);
	s->removed++;
	return staging_add(&s->removals, &item, path, err);
}

/* What the live directory has and the staged one has not. */
static enum err_code
plan_rest(struct staging *s, const struct pair *dir, struct err *err)
{
	struct staging_entries l = { 0 };
	struct file_node n;
	bool asked = false, allowed = true;
	enum err_code rc = staging_list(s->engine, dir->live.ino, &l, err);

	for (size_t i = 0; rc == ERR_OK && allowed && i < l.n; i++) {
		char *path;

		rc = file_find(s->engine, dir->staged, l.p[i].name, &n, NULL);
		if (rc == ERR_OK || (rc == ERR_NOT_FOUND &&
					holds_commands(l.p[i].node.place))) {
			rc = ERR_OK;
			continue;
		}
		if (rc != ERR_NOT_FOUND)
			break;
		if (!asked)
			allowed = may(s, &dir->live, VIEW_ALL, dir->path);
		asked = true;
		path = path_below(dir->path, l.p[i].name, err);
		rc = path == NULL ? ERR_NO_MEMORY : ERR_OK;
		if (rc == ERR_OK && allowed)
			rc = plan_removal(
			    s, &dir->live, &l.p[i].node, path, err);
		free(path);
	}
	staging_entries_free(&l);
	return rc;
}

/* ---- directories -------------------------------------------------------- */

static enum err_code plan_dir(
    struct staging *s, const struct pair *dir, struct err *err);

static enum err_code
plan_subdir(struct staging *s, const struct pair *dir,
    const struct tree_row *row, const struct staging_entry *e,
    const struct file_node *live, const char *path, struct err *err)
{
	struct pair below = { .staged = e->node.ino,
		.live = *live,
		.ino = live->ino,
		.row = row,
		.path = path,
		.replace = !holds_commands(row->place) };
	struct file_item item = { .act = FILE_ACT_MKDIR };
	size_t before = s->writes.n + s->removals.n;
	enum err_code rc = ERR_OK;

	item.w = wanted(s, dir, &e->node, live);
	item.w.place = row->place;
	if (live->ino == 0) {
		if (dir->live.ino != 0 &&
		    !may(s, &dir->live, VIEW_WRITE | VIEW_EXECUTE, path))
			return ERR_OK;
		if ((rc = new_ino(s, &item.w.ino, err)) != ERR_OK)
			return rc;
		below.ino = item.w.ino;
		buf_printf(&s->lines, "add %s/\n", path);
		s->added++;
		rc = staging_add(&s->writes, &item, path, err);
	} else if (!may(s, live, VIEW_EXECUTE, path)) {
		return ERR_OK;
	}
	if (rc == ERR_OK)
		rc = plan_dir(s, &below, err);
	if (rc != ERR_OK)
		return rc;
	item.act = FILE_ACT_ATTR;
	/* what is put into it changes its time */
	if (live->ino == 0 || (before != s->writes.n + s->removals.n &&
				  live->mtime_ns == e->node.mtime_ns))
		return staging_add(&s->attrs, &item, path, err);
	return plan_attr(s, &item.w, live, path, err);
}

/* orgs/ and system/ themselves are always there and keep owner and mode. */
static enum err_code
plan_fixed(struct staging *s, const struct tree_row *row,
    const struct staging_entry *e, struct err *err)
{
	struct pair below = { .staged = e->node.ino,
		.ino =
		    row->place == PLACE_ORGS ? FILE_INO_ORGS : FILE_INO_SYSTEM,
		.row = row,
		.path = row->path };
	struct file_item item = { .act = FILE_ACT_ATTR };
	enum err_code rc = file_get(s->engine, below.ino, &below.live, err);

	if (rc != ERR_OK || !may(s, &below.live, VIEW_EXECUTE, below.path))
		return rc;
	if ((rc = plan_dir(s, &below, err)) != ERR_OK || s->view->uid != 0)
		return rc;
	/* their time, so that rsync has nothing to do afterwards */
	item.w.ino = below.ino;
	item.w.mode = below.live.mode;
	item.w.uid = below.live.uid;
	item.w.gid = below.live.gid;
	item.w.mtime_ns = e->node.mtime_ns;
	return staging_add(&s->attrs, &item, row->path, err);
}

static enum err_code
check_name(const struct pair *dir, const struct staging_entry *e,
    struct name_is *is, struct err *err)
{
	const struct node node = {
		.source = NODE_STORE, .kind = TREE_DIR, .row = dir->row
	};
	enum err_code rc = name_check(
	    &node, e->name, e->node.is_dir ? TREE_DIR : TREE_FILE, is, err);

	if (rc == ERR_OK && is->kind == NAME_SCRATCH)
		return err_set(err, ERR_NOT_HERE,
		    "a scratch name: it would never take effect");
	if (rc == ERR_OK && holds_commands(dir->row->place) &&
	    is->row->place != PLACE_NOTES)
		return err_set(err, ERR_NOT_HERE,
		    "a command is given once and is no configuration: write "
		    "it to %s itself",
		    dir->path);
	return rc;
}

static enum err_code
plan_entry(struct staging *s, const struct pair *dir,
    const struct staging_entry *e, const char *path, struct err *err)
{
	const struct tree_row *row = tree_find(dir->row, e->name);
	struct file_node live = { 0 };
	struct name_is is = { 0 };
	struct err why = { 0 };
	enum err_code rc = ERR_OK;

	if (*dir->path == '\0' && e->node.is_dir && row != NULL &&
	    (row->place == PLACE_ORGS || row->place == PLACE_SYSTEM))
		return plan_fixed(s, row, e, err);
	if (check_name(dir, e, &is, &why) != ERR_OK) {
		fault(s, path, &why);
		return ERR_OK;
	}
	if (dir->live.ino != 0)
		rc = file_find(s->engine, dir->live.ino, e->name, &live, err);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	if (live.ino != 0 && live.is_dir != e->node.is_dir) {
		rc = err_set(&why, live.is_dir ? ERR_IS_DIR : ERR_NOT_DIR,
		    "in the mount it is a %s: remove it there first",
		    live.is_dir ? "directory" : "file");
		fault(s, path, &why);
		return ERR_OK;
	}
	return e->node.is_dir
	           ? plan_subdir(s, dir, is.row, e, &live, path, err)
	           : plan_file(s, dir, is.row->place, e, &live, path, err);
}

static enum err_code
plan_dir(struct staging *s, const struct pair *dir, struct err *err)
{
	struct staging_entries l = { 0 };
	enum err_code rc = staging_list(s->engine, dir->staged, &l, err);

	for (size_t i = 0; rc == ERR_OK && i < l.n; i++) {
		char *path = path_below(dir->path, l.p[i].name, err);

		rc = path == NULL ? ERR_NO_MEMORY
		                  : plan_entry(s, dir, &l.p[i], path, err);
		free(path);
	}
	staging_entries_free(&l);
	if (rc == ERR_OK && dir->replace && dir->live.ino != 0)
		rc = plan_rest(s, dir, err);
	return rc;
}

enum err_code
staging_plan(struct staging *s, const struct at *at, struct err *err)
{
	struct pair root = {
		.row = tree_at(""), .ino = FILE_INO_ROOT, .path = ""
	};
	struct file_node stage;
	struct buf path = { 0 };
	enum err_code rc;

	*s = (struct staging){ .engine = at->engine,
		.actor = at->caller,
		.view = at->view,
		.stage = at->number };
	root.staged = at->number;
	if ((rc = file_get(s->engine, s->stage, &stage, err)) != ERR_OK ||
	    (rc = file_get(s->engine, root.ino, &root.live, err)) != ERR_OK)
		return rc;
	file_path(s->engine, s->stage, &path);
	strncpy(s->name, buf_str(&path), sizeof(s->name) - 1);
	buf_free(&path);
	if ((rc = plan_dir(s, &root, err)) == ERR_OK &&
	    (rc = buf_error(&s->lines, err)) == ERR_OK)
		rc = buf_error(&s->faults, err);
	return rc;
}

void
staging_fini(struct staging *s)
{
	staging_items_free(&s->writes);
	staging_items_free(&s->removals);
	staging_items_free(&s->attrs);
	buf_free(&s->lines);
	buf_free(&s->faults);
}
