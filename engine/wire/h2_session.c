#include <stdlib.h>
#include <string.h>

#include "engine/wire/h2_priv.h"
#include "engine/wire/head_priv.h"

/* Frames that are made ahead of the socket. */
#define AHEAD (64 * 1024)

static bool
is_over(const struct h2 *h)
{
	return nghttp2_session_want_read(h->ng) == 0 &&
	       nghttp2_session_want_write(h->ng) == 0;
}

static void
h2_more(struct conn *c)
{
	struct h2 *h = c->session;
	const uint8_t *p;
	ssize_t n;

	while (c->out.len < AHEAD) {
		n = nghttp2_session_mem_send(h->ng, &p);
		if (n < 0)
			conn_abort(c);
		if (n <= 0)
			break;
		buf_put(&c->out, p, (size_t)n);
	}
	if (c->state == CONN_OPEN && c->out.len == 0 && is_over(h))
		conn_finish(c, true);
}

static void
h2_feed(struct conn *c, struct bytes in)
{
	struct h2 *h = c->session;
	ssize_t n = nghttp2_session_mem_recv(h->ng, in.p, in.len);

	/* what is against the protocol was answered with GOAWAY and comes not
	 * here; that are floods, a bad preface, no memory */
	if (n < 0 &&
	    nghttp2_session_terminate_session(
		h->ng, n == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM
						: NGHTTP2_PROTOCOL_ERROR) != 0)
		conn_abort(c);
	if (n < 0 && c->state == CONN_OPEN) {
		h2_more(c);
		conn_finish(c, true);
	}
}

static void
h2_eof(struct conn *c)
{
	conn_finish(c, false);
}

static bool
h2_wants_read(const struct conn *c)
{
	/* who does not take answers gets no more questions */
	return c->out.len - c->out_done < AHEAD;
}

static bool
h2_is_idle(const struct conn *c)
{
	const struct h2 *h = c->session;

	return h->n_streams == 0;
}

static int64_t
stream_deadline(const struct conn *c, const struct h2_stream *s)
{
	const struct server_options *o = &c->loop->server->options;

	switch (s->state) {
	case H2_HEAD:
		return s->since + o->head_ms;
	case H2_BODY:
		return conn_pace(c, o->body_ms, s->since, s->last, s->received);
	case H2_REPLY:
		return conn_pace(c, o->write_ms, s->since, s->last, s->sent);
	case H2_DRAIN:
		return s->since + o->linger_ms;
	case H2_WAIT:
	case H2_BUSY:
	default:
		return NEVER;
	}
}

static int64_t
h2_deadline(const struct conn *c)
{
	const struct server_options *o = &c->loop->server->options;
	const struct h2 *h = c->session;
	const struct h2_stream *s;
	int64_t first = NEVER, at;

	if (h->n_streams == 0)
		return h->idle_since + (h->used ? o->idle_ms : o->head_ms);
	TAILQ_FOREACH(s, &h->streams, next)
	{
		at = stream_deadline(c, s);
		if (at < first)
			first = at;
	}
	return first;
}

static void
goaway(struct h2 *h)
{
	nghttp2_submit_goaway(h->ng, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h->ng), NGHTTP2_NO_ERROR,
	    NULL, 0);
}

static void
h2_expired(struct conn *c, int64_t now)
{
	struct h2 *h = c->session;
	struct h2_stream *s, *next;

	if (h->n_streams == 0) {
		goaway(h);
		h2_more(c);
		conn_finish(c, false);
		return;
	}
	for (s = TAILQ_FIRST(&h->streams); s != NULL; s = next) {
		next = TAILQ_NEXT(s, next);
		if (stream_deadline(c, s) > now)
			continue;
		if (s->state == H2_HEAD) {
			/* half a header block: nothing can follow it */
			conn_abort(c);
			return;
		}
		h2_stream_reset(h, s);
		/* it closes when that is sent; not twice */
		s->since = s->last = now + c->loop->server->options.write_ms;
	}
}

static void
h2_stop(struct conn *c)
{
	struct h2 *h = c->session;

	goaway(h);
	if (h->n_streams == 0) {
		h2_more(c);
		conn_finish(c, false);
	}
}

static bool
session_new(struct conn *c, struct h2 *h)
{
	static const nghttp2_settings_entry entries[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX },
		{ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0 },
	};
	nghttp2_session_callbacks *cb = h2_callbacks();
	nghttp2_option *option = NULL;
	int rc = -1;

	if (cb != NULL && nghttp2_option_new(&option) == 0) {
		nghttp2_option_set_no_auto_window_update(option, 1);
		/* h2.c counts resets: it knows which come before the answer */
		nghttp2_option_set_stream_reset_rate_limit(
		    option, UINT64_MAX, UINT64_MAX);
		rc = nghttp2_session_server_new2(&h->ng, cb, c, option);
	}
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(cb);
	return rc == 0 &&
	       nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, entries, 3) ==
	           0 &&
	       nghttp2_session_set_local_window_size(
		   h->ng, NGHTTP2_FLAG_NONE, 0, H2_WINDOW) == 0;
}

static bool
h2_open(struct conn *c)
{
	struct h2 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return false;
	TAILQ_INIT(&h->streams);
	h->idle_since = loop_now();
	c->session = h;
	/* h2_close() frees what there is after a failure */
	return session_new(c, h);
}

static void
h2_close(struct conn *c)
{
	struct h2 *h = c->session;
	struct h2_stream *s;

	while ((s = TAILQ_FIRST(&h->streams)) != NULL)
		h2_stream_gone(h, s);
	nghttp2_session_del(h->ng);
	free(h);
}

const struct protocol protocol_h2 = {
	.open = h2_open,
	.close = h2_close,
	.feed = h2_feed,
	.eof = h2_eof,
	.wants_read = h2_wants_read,
	.is_idle = h2_is_idle,
	.more = h2_more,
	.deadline = h2_deadline,
	.expired = h2_expired,
	.answered = h2_answered,
	.resume = h2_resume,
	.stop = h2_stop,
};
