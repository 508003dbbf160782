/*
 * loop_priv.h - a thread that moves bytes, and the connections that it owns.
 */
#ifndef MDMFS_WIRE_LOOP_PRIV_H
#define MDMFS_WIRE_LOOP_PRIV_H

#include <pthread.h>

#include <event2/event.h>

#include "engine/wire/request_priv.h"
#include "engine/wire/server_priv.h"

/* A TLS record at most, so that SSL_read() never leaves a part inside. */
#define LOOP_SCRATCH (17 * 1024)

TAILQ_HEAD(conns, conn);
TAILQ_HEAD(arrivals, arrival);

struct loop {
	struct server *server;
	unsigned number;
	struct event_base *base;
	int wake_fd;
	struct event *wake;
	pthread_t thread;
	bool started;
	atomic_bool woken;   /* wake_fd was written and not read yet */
	atomic_uint n_conns; /* for who hands out new ones */

	pthread_mutex_t mutex;
	/* protected by mutex */
	struct requests done;
	struct arrivals arrivals;
	unsigned shed; /* idle connections that should make room */

	/* of the thread alone */
	struct conns conns;
	struct conns idle; /* the longest idle first */
	struct requests ready;
	struct requests waiting[BUDGET_CLASSES];
	bool stopping;
	struct event *stop_timer;
	struct event **listeners; /* loop 0 */
	struct event *rest;       /* when accept() had no room */
	uint8_t scratch[LOOP_SCRATCH];
};

enum err_code loop_new(
    struct server *s, unsigned number, struct loop **ret, struct err *err);
enum err_code loop_start(struct loop *l, struct err *err);
/* Waits until it has finished, as server.stopping and loop_wake() ask. */
void loop_join(struct loop *l);
/* After loop_join() and pool_stop(). */
void loop_free(struct loop *l);

/* Milliseconds that only grow. */
int64_t loop_now(void);

/* From any thread. */
void loop_wake(struct loop *l);
void loop_wake_some(struct server *s, uint32_t loops);
void loop_arrive(struct loop *l, int fd, const struct sockaddr_storage *peer);
/* A request thread gives a request back. */
void loop_answered(struct request *r);

/* From the loop's thread. */

/* Hand a complete request to the pool; conn_answered() follows. */
void loop_submit(struct request *r);
/* Set memory for a body aside.  False: it waits, conn_resume() follows. */
bool loop_reserve(struct request *r, enum budget_class class, size_t size);
/* The body is not needed any more. */
void loop_spent(struct request *r);
/* The request is of no use: free it, now or when it comes back. */
void loop_drop(struct request *r);
/* A connection has gone. */
void loop_conn_gone(struct loop *l);

/* accept.c: the listeners of loop 0 */
enum err_code accept_open(struct loop *l, struct err *err);
void accept_close(struct loop *l);
/* Room for more connections again. */
void accept_resume(struct loop *l);

#endif
