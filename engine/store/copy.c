#include "engine/store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "engine/store/disk_priv.h"

#define CHUNK ((size_t)1 << 20)

/* Whether LMDB reads it: a file of another kind must not become a store.  The
 * map is as large as the file, not as the one that its server had. */
static enum err_code
check_copy(const char *path, struct err *err)
{
	MDB_env *env = NULL;
	int rc = mdb_env_create(&env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(env, 1); /* it raises that */
	if (rc == 0)
		rc = mdb_env_open(env, path,
		    MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
	if (env != NULL)
		mdb_env_close(env);
	if (rc > 0)
		return disk_error(err, rc, "%s", path);
	if (rc != 0)
		return err_set(err, ERR_DAMAGED,
		    "%s is no backup of mdmfs, or it is damaged", path);
	return ERR_OK;
}

/* 0, or errno. */
static int
copy_bytes(int from, int to)
{
	char *chunk = malloc(CHUNK), *p;
	ssize_t n = 0, done = 0;
	int rc = chunk == NULL ? ENOMEM : 0;

	while (rc == 0 && (n = read(from, chunk, CHUNK)) > 0)
		for (p = chunk; rc == 0 && n > 0; p += done, n -= done)
			if ((done = write(to, p, (size_t)n)) < 0)
				rc = errno;
	if (rc == 0 && n < 0)
		rc = errno;
	if (rc == 0 && fsync(to) != 0)
		rc = errno;
	free(chunk);
	return rc;
}

/* The new name is on the disk, too. */
static int
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static enum err_code
fill(int from, const char *data, const char *dir, struct err *err)
{
	int to = open(data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (to < 0 && errno == EEXIST)
		return err_set(err, ERR_EXISTS,
		    "%s holds a store already: name another directory, or "
		    "move it away",
		    dir);
	if (to < 0)
		return disk_error(err, errno, "%s", data);
	rc = copy_bytes(from, to);
	if (close(to) != 0 && rc == 0)
		rc = errno;
	if (rc == 0)
		rc = sync_dir(dir);
	if (rc == 0)
		return ERR_OK;
	unlink(data);
	return disk_error(err, rc, "%s", data);
}

enum err_code
store_copy_in(const char *path, const char *dir, struct err *err)
{
	char data[4096];
	enum err_code rc;
	int from;

	if ((size_t)snprintf(data, sizeof(data), "%s/data.mdb", dir) >=
	    sizeof(data))
		return err_set(err, ERR_NAME_TOO_LONG, "%s is too long", dir);
	if ((rc = check_copy(path, err)) != ERR_OK)
		return rc;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return disk_error(err, errno, "%s", dir);
	from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return disk_error(err, errno, "%s", path);
	rc = fill(from, data, dir, err);
	close(from);
	return rc;
}
