/*
 * server.h - the HTTPS server: sockets and TLS in, exchanges out.
 *
 * A few loop threads move bytes; a pool of request threads runs the handlers
 * of the routes, one exchange each.  HTTP/1.1 and HTTP/2, TLS 1.2 and 1.3.  A
 * client certificate is asked for and never judged: TLS proves that the client
 * has its key, handlers find it in x->peer_cert and decide, expired and unknown
 * ones included.
 *
 * What a handler answers is sent with Date, Content-Length and, unless it set
 * one itself, "Cache-Control: no-store".
 */
#ifndef MDMFS_WIRE_SERVER_H
#define MDMFS_WIRE_SERVER_H

#include <stdint.h>

#include "engine/wire/route.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

struct server;

/* Zero or NULL means the default that is named. */
struct server_options {
	/* "[::]:8443" (IPv4 as well), "0.0.0.0:8443", "127.0.0.1:0" (any free
	 * port); default: "[::]:8443".  Numeric addresses only. */
	const char *const *listen;
	size_t n_listen;

	const struct route *routes;
	size_t n_routes;
	void *ctx; /* for the handlers */

	int64_t (*now)(void); /* seconds since 1970 UTC; the clock */

	unsigned loops;   /* threads that move bytes; 2, 1 on one CPU */
	unsigned threads; /* threads that run handlers; 16 */
	unsigned queue;   /* requests that wait for one of them; 256 */

	/* Beyond them new clients wait until another one goes; as many as open
	 * files allow, 20000 at most. */
	unsigned max_connections;
	/* Bytes of all request bodies together; more of them wait; 128 MiB.
	 * Twice the largest body_limit at least. */
	size_t max_body_memory;

	/* milliseconds */
	unsigned handshake_ms; /* until TLS stands; 10 s */
	unsigned head_ms;      /* from the first byte of a head; 15 s */
	unsigned body_ms;      /* without a byte of a body; 30 s */
	unsigned write_ms;     /* without a byte of an answer taken; 30 s */
	unsigned idle_ms;      /* between requests; 60 s */
	unsigned linger_ms;    /* for a client to see an early answer; 2 s */
	unsigned stop_ms;      /* for requests under way at a stop; 10 s */
	/* The least bytes a second of a body or an answer, on the whole, after
	 * body_ms or write_ms; 256 */
	unsigned min_rate;
};

/*
 * Bind the addresses and make the threads' structures; nobody is served before
 * server_start(), in the same process: epoll is not to be taken through a fork
 * (and event_reinit() closes descriptors twice).  options is borrowed for the
 * call, routes and ctx until server_close().
 * ERR_CHANGED: an address is taken.  ERR_INVALID: not an address.
 * ERR_DENIED: a port below 1024 without the right to it.
 */
enum err_code server_open(
    const struct server_options *options, struct server **ret, struct err *err);

/* Start the threads.  SIGPIPE is ignored from now on. */
enum err_code server_start(struct server *s, struct err *err);

/* Take no more clients, finish the requests under way (stop_ms at most, then
 * the connections go; running handlers are waited for). */
void server_stop(struct server *s);

/* server_stop() if that was not done, then free everything.  Takes NULL. */
void server_close(struct server *s);

/* The port of listen[i], for ":0"; the address as text, "127.0.0.1:8443". */
uint16_t server_port(const struct server *s, size_t i);
const char *server_address(const struct server *s, size_t i);

#define SERVER_MAX_IDENTITIES 16384 /* about 10 KB each */

/* A private key with its certificate. */
struct wire_identity {
	struct bytes key;          /* PKCS #8, DER */
	const struct bytes *certs; /* DER, the leaf first */
	size_t n_certs;
	/* Not 0: the key and certificates that this number stands for.  If it
	 * was among the identities before, they are taken from there, and key
	 * and certs are not looked at (they may be empty). */
	uint64_t version;
	/* For which names of the SNI extension: "mdm.example.com",
	 * "*.example.com"; none: for every client that asks for another name
	 * or for none. */
	const char *const *names;
	size_t n_names;
};

/*
 * Serve these from the next connection on; connections that stand go on with
 * theirs.  Several for the same name are for different kinds of keys (RSA and
 * P-256): the client's abilities choose.  Without one that has no names, the
 * first is also for everybody else; of one kind of key, the first wins.  n is
 * 0 to SERVER_MAX_IDENTITIES; with 0 (as in the beginning) clients are turned
 * away.  Everything is copied.  How many there are costs a handshake nothing.
 * ERR_KEY_REJECTED, ERR_INVALID, ERR_NOT_FOUND (a version without bytes that
 * was not there before): nothing has changed.
 * From any thread, also before server_start().
 */
enum err_code server_set_identities(struct server *s,
    const struct wire_identity *identities, size_t n, struct err *err);

/* Whether it could be served: as above, for this one alone. */
enum err_code server_check_identity(
    const struct wire_identity *identity, struct err *err);

/*
 * Name the issuers (DER certificates) whose client certificates are welcome,
 * so that a client finds the right one; the same rules as above.  n 0: any.
 */
enum err_code server_set_client_cas(
    struct server *s, const struct bytes *certs, size_t n, struct err *err);

/* What happened so far, for status pages. */
struct server_counts {
	uint64_t connections;       /* open now */
	uint64_t accepted;          /* ever */
	uint64_t handshakes_failed; /* TLS never stood */
	uint64_t requests;          /* complete, handed to a handler */
	uint64_t refused;           /* answered by wire alone: 4xx */
	uint64_t body_memory;       /* bytes set aside for bodies now */
};
void server_counts(struct server *s, struct server_counts *ret);

/* The last request of a known route that was refused before its handler saw it,
 * since it was too long (413) or came too slowly (408). */
struct server_refusal {
	uint64_t n; /* so many so far; 0: none, and nothing below holds */
	int status;
	size_t limit; /* bytes that the route takes */
	char method[16];
	char path[128]; /* cut */
	char peer[64];
};
void server_last_refusal(struct server *s, struct server_refusal *ret);

#endif
