#include "engine/wire/loop_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine/wire/conn_priv.h"

struct arrival {
	TAILQ_ENTRY(arrival) next;
	int fd;
	struct sockaddr_storage peer;
};

int64_t
loop_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- from any thread ------------------------------------------------------ */

void
loop_wake(struct loop *l)
{
	uint64_t one = 1;
	ssize_t n;

	if (atomic_exchange(&l->woken, true))
		return;
	do
		n = write(l->wake_fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

void
loop_wake_some(struct server *s, uint32_t loops)
{
	unsigned i;

	for (i = 0; i < s->n_loops; i++)
		if ((loops >> i & 1) != 0)
			loop_wake(s->loops[i]);
}

void
loop_arrive(struct loop *l, int fd, const struct sockaddr_storage *peer)
{
	struct arrival *a = calloc(1, sizeof(*a));

	atomic_fetch_add(&l->n_conns, 1);
	if (a == NULL) {
		close(fd);
		loop_conn_gone(l);
		return;
	}
	a->fd = fd;
	a->peer = *peer;
	pthread_mutex_lock(&l->mutex);
	TAILQ_INSERT_TAIL(&l->arrivals, a, next);
	pthread_mutex_unlock(&l->mutex);
	loop_wake(l);
}

void
loop_answered(struct request *r)
{
	struct loop *l = r->loop;

	pthread_mutex_lock(&l->mutex);
	TAILQ_INSERT_TAIL(&l->done, r, next);
	pthread_mutex_unlock(&l->mutex);
	loop_wake(l);
}

void
loop_conn_gone(struct loop *l)
{
	struct server *s = l->server;

	atomic_fetch_sub(&l->n_conns, 1);
	atomic_fetch_sub(&s->n_conns, 1);
	if (atomic_load(&s->full))
		loop_wake(s->loops[0]);
}

/* ---- requests ------------------------------------------------------------- */

static void
push_ready(struct loop *l)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&l->ready)) != NULL) {
		TAILQ_REMOVE(&l->ready, r, next);
		r->place = REQUEST_POOL;
		r->conn->n_pool++;
		if (!pool_submit(l->server->pool, r, l->number)) {
			r->conn->n_pool--;
			r->place = REQUEST_READY;
			TAILQ_INSERT_HEAD(&l->ready, r, next);
			return;
		}
	}
}

void
loop_submit(struct request *r)
{
	struct loop *l = r->loop;

	atomic_fetch_add(&l->server->requests, 1);
	r->place = REQUEST_READY;
	TAILQ_INSERT_TAIL(&l->ready, r, next);
	push_ready(l);
}

static bool
take(struct request *r, enum budget_class class, size_t size)
{
	struct loop *l = r->loop;

	if (!budget_take(&l->server->budget, class, size, l->number))
		return false;
	r->taken[class] += size;
	return true;
}

bool
loop_reserve(struct request *r, enum budget_class class, size_t size)
{
	struct loop *l = r->loop;

	/* nobody passes those that wait already */
	if (TAILQ_EMPTY(&l->waiting[class]) && take(r, class, size))
		return true;
	r->place = REQUEST_WAITING;
	r->want_class = class;
	r->want = size;
	TAILQ_INSERT_TAIL(&l->waiting[class], r, next);
	return false;
}

static void
feed_waiting(struct loop *l, enum budget_class class)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&l->waiting[class])) != NULL &&
	       take(r, class, r->want)) {
		TAILQ_REMOVE(&l->waiting[class], r, next);
		r->place = REQUEST_HERE;
		conn_resume(r->conn, r);
	}
}

void
loop_spent(struct request *r)
{
	struct server *s = r->loop->server;
	int class;

	buf_wipe(&r->body);
	r->x.body = BYTES_NONE;
	for (class = 0; class < BUDGET_CLASSES; class ++) {
		if (r->taken[class] == 0)
			continue;
		loop_wake_some(
		    s, budget_give(&s->budget, (enum budget_class) class,
			   r->taken[class]));
		r->taken[class] = 0;
	}
}

void
loop_drop(struct request *r)
{
	struct loop *l = r->loop;

	r->stream = NULL;
	if (r->place == REQUEST_POOL) {
		atomic_store(&r->abandoned, true);
		return;
	}
	if (r->place == REQUEST_WAITING) {
		TAILQ_REMOVE(&l->waiting[r->want_class], r, next);
		/* the next one may want less */
		loop_wake(l);
	} else if (r->place == REQUEST_READY) {
		TAILQ_REMOVE(&l->ready, r, next);
	}
	r->place = REQUEST_HERE;
	loop_spent(r);
	request_free(r);
}

/* ---- the thread ----------------------------------------------------------- */

static void
take_done(struct loop *l, struct requests *done)
{
	struct request *r;

	while ((r = TAILQ_FIRST(done)) != NULL) {
		TAILQ_REMOVE(done, r, next);
		r->place = REQUEST_HERE;
		conn_answered(r->conn, r);
	}
	push_ready(l);
}

static void
take_arrivals(struct loop *l, struct arrivals *arrivals)
{
	struct arrival *a;

	while ((a = TAILQ_FIRST(arrivals)) != NULL) {
		TAILQ_REMOVE(arrivals, a, next);
		if (l->stopping) {
			close(a->fd);
			loop_conn_gone(l);
		} else {
			conn_open(l, a->fd, &a->peer);
		}
		free(a);
	}
}

static void
on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	struct conn *c;

	(void)fd;
	(void)what;
	while ((c = TAILQ_FIRST(&l->conns)) != NULL)
		conn_kill(c);
	event_base_loopbreak(l->base);
}

static void
begin_stop(struct loop *l)
{
	struct timeval tv = { l->server->options.stop_ms / 1000,
		(l->server->options.stop_ms % 1000) * 1000 };
	struct conn *c, *next;

	l->stopping = true;
	accept_close(l);
	event_add(l->stop_timer, &tv);
	for (c = TAILQ_FIRST(&l->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		conn_stop(c);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct requests done = TAILQ_HEAD_INITIALIZER(done);
	struct arrivals arrivals = TAILQ_HEAD_INITIALIZER(arrivals);
	struct loop *l = arg;
	uint64_t count;
	unsigned shed;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	atomic_store(&l->woken, false);
	pthread_mutex_lock(&l->mutex);
	TAILQ_CONCAT(&done, &l->done, next);
	TAILQ_CONCAT(&arrivals, &l->arrivals, next);
	shed = l->shed;
	l->shed = 0;
	pthread_mutex_unlock(&l->mutex);

	/* first, so that the answers say that nothing follows */
	if (atomic_load(&l->server->stopping) && !l->stopping)
		begin_stop(l);
	take_done(l, &done);
	feed_waiting(l, BUDGET_LARGE);
	feed_waiting(l, BUDGET_SMALL);
	while (shed-- > 0 && !TAILQ_EMPTY(&l->idle))
		conn_stop(TAILQ_FIRST(&l->idle));
	take_arrivals(l, &arrivals);
	if (l->number == 0 && atomic_load(&l->server->full) &&
	    atomic_load(&l->server->n_conns) <
		l->server->options.max_connections)
		accept_resume(l);
	if (l->stopping && TAILQ_EMPTY(&l->conns))
		event_base_loopbreak(l->base);
}

static void *
thread(void *arg)
{
	struct loop *l = arg;

	pthread_setname_np(pthread_self(), "https");
	event_base_dispatch(l->base);
	return NULL;
}

static enum err_code
loop_events(struct loop *l, struct err *err)
{
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->wake_fd < 0)
		return err_set(
		    err, ERR_NO_MEMORY, "eventfd: %s", strerror(errno));
	l->base = event_base_new();
	if (l->base == NULL)
		return err_set(err, ERR_NO_MEMORY, "event loop");
	l->wake =
	    event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
	l->stop_timer = evtimer_new(l->base, on_stop_timer, l);
	if (l->wake == NULL || l->stop_timer == NULL ||
	    event_add(l->wake, NULL) != 0)
		return err_set(err, ERR_NO_MEMORY, "event loop");
	return l->number == 0 ? accept_open(l, err) : ERR_OK;
}

enum err_code
loop_new(struct server *s, unsigned number, struct loop **ret, struct err *err)
{
	struct loop *l = calloc(1, sizeof(*l));
	enum err_code rc;

	if (l == NULL)
		return err_set(err, ERR_NO_MEMORY, "event loop");
	l->server = s;
	l->number = number;
	l->wake_fd = -1;
	pthread_mutex_init(&l->mutex, NULL);
	TAILQ_INIT(&l->done);
	TAILQ_INIT(&l->arrivals);
	TAILQ_INIT(&l->conns);
	TAILQ_INIT(&l->idle);
	TAILQ_INIT(&l->ready);
	TAILQ_INIT(&l->waiting[BUDGET_SMALL]);
	TAILQ_INIT(&l->waiting[BUDGET_LARGE]);
	if ((rc = loop_events(l, err)) != ERR_OK) {
		loop_free(l);
		return rc;
	}
	*ret = l;
	return ERR_OK;
}

enum err_code
loop_start(struct loop *l, struct err *err)
{
	int rc = pthread_create(&l->thread, NULL, thread, l);

	if (rc != 0)
		return err_set(err, ERR_NO_MEMORY, "cannot start a thread: %s",
		    strerror(rc));
	l->started = true;
	return ERR_OK;
}

void
loop_join(struct loop *l)
{
	if (l->started)
		pthread_join(l->thread, NULL);
	l->started = false;
}

void
loop_free(struct loop *l)
{
	struct arrival *a;
	struct conn *c;
	struct request *r;

	if (l == NULL)
		return;
	l->stopping = true;
	while ((c = TAILQ_FIRST(&l->conns)) != NULL)
		conn_kill(c);
	while ((r = TAILQ_FIRST(&l->done)) != NULL) {
		TAILQ_REMOVE(&l->done, r, next);
		r->place = REQUEST_HERE;
		conn_answered(r->conn, r);
	}
	while ((a = TAILQ_FIRST(&l->arrivals)) != NULL) {
		TAILQ_REMOVE(&l->arrivals, a, next);
		close(a->fd);
		free(a);
	}
	accept_close(l);
	if (l->wake != NULL)
		event_free(l->wake);
	if (l->stop_timer != NULL)
		event_free(l->stop_timer);
	if (l->base != NULL)
		event_base_free(l->base);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}
