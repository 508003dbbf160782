#include "engine/wire/conn_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#define READS_AT_ONCE 16 /* then others have their turn */

static const struct server_options *
options(const struct conn *c)
{
	return &c->loop->server->options;
}

void
conn_enter(struct conn *c, enum conn_state state)
{
	c->state = state;
	c->since = loop_now();
}

/* ---- the end -------------------------------------------------------------- */

static void
release(struct conn *c)
{
	if (c->n_pool > 0)
		return;
	free((void *)(uintptr_t)c->cert.p);
	free(c);
}

void
conn_kill(struct conn *c)
{
	struct loop *l = c->loop;

	event_del(&c->ev_in);
	event_del(&c->ev_out);
	event_del(&c->ev_timer);
	if (c->protocol != NULL && c->session != NULL)
		c->protocol->close(c);
	c->session = NULL;
	SSL_free(c->ssl);
	c->ssl = NULL;
	tls_release(c->set);
	close(c->fd);
	buf_free(&c->out);
	TAILQ_REMOVE(&l->conns, c, all);
	if (c->in_idle)
		TAILQ_REMOVE(&l->idle, c, by_idle);
	conn_enter(c, CONN_DEAD);
	release(c);
	loop_conn_gone(l);
	if (l->stopping)
		loop_wake(l);
}

void
conn_finish(struct conn *c, bool linger)
{
	if (c->state != CONN_OPEN)
		return;
	conn_enter(c, CONN_CLOSING);
	c->linger = linger;
}

void
conn_abort(struct conn *c)
{
	conn_enter(c, CONN_DEAD);
}

/* ---- deadlines ------------------------------------------------------------ */

int64_t
conn_pace(const struct conn *c, unsigned stall_ms, int64_t since, int64_t last,
    uint64_t n)
{
	int64_t stall = last + stall_ms;
	int64_t rate =
	    since + stall_ms + (int64_t)(n * 1000 / options(c)->min_rate);

	return stall < rate ? stall : rate;
}

static int64_t
write_deadline(const struct conn *c)
{
	if (c->out_done == c->out.len)
		return NEVER;
	return conn_pace(
	    c, options(c)->write_ms, c->out_since, c->out_last, c->out_taken);
}

static int64_t
deadline(const struct conn *c)
{
	int64_t write = write_deadline(c), own = NEVER;

	switch (c->state) {
	case CONN_HANDSHAKE:
		return c->since + options(c)->handshake_ms;
	case CONN_OPEN:
		own = c->protocol->deadline(c);
		break;
	case CONN_LINGER:
		return c->since + options(c)->linger_ms;
	case CONN_CLOSING:
	case CONN_DEAD:
	default:
		break;
	}
	return own < write ? own : write;
}

/* The timer may ring too early, never too late: so most changes of the
 * deadline need no system's work. */
static void
arm_timer(struct conn *c)
{
	int64_t at = deadline(c), ms;
	struct timeval tv;

	if (at >= c->timer_at)
		return;
	ms = at - loop_now();
	if (ms < 1)
		ms = 1;
	tv = (struct timeval){ ms / 1000, (ms % 1000) * 1000 };
	event_add(&c->ev_timer, &tv);
	c->timer_at = at;
}

/* ---- output --------------------------------------------------------------- */

static bool
fill(struct conn *c)
{
	if (c->out_done < c->out.len)
		return true;
	buf_reset(&c->out);
	c->out_done = 0;
	if (c->state == CONN_OPEN)
		c->protocol->more(c);
	if (c->out.error != ERR_OK) {
		conn_abort(c);
		return false;
	}
	if (c->out.len > 0) {
		c->out_since = c->out_last = loop_now();
		c->out_taken = 0;
	}
	return c->out.len > 0;
}

static void
flush(struct conn *c)
{
	size_t n;
	int rc;

	c->want_write = false;
	while (c->state != CONN_DEAD && fill(c)) {
		ERR_clear_error();
		n = 0;
		rc = SSL_write_ex(c->ssl, c->out.p + c->out_done,
		    c->out.len - c->out_done, &n);
		if (rc == 1) {
			c->out_done += n;
			c->out_taken += n;
			c->out_last = loop_now();
			continue;
		}
		rc = SSL_get_error(c->ssl, rc);
		if (rc == SSL_ERROR_WANT_WRITE) {
			c->want_write = true;
			return;
		}
		if (rc == SSL_ERROR_WANT_READ)
			return;
		conn_abort(c);
	}
}

/* All that was to be said has been said. */
static void
say_goodbye(struct conn *c)
{
	ERR_clear_error();
	SSL_shutdown(c->ssl);
	ERR_clear_error();
	/* closing with unread bytes would reset the connection, and the client
	 * would lose the answer */
	if (c->linger && shutdown(c->fd, SHUT_WR) == 0)
		conn_enter(c, CONN_LINGER);
	else
		conn_enter(c, CONN_DEAD);
}

/* ---- events --------------------------------------------------------------- */

static bool
wants_read(const struct conn *c)
{
	if (c->state == CONN_OPEN)
		return c->protocol->wants_read(c);
	return (c->state == CONN_HANDSHAKE && !c->want_write) ||
	       c->state == CONN_LINGER;
}

static void
arm_events(struct conn *c)
{
	bool out = c->want_write;

	/* reading is ended by the next event that nobody wants: mostly there
	 * is none before it is wanted again */
	if (wants_read(c) && !c->in_armed) {
		event_add(&c->ev_in, NULL);
		c->in_armed = true;
	}
	if (out && !c->out_armed)
		event_add(&c->ev_out, NULL);
	else if (!out && c->out_armed)
		event_del(&c->ev_out);
	c->out_armed = out;
}

static void
list_idle(struct conn *c)
{
	bool idle = c->state == CONN_OPEN && c->out.len == c->out_done &&
	            c->protocol->is_idle(c);

	if (idle)
		buf_free(&c->out), c->out_done = 0;
	if (idle && !c->in_idle)
		TAILQ_INSERT_TAIL(&c->loop->idle, c, by_idle);
	else if (!idle && c->in_idle)
		TAILQ_REMOVE(&c->loop->idle, c, by_idle);
	c->in_idle = idle;
}

/* The end of every event: c may be gone behind it. */
static void
settle(struct conn *c)
{
	if (c->state == CONN_OPEN || c->state == CONN_CLOSING)
		flush(c);
	if (c->state == CONN_CLOSING && c->out_done == c->out.len)
		say_goodbye(c);
	if (c->state == CONN_DEAD) {
		conn_kill(c);
		return;
	}
	list_idle(c);
	arm_events(c);
	arm_timer(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	int64_t now = loop_now();

	(void)fd;
	(void)what;
	c->timer_at = NEVER;
	if (deadline(c) <= now) {
		if (c->state == CONN_OPEN && write_deadline(c) > now)
			c->protocol->expired(c, now);
		else
			conn_abort(c);
		if (c->state == CONN_DEAD && c->protocol == NULL)
			atomic_fetch_add(
			    &c->loop->server->handshakes_failed, 1);
	}
	settle(c);
}

/* ---- input ---------------------------------------------------------------- */

static void
drain(struct conn *c)
{
	ssize_t n;
	int i;

	for (i = 0; i < READS_AT_ONCE; i++) {
		n = recv(c->fd, c->loop->scratch, LOOP_SCRATCH, 0);
		if (n > 0)
			continue;
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			conn_abort(c);
		return;
	}
}

static void
read_failed(struct conn *c, int rc)
{
	switch (SSL_get_error(c->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_WANT_WRITE:
		c->want_write = true;
		break;
	case SSL_ERROR_ZERO_RETURN:
		c->protocol->eof(c);
		break;
	default:
		/* cut off without close_notify, reset, or forged */
		conn_abort(c);
		break;
	}
}

static void
read_some(struct conn *c)
{
	size_t n;
	int i, rc;

	for (i = 0; i < READS_AT_ONCE && c->state == CONN_OPEN &&
		    c->protocol->wants_read(c);
	     i++) {
		ERR_clear_error();
		rc = SSL_read_ex(c->ssl, c->loop->scratch, LOOP_SCRATCH, &n);
		if (rc != 1) {
			read_failed(c, rc);
			break;
		}
		c->protocol->feed(c, bytes_of(c->loop->scratch, n));
	}
	ERR_clear_error();
}

static void
on_in(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (!wants_read(c)) {
		event_del(&c->ev_in);
		c->in_armed = false;
		return;
	}
	if (c->state == CONN_HANDSHAKE)
		conn_handshake(c);
	else if (c->state == CONN_LINGER)
		drain(c);
	/* what came with the last message of the handshake */
	if (c->state == CONN_OPEN)
		read_some(c);
	settle(c);
}

static void
on_out(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_HANDSHAKE)
		conn_handshake(c);
	settle(c);
}

/* ---- from the loop -------------------------------------------------------- */

void
conn_open(struct loop *l, int fd, const struct sockaddr_storage *peer)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL ||
	    (c->ssl = tls_accept(l->server->tls, fd, &c->set)) == NULL) {
		free(c);
		close(fd);
		loop_conn_gone(l);
		return;
	}
	c->loop = l;
	c->fd = fd;
	c->timer_at = NEVER;
	listen_peer(peer, c->peer);
	event_assign(&c->ev_in, l->base, fd, EV_READ | EV_PERSIST, on_in, c);
	event_assign(&c->ev_out, l->base, fd, EV_WRITE | EV_PERSIST, on_out, c);
	evtimer_assign(&c->ev_timer, l->base, on_timer, c);
	TAILQ_INSERT_TAIL(&l->conns, c, all);
	conn_enter(c, CONN_HANDSHAKE);
	settle(c);
}

void
conn_answered(struct conn *c, struct request *r)
{
	c->n_pool--;
	if (c->state == CONN_DEAD) {
		loop_drop(r);
		release(c);
		return;
	}
	c->protocol->answered(c, r);
	settle(c);
}

void
conn_resume(struct conn *c, struct request *r)
{
	if (c->state == CONN_OPEN)
		c->protocol->resume(c, r);
	settle(c);
}

void
conn_stop(struct conn *c)
{
	/* a handshake under way may still bring a request: stop_ms bounds it */
	if (c->state == CONN_OPEN)
		c->protocol->stop(c);
	settle(c);
}
