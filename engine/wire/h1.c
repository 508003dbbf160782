#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>

#include "engine/wire/conn_priv.h"
#include "engine/wire/head_priv.h"

/* What a slice of an answer is, between two turns of the socket. */
#define SLICE (64 * 1024)

enum h1_state {
	H1_IDLE, /* no byte of a request yet */
	H1_HEAD,
	H1_WAIT, /* for memory */
	H1_BODY,
	H1_BUSY,  /* with the handler */
	H1_WRITE, /* the answer */
};

struct h1 {
	enum h1_state state;
	http_parser parser;
	struct head_scan scan;
	struct buf in; /* what came and was not understood yet */
	size_t in_done;
	struct request *r;
	int refuse; /* a status that the parser's callbacks found; 0: none */
	bool first; /* no request has been answered yet */
	bool keep;  /* the connection, after the answer */
	bool complete;
	bool stop;            /* take no more requests */
	bool expect_continue; /* and not told yet */
	struct bytes name;    /* of the header whose value comes next */
	int64_t since;        /* of the state */
	int64_t last;         /* byte of the body */
	uint64_t received;    /* of the body */
	size_t written;       /* of the answer's body */
};

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

/* ---- the parser's callbacks ----------------------------------------------- */

static int
note(struct h1 *h, int status)
{
	if (status != 0 && h->refuse == 0)
		h->refuse = status;
	return status != 0 ? -1 : 0;
}

static int
on_url(http_parser *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	return note(h, request_target(h->r, bytes_of(at, len)));
}

static int
on_name(http_parser *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	h->name = bytes_of(at, len);
	return 0;
}

static int
on_value(http_parser *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	/* headers behind a chunked body: nothing of ours */
	if (h->state == H1_BODY)
		return 0;
	return note(h, request_field(h->r, h->name, bytes_of(at, len)));
}

static int
on_body(http_parser *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	buf_put(&h->r->body, at, len);
	h->received += len;
	return note(h, h->r->body.error != ERR_OK ? 503 : 0);
}

static int
on_complete(http_parser *p)
{
	struct h1 *h = p->data;

	h->complete = true;
	http_parser_pause(p, 1); /* the rest is another request */
	return 0;
}

static const http_parser_settings settings = {
	.on_url = on_url,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

/* ---- the head ------------------------------------------------------------- */

/* RFC 9112 6.3: two ways to say where the body ends are a way to smuggle. */
static int
check_framing(struct h1 *h)
{
	bool more_coding, more_length;
	struct bytes coding =
	    request_header(h->r, "transfer-encoding", &more_coding);
	struct bytes length =
	    request_header(h->r, "content-length", &more_length);
	size_t i;

	if ((coding.p != NULL && length.p != NULL) || more_coding ||
	    more_length || (coding.p != NULL && h->parser.http_minor == 0))
		return 400;
	if (coding.p != NULL &&
	    (coding.len != 7 ||
		strncasecmp((const char *)coding.p, "chunked", 7) != 0))
		return 501;
	for (i = 0; i < length.len; i++)
		if (length.p[i] < '0' || length.p[i] > '9')
			return 400;
	return length.p != NULL && length.len == 0 ? 400 : 0;
}

static int
check_host(struct h1 *h)
{
	bool more;
	struct bytes host = request_header(h->r, "host", &more);

	/* RFC 9112 3.2 */
	if (more || (host.p == NULL && h->parser.http_minor > 0))
		return 400;
	/* an absolute target comes first */
	return h->r->has_host ? 0 : request_host(h->r, host);
}

static int
check_expect(struct h1 *h)
{
	struct bytes expect = request_header(h->r, "expect", NULL);

	if (expect.p == NULL || h->parser.http_minor == 0)
		return 0;
	h->expect_continue =
	    expect.len == 12 &&
	    strncasecmp((const char *)expect.p, "100-continue", 12) == 0;
	return h->expect_continue ? 0 : 417;
}

static bool
is_chunked(const struct h1 *h)
{
	return (h->parser.flags & F_CHUNKED) != 0;
}

/* What the body may have, when the head is here: *size is to be set aside. */
static int
check_body(struct h1 *h, size_t *size)
{
	size_t limit = h->r->route->body_limit;

	*size = 0;
	if (h->complete)
		return 0;
	if (is_chunked(h)) {
		*size = limit < BUDGET_SMALL_MAX ? limit : BUDGET_SMALL_MAX;
		return 0;
	}
	if (h->parser.content_length > limit)
		return 413;
	*size = (size_t)h->parser.content_length;
	return 0;
}

static int
judge_head(struct conn *c, size_t *size)
{
	const struct server_options *o = &c->loop->server->options;
	struct h1 *h = c->session;
	int rc;

	/* http_parser leaves the method as a number */
	if ((rc = request_method(
		 h->r, bytes_text(http_method_str(
			   (enum http_method)h->parser.method)))) != 0 ||
	    (rc = check_framing(h)) != 0 || (rc = check_host(h)) != 0 ||
	    (rc = check_expect(h)) != 0 ||
	    (rc = request_route(h->r, o->routes, o->n_routes)) != 0)
		return rc;
	return check_body(h, size);
}

static int
parse_head(struct h1 *h, struct bytes head)
{
	enum http_errno error;

	http_parser_init(&h->parser, HTTP_REQUEST);
	h->parser.data = h;
	h->refuse = 0;
	h->complete = false;
	h->expect_continue = false;
	h->received = 0;
	http_parser_execute(
	    &h->parser, &settings, (const char *)head.p, head.len);
	error = HTTP_PARSER_ERRNO(&h->parser);
	if (h->refuse != 0)
		return h->refuse;
	if (error == HPE_INVALID_VERSION)
		return 505;
	if (error != HPE_OK && error != HPE_PAUSED)
		return 400;
	if (h->parser.http_major != 1 || h->parser.http_minor > 1)
		return 505;
	return 0;
}

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
	rc = parse_head(h, head);
	h->keep = rc == 0 && http_should_keep_alive(&h->parser) != 0;
	if (rc == 0)
		rc = judge_head(c, &size);
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

	n = in.len < room || !is_chunked(h) ? in.len : room > 0 ? room : 1;
	n = http_parser_execute(&h->parser, &settings, (const char *)in.p, n);
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
	if (is_chunked(h) && h->r->body.len > h->r->taken[BUDGET_SMALL] +
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
