#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "engine/wire/h2_priv.h"
#include "engine/wire/head_priv.h"

/* Header bytes of requests that are still arriving, of a connection. */
#define HEADS_MAX (256 * 1024)
/* Header bytes, compressed by references: beyond them a client attacks. */
#define HEAD_ABSURD (1024 * 1024)
/* What streams that wait for memory have sent already, of a connection. */
#define HELD_MAX (128 * 1024)
/* Streams that ended before their answer was sent: CVE-2023-44487 and its kin.
 * What ends later is not counted: a client may stop sending a body when it has
 * the answer (RFC 9113 8.1), and one that is refused thousands of times does so
 * each time. */
#define RESETS_MAX     200
#define RESETS_SECONDS 30

/* ---- streams -------------------------------------------------------------- */

static struct h2 *
h2_of(void *user_data)
{
	struct conn *c = user_data;

	return c->session;
}

static void
enter(struct h2_stream *s, enum h2_state state)
{
	s->state = state;
	s->since = s->last = loop_now();
}

static struct h2_stream *
stream_new(struct conn *c, int32_t id)
{
	struct h2 *h = c->session;
	struct h2_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->r = request_new(c, c->loop);
	if (s->r == NULL) {
		free(s);
		return NULL;
	}
	s->r->stream = s;
	s->id = id;
	TAILQ_INSERT_TAIL(&h->streams, s, next);
	h->n_streams++;
	h->used = true;
	enter(s, H2_HEAD);
	return s;
}

static void
head_spent(struct h2 *h, struct h2_stream *s)
{
	h->head_bytes -= s->head_bytes;
	s->head_bytes = 0;
}

void
h2_stream_gone(struct h2 *h, struct h2_stream *s)
{
	head_spent(h, s);
	h->held -= s->held;
	TAILQ_REMOVE(&h->streams, s, next);
	if (--h->n_streams == 0)
		h->idle_since = loop_now();
	loop_drop(s->r);
	free(s);
}

static void
reset(struct h2 *h, struct h2_stream *s, uint32_t why)
{
	if (nghttp2_submit_rst_stream(h->ng, NGHTTP2_FLAG_NONE, s->id, why) !=
	    0)
		conn_abort(s->r->conn);
}

/* ---- the answer ----------------------------------------------------------- */

struct fields {
	nghttp2_nv nv[16];
	size_t n;
};

static bool
put_header(void *arg, const char *name, struct bytes value)
{
	/* RFC 9113 8.2.2: those are HTTP/1.1's */
	static const char *const not_here[] = { "connection", "keep-alive",
		"proxy-connection", "transfer-encoding", "upgrade" };
	struct fields *f = arg;
	size_t i;

	for (i = 0; i < sizeof(not_here) / sizeof(not_here[0]); i++)
		if (strcmp(name, not_here[i]) == 0)
			return true;
	if (f->n == sizeof(f->nv) / sizeof(f->nv[0]))
		return false;
	/* nghttp2 copies them and does not change them */
	f->nv[f->n++] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value.p,
		.namelen = strlen(name),
		.valuelen = value.len };
	return true;
}

static ssize_t
on_source(nghttp2_session *ng, int32_t id, uint8_t *to, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
	struct h2_stream *s = source->ptr;
	struct bytes body = request_reply(s->r);
	size_t n = body.len - s->sent;

	(void)ng;
	(void)id;
	(void)user_data;
	if (n > len)
		n = len;
	if (n > 0)
		memcpy(to, body.p + s->sent, n);
	s->sent += n;
	s->last = loop_now();
	if (s->sent == body.len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

struct submit {
	struct fields fields;
	struct h2_stream *s;
};

/* request_reply_headers() lends its texts only during the call. */
static bool
copy_header(void *arg, const char *name, struct bytes value)
{
	struct submit *u = arg;
	char *kept = arena_text(u->s->r->x.arena, value);

	return kept != NULL &&
	       put_header(&u->fields, name, bytes_of(kept, value.len));
}

static void
answer(struct conn *c, struct h2_stream *s)
{
	struct h2 *h = c->session;
	nghttp2_data_provider source = { .source.ptr = s,
		.read_callback = on_source };
	struct submit u = { .s = s };
	bool body = request_reply(s->r).len > 0;
	char status[4];

	status[0] = (char)('0' + request_status(s->r) / 100);
	status[1] = (char)('0' + request_status(s->r) / 10 % 10);
	status[2] = (char)('0' + request_status(s->r) % 10);
	put_header(&u.fields, ":status", bytes_of(status, 3));
	enter(s, H2_REPLY);
	if (!request_reply_headers(s->r, copy_header, &u) ||
	    nghttp2_submit_response(h->ng, s->id, u.fields.nv, u.fields.n,
		body ? &source : NULL) != 0)
		reset(h, s, NGHTTP2_INTERNAL_ERROR);
	loop_spent(s->r);
}

static void
refuse(struct conn *c, struct h2_stream *s, int status)
{
	atomic_fetch_add(&c->loop->server->refused, 1);
	refusal_note(&c->loop->server->refusal, s->r, c->peer, status);
	head_spent(c->session, s);
	request_refuse(s->r, status);
	answer(c, s);
}

void
h2_answered(struct conn *c, struct request *r)
{
	if (r->stream == NULL)
		loop_drop(r);
	else
		answer(c, r->stream);
}

/* ---- the request ---------------------------------------------------------- */

static void
complete(struct conn *c, struct h2_stream *s)
{
	head_spent(c->session, s);
	enter(s, H2_BUSY);
	loop_submit(s->r);
}

static int
judge_head(struct conn *c, struct h2_stream *s)
{
	const struct server_options *o = &c->loop->server->options;
	struct request *r = s->r;
	struct bytes host, length;
	bool more;
	int rc;

	if (s->refuse != 0)
		return s->refuse;
	/* CONNECT has none (RFC 9113 8.5) */
	if (r->path == 0 || r->method == 0)
		return 400;
	host = request_header(r, "host", &more);
	if (!r->has_host && host.p != NULL &&
	    (more || (rc = request_host(r, host)) != 0))
		return 400;
	if ((rc = request_route(r, o->routes, o->n_routes)) != 0)
		return rc;
	length = request_header(r, "content-length", NULL);
	if (length.p == NULL)
		return 0;
	/* nghttp2 has checked that it is a number, once */
	s->has_length = true;
	s->length = strtoull((const char *)length.p, NULL, 10);
	return s->length > r->route->body_limit ? 413 : 0;
}

static size_t
to_reserve(const struct h2_stream *s)
{
	size_t limit = s->r->route->body_limit;

	if (s->has_length)
		return (size_t)s->length;
	return limit < BUDGET_SMALL_MAX ? limit : BUDGET_SMALL_MAX;
}

static void
head_done(struct conn *c, struct h2_stream *s, bool end)
{
	int rc = judge_head(c, s);
	size_t size;

	if (rc != 0) {
		refuse(c, s, rc);
		return;
	}
	if (end) {
		complete(c, s);
		return;
	}
	enter(s, H2_BODY);
	size = to_reserve(s);
	if (size > 0 &&
	    !loop_reserve(s->r,
		size > BUDGET_SMALL_MAX ? BUDGET_LARGE : BUDGET_SMALL, size))
		enter(s, H2_WAIT);
}

/* Whether the body may have what it has: else it waits, or is refused.  One
 * that waits already is judged when it goes on. */
static void
body_check(struct conn *c, struct h2_stream *s)
{
	struct request *r = s->r;
	size_t limit = r->route->body_limit;
	size_t taken = r->taken[BUDGET_SMALL] + r->taken[BUDGET_LARGE];

	if (s->state != H2_BODY)
		return;
	if (r->body.error != ERR_OK)
		refuse(c, s, 503);
	else if (r->body.len > limit)
		refuse(c, s, 413);
	else if (r->body.len > taken &&
		 !loop_reserve(r, BUDGET_LARGE, limit - taken))
		enter(s, H2_WAIT);
}

/* The stream may send on. */
static void
give_window(struct h2 *h, struct h2_stream *s)
{
	if (s->held > 0)
		nghttp2_session_consume_stream(h->ng, s->id, s->held);
	h->held -= s->held;
	s->held = 0;
}

void
h2_resume(struct conn *c, struct request *r)
{
	struct h2 *h = c->session;
	struct h2_stream *s = r->stream;

	enter(s, H2_BODY);
	give_window(h, s);
	body_check(c, s);
	if (s->state == H2_BODY && s->ended)
		complete(c, s);
}

/* ---- nghttp2's callbacks -------------------------------------------------- */

static bool
is_request(const nghttp2_frame *f)
{
	return f->hd.type == NGHTTP2_HEADERS &&
	       f->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int
on_begin_headers(nghttp2_session *ng, const nghttp2_frame *f, void *user_data)
{
	struct h2 *h = h2_of(user_data);
	struct conn *c = user_data;
	struct h2_stream *s = NULL;

	if (!is_request(f))
		return 0;
	/* reset streams whose handlers still run count as well */
	if (c->n_pool < H2_STREAMS && h->n_streams < H2_STREAMS * 2 &&
	    h->head_bytes < HEADS_MAX)
		s = stream_new(c, f->hd.stream_id);
	if (s == NULL)
		return nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE,
			   f->hd.stream_id, NGHTTP2_REFUSED_STREAM) == 0
		           ? 0
		           : NGHTTP2_ERR_CALLBACK_FAILURE;
	nghttp2_session_set_stream_user_data(ng, f->hd.stream_id, s);
	return 0;
}

static int
take_header(struct h2_stream *s, struct bytes name, struct bytes value)
{
	if (bytes_equal(name, bytes_text(":path")))
		return value.len > HEAD_LINE_MAX ? 414
		                                 : request_target(s->r, value);
	if (name.len + value.len > HEAD_LINE_MAX || s->head_bytes > HEAD_MAX)
		return 431;
	if (bytes_equal(name, bytes_text(":method")))
		return request_method(s->r, value);
	if (bytes_equal(name, bytes_text(":authority")))
		return request_host(s->r, value);
	if (name.len > 0 && name.p[0] == ':')
		return 0;
	return request_field(s->r, name, value);
}

static int
on_header(nghttp2_session *ng, const nghttp2_frame *f, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
    void *user_data)
{
	struct h2_stream *s =
	    nghttp2_session_get_stream_user_data(ng, f->hd.stream_id);
	struct h2 *h = h2_of(user_data);
	size_t n = name_len + value_len + 32; /* RFC 9113 6.5.2 */

	(void)flags;
	if (s == NULL || !is_request(f))
		return 0;
	s->head_bytes += n;
	h->head_bytes += n;
	if (s->head_bytes > HEAD_ABSURD)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (s->refuse == 0)
		s->refuse = take_header(
		    s, bytes_of(name, name_len), bytes_of(value, value_len));
	return 0;
}

static int
on_frame_recv(nghttp2_session *ng, const nghttp2_frame *f, void *user_data)
{
	bool end = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct conn *c = user_data;
	struct h2_stream *s;

	if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA)
		return 0;
	s = nghttp2_session_get_stream_user_data(ng, f->hd.stream_id);
	if (s == NULL)
		return 0;
	if (is_request(f)) {
		head_done(c, s, end);
	} else if (end && s->state == H2_BODY) {
		complete(c, s);
	} else if (end) {
		s->ended = true; /* it waits */
	}
	return 0;
}

static int
on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *p,
    size_t len, void *user_data)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);
	struct h2 *h = h2_of(user_data);
	struct conn *c = user_data;

	(void)flags;
	/* a stream that waits must not stop its neighbours */
	nghttp2_session_consume_connection(ng, len);
	if (s == NULL || (s->state != H2_BODY && s->state != H2_WAIT)) {
		nghttp2_session_consume_stream(ng, id, len);
		return 0;
	}
	s->last = loop_now();
	s->received += len;
	buf_put(&s->r->body, p, len);
	body_check(c, s);
	if (s->state == H2_BODY) {
		nghttp2_session_consume_stream(ng, id, len);
	} else if (s->state == H2_WAIT) {
		s->held += len;
		h->held += len;
		if (h->held > HELD_MAX)
			reset(h, s, NGHTTP2_REFUSED_STREAM);
	}
	return 0;
}

/* An answer before the end of the body: what still comes is thrown away for a
 * moment, since some clients (curl 7.88) lose the answer when they cannot send
 * on.  Then RFC 9113 8.1 applies: a reset without error. */
static int
on_frame_send(nghttp2_session *ng, const nghttp2_frame *f, void *user_data)
{
	struct h2_stream *s;

	(void)user_data;
	if ((f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA) ||
	    (f->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	s = nghttp2_session_get_stream_user_data(ng, f->hd.stream_id);
	if (s != NULL)
		enter(s, H2_DRAIN);
	return 0;
}

/* Many of them mean a client that lets us work for nothing. */
static void
count_reset(struct h2 *h)
{
	int64_t now = loop_now();

	if (now - h->resets_since > RESETS_SECONDS * 1000) {
		h->resets_since = now;
		h->resets = 0;
	}
	if (++h->resets == RESETS_MAX)
		nghttp2_session_terminate_session(
		    h->ng, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int
on_stream_close(
    nghttp2_session *ng, int32_t id, uint32_t error, void *user_data)
{
	struct h2_stream *s = nghttp2_session_get_stream_user_data(ng, id);
	struct h2 *h = h2_of(user_data);

	/* whatever error the client calls it, also none */
	(void)error;
	if (s == NULL || s->state != H2_DRAIN)
		count_reset(h);
	if (s != NULL)
		h2_stream_gone(h, s);
	return 0;
}

nghttp2_session_callbacks *
h2_callbacks(void)
{
	nghttp2_session_callbacks *cb = NULL;

	if (nghttp2_session_callbacks_new(&cb) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(
	    cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
	nghttp2_session_callbacks_set_on_stream_close_callback(
	    cb, on_stream_close);
	return cb;
}

void
h2_stream_reset(struct h2 *h, struct h2_stream *s)
{
	reset(h, s, s->state == H2_DRAIN ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
}
