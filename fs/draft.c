#include "fs/draft_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- open --------------------------------------------------------------- */

enum err_code
draft_take_bytes(struct drafts *d, uint64_t n, struct err *err)
{
	if (atomic_fetch_add(&d->total, n) + n <= DRAFT_TOTAL_MAX)
		return ERR_OK;
	atomic_fetch_sub(&d->total, n);
	return err_set(err, ERR_FULL,
	    "files that are being written hold %u MiB already",
	    DRAFT_TOTAL_MAX >> 20);
}

static enum err_code
load(struct draft *f, const struct draft_open *o, struct err *err)
{
	enum err_code rc;

	f->actor = o->actor;
	f->append = o->append;
	f->emptied = o->truncate || o->version == 0;
	if (f->emptied)
		return ERR_OK;
	f->base_version = o->version;
	if ((rc = draft_take_bytes(f->d, o->bytes.len, err)) != ERR_OK)
		return rc;
	buf_bytes(&f->buf, o->bytes);
	if ((rc = buf_error(&f->buf, err)) != ERR_OK)
		atomic_fetch_sub(&f->d->total, o->bytes.len);
	else if (f->append)
		f->prefix = f->buf.len;
	return rc;
}

enum err_code
draft_open(struct drafts *d, const struct draft_open *o, struct draft **ret,
    struct err *err)
{
	struct draft *f = calloc(1, sizeof(*f));
	enum err_code rc;

	if (f == NULL)
		return err_set(err, ERR_NO_MEMORY, "%s", o->name);
	f->d = d;
	f->ino = o->ino;
	f->parent = o->parent;
	f->place = o->place;
	f->org = o->org;
	pthread_mutex_init(&f->mutex, NULL);
	strncpy(f->name, o->name, sizeof(f->name) - 1);
	if ((rc = load(f, o, err)) == ERR_OK) {
		pthread_mutex_lock(&d->mutex);
		f->target = target_get(d, o->ino);
		if (f->target == NULL)
			f->target = target_new(d, o);
		if (f->target != NULL) {
			f->target->drafts++;
			if (*o->name == '\0') /* an unborn's own name */
				memcpy(f->name, f->target->name, 256);
		}
		pthread_mutex_unlock(&d->mutex);
		if (f->target == NULL)
			rc = err_set(err, ERR_NO_MEMORY, "%s", o->name);
	}
	if (rc == ERR_OK) {
		*ret = f;
		return ERR_OK;
	}
	pthread_mutex_destroy(&f->mutex);
	buf_wipe(&f->buf);
	free(f);
	return rc;
}

/* ---- state ------------------------------------------------------------- */

void
draft_set_dirty(struct draft *f, bool dirty)
{
	struct target *t = f->target;

	pthread_mutex_lock(&f->d->mutex);
	if (dirty != f->dirty)
		t->dirty += dirty ? 1u : -1u;
	if (dirty) {
		/* a time that was set before this write is past */
		t->staged &= ~FILE_SET_MTIME;
		t->node.mtime_ns = draft_now_ns();
		t->node.size = f->buf.len;
	} else if (t->dirty == 0 && !t->unborn) {
		t->staged = 0;
	}
	pthread_mutex_unlock(&f->d->mutex);
	f->dirty = dirty;
	f->pending = dirty ? f->buf.len + 1 : 0;
}

enum err_code
draft_told_before(const struct draft *f, bool *again, struct err *err)
{
	if (again != NULL)
		*again = true;
	if (err != NULL)
		*err = f->err;
	return f->err.code;
}

/* ---- commit ------------------------------------------------------------- */

/* The whole file as it would be stored.  False: somebody removed the name
 * before it was born, and nobody will ever see the bytes. */
static bool
compose(struct draft *f, struct file_write *w, bool *unborn)
{
	struct target *t = f->target;
	bool wanted;

	pthread_mutex_lock(&f->d->mutex);
	wanted = !t->unlinked;
	*unborn = t->unborn;
	*w = (struct file_write){ .parent = f->parent,
		.name = f->name,
		.place = f->place,
		.ino = f->ino,
		.base_version = f->base_version,
		.mode = t->node.mode,
		.uid = t->node.uid,
		.gid = t->node.gid,
		.mtime_ns = t->staged & FILE_SET_MTIME ? t->node.mtime_ns : 0,
		.bytes = buf_view(&f->buf),
		.actor = f->actor };
	pthread_mutex_unlock(&f->d->mutex);
	return wanted;
}

/* The committed file must still have the name; attributes that nobody staged
 * are those of now. */
static enum err_code
refresh(struct draft *f, struct file_write *w, struct err *err)
{
	struct target *t = f->target;
	struct file_node now;
	enum err_code rc =
	    file_find(f->d->engine, w->parent, w->name, &now, NULL);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && now.ino != w->ino))
		return err_set(err, ERR_CHANGED,
		    "%s was removed or replaced since it was opened", w->name);
	if (rc != ERR_OK)
		return err_set(err, rc, "%s: %s", w->name, err_text(rc));
	pthread_mutex_lock(&f->d->mutex);
	if ((t->staged & FILE_SET_MODE) == 0)
		w->mode = now.mode;
	if ((t->staged & FILE_SET_UID) == 0)
		w->uid = now.uid;
	if ((t->staged & FILE_SET_GID) == 0)
		w->gid = now.gid;
	pthread_mutex_unlock(&f->d->mutex);
	return ERR_OK;
}

/* A new name that was refused must not be seen: close() has returned, and
 * release comes later.  What had made room for it comes back. */
static void
hide(struct draft *f, bool vanishes)
{
	struct drafts *d = f->d;
	struct target *t = f->target;
	struct file_node node;
	bool restore;

	pthread_mutex_lock(&d->mutex);
	restore = t->unborn && !t->hidden && (!vanishes || t->drafts == 1);
	pthread_mutex_unlock(&d->mutex);
	if (!restore)
		return;
	if (file_restore(d->engine, f->parent, f->name, &node, NULL) != ERR_OK)
		node.ino = 0; /* there was none; nothing to bring back */
	pthread_mutex_lock(&d->mutex);
	t->hidden = t->unborn;
	pthread_mutex_unlock(&d->mutex);
}

static enum err_code
store(struct draft *f, struct err *err)
{
	struct file_write w;
	struct file_node node;
	enum err_code rc = ERR_OK;
	bool unborn;

	if (!compose(f, &w, &unborn))
		return ERR_OK;
	if (!unborn)
		rc = refresh(f, &w, err);
	if (rc == ERR_OK)
		rc = file_write(f->d->engine, &w, &node, err);
	if (rc != ERR_OK)
		return rc;
	if (f->base_version != 0)
		f->base_version = node.version;
	pthread_mutex_lock(&f->d->mutex);
	target_born(f->d, f->target);
	f->target->node = node;
	pthread_mutex_unlock(&f->d->mutex);
	return ERR_OK;
}

static enum err_code
commit_locked(struct draft *f, struct draft_result *ret, struct err *err)
{
	enum err_code rc;

	if (f->poisoned || (f->dirty && f->failed)) {
		rc = draft_told_before(f, &ret->again, err);
		hide(f, false);
		return rc;
	}
	if (!f->dirty)
		return ERR_OK;
	f->err = (struct err){ 0 };
	if ((rc = store(f, &f->err)) == ERR_OK) {
		draft_set_dirty(f, false);
		f->emptied = false;
		ret->changed = true;
		return ERR_OK;
	}
	f->failed = true;
	f->pending = 0;
	f->err.code = rc;
	if (err != NULL)
		*err = f->err;
	hide(f, false);
	return rc;
}

/*
 * A new name that is left empty where empty is a whole document (touch
 * enrollment/open): its only flush is the last word before close() returns,
 * so it is committed there.  A shell flushes before it writes, too: then the
 * file is empty for a moment, which was not there at all before.
 */
static bool
is_new_and_empty(struct draft *f)
{
	struct file_write w;
	bool unborn;

	return f->emptied && !f->dirty && !f->poisoned &&
	       compose(f, &w, &unborn) && unborn &&
	       file_judge(f->d->engine, &w, NULL) == ERR_OK;
}

enum err_code
draft_commit(struct draft *f, const struct actor *actor,
    struct draft_result *ret, struct err *err)
{
	enum err_code rc;

	*ret = (struct draft_result){ 0 };
	pthread_mutex_lock(&f->mutex);
	f->abandoned = false;
	if (actor->pid != 0)
		f->actor = *actor;
	if (is_new_and_empty(f))
		draft_set_dirty(f, true);
	rc = commit_locked(f, ret, err);
	pthread_mutex_unlock(&f->mutex);
	return rc;
}

void
draft_abandon(struct draft *f)
{
	pthread_mutex_lock(&f->mutex);
	f->abandoned = true;
	pthread_mutex_unlock(&f->mutex);
}

static enum err_code
give_up(struct draft *f, struct err *err)
{
	draft_set_dirty(f, false);
	return err_set(err, ERR_UNDECODABLE,
	    "the program that wrote it was ended by a signal, and may not have "
	    "come to the end");
}

enum err_code
draft_release(struct draft *f, struct draft_result *ret, struct err *err)
{
	struct drafts *d = f->d;
	bool judge_empty;
	enum err_code rc;

	*ret = (struct draft_result){ 0 };
	pthread_mutex_lock(&d->mutex);
	/* somebody else who still writes the new name will give it bytes */
	judge_empty = f->target->drafts == 1 || !f->target->unborn;
	pthread_mutex_unlock(&d->mutex);
	if (f->emptied && !f->dirty && judge_empty)
		draft_set_dirty(f, true);
	rc = f->abandoned && f->dirty && !f->poisoned && !f->failed
	         ? give_up(f, err)
	         : commit_locked(f, ret, err);
	if (f->dirty)
		draft_set_dirty(f, false);
	hide(f, true);
	pthread_mutex_lock(&d->mutex);
	target_leave(d, f->target);
	pthread_mutex_unlock(&d->mutex);

	atomic_fetch_sub(&d->total, f->buf.len);
	pthread_mutex_destroy(&f->mutex);
	file_scan_free(f->scan);
	buf_wipe(&f->buf);
	free(f);
	return rc;
}

/* ---- where it belongs --------------------------------------------------- */

uint64_t
draft_parent(const struct draft *f)
{
	return f->parent;
}

const char *
draft_name(const struct draft *f)
{
	return f->name;
}

uint32_t
draft_org(const struct draft *f)
{
	return f->org;
}

struct actor
draft_actor(struct draft *f)
{
	struct actor actor;

	pthread_mutex_lock(&f->mutex);
	actor = f->actor;
	pthread_mutex_unlock(&f->mutex);
	return actor;
}

uint64_t
draft_ino(const struct draft *f)
{
	return f->ino;
}
