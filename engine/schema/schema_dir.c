/* Tables that are newer than the program, from a directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/text.h"
#include "engine/schema/schema_priv.h"
#include "engine/schema/tables.h"

#define FILE_MOST (16u << 20) /* Apple's largest table has 270 KB */

static enum err_code
read_all(int fd, struct buf *b, const char *path, struct err *err)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		buf_put(b, chunk, (size_t)n);
		if (b->len > FILE_MOST)
			return err_set(err, ERR_INVALID,
			    "%s: more than %u MB, so it is no table", path,
			    FILE_MOST >> 20);
	}
	if (n < 0)
		return err_set(
		    err, ERR_INVALID, "%s: %s", path, strerror(errno));
	if (!text_is_utf8(buf_view(b)) ||
	    (b->len > 0 && memchr(b->p, '\0', b->len) != NULL))
		return err_set(err, ERR_INVALID, "%s is not UTF-8 text", path);
	return buf_error(b, err);
}

/* DIR/NAME.tsv, appended. */
static enum err_code
read_table(const char *dir, const char *name, struct buf *b, struct err *err)
{
	char path[4096];
	enum err_code e;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s.tsv", dir, name) >=
	    sizeof(path))
		return err_set(
		    err, ERR_INVALID, "%s: the path is too long", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err,
		    errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
							: ERR_INVALID,
		    "%s: %s (a schema is all of its tables: see "
		    "examples/yaml2tsv.py)",
		    path, strerror(errno));
	e = read_all(fd, b, path, err);
	close(fd);
	return e;
}

enum err_code
schema_load_dir(const char *dir, const struct schema **ret, struct err *err)
{
	struct buf texts[SCHEMA_TABLES] = { 0 }, overrides = { 0 };
	struct table_set set = { .dir = dir, .broken = ERR_INVALID };
	struct err missing = { 0 };
	char release[512];
	enum err_code e = ERR_OK;
	unsigned i;

	for (i = 0; i < SCHEMA_TABLES && e == ERR_OK; i++) {
		e = read_table(dir, table_name(i), &texts[i], err);
		set.tables[i] = buf_view(&texts[i]);
	}
	if (e != ERR_OK)
		goto out;
	snprintf(release, sizeof(release), "the tables in %s", dir);
	e = read_table(dir, "overrides", &overrides, &missing);
	set.overrides = buf_view(&overrides);
	if (e == ERR_NOT_FOUND) {
		set.overrides = table_overrides();
		set.lenient = true;
		e = ERR_OK;
	} else if (e != ERR_OK) {
		e = err_set(err, e, "%s", missing.msg);
	}
	set.release = release;
	if (e == ERR_OK)
		e = schema_load_set(&set, ret, err);
out:
	for (i = 0; i < SCHEMA_TABLES; i++)
		buf_free(&texts[i]);
	buf_free(&overrides);
	return e;
}
