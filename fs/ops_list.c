/*
 * Listing a directory, also with attributes (readdirplus).
 *
 * Everywhere else the kernel keeps neither names nor attributes; it keeps for
 * three seconds what a listing of a large generated directory gave, because find
 * and ls -l ask for each entry right after it.  Who then changes owner or mode
 * of an organization waits for them to pass: ops_settle().
 *
 * Attributes cost more than names, so they are given to who wants them.  The
 * walks of find, du and chmod -R open directories with O_NOFOLLOW.  Others get
 * them with the first answer but for its last entry: who asks for that one
 * gets them with the next answer, too.  ls -U never asks.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/ops_priv.h"

#define KEPT_SECONDS 3.0        /* find reads 100,000 entries ahead */
#define KEPT_NS      3100000000 /* with the way to the kernel */
#define CALM_NS      10000000000

static int64_t
monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
ops_settle(struct fs *f)
{
	int64_t until = f->listed_until;
	struct timespec ts = { until / 1000000000, until % 1000000000 };

	/* chown -R of all of them must wait but once */
	f->settled_until = monotonic_ns() + CALM_NS;
	if (until > monotonic_ns())
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* ---- who wants attributes ----------------------------------------------- */

#define LOOKS 64

/* The latest to look up names, by directory and thread; a clash costs speed
 * alone. */
static struct {
	_Atomic uint64_t dir;
	_Atomic int32_t pid;
} looks[LOOKS];

static unsigned
look_slot(fuse_ino_t dir, pid_t pid)
{
	return (unsigned)((dir ^ dir >> 56 ^ (uint64_t)pid) % LOOKS);
}

void
ops_looked_up(fuse_req_t req, fuse_ino_t dir)
{
	pid_t pid = fuse_req_ctx(req)->pid;
	unsigned slot = look_slot(dir, pid);

	if ((dir & TREE_INO_BIT) == 0)
		return; /* no large one */
	looks[slot].dir = dir;
	looks[slot].pid = pid;
}

/* Whether that was since the last time that this was asked. */
static bool
has_looked(fuse_req_t req, fuse_ino_t dir)
{
	pid_t pid = fuse_req_ctx(req)->pid;
	unsigned slot = look_slot(dir, pid);
	bool has = looks[slot].dir == dir && looks[slot].pid == pid;

	if (has)
		looks[slot].dir = 0;
	return has;
}

static bool
wants_attributes(
    fuse_req_t req, fuse_ino_t dir, off_t off, const struct fuse_file_info *fi)
{
	const struct fs *f = ops_fs(req);
	bool walks = ops_walk_lists(fi);

	/* of root that is squashed the kernel would ask nothing */
	if (f->squash || f->settled_until > monotonic_ns())
		return false;
	return walks || off == 0 || has_looked(req, dir);
}

/* ---- names -------------------------------------------------------------- */

struct listing {
	fuse_req_t req;
	char *p;
	size_t size;
	size_t used;
};

static bool
add_entry(void *arg, const struct node_entry *entry)
{
	static const mode_t types[] = { [TREE_DIR] = S_IFDIR,
		[TREE_FILE] = S_IFREG,
		[TREE_LINK] = S_IFLNK };
	struct listing *l = arg;
	struct stat st = { .st_ino = entry->ino,
		.st_mode = types[entry->kind] };
	size_t n = fuse_add_direntry(l->req, l->p + l->used, l->size - l->used,
	    entry->name, &st, (off_t)entry->cookie);

	if (n > l->size - l->used)
		return false;
	l->used += n;
	return true;
}

void
ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct fs *f = ops_fs(req);
	struct listing l = { req, malloc(size), size, 0 };
	struct caller c;
	struct node_listing from = { (uint64_t)off, &c, add_entry, &l };
	struct node dir;
	struct err err = { 0 };
	enum err_code rc;

	(void)ops_walk_lists(fi);
	ops_caller(req, CALLER_GROUPS, &c);
	if (l.p == NULL)
		rc = err_set(&err, ERR_NO_MEMORY, "listing");
	else
		rc = node_of(f, ino, &c, &dir, &err);
	if (rc == ERR_OK)
		rc = ops_may(&c, &dir, VIEW_READ, &err);
	if (rc == ERR_OK)
		rc = node_list(f, &dir, &from, &err);
	if (rc != ERR_OK && l.used == 0)
		ops_error(req, &err);
	else
		fuse_reply_buf(req, l.p, l.used);
	free(l.p);
}

/* ---- with attributes ---------------------------------------------------- */

struct plus {
	size_t size; /* of the answer */
	size_t used;
	struct node_entry *entries; /* name: an offset into names */
	size_t n;
	size_t cap;
	struct buf names;
	bool bare;   /* names alone */
	bool failed; /* no memory */
};

static bool
collect(void *arg, const struct node_entry *entry)
{
	struct plus *p = arg;
	size_t need =
	    fuse_add_direntry_plus(NULL, NULL, 0, entry->name, NULL, 0);

	if (need > p->size - p->used)
		return false;
	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 256 : p->cap * 2;
		struct node_entry *more =
		    realloc(p->entries, cap * sizeof(*more));

		if (more == NULL) {
			p->failed = true;
			return false;
		}
		p->entries = more;
		p->cap = cap;
	}
	p->used += need;
	p->entries[p->n] = *entry;
	p->entries[p->n].size = entry->size;
	p->entries[p->n++].name = (const char *)(uintptr_t)p->names.len;
	buf_put(&p->names, entry->name, strlen(entry->name) + 1);
	return true;
}

static void
add_plus(fuse_req_t req, const struct node_entry *entry, struct listing *l)
{
	struct fuse_entry_param e = { 0 };
	struct node n = { .ino = entry->ino, .kind = entry->kind };

	if (entry->row != NULL) {
		node_listed(ops_fs(req), entry, &n);
		e.ino = n.ino;
		e.attr_timeout = e.entry_timeout = KEPT_SECONDS;
	}
	/* without ino the kernel takes the name alone */
	ops_fill_stat(&n, &e.attr);
	l->used += fuse_add_direntry_plus(req, l->p + l->used,
	    l->size - l->used, entry->name, &e, (off_t)entry->cookie);
}

static enum err_code
list_plus(struct fs *f, const struct node *dir, const struct node_listing *from,
    struct plus *p, struct err *err)
{
	enum err_code rc;

	/* before their owners are looked up: ops_settle() */
	if (!p->bare && dir->row != NULL && dir->row->names != NULL)
		f->listed_until = monotonic_ns() + KEPT_NS;
	rc = node_list(f, dir, from, err);
	if (rc == ERR_OK && (p->failed || p->names.error != ERR_OK))
		rc = err_set(err, ERR_NO_MEMORY, "listing");
	if (rc != ERR_OK && (p->n == 0 || rc == ERR_NO_MEMORY))
		return rc;
	for (size_t i = 0; i < p->n; i++) {
		p->entries[i].name =
		    (const char *)p->names.p + (uintptr_t)p->entries[i].name;
		if (p->bare)
			p->entries[i].row = NULL;
	}
	if (p->n > 0)
		p->entries[p->n - 1].row = NULL; /* see above */
	return ERR_OK;
}

void
ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct fs *f = ops_fs(req);
	struct listing l = { req, malloc(size), size, 0 };
	struct plus p = { .size = size };
	struct caller c;
	struct node_listing from = { (uint64_t)off, &c, collect, &p };
	struct node dir;
	struct err err = { 0 };
	enum err_code rc;

	p.bare = !wants_attributes(req, ino, off, fi);
	ops_caller(req, CALLER_GROUPS, &c);
	if (l.p == NULL)
		rc = err_set(&err, ERR_NO_MEMORY, "listing");
	else
		rc = node_of(f, ino, &c, &dir, &err);
	if (rc == ERR_OK)
		rc = ops_may(&c, &dir, VIEW_READ, &err);
	if (rc == ERR_OK)
		rc = list_plus(f, &dir, &from, &p, &err);
	for (size_t i = 0; rc == ERR_OK && i < p.n; i++)
		add_plus(req, &p.entries[i], &l);
	if (rc != ERR_OK)
		ops_error(req, &err);
	else
		fuse_reply_buf(req, l.p, l.used);
	buf_free(&p.names);
	free(p.entries);
	free(l.p);
}
