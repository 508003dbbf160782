/* Opening directories, and what is removed in those that are walked through. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ops_priv.h"
#include "fs/walks.h"

/* Of the others that are opened with O_NOFOLLOW.  No magic: ops_handle() takes it
 * for none. */
static struct walk walking = { .plus = true };

static struct walk *
walk_at(const struct fuse_file_info *fi)
{
	return fi == NULL ? NULL : (struct walk *)(uintptr_t)fi->fh;
}

/* Whether it is devices/ or a device's directory. */
static bool
is_walked(fuse_ino_t ino, struct at *at)
{
	const struct tree_row *row =
	    (ino & TREE_INO_BIT) == 0 ? NULL : tree_of_ino(ino);

	if (row == NULL || (strcmp(row->path, "devices") != 0 &&
			       strcmp(row->path, "devices/{udid}") != 0))
		return false;
	tree_decode(row, ino, at);
	return true;
}

void
ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	bool plus = (fi->flags & O_NOFOLLOW) != 0;
	struct at at = { 0 };
	struct walk *w = plus ? &walking : NULL;

	if (is_walked(ino, &at)) {
		w = walk_new(at.device, fuse_req_ctx(req)->pid);
		if (w == NULL) {
			fuse_reply_err(req, ENOMEM);
			return;
		}
		w->plus = plus;
	}
	fi->fh = (uint64_t)(uintptr_t)w;
	/* interrupted: it was not opened, and is not closed */
	if (fuse_reply_open(req, fi) == -ENOENT && w != NULL && w != &walking)
		(void)!walk_free(w);
}

bool
ops_walk_lists(const struct fuse_file_info *fi)
{
	struct walk *w = walk_at(fi);

	if (w != NULL && w != &walking)
		walk_list(w);
	return w != NULL && w->plus;
}

/* What its caller was told to be done, and is no part of a whole. */
static void
carry_out(struct fs *f, const struct walk_removal *r, const struct caller *root)
{
	struct ops_refused what = { .dir = r->dir, .name = r->name };
	struct node dir;
	struct err err = { 0 };
	enum err_code rc = file_remove(f->engine, r->ino, &root->actor, &err);

	if (rc == ERR_OK)
		refusal_clear(f->refusals, r->dir, r->name);
	if (rc == ERR_OK || rc == ERR_NOT_FOUND)
		return;
	if (node_of(f, r->dir, root, &dir, NULL) == ERR_OK)
		what.org = dir.at.org;
	what.actor = root->actor;
	ops_record(f, &what, &err);
}

void
ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct walk *w = walk_at(fi);
	struct walk_removal *r, *next;
	struct caller c = { { 0 }, { 0 } };

	(void)ino;
	if (w != NULL && w != &walking) {
		c.actor = w->actor;
		for (r = walk_free(w); r != NULL; r = next) {
			next = r->next;
			carry_out(ops_fs(req), r, &c);
			free(r);
		}
	}
	fuse_reply_err(req, 0);
}

bool
ops_walk_takes(fuse_req_t req, const struct caller *c, const struct node *dir,
    const struct node *node, const char *name, enum err_code *rc,
    struct err *err)
{
	bool alone = node->source == NODE_STORE && node->kind == TREE_FILE;

	if (dir->source != NODE_GENERATED || dir->at.device == 0 ||
	    (node->source != NODE_GENERATED && !alone))
		return false;
	switch (walk_remove(dir->at.device, fuse_req_ctx(req)->pid, &c->actor,
	    &(struct walk_name){ dir->ino, alone ? node->ino : 0, name })) {
	case WALK_TAKEN:
		*rc = ERR_OK;
		return true;
	case WALK_REFUSED:
		*rc = err_set(err, ERR_DENIED,
		    "all devices at once are not removed, and nothing of this "
		    "one was: rm -r devices/UDID, by name");
		return true;
	case WALK_NONE:
		break;
	}
	return false;
}
