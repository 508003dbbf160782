/*
 * h2_priv.h - an HTTP/2 connection: h2.c has its streams, h2_session.c the
 * frames as a whole and the time-outs.
 */
#ifndef MDMFS_WIRE_H2_PRIV_H
#define MDMFS_WIRE_H2_PRIV_H

#include <nghttp2/nghttp2.h>

#include "engine/wire/conn_priv.h"

#define H2_STREAMS 100
#define H2_WINDOW  (1024 * 1024) /* all streams of a connection together */

enum h2_state {
	H2_HEAD,
	H2_BODY,
	H2_WAIT, /* for memory */
	H2_BUSY, /* with the handler */
	H2_REPLY,
	H2_DRAIN, /* answered; the rest of the body is thrown away */
};

struct h2_stream {
	TAILQ_ENTRY(h2_stream) next;
	struct request *r;
	int32_t id;
	enum h2_state state;
	int refuse; /* what is wrong with the head: a status; 0: nothing yet */
	bool has_length;
	bool ended; /* the body came while it waited */
	uint64_t length;
	size_t head_bytes; /* counted in h2.head_bytes */
	size_t held;       /* counted in h2.held; its window stays shut */
	int64_t since;     /* of the state */
	int64_t last;      /* byte of the body or of the answer */
	uint64_t received;
	size_t sent;
};
TAILQ_HEAD(h2_streams, h2_stream);

struct h2 {
	nghttp2_session *ng;
	struct h2_streams streams;
	unsigned n_streams;
	bool used; /* there was a stream */
	size_t head_bytes;
	size_t held;
	int64_t idle_since;
	unsigned resets;
	int64_t resets_since;
};

/* h2.c; NULL when out of memory */
nghttp2_session_callbacks *h2_callbacks(void);
void h2_answered(struct conn *c, struct request *r);
void h2_resume(struct conn *c, struct request *r);
/* Tell the client that the stream is over. */
void h2_stream_reset(struct h2 *h, struct h2_stream *s);
/* Free it and drop its request. */
void h2_stream_gone(struct h2 *h, struct h2_stream *s);

#endif
