/*
 * apns_priv.h - the inside of the APNs client.
 *
 * apns.c           the thread, the inbox, opening and closing
 * apns_options.c   what apns_open() is told
 * apns_request.c   what apns_send() is told
 * apns_identity.c  certificate and key
 * apns_pool.c      one identity: its queue and its connections
 * apns_conn.c      one connection: TCP, time
 * apns_tls.c       the TLS on it
 * apns_h2.c        the HTTP/2 in that
 * apns_resolve.c   the service's addresses
 * apns_answer.c    what an answer means
 *
 * All but the inbox belongs to the client's thread.  A connection is freed
 * in apns_pool_settle() alone, which is the last thing every event does; inside
 * of callbacks it is only marked.
 */
#ifndef MDMFS_PUSH_APNS_PRIV_H
#define MDMFS_PUSH_APNS_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include "engine/push/apns.h"
#include "engine/push/apns_answer_priv.h"
#include "mdmfs/buf.h"

#define MAX_ADDRESSES 16
#define MAX_TRIES     8    /* of one push that was not processed */
#define MAX_STREAMS   1000 /* on one connection, whatever is announced */
#define POOL_BUCKETS  256

struct request {
	TAILQ_ENTRY(request) link; /* inbox, a pool's queue, a conn's streams */
	struct apns_identity *id;
	apns_done_fn *done; /* NULL: not a push, but apns_retire() */
	void *arg;
	bool probe;
	bool sent; /* its HEADERS went out on the present stream */
	unsigned tries;
	int32_t stream_id;
	int64_t since_ms; /* on the queue, or on the stream */
	size_t body_len, body_off;
	struct apns_answer *answer; /* while on a stream */
	char expiration[24];
	const char *topic, *path, *body; /* in text */
	char text[];
};
TAILQ_HEAD(requests, request);

enum conn_state {
	CONN_RESOLVING,
	CONN_CONNECTING,
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_DEAD /* for apns_pool_settle() to free */
};

enum conn_end {
	END_LOST,    /* try again */
	END_HOPELESS /* another attempt will not help the ones that wait */
};

struct conn {
	TAILQ_ENTRY(conn) link;
	struct pool *pool;
	enum conn_state state;
	enum conn_end end;
	bool draining; /* takes no more pushes */
	bool busy;     /* draining because the service asked for a pause */
	bool noted;    /* its end was noted in the pool's back-off */
	bool heard_settings;
	size_t address; /* the next one to try */
	int fd;
	SSL *ssl;
	nghttp2_session *h2;
	struct event *ev_read, *ev_write, *ev_timer;
	struct buf out; /* bytes for SSL_write(), from out_off */
	size_t out_off;
	struct requests streams; /* by age */
	size_t n_streams;
	size_t ceiling;  /* streams at most, learned from refusals */
	size_t answered; /* answers that were no 5xx */
	int64_t started_ms, address_ms, heard_ms, pinged_ms; /* 0: no PING */
	char why[120];
};
TAILQ_HEAD(conns, conn);

struct pool {
	LIST_ENTRY(pool) link;
	struct apns *apns;
	struct apns_identity *id;
	struct requests queue;
	struct conns conns;
	struct event *timer;
	unsigned failures;     /* in a row */
	int64_t not_before_ms; /* the next attempt to connect */
	bool retiring;
	bool stirred; /* there is news from the inbox */
	bool refused; /* the certificate: refusal says why */
	struct apns_result refusal;
	char why[120]; /* the last connection's end; "" if none */
};
LIST_HEAD(pools, pool);

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

struct addresses {
	struct address a[MAX_ADDRESSES];
	size_t n;
	int64_t at_ms; /* when asked; 0: never */
	char why[100]; /* n is 0 */
};

struct lookup;

struct apns {
	char host[256];
	char port[8];
	char authority[272];
	bool numeric; /* host is an address */
	unsigned connections;
	size_t max_waiting;
	struct apns_times times;
	int64_t (*now)(void *arg);
	void *now_arg;
	X509_STORE *trust;
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	struct event_base *base;
	struct event *ev_wake, *ev_stop;
	struct pools pools[POOL_BUCKETS];
	size_t n_pools;
	struct addresses addresses;
	struct lookup *lookup; /* under way; NULL: none */
	bool winding_up;
	pthread_t thread;
	int wake; /* eventfd; written by any thread */
	atomic_size_t waiting;
	pthread_mutex_t mutex;
	struct requests inbox; /* protected by mutex */
	bool stopping;         /* protected by mutex */
};

/* ---- apns.c ---- */
int64_t apns_clock_ms(void);
int64_t apns_now(const struct apns *a);
/* Answer and free r. */
void apns_finish(
    struct apns *a, struct request *r, const struct apns_result *result);
/* Set a timer off in ms milliseconds; at least 1. */
void apns_timer(struct event *timer, int64_t ms);

/* ---- apns_options.c ---- */
enum err_code apns_url_read(struct apns *a, const char *url, struct err *err);
enum err_code apns_trust_read(
    struct apns *a, const char *file, struct err *err);
void apns_times_read(struct apns_times *to, const struct apns_times *from);

/* ---- apns_request.c ---- */
enum err_code apns_request_new(
    const struct apns_push *push, struct request **ret, struct err *err);
void apns_request_free(struct request *r);

/* ---- apns_identity.c ---- */
SSL_CTX *apns_identity_ctx(const struct apns_identity *id);

/* ---- apns_pool.c ---- */
struct pool *apns_pool_get(
    struct apns *a, struct apns_identity *id, bool create);
/* Queue r, or answer it at once. */
void apns_pool_push(struct pool *pool, struct request *r);
/* r has its answer. */
void apns_pool_answered(struct pool *pool, struct conn *c, struct request *r);
/* r was not processed: to the front of the queue. */
void apns_pool_resend(struct pool *pool, struct request *r, const char *why);
/* The service or its TLS will have nothing of the certificate. */
void apns_pool_refuse(struct pool *pool, const struct apns_result *result);
/* Do everything that is to be done now.  May free pool and connections. */
void apns_pool_settle(struct pool *pool);
/* Answer everything with APNS_TRY_LATER and free the pool. */
void apns_pool_abandon(struct pool *pool, const char *why);

/* ---- apns_conn.c ---- */
/* NULL when out of memory. */
struct conn *apns_conn_new(struct pool *pool);
void apns_conn_resolved(struct conn *c);
void apns_conn_free(struct conn *c);
/* Mark c dead; the first reason stays. */
void apns_conn_die(struct conn *c, enum conn_end end, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Send what is there to send. */
void apns_conn_flush(struct conn *c);

/* ---- apns_tls.c ---- */
/* Make c->ssl; false when out of memory. */
bool apns_tls_begin(struct conn *c);
/* Go on with the handshake; CONN_OPEN at its end. */
void apns_tls_shake_hands(struct conn *c);
/* Give HTTP/2 what is there. */
void apns_tls_read(struct conn *c);
/* Send some of c->out; false when it has to wait, or c is dead. */
bool apns_tls_write(struct conn *c);

/* ---- apns_h2.c ---- */
enum err_code apns_h2_init(struct apns *a, struct err *err);
void apns_h2_fini(struct apns *a);
void apns_h2_open(struct conn *c);
void apns_h2_receive(struct conn *c, const uint8_t *p, size_t len);
/* How many more pushes c takes. */
size_t apns_h2_room(struct conn *c);
/* False: c is dead, r still the caller's. */
bool apns_h2_start(struct conn *c, struct request *r);
/* Forget r's stream; r is the caller's. */
void apns_h2_cancel(struct conn *c, struct request *r);
void apns_h2_ping(struct conn *c);
/* Say goodbye. */
void apns_h2_goodbye(struct conn *c);

/* ---- apns_resolve.c ---- */
/* Have a fresh a->addresses, or ask for them: false, and apns_conn_resolved()
 * follows for all that wait. */
bool apns_resolve(struct apns *a);
/* The thread's own: see whether the answer is there. */
bool apns_resolve_collect(struct apns *a);
void apns_resolve_abandon(struct apns *a);

#endif
