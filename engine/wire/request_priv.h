/*
 * request_priv.h - one request from its first byte to the end of its answer.
 *
 * While it arrives it is compact (thousands may arrive at once): text one
 * behind the other, found by offsets.  A request thread makes an exchange of
 * it.
 */
#ifndef MDMFS_WIRE_REQUEST_PRIV_H
#define MDMFS_WIRE_REQUEST_PRIV_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "engine/wire/budget_priv.h"
#include "engine/wire/route.h"

struct conn;
struct loop;

enum request_place {
	REQUEST_HERE,    /* with its connection */
	REQUEST_WAITING, /* for memory, in loop->waiting */
	REQUEST_READY,   /* for a place in the pool's queue, in loop->ready */
	REQUEST_POOL,    /* with the pool, or on its way back */
};

struct request {
	TAILQ_ENTRY(request) next; /* by place */

	/* of the loop thread alone */
	struct loop *loop;
	struct conn *conn;
	void *stream; /* HTTP/2: its struct stream; NULL: reset */
	enum request_place place;
	enum budget_class want_class; /* while it waits */
	size_t want;
	size_t taken[BUDGET_CLASSES];

	/* the answer is of no use any more; set by the loop, read by a request
	 * thread */
	atomic_bool abandoned;

	/* what came; of whoever has the request */
	const struct route *route;
	struct buf text;   /* NUL-terminated texts */
	struct buf fields; /* of struct request_field */
	size_t method;     /* offsets in text */
	size_t path;
	size_t slash; /* where in the path an encoded one stood */
	size_t query;
	size_t query_len;
	size_t host;
	bool has_host;
	bool is_head;
	size_t n_fields;
	struct buf body;

	struct exchange x;
};
TAILQ_HEAD(requests, request);

/* NULL when out of memory. */
struct request *request_new(struct conn *conn, struct loop *loop);

/* It must be nowhere (REQUEST_HERE) and have given back what it took. */
void request_free(struct request *r);

/* The parts of the head; 0, or the status to refuse it with. */
int request_method(struct request *r, struct bytes method);
int request_target(struct request *r, struct bytes target);
int request_host(struct request *r, struct bytes host);
int request_field(struct request *r, struct bytes name, struct bytes value);

/* When the head is complete: finds the route.  400, 404, 405 (Allow is set). */
int request_route(struct request *r, const struct route *routes, size_t n);

/* The first header of that name, as exchange_header(); *more (may be NULL):
 * there is another one. */
struct bytes request_header(
    const struct request *r, const char *name, bool *more);

/* In a request thread: make the exchange and run the handler. */
void request_run(struct request *r, void *ctx, const char *peer,
    struct bytes cert, int64_t now);

/* An answer of wire's own. */
void request_refuse(struct request *r, int status);

/* The answer as it is to be sent. */
int request_status(const struct request *r);
bool request_has_length(const struct request *r); /* Content-Length is sent */
struct bytes request_reply(const struct request *r); /* the body to send */

/* For each header of the answer but the framing's: names in lower case. */
typedef bool request_reply_fn(void *arg, const char *name, struct bytes value);
bool request_reply_headers(
    const struct request *r, request_reply_fn *fn, void *arg);

/* "Wed, 25 Nov 2026 14:11:00 GMT" (RFC 9110 5.6.7). */
#define REQUEST_DATE_LEN 29
void request_date(char text[static REQUEST_DATE_LEN + 1], int64_t now);

const char *request_reason(int status);

#endif
