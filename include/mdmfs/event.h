/*
 * event.h - what happened: one line each, who, what, outcome.
 *
 * Events are a stream of bytes whose offsets never change; `events` shows the
 * newest part of it and `events.1` the one before.
 */
#ifndef MDMFS_EVENT_H
#define MDMFS_EVENT_H

#include "mdmfs/file.h"

struct event_range {
	uint64_t begin;  /* offset of the first byte that is kept in `events` */
	uint64_t end;    /* offset behind the last byte */
	uint64_t before; /* where `events.1` begins; == begin: there is none */
};
enum err_code event_range(
    struct engine *e, struct event_range *ret, struct err *err);

/* Whether the caller may see what happened in that organization (0: in none).
 * NULL: everything. */
typedef bool event_filter(void *arg, uint32_t org);

/*
 * Append lines from offset on, whole lines of the stream that pass the filter,
 * cut at the front to the byte offset asked for; stops after about max bytes
 * or at end.  *next is the stream's offset behind what was looked at.
 */
struct event_read {
	uint64_t from;
	uint64_t end;
	size_t max;
	event_filter *filter;
	void *arg;
};
enum err_code event_read(struct engine *e, const struct event_read *r,
    struct buf *b, uint64_t *next, struct err *err);

/* An event of the mount's own, such as a refusal: one line, without time and
 * newline.  org 0: nobody's in particular. */
enum err_code event_note(
    struct engine *e, uint32_t org, const char *line, struct err *err);

#endif
