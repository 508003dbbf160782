/*
 * record.h - the values in the store: a version byte, then fields in order.
 *
 * Numbers are little-endian of fixed width; text and bytes carry their length
 * in front (u32).  A reader latches the first fault: read all fields, ask
 * record_end() once.  New fields are added at the end, under a new version.
 */
#ifndef MDMFS_MODEL_RECORD_H
#define MDMFS_MODEL_RECORD_H

#include "engine/store/key.h"
#include "mdmfs/buf.h"

enum kind {
#define KIND(name, byte, key, value) KIND_##name = (byte),
#include "engine/model/kinds.tbl"
};

static inline struct key
key_of(enum kind kind)
{
	return key_new((char)kind);
}

void record_u8(struct buf *b, uint8_t v);
void record_u32(struct buf *b, uint32_t v);
void record_u64(struct buf *b, uint64_t v);
void record_i64(struct buf *b, int64_t v);
void record_bytes(struct buf *b, struct bytes v);
void record_text(struct buf *b, const char *s);
void record_raw(struct buf *b, const void *p, size_t len); /* no length */

struct reader {
	struct bytes rest;
	bool failed;
};

/* A reader behind the version byte; *version tells it. */
struct reader reader_of(struct bytes value, uint8_t *version);

uint8_t read_u8(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
int64_t read_i64(struct reader *r);
struct bytes read_bytes(struct reader *r); /* borrowed from the value */
/* Copies text into p of size, NUL-terminated; too long is a fault. */
void read_text(struct reader *r, char *p, size_t size);
void read_raw(struct reader *r, void *p, size_t len);

/* ERR_DAMAGED naming what, if a field was missing. */
enum err_code record_end(
    const struct reader *r, const char *what, struct err *err);

/* A new number: one more than the last one given out under that name. */
enum err_code counter_next(
    struct txn *t, const char *name, uint64_t *ret, struct err *err);
/* The last one given out; 0: none yet. */
enum err_code counter_last(
    struct txn *t, const char *name, uint64_t *ret, struct err *err);
/* n of them; *first is the first. */
enum err_code counter_take(struct txn *t, const char *name, uint64_t n,
    uint64_t *first, struct err *err);

/* A u64 or u32 value under a key (indexes). ERR_NOT_FOUND without a message. */
enum err_code index_get_u64(struct txn *t, const struct key *k, uint64_t *ret);
enum err_code index_get_u32(struct txn *t, const struct key *k, uint32_t *ret);
enum err_code index_put_u64(
    struct txn *t, const struct key *k, uint64_t v, struct err *err);
enum err_code index_put_u32(
    struct txn *t, const struct key *k, uint32_t v, struct err *err);

/* Delete if it is there. */
enum err_code txn_drop(struct txn *t, const struct key *k, struct err *err);

/* The number (u64, a time or an id) with which the first key of that kind
 * begins; 0: there is none. */
enum err_code txn_first_number(
    struct txn *t, enum kind kind, uint64_t *ret, struct err *err);

#endif
