/* Operations on names: make, remove, rename. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mdmfs/device.h"

#include "fs/ops_priv.h"
#include "fs/walks.h"

/* A name in a directory that is about to change. */
struct target {
	struct caller caller;
	struct node dir;
	struct node node; /* what has the name, if it was asked for */
	const char *name;
	uint32_t mode; /* of something new */
	uint64_t ino;  /* what was made */
};

/* False: answered already. */
static bool
find_dir(fuse_req_t req, fuse_ino_t parent, struct target *t)
{
	struct err err = { 0 };

	ops_caller(req, CALLER_COMM, &t->caller);
	if (node_of(ops_fs(req), parent, &t->caller, &t->dir, &err) == ERR_OK &&
	    ops_may_name(&t->caller, &t->dir, NULL, &err) == ERR_OK)
		return true;
	ops_error(req, &err);
	return false;
}

static bool
find_node(fuse_req_t req, fuse_ino_t parent, const char *name, struct target *t)
{
	struct err err = { 0 };

	if (!find_dir(req, parent, t))
		return false;
	if (node_named(ops_fs(req), &t->dir, name, &t->caller, &t->node,
		&err) == ERR_OK &&
	    ops_may_name(&t->caller, &t->dir, &t->node, &err) == ERR_OK)
		return true;
	ops_error(req, &err);
	return false;
}

static void
finish(fuse_req_t req, const struct target *t, const char *name,
    enum err_code rc, const struct err *err)
{
	if (rc == ERR_OK)
		fuse_reply_err(req, 0);
	else
		ops_refuse_name(req, &t->dir, name, &t->caller, err);
}

static void
finish_entry(
    fuse_req_t req, struct target *t, enum err_code rc, struct err *err)
{
	struct node n;

	if (rc == ERR_OK)
		rc = node_of(ops_fs(req), t->ino, &t->caller, &n, err);
	if (rc == ERR_OK)
		ops_entry(req, &n, &t->caller, 0);
	else
		ops_refuse_name(req, &t->dir, t->name, &t->caller, err);
}

/* ---- make --------------------------------------------------------------- */

static enum err_code
make_scratch(struct fs *f, struct target *t, enum scratch_kind kind,
    const char *link, struct err *err)
{
	struct name_owner o =
	    name_owner(&t->dir, &t->caller.actor, t->mode, kind == SCRATCH_DIR);
	struct scratch_node s = { .parent = t->dir.ino,
		.kind = kind,
		.mode = o.mode,
		.uid = o.uid,
		.gid = o.gid };
	enum err_code rc = fs_new_ino(f, &s.ino, err);

	if (rc != ERR_OK)
		return rc;
	t->ino = s.ino;
	return scratch_create(f->scratch, &s, t->name,
	    link != NULL ? bytes_text(link) : BYTES_NONE, &s, err);
}

static enum err_code
make_dir(
    struct fs *f, struct target *t, const struct tree_row *row, struct err *err)
{
	struct name_owner o =
	    name_owner(&t->dir, &t->caller.actor, t->mode, true);
	struct file_write w = { .parent = t->dir.ino,
		.name = t->name,
		.place = row->place,
		.mode = o.mode,
		.uid = o.uid,
		.gid = o.gid,
		.actor = t->caller.actor };
	struct file_node node;
	enum err_code rc = fs_new_ino(f, &w.ino, err);

	if (rc == ERR_OK)
		rc = file_mkdir(f->engine, &w, &node, err);
	if (rc == ERR_OK) {
		refusal_clear(f->refusals, t->dir.ino, t->name);
		t->ino = node.ino;
	}
	return rc;
}

void
ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fs *f = ops_fs(req);
	struct target t = { .name = name, .mode = mode };
	struct name_is is = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	if (!find_dir(req, parent, &t))
		return;
	rc = node_named(f, &t.dir, name, &t.caller, &t.node, NULL);
	if (rc == ERR_OK && t.node.source != NODE_REFUSAL)
		rc = err_set(&err, ERR_EXISTS, "%s exists", name);
	else
		rc = name_check(&t.dir, name, TREE_DIR, &is, &err);
	if (rc == ERR_OK)
		rc = is.kind == NAME_SCRATCH
		         ? make_scratch(f, &t, SCRATCH_DIR, NULL, &err)
		         : make_dir(f, &t, is.row, &err);
	finish_entry(req, &t, rc, &err);
}

void
ops_symlink(
    fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct target t = { .name = name, .mode = 0777 };
	struct name_is is = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	if (!find_dir(req, parent, &t))
		return;
	rc = name_check(&t.dir, name, TREE_LINK, &is, &err);
	if (rc == ERR_OK)
		rc = make_scratch(ops_fs(req), &t, SCRATCH_LINK, target, &err);
	finish_entry(req, &t, rc, &err);
}

static void
refuse_kind(
    fuse_req_t req, fuse_ino_t parent, const char *name, const char *what)
{
	struct target t;
	struct err err = { 0 };

	if (!find_dir(req, parent, &t))
		return;
	finish(req, &t, name,
	    err_set(&err, ERR_NOT_HERE,
		"%s cannot be kept here: write the "
		"file itself",
		what),
	    &err);
}

void
ops_mknod(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	(void)mode;
	(void)dev;
	refuse_kind(req, parent, name, "devices, sockets and pipes");
}

void
ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino;
	refuse_kind(req, parent, name, "hard links");
}

/* ---- remove ------------------------------------------------------------- */

static enum err_code
deny_generated(const char *name, struct err *err)
{
	return err_set(err, ERR_DENIED,
	    "%s is generated by the server and cannot be removed", name);
}

void
ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *f = ops_fs(req);
	struct target t;
	struct err err = { 0 };
	enum err_code rc;

	if (!find_node(req, parent, name, &t))
		return;
	if (ops_walk_takes(req, &t.caller, &t.dir, &t.node, name, &rc, &err)) {
		;
	} else if (t.node.source == NODE_SCRATCH) {
		rc = scratch_remove(f->scratch, t.node.ino, &err);
	} else if (t.node.source == NODE_UNBORN) {
		rc = ERR_OK;
		if (!drafts_unlink(f->drafts, t.node.ino))
			rc = file_remove(
			    f->engine, t.node.ino, &t.caller.actor, &err);
	} else if (t.node.source == NODE_STORE) {
		rc = file_remove(f->engine, t.node.ino, &t.caller.actor, &err);
		if (rc == ERR_OK)
			refusal_clear(f->refusals, t.dir.ino, name);
	} else {
		rc = deny_generated(name, &err);
	}
	finish(req, &t, name, rc, &err);
}

static bool
found_scratch(void *arg, const char *name, const struct scratch_node *node)
{
	(void)name;
	(void)node;
	*(bool *)arg = true;
	return false;
}

static bool
found_unborn(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	(void)name;
	(void)node;
	(void)cookie;
	*(bool *)arg = true;
	return false;
}

static enum err_code
remove_device(struct fs *f, const struct target *t, struct err *err)
{
	enum err_code rc =
	    device_remove(f->engine, t->node.at.device, &t->caller.actor, err);

	if (rc == ERR_OK)
		walk_done(t->node.at.device);
	return rc;
}

static enum err_code
remove_dir(
    struct fs *f, const struct target *t, const char *name, struct err *err)
{
	const struct tree_row *row = t->node.row;
	bool found = false;

	if (t->node.source == NODE_SCRATCH)
		return scratch_remove(f->scratch, t->node.ino, err);
	if (t->node.source == NODE_GENERATED && row->of == OF_DEVICE &&
	    strcmp(row->path, "devices/{udid}") == 0)
		return remove_device(f, t, err);
	if (t->node.source != NODE_STORE)
		return deny_generated(name, err);
	if (row != NULL && (row->flags & TREE_FIXED) != 0)
		return err_set(err, ERR_NOT_HERE, "%s always stays", name);
	scratch_list(f->scratch, t->node.ino, 0, found_scratch, &found);
	drafts_list(f->drafts, t->node.ino, found_unborn, &found);
	if (found)
		return err_set(err, ERR_NOT_EMPTY, "%s is not empty", name);
	return file_remove(f->engine, t->node.ino, &t->caller.actor, err);
}

void
ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct target t;
	struct err err = { 0 };
	enum err_code rc;

	if (!find_node(req, parent, name, &t))
		return;
	if (t.node.kind != TREE_DIR)
		rc = err_set(&err, ERR_NOT_DIR, "%s is a file", name);
	else if (!ops_walk_takes(
		     req, &t.caller, &t.dir, &t.node, name, &rc, &err))
		rc = remove_dir(ops_fs(req), &t, name, &err);
	finish(req, &t, name, rc, &err);
}

/* ---- rename ------------------------------------------------------------- */

void
ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to,
    const char *to_name, unsigned flags)
{
	struct fs *f = ops_fs(req);
	struct target from, target;
	struct err err = { 0 };
	struct move m = { .node = &from.node,
		.name = name,
		.from = &from.dir,
		.to = &target.dir,
		.to_name = to_name,
		.no_replace = (flags & RENAME_NOREPLACE) != 0 };
	enum err_code rc;

	if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (!find_node(req, parent, name, &from) || !find_dir(req, to, &target))
		return;
	m.actor = target.caller.actor;
	rc = name_move(f, &m, &err);
	if (rc == ERR_OK) {
		refusal_clear(f->refusals, target.dir.ino, to_name);
		refusal_clear(f->refusals, from.dir.ino, name);
	}
	finish(req, &target, to_name, rc, &err);
}
