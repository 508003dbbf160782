/*
 * Opening the data file: how large a map, and whether the file is whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/store/disk_priv.h"
#include "engine/store/lmdb_priv.h"

/* Sparse: address space, no memory and no disk.  The smaller ones are for
 * sanitizers and ulimit -v. */
static const size_t map_sizes[] = {
	(size_t)1 << 40,
	(size_t)64 << 30,
	(size_t)4 << 30,
	(size_t)512 << 20,
};
#define N_MAP_SIZES (sizeof(map_sizes) / sizeof(map_sizes[0]))

/* By how much a store may grow while its copy begins. */
#define COPY_ROOM ((size_t)64 << 20)

static int
open_env(struct lmdb *l, size_t map_size, unsigned flags)
{
	int rc = mdb_env_create(&l->env);

	if (rc == 0)
		rc = mdb_env_set_maxreaders(l->env, LMDB_READERS);
	if (rc == 0)
		rc = mdb_env_set_mapsize(l->env, map_size);
	if (rc == 0)
		rc = mdb_env_open(l->env, l->dir, MDB_NOTLS | flags, 0600);
	if (rc != 0 && l->env != NULL) {
		mdb_env_close(l->env);
		l->env = NULL;
	}
	return rc;
}

static enum err_code
open_error(const struct lmdb *l, int rc, struct err *err)
{
	if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH)
		return err_set(err, ERR_DAMAGED,
		    "%s/data.mdb is damaged, or no data file of mdmfs: "
		    "restore a backup",
		    l->dir);
	if (rc > 0)
		return disk_error(err, rc, "%s/data.mdb", l->dir);
	return lmdb_error(l, rc, "opening", err);
}

static enum err_code
map(struct lmdb *l, struct err *err)
{
	int rc = ENOMEM;
	size_t i;

	for (i = 0; i < N_MAP_SIZES && rc == ENOMEM; i++)
		rc = open_env(l, map_sizes[i], 0);
	if (rc != 0)
		return open_error(l, rc, err);
	if (i > 1)
		log_warn("%s: address space is short (ulimit -v): the store "
			 "can hold %zu MiB",
		    l->dir, map_sizes[i - 1] >> 20);
	return ERR_OK;
}

/* For a copy: no more than there is, since ulimit -v may be in force. */
static enum err_code
map_to_read(struct lmdb *l, struct err *err)
{
	struct stat st;
	int rc;

	if (fstatat(l->dir_fd, "data.mdb", &st, 0) != 0)
		return disk_error(err, errno, "%s/data.mdb", l->dir);
	rc = open_env(l, (size_t)st.st_size + COPY_ROOM, MDB_RDONLY);
	return rc == 0 ? ERR_OK : open_error(l, rc, err);
}

/* The number of free pages from page first on: they need not be in the file,
 * everything else must. */
static int
count_free(MDB_txn *txn, size_t first, size_t *ret)
{
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	size_t i, n, page;
	int rc = mdb_cursor_open(txn, 0, &cursor); /* 0: the free list */

	*ret = 0;
	while (rc == 0 &&
	       (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		if (value.mv_size < sizeof(n))
			return MDB_CORRUPTED;
		memcpy(&n, value.mv_data, sizeof(n));
		if (n > value.mv_size / sizeof(n) - 1)
			rc = MDB_CORRUPTED;
		for (i = 1; rc == 0 && i <= n; i++) {
			memcpy(&page,
			    (const char *)value.mv_data + i * sizeof(page),
			    sizeof(page));
			*ret += page >= first;
		}
	}
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static enum err_code
cut_short(const struct lmdb *l, struct err *err)
{
	return err_set(err, ERR_DAMAGED,
	    "%s/data.mdb is damaged: it was cut short; restore a backup",
	    l->dir);
}

/*
 * A file that was cut short would kill us with SIGBUS: refuse it, unless only
 * free pages are missing (LMDB does not always write those).
 */
static enum err_code
check_size(const struct lmdb *l, MDB_txn *txn, struct err *err)
{
	size_t pages, whole, n_free;
	MDB_envinfo info;
	struct stat file;
	MDB_stat st;
	int fd, rc;

	if ((rc = mdb_env_info(l->env, &info)) != 0 ||
	    (rc = mdb_env_stat(l->env, &st)) != 0 ||
	    (rc = mdb_env_get_fd(l->env, &fd)) != 0)
		return open_error(l, rc, err);
	if (fstat(fd, &file) != 0)
		return disk_error(err, errno, "%s/data.mdb", l->dir);
	pages = info.me_last_pgno + 1;
	whole = (size_t)file.st_size / st.ms_psize;
	if (whole >= pages)
		return ERR_OK;

	/* zeros in place of what is missing can be read without SIGBUS */
	if (ftruncate(fd, (off_t)(pages * st.ms_psize)) != 0)
		return disk_error(err, errno, "%s/data.mdb", l->dir);
	rc = count_free(txn, whole, &n_free);
	if (rc == 0 && n_free == pages - whole)
		return ERR_OK;
	/* leave the evidence as it was */
	if (ftruncate(fd, file.st_size) != 0)
		log_warn("%s/data.mdb: its size could not be put back", l->dir);
	return cut_short(l, err);
}

/* The one database of the file, and a look at the file's length. */
static enum err_code
open_database(struct lmdb *l, bool check, struct err *err)
{
	MDB_txn *txn = NULL;
	enum err_code code;
	int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return open_error(l, rc, err);
	code = check ? check_size(l, txn, err) : ERR_OK;
	if (code == ERR_OK && (rc = mdb_dbi_open(txn, NULL, 0, &l->dbi)) != 0)
		code = open_error(l, rc, err);
	mdb_txn_abort(txn);
	return code;
}

static enum err_code
new_lmdb(const char *dir, struct lmdb **ret, struct err *err)
{
	struct lmdb *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_set(err, ERR_NO_MEMORY, "%s", dir);
	l->base.ops = &lmdb_ops;
	l->lock = l->dir_fd = -1;
	l->write.base.b = &l->base;
	l->write.writing = true;
	SLIST_INIT(&l->readers);
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->idle, NULL);
	l->dir = strdup(dir);
	if (l->dir == NULL) {
		lmdb_ops.close(&l->base);
		return err_set(err, ERR_NO_MEMORY, "%s", dir);
	}
	*ret = l;
	return ERR_OK;
}

/* The table of readers is written through a map: on a full disk that would
 * kill us with SIGBUS, so it gets its room before. */
static enum err_code
allocate_table(const struct lmdb *l, struct err *err)
{
	enum err_code rc;
	char *path;

	if (asprintf(&path, "%s/lock.mdb", l->dir) < 0)
		return err_set(err, ERR_NO_MEMORY, "%s", l->dir);
	rc = disk_allocate(path, LMDB_LOCK_SIZE, err);
	free(path);
	return rc;
}

static enum err_code
open_dir(struct lmdb *l, struct err *err)
{
	l->dir_fd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir_fd < 0)
		return disk_error(err, errno, "%s", l->dir);
	return ERR_OK;
}

/* The names of the files that were made are durable. */
static enum err_code
sync_dir(const struct lmdb *l, struct err *err)
{
	/* some file systems cannot sync a directory, and need not */
	if (fsync(l->dir_fd) != 0 && errno != EINVAL)
		return disk_error(err, errno, "%s", l->dir);
	return ERR_OK;
}

enum err_code
backend_lmdb(const char *dir, struct backend **ret, struct err *err)
{
	struct lmdb *l = NULL;
	enum err_code rc = new_lmdb(dir, &l, err);
	int dead;

	if (rc != ERR_OK)
		return rc;
	if ((rc = disk_make_dir(dir, err)) != ERR_OK ||
	    (rc = open_dir(l, err)) != ERR_OK ||
	    (rc = disk_lock(dir, &l->lock, err)) != ERR_OK ||
	    (rc = allocate_table(l, err)) != ERR_OK ||
	    (rc = map(l, err)) != ERR_OK ||
	    (rc = open_database(l, true, err)) != ERR_OK ||
	    (rc = sync_dir(l, err)) != ERR_OK)
		goto out;
	mdb_reader_check(l->env, &dead);
	*ret = &l->base;
	l = NULL;
out:
	if (l != NULL)
		lmdb_ops.close(&l->base);
	return rc;
}

enum err_code
lmdb_copy(const struct lmdb *l, const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	enum err_code code = ERR_OK;
	int rc;

	if (fd < 0)
		return disk_error(err, errno, "%s", path);
	rc = mdb_env_copyfd2(l->env, fd, MDB_CP_COMPACT);
	/* it counts pages, and minds some that a crash has lost: harmless */
	if (rc == MDB_INCOMPATIBLE && ftruncate(fd, 0) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		rc = mdb_env_copyfd2(l->env, fd, 0);
	if (rc == 0 && fsync(fd) != 0)
		rc = errno;
	if (rc > 0) /* the copy's, not the store's */
		code = disk_error(err, rc, "%s", path);
	else if (rc < 0)
		code = lmdb_error(l, rc, "copying", err);
	close(fd);
	if (code == ERR_OK)
		code = disk_sync_parent(path, err);
	else
		unlink(path);
	return code;
}

enum err_code
store_copy(const char *dir, const char *path, struct err *err)
{
	struct lmdb *l = NULL;
	enum err_code rc = new_lmdb(dir, &l, err);

	if (rc != ERR_OK)
		return rc;
	if ((rc = open_dir(l, err)) == ERR_OK &&
	    (rc = map_to_read(l, err)) == ERR_OK)
		rc = open_database(l, false, err);
	if (rc == ERR_OK)
		rc = lmdb_copy(l, path, err);
	lmdb_ops.close(&l->base);
	return rc;
}
