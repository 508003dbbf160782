#include "engine/store/master.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "engine/store/disk_priv.h"

static enum err_code
check_file(const char *path, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return disk_error(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size != STORE_MASTER_KEY_LEN)
		return err_set(err, ERR_KEY_REJECTED,
		    "%s is not a master key: it must be a file of %d bytes; "
		    "put it back from your backup",
		    path, STORE_MASTER_KEY_LEN);
	if ((st.st_mode & 077) != 0)
		return err_set(err, ERR_DENIED,
		    "%s may be read by others (mode %04o): the master key "
		    "must be for its owner only; run: chmod 600 %s",
		    path, (unsigned)st.st_mode & 07777, path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(err, ERR_DENIED,
		    "%s belongs to user %u, who may read it: it must belong "
		    "to root or to the user that mdmfs runs as (%u)",
		    path, (unsigned)st.st_uid, (unsigned)geteuid());
	return ERR_OK;
}

static enum err_code
read_key(const char *path, int fd, uint8_t *key, struct err *err)
{
	enum err_code rc = check_file(path, fd, err);
	ssize_t n;

	if (rc != ERR_OK)
		return rc;
	n = pread(fd, key, STORE_MASTER_KEY_LEN, 0);
	if (n < 0)
		return disk_error(err, errno, "%s", path);
	if (n != STORE_MASTER_KEY_LEN)
		return err_set(err, ERR_KEY_REJECTED,
		    "%s: the master key is cut short", path);
	return ERR_OK;
}

static enum err_code
write_key(
    const char *path, const char *tmp, const uint8_t *key, struct err *err)
{
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	enum err_code rc = ERR_OK;
	ssize_t n;

	if (fd < 0)
		return disk_error(
		    err, errno, "%s: the master key cannot be made", path);
	n = write(fd, key, STORE_MASTER_KEY_LEN);
	if (n >= 0 && n < STORE_MASTER_KEY_LEN)
		errno = ENOSPC;
	/* link() and not rename(): it never replaces a key */
	if (n != STORE_MASTER_KEY_LEN || fsync(fd) != 0 || link(tmp, path) != 0)
		rc = disk_error(
		    err, errno, "%s: the master key cannot be made", path);
	close(fd);
	unlink(tmp);
	if (rc == ERR_OK)
		rc = disk_sync_parent(path, err);
	return rc;
}

static enum err_code
make_key(const char *path, uint8_t *key, struct err *err)
{
	enum err_code rc;
	char *tmp = NULL;

	if (getrandom(key, STORE_MASTER_KEY_LEN, 0) != STORE_MASTER_KEY_LEN)
		return err_set(err, ERR_INTERNAL,
		    "%s: the system has no random bytes", path);
	if (asprintf(&tmp, "%s.new", path) < 0)
		return err_set(err, ERR_NO_MEMORY, "%s", path);
	unlink(tmp); /* of a start that was cut off */
	rc = write_key(path, tmp, key, err);
	free(tmp);
	return rc;
}

enum err_code
master_load(const char *path, bool is_new,
    uint8_t key[static STORE_MASTER_KEY_LEN], struct err *err)
{
	uint8_t k[STORE_MASTER_KEY_LEN];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum err_code rc;

	if (fd >= 0)
		rc = read_key(path, fd, k, err);
	else if (errno != ENOENT)
		rc = disk_error(err, errno, "%s", path);
	else if (is_new)
		rc = make_key(path, k, err);
	else
		rc = err_set(err, ERR_NOT_FOUND,
		    "%s is missing: without it the secrets in the store "
		    "cannot be opened; put it back from your backup or name "
		    "it by --key-file",
		    path);
	if (fd >= 0)
		close(fd);
	if (rc == ERR_OK)
		memcpy(key, k, sizeof(k));
	OPENSSL_cleanse(k, sizeof(k));
	return rc;
}
