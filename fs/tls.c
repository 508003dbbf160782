/* status/system/tls.d: a page for each directory in system/tls, and NAME.csr
 * beside it while a request waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mdmfs/org.h"

#include "fs/handlers.h"

static const char ending[] = ".csr";

struct dir {
	uint64_t ino;
	char name[72]; /* with the ending */
};

struct dirs {
	struct dir *v;
	size_t n;
	size_t cap;
	bool failed;
};

/* What the number in an inode number is of. */
static uint32_t
number_of(uint64_t ino)
{
	return (uint32_t)ino;
}

static bool
add(void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	struct dirs *dirs = arg;

	(void)cookie;
	if (node->place != PLACE_TLS_NAMED ||
	    strlen(name) + sizeof(ending) > sizeof(dirs->v->name))
		return true;
	if (dirs->n == dirs->cap) {
		size_t cap = dirs->cap == 0 ? 16 : dirs->cap * 2;
		struct dir *v = realloc(dirs->v, cap * sizeof(*v));

		if (v == NULL) {
			dirs->failed = true;
			return false;
		}
		dirs->v = v;
		dirs->cap = cap;
	}
	dirs->v[dirs->n].ino = node->ino;
	snprintf(dirs->v[dirs->n].name, sizeof(dirs->v->name), "%s", name);
	dirs->n++;
	return true;
}

/* Those behind the number after; none without system/tls. */
static enum err_code
read_dirs(struct engine *e, uint64_t after, struct dirs *ret, struct err *err)
{
	struct dirs dirs = { .n = 0 };
	struct file_node tls;
	enum err_code rc = file_find(e, FILE_INO_SYSTEM, "tls", &tls, err);

	if (rc == ERR_OK)
		rc = file_list(e, tls.ino, after, add, &dirs, err);
	if (rc == ERR_OK && dirs.failed)
		rc = err_set(err, ERR_NO_MEMORY, "system/tls");
	if (rc == ERR_OK || rc == ERR_NOT_FOUND)
		*ret = dirs;
	else
		free(dirs.v);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static bool
has_request(struct engine *e, uint64_t dir)
{
	struct buf b = { 0 };
	bool yes = org_tls_request_page(e, dir, &b, NULL) == ERR_OK;

	buf_free(&b);
	return yes;
}

/* A name's cookie is twice the directory's number; one more with .csr. */
static enum err_code
list(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct tree_entry entry = { .at = *at };
	struct dirs dirs = { .n = 0 };
	bool more = true;
	/* the last one again: its request may be left */
	enum err_code rc =
	    read_dirs(at->engine, after < 2 ? 0 : after / 2 - 1, &dirs, err);
	size_t i;

	for (i = 0; i < dirs.n && more; i++) {
		struct dir *d = &dirs.v[i];

		entry.name = d->name;
		entry.at.number = number_of(d->ino);
		entry.cookie = 2 * d->ino;
		if (entry.cookie > after)
			more = fn(arg, &entry);
		entry.cookie++;
		if (!more || entry.cookie <= after ||
		    !has_request(at->engine, d->ino))
			continue;
		strcat(d->name, ending);
		more = fn(arg, &entry);
	}
	free(dirs.v);
	return rc;
}

static enum err_code
find(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	size_t len = strlen(name), end = strlen(ending);
	struct file_node tls, dir;
	char stem[256];
	enum err_code rc =
	    file_find(at->engine, FILE_INO_SYSTEM, "tls", &tls, err);

	if (rc != ERR_OK)
		return rc;
	if (len > end && strcmp(name + len - end, ending) == 0)
		len -= end;
	if (len >= sizeof(stem))
		return err_set(err, ERR_NOT_FOUND, "no such certificate");
	memcpy(stem, name, len);
	stem[len] = '\0';
	rc = file_find(at->engine, tls.ino, stem, &dir, err);
	if (rc == ERR_OK && dir.place != PLACE_TLS_NAMED)
		rc = err_set(err, ERR_NOT_FOUND, "%s is no directory", stem);
	if (rc == ERR_OK) {
		*ret = (struct tree_entry){ .at = *at, .cookie = 2 * dir.ino };
		ret->at.number = number_of(dir.ino);
	}
	return rc;
}

const struct tree_names tls_names = { list, find };

/* The directory of that number. */
static enum err_code
dir_of(const struct at *at, uint64_t *ret, struct err *err)
{
	struct dirs dirs = { .n = 0 };
	enum err_code rc = read_dirs(at->engine, 0, &dirs, err);
	size_t i = 0;

	while (i < dirs.n && number_of(dirs.v[i].ino) != at->number)
		i++;
	if (rc == ERR_OK && i == dirs.n)
		rc = err_set(err, ERR_NOT_FOUND, "it was removed");
	else if (rc == ERR_OK)
		*ret = dirs.v[i].ino;
	free(dirs.v);
	return rc;
}

enum err_code
tls_read(const struct at *at, struct buf *b, struct err *err)
{
	uint64_t dir;
	enum err_code rc = dir_of(at, &dir, err);

	return rc == ERR_OK ? org_tls_page(at->engine, dir, b, err) : rc;
}

enum err_code
tls_csr_read(const struct at *at, struct buf *b, struct err *err)
{
	uint64_t dir;
	enum err_code rc = dir_of(at, &dir, err);

	return rc == ERR_OK ? org_tls_request_page(at->engine, dir, b, err)
	                    : rc;
}
