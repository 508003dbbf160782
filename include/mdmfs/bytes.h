/*
 * bytes.h - a run of bytes that belongs to someone else.
 */
#ifndef MDMFS_BYTES_H
#define MDMFS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrows; never owns.  p may be NULL only when len is 0. */
struct bytes {
	const uint8_t *p;
	size_t len;
};

#define BYTES_NONE ((struct bytes){ NULL, 0 })

static inline struct bytes
bytes_of(const void *p, size_t len)
{
	return (struct bytes){ (const uint8_t *)p, len };
}

/* The characters of s without its NUL. */
static inline struct bytes
bytes_text(const char *s)
{
	return bytes_of(s, strlen(s));
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool
bytes_begin(struct bytes a, struct bytes prefix)
{
	return a.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(a.p, prefix.p, prefix.len) == 0);
}

#endif
