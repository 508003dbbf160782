#include "fs/names.h"

#include <string.h>
#include <sys/stat.h>

static enum err_code
not_a_name(const struct node *dir, const char *name, enum tree_kind kind,
    struct err *err)
{
	struct buf b = { 0 };
	enum err_code rc;

	if (strcmp(name, ".git") == 0)
		return err_set(err, ERR_NOT_HERE,
		    "a .git directory does not belong into the mount: keep it "
		    "outside, with git --git-dir=DIR --work-tree=MOUNT");
	tree_names_taken(dir->row, &b);
	rc = err_set(err, ERR_NOT_HERE,
	    "%s is not a %s that this place takes; it takes: %s", name,
	    kind == TREE_DIR ? "directory" : "name", buf_str(&b));
	buf_free(&b);
	return rc;
}

/* In staging/NAME/ every name is taken. */
static bool
is_staged(const struct tree_row *dir)
{
	return dir->place == PLACE_STAGE || dir->place == PLACE_STAGED_DIR;
}

static bool
is_taken(const void *arg, const char *name)
{
	const struct tree_row *row = tree_find(arg, name);

	return row != NULL && row->kind == TREE_FILE &&
	       row->place != PLACE_NONE;
}

enum err_code
name_check(const struct node *dir, const char *name, enum tree_kind kind,
    struct name_is *ret, struct err *err)
{
	const struct tree_row *row;
	bool scratch;

	if (strlen(name) > 255)
		return err_set(
		    err, ERR_NAME_TOO_LONG, "a name has at most 255 bytes");
	*ret = (struct name_is){ NAME_SCRATCH, NULL };
	if (dir->source == NODE_SCRATCH)
		return ERR_OK;
	if (dir->row == NULL || !tree_takes_files(dir->row))
		return err_set(err, ERR_DENIED,
		    "what is here is generated: the server alone makes files "
		    "and directories in it");
	scratch = kind == TREE_DIR    ? scratch_is_dir_name(name)
	          : kind == TREE_LINK ? scratch_is_link_name(name)
	                              : scratch_is_name(name);
	row = tree_find(dir->row, name);
	if (is_staged(dir->row) && !scratch && kind != TREE_LINK &&
	    (row == NULL || row->part == 0) && tree_clean_name(name))
		row = tree_at(kind == TREE_DIR ? "staging/{stage}/{staged}"
					       : "staging/{stage}/{file}");
	if (row != NULL && row->kind == kind && row->place != PLACE_NONE &&
	    kind != TREE_LINK && (row->flags & TREE_FIXED) == 0) {
		*ret = (struct name_is){ NAME_REAL, row };
		return ERR_OK;
	}
	scratch = scratch || (kind == TREE_FILE &&
				 scratch_is_made_of(name, is_taken, dir->row));
	if (scratch && tree_clean_name(name))
		return ERR_OK;
	if (kind == TREE_LINK)
		return err_set(err, ERR_NOT_HERE,
		    "symbolic links are not kept here: write the file itself");
	if (row != NULL && row->kind == TREE_DIR && kind == TREE_FILE)
		return err_set(err, ERR_NOT_HERE,
		    "%s is a directory here: mkdir it, then put files into it",
		    name);
	return not_a_name(dir, name, kind, err);
}

struct name_owner
name_owner(const struct node *dir, const struct actor *actor, uint32_t mode,
    bool is_dir)
{
	struct name_owner o = { mode & 07777, actor->uid, actor->gid };

	if ((dir->mode & S_ISGID) != 0) {
		o.gid = dir->gid;
		if (is_dir)
			o.mode |= S_ISGID;
	}
	return o;
}

/* ---- moving ------------------------------------------------------------- */

static struct file_write
write_to(const struct move *m, const struct tree_row *row)
{
	return (struct file_write){ .parent = m->to->ino,
		.name = m->to_name,
		.place = row->place,
		.ino = m->node->ino,
		.mode = m->node->mode,
		.uid = m->node->uid,
		.gid = m->node->gid,
		.mtime_ns = m->node->mtime_ns,
		.actor = m->actor };
}

/* vim takes its backup f~ back after it could not write f: that is no new
 * document to be judged.  True: f is as it was. */
static bool
taken_back(struct fs *f, const struct move *m)
{
	struct scratch_node s;
	struct file_node now;

	if (!scratch_get(f->scratch, m->node->ino, &s) ||
	    s.was_parent != m->to->ino || strcmp(s.was_name, m->to_name) != 0)
		return false;
	/* another one that was removed since is replaced by what was kept */
	if (file_restore(f->engine, m->to->ino, m->to_name, &now, NULL) ==
	    ERR_OK)
		return now.version == s.was_version;
	/* it may have come back by itself: the new file was refused */
	return file_find(f->engine, m->to->ino, m->to_name, &now, NULL) ==
	           ERR_OK &&
	       now.version == s.was_version;
}

static enum err_code
scratch_to_real(struct fs *f, const struct move *m, const struct tree_row *row,
    struct err *err)
{
	struct file_write w = write_to(m, row);
	struct file_node node;
	struct buf b = { 0 };
	enum err_code rc = ERR_OK;

	if (m->node->kind != TREE_FILE)
		return err_set(
		    err, ERR_NOT_HERE, "only a file can become %s", m->to_name);
	if (!taken_back(f, m)) {
		rc = scratch_content(f->scratch, m->node->ino, &b, err);
		w.bytes = buf_view(&b);
		if (rc == ERR_OK)
			rc = file_write(f->engine, &w, &node, err);
		buf_wipe(&b);
	}
	if (rc == ERR_OK)
		scratch_became(f->scratch, m->node->ino);
	return rc;
}

static enum err_code
real_to_scratch(struct fs *f, const struct move *m, struct err *err)
{
	struct scratch_node new = { .parent = m->to->ino,
		.kind = SCRATCH_FILE,
		.mode = m->node->mode,
		.uid = m->node->uid,
		.gid = m->node->gid,
		.mtime_ns = m->node->mtime_ns,
		.was_parent = m->from->ino,
		.was_version = m->node->version };
	struct scratch_node there;
	struct buf b = { 0 };
	enum err_code rc;

	strncpy(new.was_name, m->name, sizeof(new.was_name) - 1);
	/* a number of its own: the removed file may come back with its own */
	if ((rc = fs_new_ino(f, &new.ino, err)) != ERR_OK ||
	    (rc = file_read(f->engine, m->node->ino, &b, err)) != ERR_OK)
		goto out;
	if (scratch_find(f->scratch, m->to->ino, m->to_name, &there) &&
	    (rc = scratch_remove(f->scratch, there.ino, err)) != ERR_OK)
		goto out;
	rc = scratch_create(
	    f->scratch, &new, m->to_name, buf_view(&b), &there, err);
	if (rc != ERR_OK)
		goto out;
	rc = file_remove(f->engine, m->node->ino, &m->actor, err);
	if (rc != ERR_OK &&
	    scratch_remove(f->scratch, new.ino, NULL) == ERR_NOT_FOUND)
		goto out; /* somebody else removed it already */
out:
	buf_wipe(&b);
	return rc;
}

static enum err_code
check_target(struct fs *f, const struct move *m, struct err *err)
{
	const struct caller nobody = { { 0 }, { 0 } };
	struct node there = { 0 };

	if (node_named(f, m->to, m->to_name, &nobody, &there, NULL) != ERR_OK ||
	    there.source == NODE_REFUSAL)
		return ERR_OK;
	if (m->no_replace)
		return err_set(err, ERR_EXISTS, "%s exists", m->to_name);
	if (there.kind == TREE_FILE && there.source != NODE_STORE &&
	    there.source != NODE_UNBORN && there.source != NODE_SCRATCH)
		return err_set(err, ERR_DENIED,
		    "%s is generated by the server and cannot be replaced",
		    m->to_name);
	if (there.kind == TREE_DIR && m->node->kind != TREE_DIR)
		return err_set(
		    err, ERR_IS_DIR, "%s is a directory", m->to_name);
	return ERR_OK;
}

enum err_code
name_move(struct fs *f, const struct move *m, struct err *err)
{
	const struct node *n = m->node;
	struct name_is is = { 0 };
	struct file_node restored;
	struct file_write w;
	enum err_code rc;

	if (n->source == NODE_UNBORN)
		return err_set(
		    err, ERR_CHANGED, "%s is still being written", m->name);
	if (n->source != NODE_STORE && n->source != NODE_SCRATCH)
		return err_set(err, ERR_DENIED,
		    "%s is generated and keeps its name", m->name);
	if (n->source == NODE_STORE && n->kind == TREE_DIR)
		return err_set(err, ERR_NOT_HERE,
		    "a directory cannot be renamed: make the new one, move the "
		    "files, remove the old one");
	if (n->place == PLACE_RESULT)
		return err_set(err, ERR_DENIED,
		    "%s is a device's answer and keeps its name: copy it",
		    m->name);
	if ((rc = check_target(f, m, err)) != ERR_OK ||
	    (rc = name_check(m->to, m->to_name, n->kind, &is, err)) != ERR_OK)
		return rc;
	if (is.kind == NAME_SCRATCH)
		return n->source == NODE_SCRATCH
		           ? scratch_rename(f->scratch, n->ino, m->to->ino,
				 m->to_name, err)
		           : real_to_scratch(f, m, err);
	w = write_to(m, is.row);
	rc = n->source == NODE_SCRATCH
	         ? scratch_to_real(f, m, is.row, err)
	         : file_rename(f->engine, &w, m->no_replace, err);
	/* sed -i~ and rsync -b have moved the old one away: it is back */
	if (rc != ERR_OK)
		(void)file_restore(
		    f->engine, m->to->ino, m->to_name, &restored, NULL);
	return rc;
}
