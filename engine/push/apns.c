#include "engine/push/apns_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_CONNECTIONS 2
#define DEFAULT_WAITING     100000

int64_t
apns_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
apns_now(const struct apns *a)
{
	return a->now != NULL ? a->now(a->now_arg) : (int64_t)time(NULL);
}

void
apns_timer(struct event *timer, int64_t ms)
{
	struct timeval tv;

	if (ms < 1)
		ms = 1;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	event_add(timer, &tv);
}

void
apns_finish(struct apns *a, struct request *r, const struct apns_result *result)
{
	/* first, so that the callback may send the next one */
	atomic_fetch_sub(&a->waiting, 1);
	r->done(r->arg, result);
	apns_request_free(r);
}

/* ---- the inbox ---------------------------------------------------------- */

static void
wake(struct apns *a)
{
	uint64_t one = 1;
	ssize_t n = write(a->wake, &one, sizeof(one));

	(void)n; /* full: it is awake */
}

/* r is then the inbox's; apns_retire()'s are taken even when it is full. */
static enum err_code
inbox_put(struct apns *a, struct request *r, struct err *err)
{
	enum err_code rc = ERR_OK;
	bool first = false;

	pthread_mutex_lock(&a->mutex);
	if (a->stopping)
		rc = err_set(err, ERR_STANDBY, "push: mdmfs is stopping");
	else if (r->done != NULL && atomic_load(&a->waiting) >= a->max_waiting)
		rc = err_set(err, ERR_FULL,
		    "push: %zu pushes are waiting already", a->max_waiting);
	if (rc == ERR_OK) {
		first = TAILQ_EMPTY(&a->inbox);
		TAILQ_INSERT_TAIL(&a->inbox, r, link);
		if (r->done != NULL)
			atomic_fetch_add(&a->waiting, 1);
	}
	pthread_mutex_unlock(&a->mutex);
	if (first)
		wake(a);
	return rc;
}

static enum err_code
push_send(struct apns *a, const struct apns_push *push, apns_done_fn *done,
    bool probe, struct err *err)
{
	struct request *r = NULL;
	enum err_code rc;

	rc = apns_request_new(push, &r, err);
	if (rc != ERR_OK)
		return rc;
	r->done = done;
	r->probe = probe;
	rc = inbox_put(a, r, err);
	if (rc != ERR_OK)
		apns_request_free(r);
	return rc;
}

enum err_code
apns_send(struct apns *a, const struct apns_push *push, apns_done_fn *done,
    struct err *err)
{
	return push_send(a, push, done, false, err);
}

enum err_code
apns_probe(struct apns *a, struct apns_identity *id, apns_done_fn *done,
    void *arg, struct err *err)
{
	static const uint8_t impossible[32];
	const struct apns_push push = {
		.identity = id,
		.token = { impossible, sizeof(impossible) },
		.magic = "mdmfs",
		.arg = arg,
	};

	return push_send(a, &push, done, true, err);
}

void
apns_retire(struct apns *a, struct apns_identity *id)
{
	struct request *r = calloc(1, sizeof(*r));

	/* out of memory: its connections stay, idle, until the end */
	if (r == NULL)
		return;
	r->id = apns_identity_ref(id);
	if (inbox_put(a, r, NULL) != ERR_OK)
		apns_request_free(r);
}

size_t
apns_waiting(struct apns *a)
{
	return atomic_load(&a->waiting);
}

/* ---- the thread --------------------------------------------------------- */

static void
message_take(struct apns *a, struct request *r)
{
	bool retire = r->done == NULL;
	struct pool *pool = apns_pool_get(a, r->id, !retire);
	struct apns_result result;

	if (retire) {
		apns_request_free(r);
		if (pool == NULL)
			return;
		pool->retiring = true;
	} else if (pool == NULL) {
		apns_result_set(&result, APNS_TRY_LATER, "out of memory");
		apns_finish(a, r, &result);
		return;
	} else {
		apns_pool_push(pool, r);
	}
	pool->stirred = true;
}

/* Do fn to every pool; fn may free it. */
static void
pools_each(struct apns *a, void (*fn)(struct pool *))
{
	struct pool *pool, *next;
	size_t i;

	for (i = 0; i < POOL_BUCKETS; i++)
		for (pool = LIST_FIRST(&a->pools[i]); pool != NULL;
		     pool = next) {
			next = LIST_NEXT(pool, link);
			fn(pool);
		}
}

static void
settle_stirred(struct pool *pool)
{
	if (!pool->stirred)
		return;
	pool->stirred = false;
	apns_pool_settle(pool);
}

static void
resolved(struct pool *pool)
{
	struct conn *c;

	TAILQ_FOREACH(c, &pool->conns, link)
	apns_conn_resolved(c);
	apns_pool_settle(pool);
}

static void
wind_up(struct pool *pool)
{
	pool->retiring = true;
	apns_pool_settle(pool);
}

static void
abandon(struct pool *pool)
{
	apns_pool_abandon(pool, "mdmfs is stopping");
}

static void
on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pools_each(arg, abandon);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct apns *a = arg;
	struct requests inbox = TAILQ_HEAD_INITIALIZER(inbox);
	struct request *r;
	uint64_t count;
	bool stopping;
	ssize_t n;

	(void)what;
	n = read(fd, &count, sizeof(count));
	(void)n; /* it was only to wake */
	pthread_mutex_lock(&a->mutex);
	TAILQ_CONCAT(&inbox, &a->inbox, link);
	stopping = a->stopping;
	pthread_mutex_unlock(&a->mutex);

	while ((r = TAILQ_FIRST(&inbox)) != NULL) {
		TAILQ_REMOVE(&inbox, r, link);
		message_take(a, r);
	}
	if (apns_resolve_collect(a))
		pools_each(a, resolved);
	pools_each(a, settle_stirred);
	if (stopping && !a->winding_up) {
		a->winding_up = true;
		apns_timer(a->ev_stop, a->times.close_ms);
		pools_each(a, wind_up);
	}
}

/* Between two rounds of events: the only place that sees the last pool go. */
static void *
run(void *arg)
{
	struct apns *a = arg;

	while (!a->winding_up || a->n_pools > 0)
		if (event_base_loop(a->base, EVLOOP_ONCE) != 0)
			break;
	return NULL;
}

/* ---- opening and closing ------------------------------------------------ */

static enum err_code
loop_open(struct apns *a, struct err *err)
{
	a->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	a->base = event_base_new();
	if (a->wake < 0 || a->base == NULL)
		return err_set(err, ERR_INTERNAL, "push: no event loop: %s",
		    strerror(errno));
	a->ev_wake =
	    event_new(a->base, a->wake, EV_READ | EV_PERSIST, on_wake, a);
	a->ev_stop = evtimer_new(a->base, on_stop_timer, a);
	if (a->ev_wake == NULL || a->ev_stop == NULL ||
	    event_add(a->ev_wake, NULL) != 0)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	return ERR_OK;
}

/* All but the thread. */
static void
apns_free(struct apns *a)
{
	apns_resolve_abandon(a);
	if (a->ev_wake != NULL)
		event_free(a->ev_wake);
	if (a->ev_stop != NULL)
		event_free(a->ev_stop);
	if (a->base != NULL)
		event_base_free(a->base);
	if (a->wake >= 0)
		close(a->wake);
	apns_h2_fini(a);
	X509_STORE_free(a->trust);
	pthread_mutex_destroy(&a->mutex);
	free(a);
}

/* Signals are the main thread's. */
static int
thread_start(struct apns *a)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

enum err_code
apns_open(
    const struct apns_options *options, struct apns **ret, struct err *err)
{
	struct apns *a = calloc(1, sizeof(*a));
	enum err_code rc;

	if (a == NULL)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	pthread_mutex_init(&a->mutex, NULL);
	TAILQ_INIT(&a->inbox);
	a->wake = -1;
	a->connections = options->connections > 0 ? options->connections
	                                          : DEFAULT_CONNECTIONS;
	a->max_waiting =
	    options->waiting > 0 ? options->waiting : DEFAULT_WAITING;
	a->now = options->now;
	a->now_arg = options->now_arg;
	apns_times_read(&a->times, &options->times);
	rc = apns_url_read(
	    a, options->url != NULL ? options->url : APNS_URL, err);
	if (rc == ERR_OK)
		rc = apns_trust_read(a, options->trust_file, err);
	if (rc == ERR_OK)
		rc = apns_h2_init(a, err);
	if (rc == ERR_OK)
		rc = loop_open(a, err);
	if (rc == ERR_OK && thread_start(a) != 0)
		rc = err_set(err, ERR_INTERNAL, "push: no thread");
	if (rc == ERR_OK)
		*ret = a;
	else
		apns_free(a);
	return rc;
}

void
apns_stop(struct apns *a)
{
	pthread_mutex_lock(&a->mutex);
	a->stopping = true;
	pthread_mutex_unlock(&a->mutex);
	wake(a);
}

void
apns_close(struct apns *a)
{
	if (a == NULL)
		return;
	apns_stop(a);
	pthread_join(a->thread, NULL);
	apns_free(a);
}
