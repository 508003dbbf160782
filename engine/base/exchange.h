/*
 * exchange.h - one HTTP request and its answer, without HTTP.
 *
 * wire fills the request, a route's handler (a plain function that may block)
 * fills the answer, wire sends it.  A test makes one by hand.  Everything that
 * is borrowed lives until the answer has been sent.
 */
#ifndef MDMFS_BASE_EXCHANGE_H
#define MDMFS_BASE_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"

struct exchange_header {
	const char *name; /* lower case */
	struct bytes value;
};

struct exchange {
	/* the request, borrowed */
	const char *method;
	const char *path;   /* percent-decoded, begins with '/', no query */
	struct bytes query; /* behind the '?', as sent; may be empty */
	const char *host;   /* Host or :authority, lower case; "" if none */
	const struct exchange_header *headers;
	size_t n_headers;
	struct bytes body;
	struct bytes peer_cert; /* DER of the TLS client certificate; len 0 */
	const char *peer;       /* numeric address of the client */
	const char *params[4];  /* what the route's {names} stood for */
	int64_t now;         /* seconds since 1970 UTC, when it was complete */
	struct arena *arena; /* for the handler; reset after the answer */

	/* the answer */
	int status;               /* 0 means 500 */
	const char *content_type; /* NULL: none; static or in the arena */
	struct exchange_header reply_headers[8]; /* further ones */
	size_t n_reply_headers;
	struct buf reply; /* wire frees it */
};

/* The value of the header, name in lower case; len 0 and p NULL if absent. */
struct bytes exchange_header(const struct exchange *x, const char *name);

/*
 * The value of name in the query, percent-decoded once ('+' stays '+', SCEP's
 * base64 needs it), in the arena.  NULL if absent or out of memory.
 * *len is its length, since it may hold NULs.
 */
const char *exchange_query(
    const struct exchange *x, const char *name, size_t *len);

/* One more header of the answer; value must live as long as the exchange. */
void exchange_reply_header(
    struct exchange *x, const char *name, const char *value);

/* Answer with status and one line of plain text. */
void exchange_text(struct exchange *x, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
