/*
 * key.h - keys from fixed fields.
 *
 * A key is a kind (one character, model/kinds.tbl) and fields; integers are
 * big-endian, so that keys sort as their fields do.  Text may only stand last.
 */
#ifndef MDMFS_STORE_KEY_H
#define MDMFS_STORE_KEY_H

#include <assert.h>

#include "engine/store/store.h"

struct key {
	uint8_t p[STORE_KEY_MAX];
	size_t len;
};

static inline struct key
key_new(char kind)
{
	struct key k;

	k.p[0] = (uint8_t)kind;
	k.len = 1;
	return k;
}

static inline void
key_u8(struct key *k, uint8_t v)
{
	assert(k->len < STORE_KEY_MAX);
	k->p[k->len++] = v;
}

static inline void
key_u32(struct key *k, uint32_t v)
{
	int i;

	for (i = 24; i >= 0; i -= 8)
		key_u8(k, (uint8_t)(v >> i));
}

static inline void
key_u64(struct key *k, uint64_t v)
{
	int i;

	for (i = 56; i >= 0; i -= 8)
		key_u8(k, (uint8_t)(v >> i));
}

/* b must fit: names are at most 255 bytes, checked at the door. */
static inline void
key_bytes(struct key *k, struct bytes b)
{
	assert(b.len <= STORE_KEY_MAX - k->len);
	if (b.len > 0)
		memcpy(k->p + k->len, b.p, b.len);
	k->len += b.len;
}

static inline struct bytes
key_view(const struct key *k)
{
	return bytes_of(k->p, k->len);
}

/* The big-endian number at offset; the key must be long enough. */
static inline uint32_t
key_get_u32(struct bytes key, size_t offset)
{
	assert(key.len >= offset + 4);
	return (uint32_t)key.p[offset] << 24 |
	       (uint32_t)key.p[offset + 1] << 16 |
	       (uint32_t)key.p[offset + 2] << 8 | key.p[offset + 3];
}

static inline uint64_t
key_get_u64(struct bytes key, size_t offset)
{
	return (uint64_t)key_get_u32(key, offset) << 32 |
	       key_get_u32(key, offset + 4);
}

#endif
