/* What is written into an open file, until it is committed. */
#include "fs/draft_priv.h"

#include <string.h>

static enum err_code
poison(struct draft *f, const struct err *why, struct err *err)
{
	f->poisoned = true;
	f->pending = 0;
	f->err = *why;
	if (err != NULL)
		*err = *why;
	return why->code;
}

static enum err_code
resize(struct draft *f, uint64_t size, struct err *err)
{
	uint64_t limit = place_limit(f->place);
	enum err_code rc;

	if (size > limit)
		return err_set(err, ERR_TOO_BIG,
		    "a file here has at most %llu bytes",
		    (unsigned long long)limit);
	if (size > f->buf.len &&
	    (rc = draft_take_bytes(f->d, size - f->buf.len, err)) != ERR_OK)
		return rc;
	if (size < f->buf.len)
		atomic_fetch_sub(&f->d->total, f->buf.len - size);
	else
		limit = f->buf.len; /* what to give back on failure */
	buf_resize(&f->buf, size);
	if ((rc = buf_error(&f->buf, err)) != ERR_OK) {
		f->buf.error = ERR_OK;
		atomic_fetch_sub(&f->d->total, size - limit);
	}
	return rc;
}

/* Look at what was written from the beginning on without a gap. */
static enum err_code
scan(struct draft *f, uint64_t off, uint64_t len, struct err *err)
{
	if (off < f->prefix) {
		f->no_scan = true;
		if (off + len > f->prefix)
			f->prefix = off + len;
	} else if (off == f->prefix) {
		f->prefix += len;
	}
	if (f->no_scan || off > f->prefix)
		return ERR_OK;
	return file_scan(f->d->engine, f->place, f->name, &f->scan,
	    bytes_of(f->buf.p, f->prefix), err);
}

static enum err_code
write_locked(struct draft *f, uint64_t off, struct bytes bytes, struct err *err)
{
	uint64_t size = f->buf.len;
	enum err_code rc;

	if (f->append)
		off = f->buf.len;
	if (off > UINT32_MAX) /* beyond every limit; no sum overflows */
		off = UINT32_MAX;
	if (off + bytes.len > size)
		size = off + bytes.len;
	if ((rc = resize(f, size, err)) != ERR_OK)
		return rc;
	if (bytes.len > 0)
		memcpy(f->buf.p + off, bytes.p, bytes.len);
	f->failed = f->emptied = f->abandoned = false;
	draft_set_dirty(f, true);
	return scan(f, off, bytes.len, err);
}

enum err_code
draft_write(struct draft *f, uint64_t off, struct bytes bytes,
    const struct actor *actor, bool *again, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc;

	if (again != NULL)
		*again = false;
	pthread_mutex_lock(&f->mutex);
	if (f->poisoned) {
		rc = draft_told_before(f, again, err);
	} else {
		f->actor = *actor;
		rc = write_locked(f, off, bytes, &why);
		if (rc != ERR_OK)
			rc = poison(f, &why, err);
	}
	pthread_mutex_unlock(&f->mutex);
	return rc;
}

/* It begins anew: nothing of what there was counts. */
static void
forget(struct draft *f)
{
	f->poisoned = f->no_scan = false;
	f->prefix = 0;
	f->base_version = 0;
	file_scan_free(f->scan);
	f->scan = NULL;
}

static void
resized(struct draft *f, uint64_t size)
{
	f->failed = f->emptied = f->abandoned = false;
	if (size < f->prefix) {
		f->no_scan = true;
		f->prefix = size;
	}
	draft_set_dirty(f, true);
}

enum err_code
draft_truncate(
    struct draft *f, uint64_t size, const struct actor *actor, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = ERR_OK;

	pthread_mutex_lock(&f->mutex);
	if (size == 0)
		forget(f);
	if (f->poisoned) {
		rc = draft_told_before(f, NULL, err);
	} else if (size != f->buf.len || size == 0 || f->dirty) {
		f->actor = *actor;
		rc = resize(f, size, &why);
		/* cp that came to a hole at the end: it gives up, and what
		 * there is must not pass for all of it */
		if (rc != ERR_OK)
			rc = poison(f, &why, err);
		else
			resized(f, size);
	}
	pthread_mutex_unlock(&f->mutex);
	return rc;
}

enum err_code
draft_read(
    struct draft *f, uint64_t off, uint64_t max, struct buf *b, struct err *err)
{
	pthread_mutex_lock(&f->mutex);
	if (off < f->buf.len) {
		uint64_t left = f->buf.len - off;

		buf_put(b, f->buf.p + off, left < max ? left : max);
	}
	pthread_mutex_unlock(&f->mutex);
	return buf_error(b, err);
}

uint64_t
draft_size(struct draft *f)
{
	uint64_t size;

	pthread_mutex_lock(&f->mutex);
	size = f->buf.len;
	pthread_mutex_unlock(&f->mutex);
	return size;
}
