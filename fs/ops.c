/* The table of operations, and what all of them need: who asks, answers. */
#include "fs/ops_priv.h"

#include <errno.h>
#include <string.h>

#include "fs/notify.h"
#include "fs/process.h"

struct fs *
ops_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* ---- who asks ----------------------------------------------------------- */

static void
read_groups(fuse_req_t req, struct view *v)
{
	gid_t list[VIEW_GROUPS_MAX];
	int n = 0;

	v->ngroups = 0;
	if (!v->squashed) /* these are root's */
		n = fuse_req_getgroups(req, VIEW_GROUPS_MAX, list);
	for (int i = 0; i < n && i < VIEW_GROUPS_MAX; i++)
		v->groups[v->ngroups++] = list[i];
}

void
ops_caller(fuse_req_t req, unsigned what, struct caller *ret)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	const struct fs *f = ops_fs(req);
	bool squashed = f->squash && ctx->uid == 0;

	ret->actor =
	    (struct actor){ .uid = ctx->uid, .gid = ctx->gid, .pid = ctx->pid };
	if (squashed) {
		ret->actor.uid = f->squash_uid;
		ret->actor.gid = f->squash_gid;
	}
	ret->view.uid = ret->actor.uid;
	ret->view.gid = ret->actor.gid;
	ret->view.squashed = squashed;
	ret->view.ngroups = 0;
	if (what & CALLER_COMM) { /* it changes something */
		seen_drop(&ops_fs(req)->seen, ctx->pid);
		process_comm(ctx->pid, ret->actor.comm);
	}
	if ((what & CALLER_GROUPS) && ret->view.uid != 0)
		read_groups(req, &ret->view);
}

/* ---- root that was squashed --------------------------------------------- */

enum err_code
ops_may(const struct caller *c, const struct node *n, unsigned want,
    struct err *err)
{
	const struct view_owned of = { n->uid, n->gid, n->mode };

	if (!c->view.squashed || view_may(&c->view, &of, want))
		return ERR_OK;
	return err_set(err, ERR_DENIED,
	    "root acts as user %u here (--squash-root), who may not",
	    c->view.uid);
}

enum err_code
ops_may_own(const struct caller *c, const struct node *n, struct err *err)
{
	if (!c->view.squashed || c->view.uid == n->uid)
		return ERR_OK;
	return err_set(err, ERR_NOT_HERE,
	    "root acts as user %u here (--squash-root), who does not own it",
	    c->view.uid);
}

enum err_code
ops_may_name(const struct caller *c, const struct node *dir,
    const struct node *node, struct err *err)
{
	enum err_code rc = ops_may(c, dir, VIEW_WRITE | VIEW_EXECUTE, err);

	if (rc == ERR_OK && node != NULL && (dir->mode & S_ISVTX) != 0 &&
	    c->view.uid != dir->uid)
		rc = ops_may_own(c, node, err);
	return rc;
}

/* ---- failures ----------------------------------------------------------- */

void
ops_error(fuse_req_t req, const struct err *err)
{
	int e = err_errno(err->code);

	fuse_reply_err(req, e != 0 ? e : EIO);
}

static bool
is_everyday(enum err_code code)
{
	return code == ERR_NOT_FOUND || code == ERR_EXISTS ||
	       code == ERR_NOT_EMPTY || code == ERR_NOT_DIR ||
	       code == ERR_IS_DIR;
}

void
ops_record(struct fs *f, const struct ops_refused *what, const struct err *err)
{
	const struct caller root = { { 0 }, { 0 } };
	struct refusal r = { what->dir, what->name, what->path, what->org,
		what->actor, err };
	struct buf b = { 0 };
	struct node dir;

	if (is_everyday(err->code))
		return;
	if (r.path == NULL) {
		if (node_of(f, what->dir, &root, &dir, NULL) == ERR_OK)
			node_path_text(f, &dir, what->name, &b);
		else
			buf_text(&b, what->name);
		r.path = buf_str(&b);
	}
	refusal_record(f->refusals, &r);
	buf_free(&b);
}

void
ops_refuse(
    fuse_req_t req, const struct ops_refused *what, const struct err *err)
{
	struct ops_refused w = *what;

	if (!is_everyday(err->code)) {
		if (w.actor.comm[0] == '\0')
			process_comm(w.actor.pid, w.actor.comm);
		ops_record(ops_fs(req), &w, err);
	}
	ops_error(req, err);
}

void
ops_refuse_name(fuse_req_t req, const struct node *dir, const char *name,
    const struct caller *c, const struct err *err)
{
	const struct ops_refused what = { .dir = dir->ino,
		.name = name,
		.org = dir->at.org,
		.actor = c->actor };

	ops_refuse(req, &what, err);
}

/* ---- attributes --------------------------------------------------------- */

void
ops_fill_stat(const struct node *n, struct stat *ret)
{
	static const mode_t types[] = { [TREE_DIR] = S_IFDIR,
		[TREE_FILE] = S_IFREG,
		[TREE_LINK] = S_IFLNK };

	*ret = (struct stat){ .st_ino = n->ino,
		.st_mode = types[n->kind] | n->mode,
		.st_nlink = 1,
		.st_uid = n->uid,
		.st_gid = n->gid,
		.st_size = (off_t)n->size,
		.st_blocks = (blkcnt_t)((n->size + 511) / 512),
		.st_blksize = 4096 };
	ret->st_mtim.tv_sec = n->mtime_ns / 1000000000;
	ret->st_mtim.tv_nsec = n->mtime_ns % 1000000000;
	if (ret->st_mtim.tv_nsec < 0) {
		ret->st_mtim.tv_sec--;
		ret->st_mtim.tv_nsec += 1000000000;
	}
	ret->st_ctim.tv_sec = n->ctime_ns / 1000000000;
	ret->st_ctim.tv_nsec = n->ctime_ns % 1000000000;
	ret->st_atim = ret->st_mtim;
}

static enum err_code
stat_page(fuse_req_t req, struct node *n, struct caller *c, struct stat *ret,
    struct buf *page, struct err *err)
{
	enum err_code rc;

	if ((n->source == NODE_EVENTS || node_by_view(n)) && c->view.uid != 0)
		read_groups(req, &c->view);
	if ((rc = node_size(ops_fs(req), n, c, page, err)) == ERR_OK)
		ops_fill_stat(n, ret);
	return rc;
}

enum err_code
ops_stat(fuse_req_t req, struct node *n, struct caller *c, struct stat *ret,
    struct err *err)
{
	struct buf page = { 0 };
	enum err_code rc = stat_page(req, n, c, ret, &page, err);

	buf_wipe(&page);
	return rc;
}

double
ops_timeout(const struct node *n)
{
	if (n->ino == FILE_INO_ROOT)
		return 1; /* its mtime may be that late */
	return n->source == NODE_GENERATED && n->kind == TREE_DIR &&
	               n->row->of == OF_NONE
	           ? 3600
	           : 0;
}

void
ops_entry(fuse_req_t req, struct node *n, struct caller *c, uint64_t version)
{
	struct fuse_entry_param e = { .ino = n->ino };
	struct buf page = { 0 };
	struct err err = { 0 };
	bool keep;

	e.attr_timeout = e.entry_timeout = ops_timeout(n);
	if (stat_page(req, n, c, &e.attr, &page, &err) != ERR_OK) {
		ops_error(req, &err);
		return;
	}
	/* not what opens by other ways, and no secrets */
	keep = n->source == NODE_GENERATED && n->row->write == NULL &&
	       (n->row->mode & 077) != 0 && !node_by_view(n);
	/* the rest is also changed without a new version: scratch, drafts */
	if (version != 0 && n->source == NODE_GENERATED && e.attr_timeout <= 0)
		seen_put(&ops_fs(req)->seen,
		    &(struct seen_key){
			n->ino, c->actor.pid, c->actor.uid, version },
		    &e.attr, keep ? &page : NULL);
	buf_wipe(&page);
	fuse_reply_entry(req, &e);
}

/* ---- open handles ------------------------------------------------------- */

static pthread_mutex_t handles_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct handle *handles; /* protected by handles_mutex */

void
ops_handle_add(struct handle *h)
{
	pthread_mutex_lock(&handles_mutex);
	h->next = handles;
	h->link = &handles;
	if (h->next != NULL)
		h->next->link = &h->next;
	handles = h;
	pthread_mutex_unlock(&handles_mutex);
}

void
ops_handle_remove(struct handle *h)
{
	pthread_mutex_lock(&handles_mutex);
	*h->link = h->next;
	if (h->next != NULL)
		h->next->link = h->link;
	pthread_mutex_unlock(&handles_mutex);
}

bool
ops_handle_node(uint64_t ino, struct node *ret)
{
	const struct handle *h;

	pthread_mutex_lock(&handles_mutex);
	for (h = handles; h != NULL; h = h->next)
		if (h->node.ino == ino && (ino & TREE_INO_BIT) == 0)
			break;
	if (h != NULL)
		*ret = h->node;
	pthread_mutex_unlock(&handles_mutex);
	return h != NULL;
}

bool
ops_handle_size(uint64_t ino, int32_t pid, uint64_t *size)
{
	struct handle *h;
	bool found = false;

	pthread_mutex_lock(&handles_mutex);
	for (h = handles; h != NULL && !found; h = h->next) {
		if (h->node.ino != ino || h->caller.actor.pid != pid)
			continue;
		if (h->kind == HANDLE_DRAFT)
			found = draft_pending(h->draft, size);
		/* what changes by itself keeps its size while it is read */
		found = found ||
		        (h->kind == HANDLE_BYTES && (ino & TREE_INO_BIT) != 0);
		if (found && h->kind == HANDLE_BYTES)
			*size = h->bytes.len;
	}
	pthread_mutex_unlock(&handles_mutex);
	return found;
}

struct handle *
ops_handle(const struct fuse_file_info *fi)
{
	struct handle *h;

	if (fi == NULL || fi->fh == 0)
		return NULL;
	h = (struct handle *)(uintptr_t)fi->fh;
	return h->magic == HANDLE_MAGIC ? h : NULL;
}

/* ---- the table ---------------------------------------------------------- */

static void
init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *f = userdata;

	conn->max_write = 1u << 20;
	/* always: what is given with the names is decided in ops_list.c */
	if (conn->capable & FUSE_CAP_READDIRPLUS)
		conn->want |= FUSE_CAP_READDIRPLUS;
	conn->want &=
	    ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_WRITEBACK_CACHE);
	notify_start(f->notify);
}

static void
forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	/* inode numbers are found again without memory of a lookup */
	(void)ino;
	(void)nlookup;
	fuse_reply_none(req);
}

/* No extended attributes, locks of our own, holes or ioctls: what is absent
 * here is ENOSYS, which the kernel remembers. */
const struct fuse_lowlevel_ops ops = {
	.init = init,
	.forget = forget,
	.lookup = ops_lookup,
	.getattr = ops_getattr,
	.setattr = ops_setattr,
	.readlink = ops_readlink,
	.statfs = ops_statfs,
	.opendir = ops_opendir,
	.releasedir = ops_releasedir,
	.readdir = ops_readdir,
	.readdirplus = ops_readdirplus,
	.open = ops_open,
	.create = ops_create,
	.read = ops_read,
	.write = ops_write,
	.flush = ops_flush,
	.fsync = ops_fsync,
	.release = ops_release,
	.poll = ops_poll,
	.mkdir = ops_mkdir,
	.rmdir = ops_rmdir,
	.unlink = ops_unlink,
	.symlink = ops_symlink,
	.mknod = ops_mknod,
	.link = ops_link,
	.rename = ops_rename,
};
