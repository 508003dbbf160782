#include "engine/push/apns_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#define OUT_ENOUGH 16384 /* a TLS record */

static void address_next(struct conn *c);

void
apns_conn_die(struct conn *c, enum conn_end end, const char *fmt, ...)
{
	va_list ap;

	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	c->end = end;
	if (c->why[0] != '\0') /* a GOAWAY has said why */
		return;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

/* ---- time --------------------------------------------------------------- */

/* When it will have said nothing for so long that it must be asked. */
static int64_t
silent_at(const struct conn *c)
{
	const struct apns_times *t = &c->pool->apns->times;
	const struct request *oldest = TAILQ_FIRST(&c->streams);
	int64_t idle = c->heard_ms + t->idle_ms, since;

	if (oldest == NULL)
		return idle;
	since = c->heard_ms > oldest->since_ms ? c->heard_ms : oldest->since_ms;
	return since + t->silence_ms < idle ? since + t->silence_ms : idle;
}

static void
timer_set(struct conn *c)
{
	const struct apns_times *t = &c->pool->apns->times;
	const struct request *oldest = TAILQ_FIRST(&c->streams);
	int64_t at, now = apns_clock_ms();

	if (c->state == CONN_DEAD)
		return;
	if (c->pinged_ms != 0 && c->heard_ms >= c->pinged_ms)
		c->pinged_ms = 0;
	if (c->state != CONN_OPEN)
		at = c->address_ms + t->connect_ms;
	else if (c->pinged_ms != 0)
		at = c->pinged_ms + t->answer_ms;
	else
		at = silent_at(c);
	if (oldest != NULL && oldest->since_ms + t->stream_ms < at)
		at = oldest->since_ms + t->stream_ms;
	apns_timer(c->ev_timer, at - now);
}

/* Gather what HTTP/2 wants to say, up to about one record. */
static void
out_fill(struct conn *c)
{
	const uint8_t *p;
	ssize_t n = 0;

	buf_reset(&c->out);
	c->out_off = 0;
	while (c->out.len < OUT_ENOUGH &&
	       (n = nghttp2_session_mem_send(c->h2, &p)) > 0)
		buf_put(&c->out, p, (size_t)n);
	if (n < 0 || buf_error(&c->out, NULL) != ERR_OK)
		apns_conn_die(c, END_LOST, "out of memory");
}

static void
out_write(struct conn *c)
{
	while (c->state == CONN_OPEN) {
		if (c->out_off == c->out.len)
			out_fill(c);
		if (c->state != CONN_OPEN || c->out.len == 0)
			break;
		if (!apns_tls_write(c))
			return;
	}
	if (c->state == CONN_OPEN && nghttp2_session_want_read(c->h2) == 0 &&
	    nghttp2_session_want_write(c->h2) == 0)
		apns_conn_die(c, END_LOST, "HTTP/2 came to its end");
}

void
apns_conn_flush(struct conn *c)
{
	if (c->state == CONN_OPEN)
		out_write(c);
	timer_set(c);
}

/* ---- TCP ---------------------------------------------------------------- */

/* Everything of the present address. */
static void
hang_up(struct conn *c)
{
	if (c->ev_read != NULL)
		event_free(c->ev_read);
	if (c->ev_write != NULL)
		event_free(c->ev_write);
	c->ev_read = c->ev_write = NULL;
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* It failed before HTTP/2; what went wrong last is what is told. */
static void
address_failed(struct conn *c, const char *why)
{
	bool more = c->address < c->pool->apns->addresses.n;

	if (more)
		address_next(c);
	else
		apns_conn_die(c, END_LOST, "cannot connect to %s: %s",
		    c->pool->apns->authority, why);
}

static void
tcp_connected(struct conn *c)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len) != 0)
		e = errno;
	if (e != 0) {
		address_failed(c, strerror(e));
		return;
	}
	if (!apns_tls_begin(c)) {
		apns_conn_die(c, END_LOST, "out of memory");
		return;
	}
	c->state = CONN_HANDSHAKE;
	event_add(c->ev_read, NULL);
	apns_tls_shake_hands(c);
}

/* ---- events ------------------------------------------------------------- */

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_CONNECTING)
		tcp_connected(c);
	else if (c->state == CONN_HANDSHAKE)
		apns_tls_shake_hands(c);
	if (c->state == CONN_OPEN)
		apns_tls_read(c);
	apns_conn_flush(c);
	apns_pool_settle(c->pool);
}

static void
streams_expire(struct conn *c, int64_t now)
{
	struct apns *a = c->pool->apns;
	struct apns_result result;
	struct request *r;

	while ((r = TAILQ_FIRST(&c->streams)) != NULL &&
	       r->since_ms + a->times.stream_ms <= now) {
		apns_h2_cancel(c, r);
		apns_result_set(&result, APNS_TRY_LATER,
		    "no answer within %lld seconds; sent again later",
		    (long long)(a->times.stream_ms / 1000));
		apns_finish(a, r, &result);
	}
}

static void
silence_check(struct conn *c, int64_t now)
{
	const struct apns_times *t = &c->pool->apns->times;

	if (c->pinged_ms != 0) {
		if (now - c->pinged_ms >= t->answer_ms)
			apns_conn_die(
			    c, END_LOST, "the service has fallen silent");
		return;
	}
	if (silent_at(c) > now)
		return;
	c->pinged_ms = now;
	apns_h2_ping(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	int64_t now = apns_clock_ms();

	(void)fd;
	(void)what;
	if (c->state == CONN_RESOLVING)
		apns_conn_die(c, END_LOST,
		    "cannot connect to %s: its name server does not answer",
		    c->pool->apns->authority);
	else if (c->state != CONN_OPEN)
		address_failed(c, "no answer");
	if (c->state == CONN_OPEN) {
		streams_expire(c, now);
		silence_check(c, now);
	}
	apns_conn_flush(c);
	apns_pool_settle(c->pool);
}

/* Try the next address; dead when there is none. */
static void
address_next(struct conn *c)
{
	struct apns *a = c->pool->apns;
	const struct address *to;
	int one = 1;

	hang_up(c);
	if (c->address >= a->addresses.n) {
		apns_conn_die(c, END_LOST, "cannot find %s: %s", a->host,
		    a->addresses.why);
		return;
	}
	to = &a->addresses.a[c->address++];
	c->state = CONN_CONNECTING;
	c->address_ms = apns_clock_ms();
	c->fd = socket(
	    to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		address_failed(c, strerror(errno));
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->ev_read = event_new(a->base, c->fd, EV_READ | EV_PERSIST, on_io, c);
	c->ev_write = event_new(a->base, c->fd, EV_WRITE, on_io, c);
	if (c->ev_read == NULL || c->ev_write == NULL) {
		apns_conn_die(c, END_LOST, "out of memory");
		return;
	}
	if (connect(c->fd, (const struct sockaddr *)&to->sa, to->len) != 0 &&
	    errno != EINPROGRESS) {
		address_failed(c, strerror(errno));
		return;
	}
	event_add(c->ev_write, NULL);
}

void
apns_conn_resolved(struct conn *c)
{
	if (c->state == CONN_RESOLVING)
		address_next(c);
	timer_set(c);
}

struct conn *
apns_conn_new(struct pool *pool)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->pool = pool;
	c->fd = -1;
	c->ceiling = MAX_STREAMS;
	c->started_ms = c->address_ms = apns_clock_ms();
	TAILQ_INIT(&c->streams);
	c->ev_timer = evtimer_new(pool->apns->base, on_timer, c);
	if (c->ev_timer == NULL) {
		free(c);
		return NULL;
	}
	if (apns_resolve(pool->apns))
		address_next(c);
	timer_set(c);
	return c;
}

void
apns_conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	if (c->state == CONN_OPEN) {
		apns_h2_goodbye(c);
		apns_conn_flush(c);
		SSL_shutdown(c->ssl);
		ERR_clear_error();
	}
	nghttp2_session_del(c->h2);
	hang_up(c);
	event_free(c->ev_timer);
	buf_free(&c->out);
	free(c);
}
