#include "engine/store/disk_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
static const struct {
	int errnum;
	enum err_code code;
	const char *text;
} causes[] = {
	{ EACCES, ERR_DENIED,    "no permission: run mdmfs as the user that "
	                         "the files belong to" },
	{ EPERM,  ERR_DENIED,    "not permitted" },
	{ EROFS,  ERR_DENIED,    "the file system is read-only: mount it for "
	                         "writing" },
	{ ENOSPC, ERR_FULL,      "the disk is full: free some space or make it "
	                         "larger" },
	{ EDQUOT, ERR_FULL,      "the disk quota of this user is used up" },
	{ EFBIG,  ERR_FULL,      "the file has reached the limit of its size: "
	                         "see ulimit -f" },
	{ ENOENT, ERR_NOT_FOUND, "there is no such directory: make it first" },
	{ ENOTDIR, ERR_NOT_DIR,  "a file stands where a directory should be" },
	{ EEXIST, ERR_EXISTS,    "it already exists" },
	{ ENOMEM, ERR_NO_MEMORY, "out of memory" },
	{ EMFILE, ERR_NO_MEMORY, "too many open files: see ulimit -n" },
	{ ENFILE, ERR_NO_MEMORY, "too many open files in the system" },
	{ EIO,    ERR_DAMAGED,   "the disk reports an error: see dmesg" },
};
/* clang-format on */

enum err_code
disk_error(struct err *err, int errnum, const char *fmt, ...)
{
	char what[512];
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (causes[i].errnum == errnum)
			return err_set(err, causes[i].code, "%s: %s", what,
			    causes[i].text);
	}
	return err_set(err, ERR_INTERNAL, "%s: %s", what, strerror(errnum));
}

enum err_code
disk_sync_parent(const char *path, struct err *err)
{
	char *copy = strdup(path);
	enum err_code rc = ERR_OK;
	int fd;

	if (copy == NULL)
		return err_set(err, ERR_NO_MEMORY, "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* some file systems cannot sync a directory, and need not */
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		rc = disk_error(err, errno, "the directory of %s", path);
	if (fd >= 0)
		close(fd);
	free(copy);
	return rc;
}

enum err_code
disk_make_dir(const char *dir, struct err *err)
{
	struct stat st;

	if (mkdir(dir, 0700) == 0)
		return disk_sync_parent(dir, err);
	if (errno != EEXIST)
		return disk_error(
		    err, errno, "the directory %s cannot be made", dir);
	if (stat(dir, &st) != 0)
		return disk_error(err, errno, "%s", dir);
	if (!S_ISDIR(st.st_mode))
		return disk_error(err, ENOTDIR, "%s", dir);
	return ERR_OK;
}

bool
disk_is_full(int dir_fd, int fd)
{
	static const char zeros[65536];
	static const char name[] = "room";
	struct rlimit limit;
	struct stat st;
	int i, probe;
	ssize_t n = 0;
	int errnum = 0;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && fstat(fd, &st) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY &&
	    (rlim_t)st.st_size + 4096 > limit.rlim_cur)
		return true;
	/* The short write has taken the last room: the next megabyte fails. */
	probe = openat(
	    dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (probe < 0)
		return errno == ENOSPC || errno == EDQUOT;
	for (i = 0; i < 16 && errnum == 0; i++) {
		n = write(probe, zeros, sizeof(zeros));
		if (n < 0)
			errnum = errno;
		else if ((size_t)n < sizeof(zeros))
			errnum = ENOSPC;
	}
	if (errnum == 0 && fsync(probe) != 0)
		errnum = errno;
	close(probe);
	unlinkat(dir_fd, name, 0);
	return errnum == ENOSPC || errnum == EDQUOT;
}

enum err_code
disk_allocate(const char *path, size_t size, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return disk_error(err, errno, "%s", path);
	rc = posix_fallocate(fd, 0, (off_t)size);
	close(fd);
	return rc == 0 ? ERR_OK : disk_error(err, rc, "%s", path);
}

static enum err_code
in_use(const char *dir, int fd, struct err *err)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return err_set(err, ERR_CHANGED,
	    "%s is in use by process %s: stop it first, or use another "
	    "directory",
	    dir, pid[0] != '\0' ? pid : "(unknown)");
}

enum err_code
disk_lock(const char *dir, int *ret, struct err *err)
{
	enum err_code rc = ERR_OK;
	char *path = NULL;
	char pid[16];
	int n, fd = -1;

	if (asprintf(&path, "%s/lock", dir) < 0)
		return err_set(err, ERR_NO_MEMORY, "%s", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		rc = disk_error(err, errno, "%s", path);
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		rc = errno == EWOULDBLOCK ? in_use(dir, fd, err)
		                          : disk_error(err, errno, "%s", path);
	if (rc != ERR_OK)
		goto out;
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* a courtesy to whoever is refused: not worth failing for */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) != n)
		errno = 0;
	*ret = fd;
	fd = -1;
out:
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}
