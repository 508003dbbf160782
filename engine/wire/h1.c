#include <stdlib.h>
#include <string.h>

#include "engine/wire/h1_priv.h"

/* What a slice of an answer is, between two turns of the socket. */
#define SLICE (64 * 1024)

static void run(struct conn *c);

static void
enter(struct h1 *h, enum h1_state state)
{
	h->state = state;
	h->since = h->last = loop_now();
}

static struct bytes
unread(const struct h1 *h)
{
	return bytes_of(h->in.p + h->in_done, h->in.len - h->in_done);
}

static void
consume(struct h1 *h, size_t n)
{
	h->in_done += n;
	if (h->in_done == h->in.len) {
		buf_free(&h->in);
		h->in_done = 0;
	}
}

/* ---- the answer ----------------------------------------------------------- */

static bool
put_header(void *arg, const char *name, struct bytes value)
{
	struct buf *out = arg;
	size_t i;

	/* capitals at the words' beginnings, as everybody writes them */
	for (i = 0; name[i] != '\0'; i++)
		buf_char(out, (i == 0 || name[i - 1] == '-') &&
				      name[i] >= 'a' && name[i] <= 'z'
				  ? (char)(name[i] - 32)
				  : name[i]);
	buf_text(out, ": ");
	buf_bytes(out, value);
	buf_text(out, "\r\n");
	return true;
}

static void
answer(struct conn *c)
{
	struct h1 *h = c->session;
	struct request *r = h->r;
	int status = request_status(r);

	if (h->stop)
		h->keep = false;
	buf_printf(
	    &c->out, "HTTP/1.1 %d %s\r\n", status, request_reason(status));
	request_reply_headers(r, put_header, &c->out);
	if (!h->keep)
		buf_text(&c->out, "Connection: close\r\n");
	else if (h->parser.http_minor == 0)
		buf_text(&c->out, "Connection: keep-alive\r\n");
	buf_text(&c->out, "\r\n");
	loop_spent(r);
	h->written = 0;
	enter(h, H1_WRITE);
}

/* An answer of wire's own; what is left of the request is not read. */
static void
refuse(struct conn *c, int status)
{
	struct h1 *h = c->session;

	atomic_fetch_add(&c->loop->server->refused, 1);
	refusal_note(&c->loop->server->refusal, h->r, c->peer, status);
	if (h->r == NULL && (h->r = request_new(c, c->loop)) == NULL) {
		conn_abort(c);
		return;
	}
	if (!h->complete)
		h->keep = false;
	request_refuse(h->r, status);
	answer(c);
}

static void
h1_more(struct conn *c)
{
	struct h1 *h = c->session;
	struct bytes body;
	size_t n;

	if (h->state != H1_WRITE)
		return;
	body = request_reply(h->r);
	n = body.len - h->written;
	if (n > SLICE)
		n = SLICE;
	if (n > 0) {
		buf_put(&c->out, body.p + h->written, n);
		h->written += n;
		return;
	}
	loop_drop(h->r);
	h->r = NULL;
	if (!h->keep || h->stop) {
		conn_finish(c, true);
		return;
	}
	h->first = false;
	enter(h, h->in.len > 0 ? H1_HEAD : H1_IDLE);
	h->scan = (struct head_scan){ 0 };
	run(c); /* a request may be there already */
}

static void
h1_answered(struct conn *c, struct request *r)
{
	(void)r;
	answer(c);
}

/* ---- the head ------------------------------------------------------------- */

static void
body_begin(struct conn *c)
{
	struct h1 *h = c->session;

	if (h->complete) {
		enter(h, H1_BUSY);
		loop_submit(h->r);
		return;
	}
	if (h->expect_continue && h->in.len == 0 && h->received == 0)
		buf_text(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
	h->expect_continue = false;
	enter(h, H1_BODY);
}

static void
head_done(struct conn *c, size_t len)
{
	struct h1 *h = c->session;
	struct bytes head = unread(h);
	size_t size = 0;
	int rc;

	h->r = request_new(c, c->loop);
	if (h->r == NULL) {
		conn_abort(c);
		return;
	}
	head.len = len;
	head.p += h->scan.start;
	head.len -= h->scan.start;
	rc = h1_parse_head(h, head);
	h->keep = rc == 0 && http_should_keep_alive(&h->parser) != 0;
	if (rc == 0)
		rc = h1_judge_head(c, &size);
	consume(h, len);
	if (rc != 0) {
		/* after a head that is in doubt nothing can be trusted */
		h->keep = h->keep && (rc == 404 || rc == 405);
		refuse(c, rc);
		return;
	}
	enter(h, H1_WAIT);
	if (size == 0 ||
	    loop_reserve(h->r,
		size > BUDGET_SMALL_MAX ? BUDGET_LARGE : BUDGET_SMALL, size))
		body_begin(c);
}

/* ---- the body ------------------------------------------------------------- */

/* How much may be parsed before more memory is needed. */
static size_t
body_room(const struct h1 *h)
{
	return h->r->taken[BUDGET_SMALL] + h->r->taken[BUDGET_LARGE] -
	       h->r->body.len;
}

/* A chunked body has filled what it has: false when it must wait or is too
 * large. */
static bool
body_grow(struct conn *c)
{
	struct h1 *h = c->session;
	size_t limit = h->r->route->body_limit;

	if (h->r->body.len > limit) {
		refuse(c, 413);
		return false;
	}
	enter(h, H1_WAIT);
	if (!loop_reserve(
		h->r, BUDGET_LARGE, limit - h->r->taken[BUDGET_SMALL]))
		return false;
	h->state = H1_BODY;
	return true;
}

/*
 * Parse as much as surely fits: a piece of n bytes cannot hold more than n of
 * body.  One byte more goes in when nothing fits, so that the end of the body
 * can be told from too much of it.
 */
static void
body_step(struct conn *c)
{
	struct h1 *h = c->session;
	struct bytes in = unread(h);
	size_t room = body_room(h), n;
	enum http_errno error;

	n = in.len < room || !h1_is_chunked(h) ? in.len : room > 0 ? room : 1;
	n = http_parser_execute(
	    &h->parser, &h1_settings, (const char *)in.p, n);
	h->last = loop_now();
	error = HTTP_PARSER_ERRNO(&h->parser);
	if (h->refuse != 0 || (error != HPE_OK && error != HPE_PAUSED)) {
		h->keep = false;
		refuse(c, h->refuse != 0 ? h->refuse : 400);
		return;
	}
	consume(h, n);
	if (h->complete) {
		/* decided by the whole message */
		enter(h, H1_BUSY);
		loop_submit(h->r);
		return;
	}
	if (h1_is_chunked(h) && h->r->body.len > h->r->taken[BUDGET_SMALL] +
						     h->r->taken[BUDGET_LARGE])
		body_grow(c);
}

/* ---- the machine ---------------------------------------------------------- */

static void
head_step(struct conn *c)
{
	struct h1 *h = c->session;
	size_t end = 0;
	int rc = head_scan(&h->scan, unread(h), &end);

	if (rc == HEAD_DONE) {
		head_done(c, end);
	} else if (rc != HEAD_MORE) {
		h->keep = false;
		h->complete = false;
		refuse(c, rc);
	}
}

/* Goes on while something can be done with what came. */
static void
run(struct conn *c)
{
	struct h1 *h = c->session;
	size_t before;

	while (c->state == CONN_OPEN && h->in.len > 0 &&
	       (h->state == H1_HEAD || h->state == H1_IDLE ||
		   h->state == H1_BODY)) {
		before = h->in.len - h->in_done;
		if (h->state == H1_IDLE)
			enter(h, H1_HEAD);
		if (h->state == H1_HEAD)
			head_step(c);
		else
			body_step(c);
		if (h->state == H1_HEAD && h->in.len - h->in_done == before)
			break;
	}
}

static void
h1_feed(struct conn *c, struct bytes in)
{
	struct h1 *h = c->session;

	/* so that in does not grow with a connection's age */
	if (h->in_done > 0) {
		memmove(h->in.p, h->in.p + h->in_done, h->in.len - h->in_done);
		h->in.len -= h->in_done;
		h->in_done = 0;
	}
	buf_bytes(&h->in, in);
	if (h->in.error != ERR_OK)
		conn_abort(c);
	else
		run(c);
}

static void
h1_resume(struct conn *c, struct request *r)
{
	struct h1 *h = c->session;

	(void)r;
	if (h->received == 0)
		body_begin(c);
	else
		enter(h, H1_BODY);
	run(c);
}

static void
h1_eof(struct conn *c)
{
	conn_finish(c, false);
}

static bool
h1_wants_read(const struct conn *c)
{
	const struct h1 *h = c->session;

	return h->state == H1_IDLE || h->state == H1_HEAD ||
	       h->state == H1_BODY;
}

static bool
h1_is_idle(const struct conn *c)
{
	const struct h1 *h = c->session;

	return h->state == H1_IDLE;
}

static int64_t
h1_deadline(const struct conn *c)
{
	const struct server_options *o = &c->loop->server->options;
	const struct h1 *h = c->session;

	switch (h->state) {
	case H1_IDLE:
		return h->since + (h->first ? o->head_ms : o->idle_ms);
	case H1_HEAD:
		return h->since + o->head_ms;
	case H1_BODY:
		return conn_pace(c, o->body_ms, h->since, h->last, h->received);
	case H1_WAIT:
	case H1_BUSY:
	case H1_WRITE: /* the connection's */
	default:
		return NEVER;
	}
}

static void
h1_expired(struct conn *c, int64_t now)
{
	struct h1 *h = c->session;

	(void)now;
	if (h->state == H1_IDLE) {
		conn_finish(c, false);
		return;
	}
	h->keep = false;
	h->complete = false;
	refuse(c, 408);
}

static void
h1_stop(struct conn *c)
{
	struct h1 *h = c->session;

	h->stop = true;
	if (h->state == H1_IDLE)
		conn_finish(c, false);
}

static bool
h1_open(struct conn *c)
{
	struct h1 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return false;
	h->first = true;
	enter(h, H1_IDLE);
	c->session = h;
	return true;
}

static void
h1_close(struct conn *c)
{
	struct h1 *h = c->session;

	if (h->r != NULL)
		loop_drop(h->r);
	buf_wipe(&h->in);
	free(h);
}

const struct protocol protocol_h1 = {
	.open = h1_open,
	.close = h1_close,
	.feed = h1_feed,
	.eof = h1_eof,
	.wants_read = h1_wants_read,
	.is_idle = h1_is_idle,
	.more = h1_more,
	.deadline = h1_deadline,
	.expired = h1_expired,
	.answered = h1_answered,
	.resume = h1_resume,
	.stop = h1_stop,
};
