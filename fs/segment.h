/*
 * segment.h - events and events.1: a part of the stream of events as a file,
 * filtered by what the caller may see.
 *
 * A segment is named by the offset at which it begins, which stays when it
 * grows old, so `tail -F` reads events to its end before it follows the new
 * one.
 */
#ifndef MDMFS_FS_SEGMENT_H
#define MDMFS_FS_SEGMENT_H

#include "mdmfs/event.h"

#include "fs/view.h"

struct segment {
	uint64_t begin;
	uint64_t end; /* as of now */
	bool current; /* events; else events.1 */
};

/* ERR_NOT_FOUND: it was thrown away. */
enum err_code segment_find(
    struct engine *e, uint64_t begin, struct segment *ret, struct err *err);

/* Bytes that the caller sees of it now. */
enum err_code segment_size(struct engine *e, uint64_t begin,
    const struct view *v, uint64_t *ret, struct err *err);

/* Where an open file's last read ended: offset in the file and in the stream.
 * Reads one after another need not count from the start. */
struct segment_place {
	uint64_t off;
	uint64_t stream; /* 0: nothing known */
};

/* Append at most max bytes of it from off on. */
struct segment_read {
	uint64_t begin;
	uint64_t off;
	uint64_t max;
	const struct view *view;
	struct segment_place *place;
};
enum err_code segment_read(struct engine *e, const struct segment_read *r,
    struct buf *b, struct err *err);

#endif
