#include "fs/segment.h"

#define CHUNK 65536

enum err_code
segment_find(
    struct engine *e, uint64_t begin, struct segment *ret, struct err *err)
{
	struct event_range r;
	enum err_code rc = event_range(e, &r, err);

	if (rc != ERR_OK)
		return rc;
	if (begin == r.begin)
		*ret = (struct segment){ begin, r.end, true };
	else if (begin == r.before)
		*ret = (struct segment){ begin, r.begin, false };
	else
		return err_set(err, ERR_NOT_FOUND, "those events are gone");
	return ERR_OK;
}

/* Walk the filtered stream from *off (in the file) and *stream on, a chunk of
 * whole lines at a time, until the byte at `until` is in b or the end. */
struct walk {
	struct engine *engine;
	struct view_orgs orgs;
	uint64_t off;
	uint64_t stream;
	uint64_t end;
};

static enum err_code
step(struct walk *w, struct buf *b, uint64_t *next, struct err *err)
{
	struct event_read r = { w->stream, w->end, CHUNK, view_filter,
		&w->orgs };

	buf_reset(b);
	if (w->orgs.all)
		r.filter = NULL;
	return event_read(w->engine, &r, b, next, err);
}

enum err_code
segment_size(struct engine *e, uint64_t begin, const struct view *v,
    uint64_t *ret, struct err *err)
{
	struct walk w = { .engine = e };
	struct segment s = { 0 };
	struct buf b = { 0 };
	enum err_code rc = segment_find(e, begin, &s, err);

	if (rc != ERR_OK)
		return rc;
	if (v->uid == 0) {
		*ret = s.end - s.begin;
		return ERR_OK;
	}
	w.stream = s.begin;
	w.end = s.end;
	rc = view_orgs_init(&w.orgs, e, v, err);
	while (rc == ERR_OK && w.stream < w.end) {
		uint64_t next = w.end;

		rc = step(&w, &b, &next, err);
		if (next <= w.stream)
			break;
		w.off += b.len;
		w.stream = next;
	}
	view_orgs_fini(&w.orgs);
	buf_free(&b);
	if (rc == ERR_OK)
		*ret = w.off;
	return rc;
}

static enum err_code
copy(struct walk *w, const struct segment_read *r, struct buf *b,
    struct err *err)
{
	struct buf chunk = { 0 };
	uint64_t left = r->max;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && left > 0 && w->stream < w->end) {
		uint64_t next = w->end, skip;

		rc = step(w, &chunk, &next, err);
		if (rc != ERR_OK || next <= w->stream)
			break;
		skip = r->off + (r->max - left) - w->off;
		if (skip < chunk.len) {
			uint64_t n =
			    chunk.len - skip < left ? chunk.len - skip : left;
			buf_put(b, chunk.p + skip, n);
			left -= n;
			if (skip + n < chunk.len)
				break; /* the next read begins in this chunk */
		}
		w->off += chunk.len;
		w->stream = next;
	}
	buf_free(&chunk);
	return rc == ERR_OK ? buf_error(b, err) : rc;
}

enum err_code
segment_read(struct engine *e, const struct segment_read *r, struct buf *b,
    struct err *err)
{
	struct walk w = { .engine = e };
	struct segment s = { 0 };
	enum err_code rc = segment_find(e, r->begin, &s, err);

	if (rc != ERR_OK)
		return rc;
	w.end = s.end;
	w.stream = s.begin;
	if (r->view->uid == 0) { /* sees every byte: offsets are the stream's */
		if (r->off >= s.end - s.begin)
			return ERR_OK;
		w.off = r->off;
		w.stream = s.begin + r->off;
	} else if (r->place->stream != 0 && r->place->off <= r->off) {
		w.off = r->place->off;
		w.stream = r->place->stream;
	}
	if ((rc = view_orgs_init(&w.orgs, e, r->view, err)) == ERR_OK)
		rc = copy(&w, r, b, err);
	view_orgs_fini(&w.orgs);
	if (rc == ERR_OK)
		*r->place = (struct segment_place){ w.off, w.stream };
	return rc;
}
