/* Operations on a node that is not open: lookup, attributes, listing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mdmfs/engine.h"

#include "fs/ops_priv.h"

void
ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *f = ops_fs(req);
	uint64_t version = engine_version(f->engine);
	struct caller c;
	struct node dir, n;
	struct err err = { 0 };

	ops_looked_up(req, parent);
	ops_caller(req, 0, &c);
	if (node_of(f, parent, &c, &dir, &err) != ERR_OK ||
	    ops_may(&c, &dir, VIEW_EXECUTE, &err) != ERR_OK ||
	    node_named(f, &dir, name, &c, &n, &err) != ERR_OK)
		ops_error(req, &err);
	else
		ops_entry(req, &n, &c, version);
}

/* The size that a read through what is open would find. */
static bool
open_size(fuse_ino_t ino, const struct handle *h, const struct caller *c,
    uint64_t *ret)
{
	if (h != NULL && h->kind == HANDLE_DRAFT)
		*ret = draft_size(h->draft);
	else if (h != NULL && h->kind == HANDLE_BYTES)
		*ret = h->bytes.len;
	else
		return ops_handle_size(ino, c->actor.pid, ret);
	return true;
}

static void
reply_attr(fuse_req_t req, fuse_ino_t ino, const struct handle *h)
{
	struct fs *f = ops_fs(req);
	struct caller c;
	struct node n;
	struct stat st;
	struct err err = { 0 };

	ops_caller(req, 0, &c);
	if (node_of(f, ino, &c, &n, &err) != ERR_OK &&
	    !ops_handle_node(ino, &n)) {
		ops_error(req, &err);
		return;
	}
	/* then nobody needs to make a page to know its size */
	if (open_size(ino, h, &c, &n.size)) {
		ops_fill_stat(&n, &st);
	} else if (ops_stat(req, &n, &c, &st, &err) != ERR_OK) {
		ops_error(req, &err);
		return;
	}
	fuse_reply_attr(req, &st, ops_timeout(&n));
}

void
ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *f = ops_fs(req);
	struct caller c;
	struct stat st;
	uint64_t size;

	ops_caller(req, 0, &c);
	if (seen_take(&f->seen,
		&(struct seen_key){
		    ino, c.actor.pid, c.actor.uid, engine_version(f->engine) },
		&st)) {
		if (open_size(ino, ops_handle(fi), &c, &size))
			st.st_size = (off_t)size;
		fuse_reply_attr(req, &st, 0);
		return;
	}
	reply_attr(req, ino, ops_handle(fi));
}

/* ---- setattr ------------------------------------------------------------ */

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct resize {
	const struct node *node;
	uint64_t size;
	const struct caller *caller;
	struct ops_refused *what; /* filled in: where the file is */
	char *name;               /* its name for that, 256 bytes */
};

/* truncate(2) of a path: a draft that is committed at once. */
static enum err_code
truncate_path(struct fs *f, const struct resize *r, struct err *err)
{
	const struct node *n = r->node;
	const struct caller *c = r->caller;
	struct draft_open o = { .ino = n->ino,
		.parent = n->parent,
		.name = r->name,
		.place = n->place,
		.org = n->at.org,
		.version = n->version,
		.actor = c->actor };
	struct draft_result result;
	struct draft *d = NULL;
	struct buf b = { 0 };
	enum err_code rc;

	if (n->source == NODE_UNBORN)
		return err_set(err, ERR_CHANGED, "it is still being written");
	if (!node_name(f, n->ino, r->name))
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	r->what->dir = n->parent;
	if ((rc = file_read(f->engine, n->ino, &b, err)) != ERR_OK)
		goto out;
	o.bytes = buf_view(&b);
	if ((rc = draft_open(f->drafts, &o, &d, err)) != ERR_OK)
		goto out;
	if ((rc = draft_truncate(d, r->size, &c->actor, err)) == ERR_OK)
		rc = draft_commit(d, &c->actor, &result, err);
	if (draft_release(d, &result, NULL) == ERR_OK && rc == ERR_OK)
		refusal_clear(f->refusals, n->parent, r->name);
out:
	buf_wipe(&b);
	return rc;
}

static enum err_code
set_size(struct fs *f, const struct resize *r, const struct handle *h,
    struct err *err)
{
	const struct node *n = r->node;
	const struct caller *c = r->caller;
	uint64_t size = r->size;

	if (h != NULL && h->kind == HANDLE_DRAFT)
		return draft_truncate(h->draft, size, &c->actor, err);
	if (h != NULL && h->kind == HANDLE_WRITE)
		return ERR_OK;
	if (n->source == NODE_SCRATCH)
		return scratch_truncate(f->scratch, n->ino, size, err);
	if (n->source == NODE_GENERATED && n->row->write != NULL)
		return ERR_OK;
	if ((n->source != NODE_STORE && n->source != NODE_UNBORN) ||
	    n->place == PLACE_RESULT)
		return err_set(err, ERR_DENIED, "generated: it takes no bytes");
	return truncate_path(f, r, err);
}

static void
attr_of(const struct stat *attr, int to_set, struct file_attr *ret)
{
	*ret = (struct file_attr){ .mode = attr->st_mode & 07777,
		.uid = attr->st_uid,
		.gid = attr->st_gid };
	if (to_set & FUSE_SET_ATTR_MODE)
		ret->set |= FILE_SET_MODE;
	if (to_set & FUSE_SET_ATTR_UID)
		ret->set |= FILE_SET_UID;
	if (to_set & FUSE_SET_ATTR_GID)
		ret->set |= FILE_SET_GID;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW) {
		ret->set |= FILE_SET_MTIME;
		ret->mtime_ns = now_ns();
	} else if (to_set & FUSE_SET_ATTR_MTIME) {
		ret->set |= FILE_SET_MTIME;
		ret->mtime_ns = (int64_t)attr->st_mtim.tv_sec * 1000000000 +
		                attr->st_mtim.tv_nsec;
	}
}

static enum err_code
set_attr(struct fs *f, const struct node *n, const struct file_attr *a,
    const struct caller *c, struct err *err)
{
	struct file_node node;

	if (a->set == 0)
		return ERR_OK;
	if (n->source == NODE_SCRATCH)
		return scratch_setattr(f->scratch, n->ino, a, err);
	if (n->source == NODE_GENERATED && n->row->write != NULL &&
	    a->set == FILE_SET_MTIME)
		return ERR_OK; /* touch */
	if (n->place == PLACE_RESULT)
		return err_set(err, ERR_DENIED,
		    "a device's answer: owner and mode are those of its "
		    "organization");
	if (n->source != NODE_STORE && n->source != NODE_UNBORN)
		return err_set(err, ERR_DENIED,
		    "generated: owner, group and mode are those of the "
		    "organization's directory in orgs/; change them there");
	if (drafts_setattr(f->drafts, n->ino, a))
		return ERR_OK;
	return file_setattr(f->engine, n->ino, a, &c->actor, &node, err);
}

/* As the kernel asks of everybody else; root would get away with it. */
static enum err_code
may_set(const struct caller *c, const struct node *n, int to_set, bool open,
    struct err *err)
{
	enum err_code rc = ERR_OK;

	if (!c->view.squashed)
		return ERR_OK;
	if (to_set & FUSE_SET_ATTR_UID)
		return err_set(err, ERR_NOT_HERE,
		    "root acts as user %u here (--squash-root), who cannot "
		    "give files away",
		    c->view.uid);
	if ((to_set & FUSE_SET_ATTR_SIZE) && !open)
		rc = ops_may(c, n, VIEW_WRITE, err);
	if (rc == ERR_OK && (to_set & ~FUSE_SET_ATTR_SIZE) != 0)
		rc = ops_may_own(c, n, err);
	return rc;
}

void
ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
    struct fuse_file_info *fi)
{
	struct fs *f = ops_fs(req);
	struct handle *h = ops_handle(fi);
	struct caller c;
	struct node n = { 0 };
	struct file_attr a = { 0 };
	char name[256] = "";
	struct ops_refused what = { .dir = ino, .name = name };
	struct resize r = { &n, (uint64_t)attr->st_size, &c, &what, name };
	struct err err = { 0 };
	enum err_code rc;

	/* an event names who set mode and owner */
	ops_caller(req,
	    to_set &
		    (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)
		? CALLER_COMM
		: 0,
	    &c);
	seen_drop(&f->seen, c.actor.pid);
	rc = node_of(f, ino, &c, &n, &err);
	if (rc != ERR_OK && ops_handle_node(ino, &n))
		rc = ERR_OK;
	if (rc == ERR_OK)
		rc = may_set(&c, &n, to_set, h != NULL, &err);
	if (rc == ERR_OK && (to_set & FUSE_SET_ATTR_SIZE))
		rc = set_size(f, &r, h, &err);
	if (rc == ERR_OK) {
		attr_of(attr, to_set, &a);
		rc = set_attr(f, &n, &a, &c, &err);
	}
	if (rc == ERR_OK) {
		if (n.place == PLACE_ORG && (a.set & ~FILE_SET_MTIME) != 0)
			ops_settle(f);
		reply_attr(req, ino, h);
		return;
	}
	what.org = n.at.org;
	what.actor = c.actor;
	if (h != NULL && h->kind == HANDLE_DRAFT) {
		what.dir = draft_parent(h->draft);
		what.name = draft_name(h->draft);
	}
	ops_refuse(req, &what, &err);
}

/* status/serials/SERIAL tells a UDID: to whom the listing shows it. */
static enum err_code
may_follow(
    fuse_req_t req, const struct node *n, struct caller *c, struct err *err)
{
	struct fs *f = ops_fs(req);
	struct view_owned owner;

	ops_caller(req, CALLER_GROUPS, c);
	owners_get(&f->owners, f->engine, n->at.org, &owner);
	return view_may(&c->view, &owner, VIEW_READ | VIEW_EXECUTE)
	           ? ERR_OK
	           : err_set(err, ERR_DENIED,
			 "a device of an organization that is not yours to "
			 "read");
}

void
ops_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *f = ops_fs(req);
	struct caller c;
	struct node n;
	struct buf b = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	ops_caller(req, 0, &c);
	rc = node_of(f, ino, &c, &n, &err);
	if (rc == ERR_OK && n.source == NODE_GENERATED &&
	    n.row->of == OF_DEVICE)
		rc = may_follow(req, &n, &c, &err);
	if (rc == ERR_OK)
		rc = n.source == NODE_SCRATCH
		         ? scratch_content(f->scratch, ino, &b, &err)
		         : node_render(f, &n, &b, &err);
	if (rc != ERR_OK)
		ops_error(req, &err);
	else
		fuse_reply_readlink(req, buf_str(&b));
	buf_free(&b);
}

void
ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct fs *f = ops_fs(req);
	struct file_space space;
	struct statvfs disk;
	struct err err = { 0 };
	struct statvfs st = {
		.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255
	};

	(void)ino;
	if (file_space(f->engine, &space, &err) != ERR_OK) {
		ops_error(req, &err);
		return;
	}
	/* the store cannot grow further than the disk below it has room */
	if (f->state_fd >= 0 && fstatvfs(f->state_fd, &disk) == 0 &&
	    disk.f_bavail * disk.f_frsize < space.free) {
		space.total -= space.free;
		space.free = disk.f_bavail * disk.f_frsize;
		space.total += space.free;
	}
	st.f_blocks = space.total / st.f_frsize;
	st.f_bfree = st.f_bavail = space.free / st.f_frsize;
	st.f_files = space.files + (1u << 20);
	st.f_ffree = st.f_favail = 1u << 20;
	fuse_reply_statfs(req, &st);
}
