/* The listing of a directory: one order with cookies out of several sources. */
#include <string.h>

#include "fs/node.h"

/*
 * Cookies: "." 1, "..", then the literal rows; names that are data, files of
 * the store, and scratch names, each in a range of their own, whose rest is
 * the source's cookie.
 */
#define COOKIE_DOT     1
#define COOKIE_DOTDOT  2
#define COOKIE_NAMES   (1ull << 60)
#define COOKIE_STORE   (2ull << 60)
#define COOKIE_SCRATCH (3ull << 60)
#define COOKIE_UNBORN  (4ull << 60)
#define COOKIE_REST    ((1ull << 60) - 1)

struct listing {
	struct fs *f;
	const struct node *dir;
	const struct caller *caller;
	uint64_t after;
	node_entry_fn *fn;
	void *arg;
	bool full;             /* fn wants no more */
	struct view_orgs orgs; /* whose entries the caller is shown */
};

static bool
put_entry(struct listing *l, const struct node_entry *entry)
{
	if (entry->cookie > l->after && !l->fn(l->arg, entry))
		l->full = true;
	return !l->full;
}

static bool
put(struct listing *l, const char *name, uint64_t ino, enum tree_kind kind,
    uint64_t cookie)
{
	const struct node_entry entry = {
		.name = name, .ino = ino, .kind = kind, .cookie = cookie
	};

	return put_entry(l, &entry);
}

static bool
stop_at_one(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	bool *found = arg;

	(void)name;
	(void)node;
	(void)cookie;
	*found = true;
	return false;
}

/* A directory that is listed only if something is in it, or a page that is
 * listed only if it can be made. */
static bool
is_quiet(struct listing *l, const struct tree_row *row, struct node *n)
{
	struct buf page = { 0 };
	bool found = false, ready;

	if ((row->flags & TREE_READY) != 0) {
		ready = node_size(l->f, n, l->caller, &page, NULL) == ERR_OK &&
		        n->size > 0;
		buf_wipe(&page);
		return !ready;
	}
	if ((row->flags & TREE_QUIET) == 0)
		return false;
	return file_list(l->f->engine, n->ino, 0, stop_at_one, &found, NULL) ==
	           ERR_OK &&
	       !found;
}

static enum err_code
list_literals(struct listing *l, struct err *err)
{
	const struct tree_row *row;
	const char *name;

	for (unsigned i = 0;
	     !l->full && (row = tree_literal(l->dir->row, i, &name)) != NULL;
	     i++) {
		uint64_t cookie = COOKIE_DOTDOT + 1 + i;
		struct node n;
		enum err_code rc;

		/* what people make is in the store, if it is */
		if ((row->place != PLACE_NONE &&
			(row->flags & TREE_FIXED) == 0) ||
		    (row->flags & TREE_HIDDEN) != 0 || cookie <= l->after)
			continue;
		rc = node_named(l->f, l->dir, name, l->caller, &n, err);
		if (rc == ERR_NOT_FOUND)
			continue;
		if (rc == ERR_OK && is_quiet(l, row, &n))
			continue;
		if (rc != ERR_OK)
			return rc;
		put(l, name, n.ino, n.kind, cookie);
	}
	return ERR_OK;
}

static bool
put_name(void *arg, const struct tree_entry *entry)
{
	struct listing *l = arg;
	const struct tree_row *row = tree_find(l->dir->row, entry->name);
	struct node_entry e = { .name = entry->name,
		.cookie = COOKIE_NAMES | entry->cookie };

	if (row == NULL)
		return true; /* no name that could be looked up */
	if ((row->of == OF_DEVICE || row->of == OF_ORG) &&
	    !view_filter(&l->orgs, entry->at.org))
		return true; /* of an organization that is not the caller's */
	e.ino = tree_ino(row, &entry->at);
	e.kind = row->kind;
	if (entry->listed) {
		e.row = row;
		e.org = entry->at.org;
		e.seconds = entry->seconds;
		e.size = entry->size;
	}
	return put_entry(l, &e);
}

static bool
put_file(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	struct listing *l = arg;
	const struct tree_row *row = NULL;

	if (l->dir->row != NULL)
		row = tree_find(l->dir->row, name);
	if (row != NULL && (row->flags & TREE_FIXED) != 0)
		return true; /* listed as a literal */
	return put(l, name, node->ino, node->is_dir ? TREE_DIR : TREE_FILE,
	    COOKIE_STORE | cookie);
}

static bool
put_unborn(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	return put(arg, name, node->ino, TREE_FILE, COOKIE_UNBORN | cookie);
}

static bool
put_scratch(void *arg, const char *name, const struct scratch_node *node)
{
	static const enum tree_kind kinds[] = { TREE_FILE, TREE_DIR,
		TREE_LINK };

	return put(arg, name, node->ino, kinds[node->kind],
	    COOKIE_SCRATCH | node->cookie);
}

/* Where the source whose cookies have that base goes on. */
static uint64_t
resume(const struct listing *l, uint64_t base)
{
	return l->after > base ? l->after & COOKIE_REST : 0;
}

static uint64_t
parent_ino(const struct node *dir)
{
	return dir->parent != 0 ? dir->parent : FILE_INO_ROOT;
}

static enum err_code
list_names(struct listing *l, struct err *err)
{
	enum err_code rc =
	    view_orgs_init(&l->orgs, l->f->engine, &l->caller->view, err);

	if (rc == ERR_OK)
		rc = l->dir->row->names->list(
		    &l->dir->at, resume(l, COOKIE_NAMES), put_name, l, err);
	view_orgs_fini(&l->orgs);
	return rc;
}

enum err_code
node_list(struct fs *f, const struct node *dir, const struct node_listing *from,
    struct err *err)
{
	struct listing l = { .f = f,
		.dir = dir,
		.caller = from->caller,
		.after = from->after,
		.fn = from->fn,
		.arg = from->arg };
	uint64_t after = from->after;
	const struct tree_row *row = dir->row;
	bool kept = row == NULL || row->place != PLACE_NONE;
	enum err_code rc = ERR_OK;

	put(&l, ".", dir->ino, TREE_DIR, COOKIE_DOT);
	if (!l.full)
		put(&l, "..", parent_ino(dir), TREE_DIR, COOKIE_DOTDOT);
	if (!l.full && row != NULL && after < COOKIE_NAMES)
		rc = list_literals(&l, err);
	if (rc == ERR_OK && !l.full && row != NULL && row->names != NULL &&
	    after < COOKIE_STORE)
		rc = list_names(&l, err);
	if (rc == ERR_OK && !l.full && kept && dir->source != NODE_SCRATCH &&
	    after < COOKIE_SCRATCH)
		rc = file_list(f->engine, dir->ino, resume(&l, COOKIE_STORE),
		    put_file, &l, err);
	if (rc == ERR_OK && !l.full && kept && after < COOKIE_UNBORN)
		scratch_list(f->scratch, dir->ino, resume(&l, COOKIE_SCRATCH),
		    put_scratch, &l);
	if (rc == ERR_OK && !l.full && kept)
		drafts_list(f->drafts, dir->ino, put_unborn, &l);
	return rc;
}
