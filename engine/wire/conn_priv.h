/*
 * conn_priv.h - one client's connection: TLS, time-outs, bytes.  What the bytes
 * mean is its protocol's.
 */
#ifndef MDMFS_WIRE_CONN_PRIV_H
#define MDMFS_WIRE_CONN_PRIV_H

#include <event2/event_struct.h>

#include "engine/wire/loop_priv.h"

#define NEVER INT64_MAX

enum conn_state {
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_CLOSING, /* what was written is sent, then no more */
	CONN_LINGER,  /* all was sent; until the client has seen it */
	CONN_DEAD,    /* closed; its memory stays while requests are out */
};

struct protocol {
	bool (*open)(struct conn *c); /* false: out of memory */
	void (*close)(struct conn *c);
	void (*feed)(struct conn *c, struct bytes in);
	void (*eof)(struct conn *c); /* the client sends no more */
	bool (*wants_read)(const struct conn *c);
	bool (*is_idle)(const struct conn *c); /* no request under way */
	void (*more)(struct conn *c); /* append what there is to c->out */
	int64_t (*deadline)(const struct conn *c); /* or NEVER */
	void (*expired)(struct conn *c, int64_t now);
	void (*answered)(struct conn *c, struct request *r);
	void (*resume)(struct conn *c, struct request *r); /* has memory */
	void (*stop)(struct conn *c); /* take no more requests */
};

extern const struct protocol protocol_h1, protocol_h2;

struct conn {
	TAILQ_ENTRY(conn) all;
	TAILQ_ENTRY(conn) by_idle;
	struct loop *loop;
	int fd;
	SSL *ssl;
	struct tls_set *set;
	enum conn_state state;
	bool in_idle;     /* in loop->idle */
	bool in_armed;    /* ev_in is added */
	bool out_armed;   /* ev_out is added */
	bool want_write;  /* SSL waits for the socket */
	bool linger;      /* after CLOSING */
	unsigned n_pool;  /* requests with the pool */
	int64_t since;    /* of the state */
	int64_t timer_at; /* NEVER: not set */
	struct event ev_in, ev_out, ev_timer;

	struct buf out;
	size_t out_done;
	int64_t out_since; /* when out stopped being empty */
	int64_t out_last;  /* when the socket last took something */
	uint64_t out_taken;

	const struct protocol *protocol; /* NULL before the handshake's end */
	void *session;                   /* the protocol's */
	char peer[LISTEN_TEXT];
	struct bytes cert; /* DER of the client's; owned */
};

void conn_open(struct loop *l, int fd, const struct sockaddr_storage *peer);
void conn_answered(struct conn *c, struct request *r);
void conn_resume(struct conn *c, struct request *r);
void conn_stop(struct conn *c);
/* Close at once. */
void conn_kill(struct conn *c);

void conn_enter(struct conn *c, enum conn_state state);

/* handshake.c: go on with it; then c is open, lingers or is dead. */
void conn_handshake(struct conn *c);

/* For protocols: send what is in out, then close; linger: the client may still
 * be sending and should see it. */
void conn_finish(struct conn *c, bool linger);
/* For protocols: close without another byte. */
void conn_abort(struct conn *c);

/* The time by which a transfer that began at since, last moved at last and has
 * moved n bytes must move again. */
int64_t conn_pace(const struct conn *c, unsigned stall_ms, int64_t since,
    int64_t last, uint64_t n);

#endif
