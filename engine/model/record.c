#include "engine/model/record.h"

#include <string.h>

static void
put_le(struct buf *b, uint64_t v, size_t width)
{
	uint8_t p[8];
	size_t i;

	for (i = 0; i < width; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	buf_put(b, p, width);
}

static uint64_t
get_le(struct reader *r, size_t width)
{
	uint64_t v = 0;
	size_t i;

	if (r->failed || r->rest.len < width) {
		r->failed = true;
		return 0;
	}
	for (i = 0; i < width; i++)
		v |= (uint64_t)r->rest.p[i] << (8 * i);
	r->rest.p += width;
	r->rest.len -= width;
	return v;
}

void
record_u8(struct buf *b, uint8_t v)
{
	put_le(b, v, 1);
}

void
record_u32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void
record_u64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void
record_i64(struct buf *b, int64_t v)
{
	put_le(b, (uint64_t)v, 8);
}

void
record_bytes(struct buf *b, struct bytes v)
{
	put_le(b, v.len, 4);
	buf_bytes(b, v);
}

void
record_text(struct buf *b, const char *s)
{
	record_bytes(b, bytes_text(s));
}

void
record_raw(struct buf *b, const void *p, size_t len)
{
	buf_put(b, p, len);
}

struct reader
reader_of(struct bytes value, uint8_t *version)
{
	struct reader r = { value, false };

	*version = read_u8(&r);
	return r;
}

uint8_t
read_u8(struct reader *r)
{
	return (uint8_t)get_le(r, 1);
}

uint32_t
read_u32(struct reader *r)
{
	return (uint32_t)get_le(r, 4);
}

uint64_t
read_u64(struct reader *r)
{
	return get_le(r, 8);
}

int64_t
read_i64(struct reader *r)
{
	return (int64_t)get_le(r, 8);
}

struct bytes
read_bytes(struct reader *r)
{
	size_t len = (size_t)get_le(r, 4);
	struct bytes v = bytes_of(r->rest.p, len);

	if (r->failed || r->rest.len < len) {
		r->failed = true;
		return BYTES_NONE;
	}
	r->rest.p += len;
	r->rest.len -= len;
	return v;
}

void
read_text(struct reader *r, char *p, size_t size)
{
	struct bytes v = read_bytes(r);

	if (v.len >= size) {
		r->failed = true;
		v.len = 0;
	}
	if (v.len > 0)
		memcpy(p, v.p, v.len);
	p[v.len] = '\0';
}

void
read_raw(struct reader *r, void *p, size_t len)
{
	if (r->failed || r->rest.len < len) {
		r->failed = true;
		memset(p, 0, len);
		return;
	}
	memcpy(p, r->rest.p, len);
	r->rest.p += len;
	r->rest.len -= len;
}

enum err_code
record_end(const struct reader *r, const char *what, struct err *err)
{
	if (!r->failed)
		return ERR_OK;
	return err_set(err, ERR_DAMAGED,
	    "a stored record (%s) is cut short: restore a backup", what);
}

enum err_code
index_get_u64(struct txn *t, const struct key *k, uint64_t *ret)
{
	struct bytes v;
	struct reader r;
	enum err_code rc = txn_get(t, key_view(k), &v, NULL);

	if (rc != ERR_OK)
		return rc;
	r = (struct reader){ v, false };
	*ret = read_u64(&r);
	return r.failed ? ERR_DAMAGED : ERR_OK;
}

enum err_code
index_get_u32(struct txn *t, const struct key *k, uint32_t *ret)
{
	uint64_t v;
	enum err_code rc = index_get_u64(t, k, &v);

	if (rc == ERR_OK)
		*ret = (uint32_t)v;
	return rc;
}

enum err_code
index_put_u64(struct txn *t, const struct key *k, uint64_t v, struct err *err)
{
	uint8_t p[8];
	size_t i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	return txn_put(t, key_view(k), bytes_of(p, 8), err);
}

enum err_code
index_put_u32(struct txn *t, const struct key *k, uint32_t v, struct err *err)
{
	return index_put_u64(t, k, v, err);
}

enum err_code
counter_last(struct txn *t, const char *name, uint64_t *ret, struct err *err)
{
	struct key k = key_of(KIND_COUNTER);
	uint64_t last = 0;
	enum err_code rc;

	key_bytes(&k, bytes_text(name));
	rc = index_get_u64(t, &k, &last);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "counter %s", name);
	*ret = last;
	return ERR_OK;
}

enum err_code
counter_take(struct txn *t, const char *name, uint64_t n, uint64_t *first,
    struct err *err)
{
	struct key k = key_of(KIND_COUNTER);
	uint64_t last;
	enum err_code rc = counter_last(t, name, &last, err);

	if (rc != ERR_OK)
		return rc;
	key_bytes(&k, bytes_text(name));
	*first = last + 1;
	return index_put_u64(t, &k, last + n, err);
}

enum err_code
counter_next(struct txn *t, const char *name, uint64_t *ret, struct err *err)
{
	return counter_take(t, name, 1, ret, err);
}

enum err_code
txn_drop(struct txn *t, const struct key *k, struct err *err)
{
	enum err_code rc = txn_del(t, key_view(k), err);

	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err_code
first_number(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	(void)value;
	(void)err;
	*(uint64_t *)arg = key_get_u64(key, 1);
	*stop = true;
	return ERR_OK;
}

enum err_code
txn_first_number(struct txn *t, enum kind kind, uint64_t *ret, struct err *err)
{
	struct key prefix = key_of(kind);

	*ret = 0;
	return txn_each(
	    t, key_view(&prefix), BYTES_NONE, first_number, ret, err);
}
