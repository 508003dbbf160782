#include "fs/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/names.h"
#include "fs/text.h"

struct check {
	struct fs fs;
	unsigned faults;
};

static const struct caller root = { { 0 }, { 0 } };

/* A fault; all its findings. */
static void
tell(struct check *c, const char *path, const struct err *err)
{
	struct buf b = { 0 };

	c->faults++;
	text_fault(&b, path, err);
	fputs(buf_str(&b), stdout);
	buf_free(&b);
}

static void
tell_errno(struct check *c, const char *path)
{
	struct err err = { 0 };

	if (err_set(&err, ERR_INTERNAL, "%s", strerror(errno)) != ERR_OK)
		tell(c, path, &err);
}

static enum err_code
read_file(
    int dirfd, const char *name, uint64_t limit, struct buf *b, struct err *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char chunk[65536];
	ssize_t n = -1;

	if (fd >= 0) {
		while (
		    b->len <= limit && (n = read(fd, chunk, sizeof(chunk))) > 0)
			buf_put(b, chunk, (size_t)n);
		if (b->len > limit)
			n = 0; /* the engine says that it is too big */
	}
	if (n < 0) {
		int e = errno;

		if (fd >= 0)
			close(fd);
		return err_set(err, ERR_INTERNAL, "%s", strerror(e));
	}
	close(fd);
	return buf_error(b, err);
}

/* One entry of a directory outside. */
struct item {
	int dirfd;
	const char *name;
	const struct node *dir; /* where it goes */
	struct stat st;
};

static enum err_code
put(struct check *c, const struct item *i, uint64_t *ino, struct err *err)
{
	bool is_dir = S_ISDIR(i->st.st_mode);
	struct file_write w = { .parent = i->dir->ino,
		.name = i->name,
		.mode = i->st.st_mode & 07777 };
	struct file_node made;
	struct name_is is = { 0 };
	struct buf b = { 0 };
	enum err_code rc;

	rc = name_check(
	    i->dir, i->name, is_dir ? TREE_DIR : TREE_FILE, &is, err);
	if (rc == ERR_OK && is.kind == NAME_SCRATCH)
		rc = err_set(err, ERR_NOT_HERE,
		    "a scratch name: it would never take effect");
	if (rc == ERR_OK)
		rc = fs_new_ino(&c->fs, &w.ino, err);
	if (rc == ERR_OK && !is_dir)
		rc = read_file(
		    i->dirfd, i->name, place_limit(is.row->place), &b, err);
	if (rc == ERR_OK) {
		w.place = is.row->place;
		w.bytes = buf_view(&b);
		rc = is_dir ? file_mkdir(c->fs.engine, &w, &made, err)
		            : file_write(c->fs.engine, &w, &made, err);
		*ino = made.ino;
	}
	buf_wipe(&b);
	return rc;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static void walk(struct check *c, int parentfd, const char *name,
    const char *path, uint64_t ino);

static void
walk_entry(struct check *c, int fd, const char *name, const char *dirpath,
    const struct node *dir)
{
	struct err err = { 0 };
	struct item item = { .dirfd = fd, .name = name, .dir = dir };
	const mode_t *mode = &item.st.st_mode;
	uint64_t ino = 0;
	char *path;

	if (asprintf(&path, "%s/%s", dirpath, name) < 0)
		return;
	if (fstatat(fd, name, &item.st, AT_SYMLINK_NOFOLLOW) != 0) {
		tell_errno(c, path);
	} else if (!S_ISDIR(*mode) && !S_ISREG(*mode)) {
		if (err_set(&err, ERR_NOT_HERE,
			"neither a file nor a directory: the mount keeps no "
			"links, pipes or devices") != ERR_OK)
			tell(c, path, &err);
	} else if (put(c, &item, &ino, &err) != ERR_OK) {
		tell(c, path, &err);
	} else if (S_ISDIR(*mode)) {
		walk(c, fd, name, path, ino);
	}
	free(path);
}

static void
walk(struct check *c, int parentfd, const char *name, const char *path,
    uint64_t ino)
{
	int fd = openat(
	    parentfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct dirent **list = NULL;
	struct node dir;
	struct err err = { 0 };
	int n = fd < 0 ? -1 : scandirat(fd, ".", &list, no_dots, by_name);

	if (n < 0)
		tell_errno(c, path);
	else if (node_of(&c->fs, ino, &root, &dir, &err) != ERR_OK)
		tell(c, path, &err);
	for (int i = 0; i < n; i++) {
		if (err.code == ERR_OK)
			walk_entry(c, fd, list[i]->d_name, path, &dir);
		free(list[i]);
	}
	free(list);
	if (fd >= 0)
		close(fd);
}

static enum err_code
open_top(const char *dir, int *fd, bool *orgs, bool *system, struct err *err)
{
	struct stat st;

	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return err_set(
		    err, ERR_NOT_FOUND, "%s: %s", dir, strerror(errno));
	*orgs = fstatat(*fd, "orgs", &st, 0) == 0;
	*system = fstatat(*fd, "system", &st, 0) == 0;
	if (*orgs || *system)
		return ERR_OK;
	close(*fd);
	*fd = -1;
	return err_set(err, ERR_NOT_FOUND,
	    "%s holds neither orgs/ nor system/: it is not laid out like the "
	    "mount",
	    dir);
}

enum err_code
check_tree(
    const char *dir, const char *schema, unsigned *faults, struct err *err)
{
	struct engine_options options = { .schema_dir = schema };
	struct engine *e = NULL;
	struct check c = { 0 };
	bool orgs = false, system = false, has_fs = false;
	int fd = -1;
	enum err_code rc;

	if ((rc = open_top(dir, &fd, &orgs, &system, err)) != ERR_OK ||
	    (rc = engine_open(&options, &e, err)) != ERR_OK ||
	    (rc = fs_init(&c.fs, e, err)) != ERR_OK)
		goto out;
	has_fs = true;
	if (system)
		walk(&c, fd, "system", "system", FILE_INO_SYSTEM);
	if (orgs)
		walk(&c, fd, "orgs", "orgs", FILE_INO_ORGS);
	*faults = c.faults;
out:
	if (has_fs)
		fs_fini(&c.fs);
	engine_close(e);
	if (fd >= 0)
		close(fd);
	return rc;
}
