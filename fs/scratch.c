#include "fs/scratch_priv.h"

#include <stdlib.h>
#include <string.h>

struct scratch *
scratch_new(void)
{
	struct scratch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	pthread_mutex_init(&s->mutex, NULL);
	s->last = &s->first;
	return s;
}

void
scratch_free(struct scratch *s)
{
	if (s == NULL)
		return;
	while (s->first != NULL)
		scratch_drop(s, s->first);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

enum err_code
scratch_create(struct scratch *s, const struct scratch_node *new,
    const char *name, struct bytes bytes, struct scratch_node *ret,
    struct err *err)
{
	char *owned = strdup(name);
	struct scratch_entry *n = NULL;
	enum err_code rc;

	pthread_mutex_lock(&s->mutex);
	if (scratch_by_name(s, new->parent, name) != NULL)
		rc = err_set(err, ERR_EXISTS, "%s exists", name);
	else
		rc = scratch_make_room(s, new, 1, bytes.len, err);
	if (rc == ERR_OK && owned != NULL)
		n = scratch_add(s, new, bytes);
	if (rc == ERR_OK && n == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "%s", name);
	if (n != NULL) {
		scratch_name_give(s, n, new->parent, owned);
		owned = NULL;
		*ret = n->n;
	}
	pthread_mutex_unlock(&s->mutex);
	free(owned);
	return rc;
}

bool
scratch_find(struct scratch *s, uint64_t parent, const char *name,
    struct scratch_node *ret)
{
	const struct scratch_entry *n;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_name(s, parent, name);
	if (n != NULL)
		*ret = n->n;
	pthread_mutex_unlock(&s->mutex);
	return n != NULL;
}

bool
scratch_get(struct scratch *s, uint64_t ino, struct scratch_node *ret)
{
	const struct scratch_entry *n;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_ino(s, ino);
	if (n != NULL && n->became)
		n = NULL; /* the store has it */
	if (n != NULL)
		*ret = n->n;
	pthread_mutex_unlock(&s->mutex);
	return n != NULL;
}

void
scratch_list(struct scratch *s, uint64_t parent, uint64_t after, scratch_fn *fn,
    void *arg)
{
	pthread_mutex_lock(&s->mutex);
	for (const struct scratch_entry *n = s->first; n != NULL; n = n->next) {
		if (n->name == NULL || n->n.parent != parent ||
		    n->n.cookie <= after)
			continue;
		if (!fn(arg, n->name, &n->n))
			break;
	}
	pthread_mutex_unlock(&s->mutex);
}

enum err_code
scratch_open(struct scratch *s, uint64_t ino, struct err *err)
{
	struct scratch_entry *n;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_ino(s, ino);
	if (n != NULL)
		n->opens++;
	pthread_mutex_unlock(&s->mutex);
	return n != NULL ? ERR_OK
	                 : err_set(err, ERR_NOT_FOUND, "it was removed");
}

void
scratch_close(struct scratch *s, uint64_t ino)
{
	struct scratch_entry *n;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_ino(s, ino);
	if (n != NULL && --n->opens == 0 && n->name == NULL)
		scratch_drop(s, n);
	pthread_mutex_unlock(&s->mutex);
}

enum err_code
scratch_read(struct scratch *s, uint64_t ino, uint64_t off, uint64_t max,
    struct buf *b, struct err *err)
{
	const struct scratch_entry *n;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_ino(s, ino);
	if (n != NULL && off < n->bytes.len) {
		uint64_t left = n->bytes.len - off;

		buf_put(b, n->bytes.p + off, left < max ? left : max);
	}
	pthread_mutex_unlock(&s->mutex);
	if (n == NULL)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	return buf_error(b, err);
}

enum err_code
scratch_content(struct scratch *s, uint64_t ino, struct buf *b, struct err *err)
{
	return scratch_read(s, ino, 0, UINT64_MAX, b, err);
}

/* The node for a change of its bytes to a size. */
static enum err_code
prepare(struct scratch *s, uint64_t ino, uint64_t size,
    struct scratch_entry **ret, struct err *err)
{
	struct scratch_entry *n = scratch_by_ino(s, ino);
	enum err_code rc = ERR_OK;

	if (n == NULL)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	if (n->became)
		return err_set(err, ERR_CHANGED,
		    "it was renamed while it was still being written: open "
		    "the new name");
	if (size > SCRATCH_FILE_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "a scratch file has at most %u bytes", SCRATCH_FILE_MAX);
	if (size > n->bytes.len)
		rc = scratch_make_room(s, &n->n, 0, size - n->bytes.len, err);
	*ret = n;
	return rc;
}

static enum err_code
resize(
    struct scratch *s, struct scratch_entry *n, uint64_t size, struct err *err)
{
	uint64_t before = n->bytes.len;
	enum err_code rc;

	buf_resize(&n->bytes, size);
	if ((rc = buf_error(&n->bytes, err)) != ERR_OK) {
		n->bytes.error = ERR_OK; /* what it holds is still good */
		return rc;
	}
	s->total = s->total - before + size;
	n->n.size = size;
	n->n.mtime_ns = n->n.ctime_ns = scratch_now_ns();
	n->n.was_parent = 0;
	return ERR_OK;
}

enum err_code
scratch_write(struct scratch *s, uint64_t ino, uint64_t off, bool append,
    struct bytes bytes, struct err *err)
{
	struct scratch_entry *n = NULL;
	enum err_code rc;

	pthread_mutex_lock(&s->mutex);
	if (append && (n = scratch_by_ino(s, ino)) != NULL)
		off = n->bytes.len;
	if (off > SCRATCH_FILE_MAX)
		off = SCRATCH_FILE_MAX; /* and fails for it */
	rc = prepare(s, ino, off + bytes.len, &n, err);
	if (rc == ERR_OK && n != NULL) {
		uint64_t size = off + bytes.len;

		if (size < n->bytes.len)
			size = n->bytes.len;
		rc = resize(s, n, size, err);
	}
	if (rc == ERR_OK && n != NULL && bytes.len > 0)
		memcpy(n->bytes.p + off, bytes.p, bytes.len);
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

enum err_code
scratch_truncate(
    struct scratch *s, uint64_t ino, uint64_t size, struct err *err)
{
	struct scratch_entry *n = NULL;
	enum err_code rc;

	pthread_mutex_lock(&s->mutex);
	rc = prepare(s, ino, size, &n, err);
	if (rc == ERR_OK && n != NULL)
		rc = resize(s, n, size, err);
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

enum err_code
scratch_setattr(
    struct scratch *s, uint64_t ino, const struct file_attr *a, struct err *err)
{
	struct scratch_entry *n;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_ino(s, ino);
	if (n != NULL) {
		if (a->set & FILE_SET_MODE)
			n->n.mode = a->mode & 07777;
		if (a->set & FILE_SET_UID)
			n->n.uid = a->uid;
		if (a->set & FILE_SET_GID)
			n->n.gid = a->gid;
		if (a->set & FILE_SET_MTIME)
			n->n.mtime_ns = a->mtime_ns;
		n->n.ctime_ns = scratch_now_ns();
	}
	pthread_mutex_unlock(&s->mutex);
	return n != NULL ? ERR_OK
	                 : err_set(err, ERR_NOT_FOUND, "it was removed");
}

enum err_code
scratch_remove(struct scratch *s, uint64_t ino, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct scratch_entry *n;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_ino(s, ino);
	if (n == NULL || n->name == NULL)
		rc = err_set(err, ERR_NOT_FOUND, "it was removed");
	else if (n->children > 0)
		rc = err_set(err, ERR_NOT_EMPTY, "%s is not empty", n->name);
	else
		scratch_unlink(s, n);
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

void
scratch_became(struct scratch *s, uint64_t ino)
{
	struct scratch_entry *n;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_ino(s, ino);
	if (n != NULL && n->name != NULL) {
		n->became = true;
		scratch_unlink(s, n);
	}
	pthread_mutex_unlock(&s->mutex);
}

enum err_code
scratch_rename(struct scratch *s, uint64_t ino, uint64_t parent,
    const char *name, struct err *err)
{
	char *owned = strdup(name);
	struct scratch_entry *n, *there;
	enum err_code rc = ERR_OK;

	pthread_mutex_lock(&s->mutex);
	n = scratch_by_ino(s, ino);
	there = scratch_by_name(s, parent, name);
	if (owned == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "%s", name);
	else if (n == NULL || n->name == NULL)
		rc = err_set(err, ERR_NOT_FOUND, "it was removed");
	else if (there != NULL && there != n && there->children > 0)
		rc = err_set(err, ERR_NOT_EMPTY, "%s is not empty", name);
	if (rc == ERR_OK && n != NULL && there != n) {
		if (there != NULL)
			scratch_unlink(s, there);
		scratch_name_take(s, n);
		scratch_name_give(s, n, parent, owned);
		owned = NULL;
		n->n.ctime_ns = scratch_now_ns();
	}
	pthread_mutex_unlock(&s->mutex);
	free(owned);
	return rc;
}
