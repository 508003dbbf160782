#include "engine/model/events.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/base/text.h"

#define TRIM 4 /* old events removed with each new one */

static enum err_code
info_get(struct txn *t, struct event_range *ret, struct err *err)
{
	struct key k = key_of(KIND_EVENT_INFO);
	struct bytes value;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	*ret = (struct event_range){ 0 };
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "events: %s", err_text(rc));
	r = reader_of(value, &version);
	ret->begin = read_u64(&r);
	ret->end = read_u64(&r);
	ret->before = read_u64(&r);
	return record_end(&r, "events", err);
}

static enum err_code
info_put(struct txn *t, const struct event_range *info, struct err *err)
{
	struct key k = key_of(KIND_EVENT_INFO);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_u64(&b, info->begin);
	record_u64(&b, info->end);
	record_u64(&b, info->before);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

struct trim {
	struct txn *t;
	uint64_t before;
	int left;
};

static enum err_code
trim_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct trim *trim = arg;

	(void)value;
	if (key_get_u64(key, 1) > trim->before || trim->left-- == 0) {
		*stop = true;
		return ERR_OK;
	}
	return txn_del(trim->t, key, err);
}

/* Store one line (with its newline) at the end of the stream. */
static enum err_code
append(struct txn *t, uint32_t org, struct bytes line, struct err *err)
{
	struct key k = key_of(KIND_EVENT), prefix = k;
	struct trim trim = { t, 0, TRIM };
	struct event_range info;
	struct buf b = { 0 };
	enum err_code rc;

	if ((rc = info_get(t, &info, err)) != ERR_OK)
		return rc;
	if (info.end - info.begin > EVENTS_MAX) {
		info.before = info.begin;
		info.begin = info.end;
	}
	info.end += line.len;
	key_u64(&k, info.end);
	record_u8(&b, 1);
	record_u32(&b, org);
	record_bytes(&b, line);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	if (rc == ERR_OK)
		rc = info_put(t, &info, err);
	trim.before = info.before;
	if (rc == ERR_OK && info.before > 0)
		rc = txn_each(
		    t, key_view(&prefix), BYTES_NONE, trim_one, &trim, err);
	return rc;
}

static enum err_code
record_line(struct txn *t, const struct engine *e, uint32_t org,
    struct bytes text, struct err *err)
{
	struct buf b = { 0 };
	enum err_code rc;

	text_time(&b, engine_now(e));
	buf_char(&b, ' ');
	if (text_is_clean(text))
		buf_bytes(&b, text); /* parts may be escaped already */
	else
		text_escape(&b, text);
	buf_char(&b, '\n');
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = append(t, org, buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
event_record(struct txn *t, const struct engine *e, uint32_t org,
    struct err *err, const char *fmt, ...)
{
	struct buf b = { 0 };
	enum err_code rc;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = record_line(t, e, org, buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
event_change(struct txn *t, const struct engine *e, const struct actor *actor,
    const char *verb, const struct node *n, const char *note, struct err *err)
{
	struct buf path = { 0 };
	enum err_code rc;

	node_path(t, n, &path);
	rc = event_record(t, e, n->n.org, err,
	    "uid=%u pid=%d comm=%s %s %s%s%s", actor->uid, actor->pid,
	    actor->comm[0] != '\0' ? actor->comm : "-", verb, buf_str(&path),
	    note[0] != '\0' ? ": " : "", note);
	buf_free(&path);
	return rc;
}

/* ---- the public verbs --------------------------------------------------- */

static enum err_code
range_txn(struct txn *t, void *arg, struct err *err)
{
	return info_get(t, arg, err);
}

enum err_code
event_range(struct engine *e, struct event_range *ret, struct err *err)
{
	struct event_range info;
	enum err_code rc = store_view(e->store, range_txn, &info, err);

	if (rc == ERR_OK)
		*ret = info;
	return rc;
}

struct add {
	struct engine *engine;
	uint32_t org;
	const char *line;
};

static enum err_code
add_txn(struct txn *t, void *arg, struct err *err)
{
	struct add *a = arg;

	return record_line(t, a->engine, a->org, bytes_text(a->line), err);
}

enum err_code
event_note(struct engine *e, uint32_t org, const char *line, struct err *err)
{
	struct add a = { e, org, line };

	return store_update(e->store, add_txn, &a, err);
}

struct read {
	const struct event_read *r;
	struct buf *b;
	uint64_t next;
};

static enum err_code
read_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct read *read = arg;
	const struct event_read *r = read->r;
	uint64_t end = key_get_u64(key, 1), begin;
	uint8_t version;
	struct reader reader = reader_of(value, &version);
	uint32_t org = read_u32(&reader);
	struct bytes line = read_bytes(&reader);
	enum err_code rc = record_end(&reader, "event", err);

	if (rc != ERR_OK)
		return rc;
	begin = end - line.len;
	if (begin >= r->end || read->b->len >= r->max) {
		*stop = true;
		return ERR_OK;
	}
	if (r->filter == NULL || r->filter(r->arg, org)) {
		if (begin < r->from) {
			line.p += r->from - begin;
			line.len = end - r->from;
		}
		buf_bytes(read->b, line);
	}
	read->next = end;
	return buf_error(read->b, err);
}

static enum err_code
read_txn(struct txn *t, void *arg, struct err *err)
{
	struct read *read = arg;
	struct key prefix = key_of(KIND_EVENT), from = prefix;

	buf_reset(read->b);
	read->next = read->r->from;
	key_u64(&from, read->r->from + 1);
	return txn_each(
	    t, key_view(&prefix), key_view(&from), read_one, read, err);
}

enum err_code
event_read(struct engine *e, const struct event_read *r, struct buf *b,
    uint64_t *next, struct err *err)
{
	struct buf lines = { 0 };
	struct read read = { .r = r, .b = &lines };
	enum err_code rc = store_view(e->store, read_txn, &read, err);

	if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&lines));
		rc = buf_error(b, err);
	}
	if (rc == ERR_OK)
		*next = read.next;
	buf_free(&lines);
	return rc;
}

enum err_code
event_newest(struct txn *t, int64_t *ret, struct err *err)
{
	struct key k = key_of(KIND_EVENT);
	struct bytes key, value, line;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_last(t, key_view(&k), &key, &value, err);

	if (rc != ERR_OK)
		return rc;
	r = reader_of(value, &version);
	(void)read_u32(&r);
	line = read_bytes(&r);
	if (line.len > 20)
		line.len = 20; /* 2026-11-25T14:11:00Z */
	if ((rc = record_end(&r, "event", err)) == ERR_OK)
		rc = text_untime(line, ret, err);
	return rc;
}
