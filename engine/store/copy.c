#include "engine/store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "engine/store/disk_priv.h"

static enum err_code
copy_error(int rc, const char *path, struct err *err)
{
	if (rc > 0)
		return disk_error(err, rc, "%s", path);
	return err_set(err, ERR_DAMAGED, "%s: %s", path, mdb_strerror(rc));
}

/* LMDB copies into a descriptor; a reader's lock keeps the pages. */
static enum err_code
copy_env(MDB_env *env, const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_EXISTS,
		    "%s exists: name a file that does not", path);
	if (fd < 0)
		return copy_error(errno, path, err);
	rc = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);
	if (rc == 0 && fsync(fd) != 0)
		rc = errno;
	if (close(fd) != 0 && rc == 0)
		rc = errno;
	if (rc != 0) {
		unlink(path);
		return copy_error(rc, path, err);
	}
	return ERR_OK;
}

enum err_code
store_copy_out(const char *dir, const char *path, struct err *err)
{
	char data[4096];
	MDB_env *env = NULL;
	enum err_code rc;
	int n;

	snprintf(data, sizeof(data), "%s/data.mdb", dir);
	if (access(data, R_OK) != 0)
		return copy_error(errno, data, err);
	n = mdb_env_create(&env);
	if (n == 0)
		n = mdb_env_set_maxreaders(env, 512);
	if (n == 0)
		n = mdb_env_open(env, dir, MDB_RDONLY | MDB_NOTLS, 0600);
	rc = n == 0 ? copy_env(env, path, err) : copy_error(n, data, err);
	if (env != NULL)
		mdb_env_close(env);
	return rc;
}

static enum err_code
copy_bytes(int from, int to, const char *path, struct err *err)
{
	char *chunk = malloc(1 << 20);
	ssize_t n = 0;

	if (chunk == NULL)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	while ((n = read(from, chunk, 1 << 20)) > 0) {
		if (write(to, chunk, (size_t)n) != n) {
			n = -1;
			break;
		}
	}
	if (n == 0)
		n = fsync(to);
	free(chunk);
	return n == 0 ? ERR_OK : copy_error(errno, path, err);
}

enum err_code
store_copy_in(const char *path, const char *dir, struct err *err)
{
	char data[4096];
	int from = open(path, O_RDONLY | O_CLOEXEC), to;
	enum err_code rc;

	if (from < 0)
		return copy_error(errno, path, err);
	snprintf(data, sizeof(data), "%s/data.mdb", dir);
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		close(from);
		return copy_error(errno, dir, err);
	}
	to = open(data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0) {
		rc = errno == EEXIST ? err_set(err, ERR_EXISTS,
					   "%s holds a store already: name "
		                           "another directory, or "
					   "move it away",
					   dir)
		                     : copy_error(errno, data, err);
		close(from);
		return rc;
	}
	rc = copy_bytes(from, to, data, err);
	close(from);
	close(to);
	if (rc != ERR_OK)
		unlink(data);
	return rc;
}
