/*
 * Traps of LMDB 0.9.24 that shape this file:
 * - In a writing transaction every change may move what cursors and values
 *   point to: no cursor lives over a change.
 * - A writing transaction that has failed in the middle of a change is only
 *   good for mdb_txn_abort().
 * - A short write, which is how a disk gets full, is reported as EIO.
 * - The map cannot grow while transactions are open: it is large from the
 *   start (lmdb_open.c) and never grows.
 */
#include "engine/store/lmdb_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/store/disk_priv.h"

/* Every so many commits the slots of readers that died (a backup that was
 * killed) are freed: they would keep old pages from being used again. */
#define CHECK_EVERY 1024

static struct lmdb *
lmdb_of(struct backend *b)
{
	return (struct lmdb *)(void *)b;
}

static struct lmdb_txn *
txn_of(struct backend_txn *t)
{
	return (struct lmdb_txn *)(void *)t;
}

static MDB_val
val_of(struct bytes b)
{
	/* LMDB does not write to it */
	return (MDB_val){ b.len, (void *)(uintptr_t)b.p };
}

static struct bytes
bytes_of_val(const MDB_val *v)
{
	return bytes_of(v->mv_data, v->mv_size);
}

/* ---- failures ----------------------------------------------------------- */

static int
is_damage(int rc)
{
	return rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND ||
	       rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH ||
	       rc == MDB_INCOMPATIBLE;
}

/* EIO of a write: for lack of room, or for good. */
static enum err_code
write_error(const struct lmdb *l, const char *what, struct err *err)
{
	int fd = -1;

	if (mdb_env_get_fd(l->env, &fd) == 0 && disk_is_full(l->dir_fd, fd))
		return disk_error(err, ENOSPC, "%s/data.mdb: %s", l->dir, what);
	log_error("%s/data.mdb: %s: the disk reports an error; see dmesg",
	    l->dir, what);
	return err_set(err, ERR_STANDBY,
	    "%s/data.mdb: %s: the disk reports an error; nothing was changed, "
	    "and no changes are taken from now on: repair the disk, then "
	    "start mdmfs again",
	    l->dir, what);
}

enum err_code
lmdb_error(const struct lmdb *l, int rc, const char *what, struct err *err)
{
	if (rc == EIO)
		return write_error(l, what, err);
	if (rc == MDB_MAP_FULL)
		return err_set(err, ERR_FULL,
		    "%s/data.mdb has reached the size that can be mapped: "
		    "remove what is not needed, or see ulimit -v",
		    l->dir);
	if (rc == MDB_MAP_RESIZED)
		return err_set(err, ERR_CHANGED,
		    "%s/data.mdb grew while it was opened: try again", l->dir);
	if (rc == MDB_TXN_FULL)
		return err_set(err, ERR_TOO_BIG,
		    "%s: too many changes at once: make them in parts", l->dir);
	if (rc == MDB_PANIC)
		return err_set(err, ERR_STANDBY,
		    "%s/data.mdb: a write failed before: repair the disk, "
		    "then start mdmfs again",
		    l->dir);
	if (is_damage(rc))
		return err_set(err, ERR_DAMAGED,
		    "%s/data.mdb is damaged (%s): restore a backup", l->dir,
		    mdb_strerror(rc));
	if (rc < 0)
		return err_set(err, ERR_INTERNAL, "%s/data.mdb: %s: %s", l->dir,
		    what, mdb_strerror(rc));
	return disk_error(err, rc, "%s/data.mdb: %s", l->dir, what);
}

/* ---- transactions ------------------------------------------------------- */

static enum err_code
begin_writing(struct lmdb *l, struct backend_txn **ret, struct err *err)
{
	int rc = mdb_txn_begin(l->env, NULL, 0, &l->write.txn);

	if (rc != 0)
		return lmdb_error(l, rc, "beginning a change", err);
	*ret = &l->write.base;
	return ERR_OK;
}

/* Take an idle reader, or room for another one: then *ret is NULL. */
static void
take_reader(struct lmdb *l, struct lmdb_txn **ret)
{
	struct lmdb_txn *t;

	pthread_mutex_lock(&l->mutex);
	while ((t = SLIST_FIRST(&l->readers)) == NULL &&
	       l->n_readers >= LMDB_READERS_OURS)
		pthread_cond_wait(&l->idle, &l->mutex);
	if (t != NULL)
		SLIST_REMOVE_HEAD(&l->readers, link);
	else
		l->n_readers++;
	l->n_in_use++;
	pthread_mutex_unlock(&l->mutex);
	*ret = t;
}

/* Give it back for the next view; NULL: there is one less. */
static void
give_reader(struct lmdb *l, struct lmdb_txn *t)
{
	pthread_mutex_lock(&l->mutex);
	if (t != NULL)
		SLIST_INSERT_HEAD(&l->readers, t, link);
	else
		l->n_readers--;
	l->n_in_use--;
	pthread_cond_signal(&l->idle);
	pthread_mutex_unlock(&l->mutex);
}

static void
free_reader(struct lmdb_txn *t)
{
	if (t == NULL)
		return;
	if (t->cursor != NULL)
		mdb_cursor_close(t->cursor);
	if (t->getter != NULL)
		mdb_cursor_close(t->getter);
	mdb_txn_abort(t->txn);
	free(t);
}

static enum err_code
new_reader(struct lmdb *l, struct lmdb_txn **ret, struct err *err)
{
	struct lmdb_txn *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return err_set(err, ERR_NO_MEMORY, "a view of the store");
	t->base.b = &l->base;
	rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &t->txn);
	if (rc != 0) {
		free(t);
		return lmdb_error(l, rc, "beginning a view", err);
	}
	*ret = t;
	return ERR_OK;
}

/* A reader that was reset shows the newest state again. */
static enum err_code
renew_reader(struct lmdb *l, struct lmdb_txn *t, struct err *err)
{
	int rc = mdb_txn_renew(t->txn);

	if (rc == 0 && t->cursor != NULL)
		rc = mdb_cursor_renew(t->txn, t->cursor);
	if (rc == 0 && t->getter != NULL)
		rc = mdb_cursor_renew(t->txn, t->getter);
	return rc == 0 ? ERR_OK : lmdb_error(l, rc, "beginning a view", err);
}

static enum err_code
begin_reading(struct lmdb *l, struct backend_txn **ret, struct err *err)
{
	struct lmdb_txn *t;
	enum err_code rc;

	take_reader(l, &t);
	if (t == NULL) {
		rc = new_reader(l, &t, err);
	} else if ((rc = renew_reader(l, t, err)) != ERR_OK) {
		free_reader(t);
		t = NULL;
	}
	if (rc != ERR_OK)
		give_reader(l, NULL);
	else
		*ret = &t->base;
	return rc;
}

static enum err_code
lmdb_begin(
    struct backend *b, bool writing, struct backend_txn **ret, struct err *err)
{
	return writing ? begin_writing(lmdb_of(b), ret, err)
	               : begin_reading(lmdb_of(b), ret, err);
}

static void
drop_cursor(struct lmdb_txn *t)
{
	if (t->cursor != NULL)
		mdb_cursor_close(t->cursor);
	t->cursor = NULL;
}

static enum err_code
lmdb_commit(struct backend_txn *base, struct err *err)
{
	struct lmdb_txn *t = txn_of(base);
	struct lmdb *l = lmdb_of(base->b);
	int dead, rc;

	drop_cursor(t);
	rc = mdb_txn_commit(t->txn); /* frees it, also when it fails */
	t->txn = NULL;
	if (rc != 0)
		return lmdb_error(l, rc, "writing", err);
	if (++l->since_check >= CHECK_EVERY) {
		l->since_check = 0;
		mdb_reader_check(l->env, &dead);
	}
	return ERR_OK;
}

static void
lmdb_end(struct backend_txn *base)
{
	struct lmdb_txn *t = txn_of(base);

	if (!t->writing) {
		mdb_txn_reset(t->txn);
		give_reader(lmdb_of(base->b), t);
		return;
	}
	drop_cursor(t);
	mdb_txn_abort(t->txn);
	t->txn = NULL;
}

/* ---- reading ------------------------------------------------------------ */

static enum err_code
read_error(struct lmdb_txn *t, int rc, struct err *err)
{
	if (rc == MDB_NOTFOUND)
		return ERR_NOT_FOUND;
	return lmdb_error(lmdb_of(t->base.b), rc, "reading", err);
}

/* A cursor looks on the page where it stands before it goes down the tree:
 * records of one device are neighbours. */
static int
get_beside(struct lmdb_txn *t, MDB_val *key, MDB_val *value)
{
	int rc = 0;

	if (t->getter == NULL)
		rc = mdb_cursor_open(
		    t->txn, lmdb_of(t->base.b)->dbi, &t->getter);
	return rc == 0 ? mdb_cursor_get(t->getter, key, value, MDB_SET) : rc;
}

static enum err_code
lmdb_get(struct backend_txn *base, struct bytes key, struct bytes *ret,
    struct err *err)
{
	struct lmdb_txn *t = txn_of(base);
	MDB_val k = val_of(key), v;
	int rc = t->writing ? mdb_get(t->txn, lmdb_of(base->b)->dbi, &k, &v)
	                    : get_beside(t, &k, &v);

	if (rc != 0)
		return read_error(t, rc, err);
	*ret = bytes_of_val(&v);
	return ERR_OK;
}

static int
need_cursor(struct lmdb_txn *t)
{
	if (t->cursor != NULL)
		return 0;
	return mdb_cursor_open(t->txn, lmdb_of(t->base.b)->dbi, &t->cursor);
}

static enum err_code
give(struct lmdb_txn *t, int rc, const MDB_val kv[static 2], struct pair *ret,
    struct err *err)
{
	if (rc != 0)
		return read_error(t, rc, err);
	ret->key = bytes_of_val(&kv[0]);
	ret->value = bytes_of_val(&kv[1]);
	return ERR_OK;
}

/* Whether key is the one that follows where the cursor stands, as in a walk
 * (txn_each()): a step costs less than a search. */
static bool
is_next(struct lmdb_txn *t, struct bytes key)
{
	MDB_val k, v;

	return key.p[key.len - 1] == 0 &&
	       mdb_cursor_get(t->cursor, &k, &v, MDB_GET_CURRENT) == 0 &&
	       k.mv_size == key.len - 1 &&
	       memcmp(k.mv_data, key.p, k.mv_size) == 0;
}

static enum err_code
lmdb_seek(struct backend_txn *base, struct bytes key, struct pair *ret,
    struct err *err)
{
	struct lmdb_txn *t = txn_of(base);
	MDB_val kv[2] = { val_of(key) };
	int rc = need_cursor(t);

	if (rc == 0)
		rc = mdb_cursor_get(t->cursor, &kv[0], &kv[1],
		    is_next(t, key) ? MDB_NEXT : MDB_SET_RANGE);
	return give(t, rc, kv, ret, err);
}

static enum err_code
lmdb_last(struct backend_txn *base, struct bytes key, struct pair *ret,
    struct err *err)
{
	struct lmdb_txn *t = txn_of(base);
	MDB_val kv[2] = { val_of(key) };
	int rc = need_cursor(t);
	MDB_cursor_op op = MDB_LAST;

	if (rc == 0 && key.len > 0) {
		rc = mdb_cursor_get(t->cursor, &kv[0], &kv[1], MDB_SET_RANGE);
		op = rc == 0 ? MDB_PREV : MDB_LAST;
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	if (rc == 0)
		rc = mdb_cursor_get(t->cursor, &kv[0], &kv[1], op);
	return give(t, rc, kv, ret, err);
}

/* ---- writing ------------------------------------------------------------ */

static enum err_code
lmdb_put(struct backend_txn *base, struct bytes key, struct bytes value,
    struct err *err)
{
	struct lmdb_txn *t = txn_of(base);
	struct lmdb *l = lmdb_of(base->b);
	MDB_val k = val_of(key), v = val_of(value);
	int rc;

	drop_cursor(t);
	rc = mdb_put(t->txn, l->dbi, &k, &v, 0);
	return rc == 0 ? ERR_OK : lmdb_error(l, rc, "writing", err);
}

static enum err_code
lmdb_del(struct backend_txn *base, struct bytes key, struct err *err)
{
	struct lmdb_txn *t = txn_of(base);
	struct lmdb *l = lmdb_of(base->b);
	MDB_val k = val_of(key);
	int rc;

	drop_cursor(t);
	rc = mdb_del(t->txn, l->dbi, &k, NULL);
	if (rc == MDB_NOTFOUND)
		return ERR_NOT_FOUND;
	return rc == 0 ? ERR_OK : lmdb_error(l, rc, "writing", err);
}

/* ---- the whole ---------------------------------------------------------- */

static enum err_code
lmdb_stat(struct backend *b, struct store_stat *ret, struct err *err)
{
	struct lmdb *l = lmdb_of(b);
	struct statvfs disk;
	MDB_envinfo info;
	struct stat file;
	uint64_t room;
	MDB_stat st;
	int fd, rc;

	if ((rc = mdb_env_info(l->env, &info)) != 0 ||
	    (rc = mdb_env_stat(l->env, &st)) != 0 ||
	    (rc = mdb_env_get_fd(l->env, &fd)) != 0)
		return lmdb_error(l, rc, "its state", err);
	if (fstat(fd, &file) != 0 || fstatvfs(fd, &disk) != 0)
		return disk_error(err, errno, "%s/data.mdb", l->dir);
	room = (uint64_t)file.st_size +
	       (uint64_t)disk.f_bavail * (uint64_t)disk.f_frsize;
	ret->used_bytes = ((uint64_t)info.me_last_pgno + 1) * st.ms_psize;
	ret->limit_bytes = room < info.me_mapsize ? room : info.me_mapsize;
	ret->pairs = st.ms_entries;
	pthread_mutex_lock(&l->mutex);
	ret->readers = l->n_in_use;
	pthread_mutex_unlock(&l->mutex);
	return ERR_OK;
}

static enum err_code
lmdb_backup(struct backend *b, const char *path, struct err *err)
{
	return lmdb_copy(lmdb_of(b), path, err);
}

/* The map is shared and only read through: what was touched of it comes back
 * from the page cache. */
static void
lmdb_relax(struct backend *b)
{
	unsigned long from, to, inode;
	struct stat st;
	char line[4608];
	FILE *maps;
	int fd;

	/* LMDB does not tell where its map is */
	if (mdb_env_get_fd(lmdb_of(b)->env, &fd) != 0 || fstat(fd, &st) != 0 ||
	    (maps = fopen("/proc/self/maps", "re")) == NULL)
		return;
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx r--s %*s %*s %lu", &from, &to,
			&inode) == 3 &&
		    inode == st.st_ino)
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	fclose(maps);
}

static void
lmdb_close(struct backend *b)
{
	struct lmdb *l = lmdb_of(b);
	struct lmdb_txn *t;

	while ((t = SLIST_FIRST(&l->readers)) != NULL) {
		SLIST_REMOVE_HEAD(&l->readers, link);
		free_reader(t);
	}
	if (l->env != NULL)
		mdb_env_close(l->env);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	if (l->lock >= 0)
		close(l->lock);
	pthread_cond_destroy(&l->idle);
	pthread_mutex_destroy(&l->mutex);
	free(l->dir);
	free(l);
}

const struct backend_ops lmdb_ops = {
	.close = lmdb_close,
	.begin = lmdb_begin,
	.commit = lmdb_commit,
	.end = lmdb_end,
	.get = lmdb_get,
	.seek = lmdb_seek,
	.last = lmdb_last,
	.put = lmdb_put,
	.del = lmdb_del,
	.stat = lmdb_stat,
	.backup = lmdb_backup,
	.relax = lmdb_relax,
};
