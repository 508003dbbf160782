/*
 * wire_client.h - TLS clients, certificates and a server with a few routes,
 * for tests.  What fails here ends the test program.
 */
#ifndef MDMFS_TESTS_WIRE_CLIENT_H
#define MDMFS_TESTS_WIRE_CLIENT_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "engine/wire/server.h"
#include "mdmfs/buf.h"

/* A key with its self-signed certificate. */
struct wire_pair {
	EVP_PKEY *key;
	X509 *cert;
	struct buf key_der; /* PKCS #8 */
	struct buf cert_der;
};

/* bits > 0: RSA; 0: P-256.  Valid from now + from to now + to seconds. */
void wire_pair_make(
    struct wire_pair *p, const char *cn, int bits, long from, long to);
void wire_pair_free(struct wire_pair *p);
/* Certificate and key as PEM in a new file; its path is static. */
const char *wire_pair_pem(const struct wire_pair *p);

/* One identity for everybody. */
void wire_identify(struct server *s, const struct wire_pair *p);

struct wire_client_options {
	uint16_t port;
	int version;                 /* TLS1_2_VERSION; 0: any */
	const struct wire_pair *own; /* client certificate */
	const char *sni;
	const char *alpn;    /* "http/1.1", "h2"; NULL: none */
	const char *ciphers; /* of TLS 1.2 */
	SSL_SESSION *session;
};

struct wire_client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	SSL_SESSION *session; /* the newest that may be resumed; owned */
};

/* False: TLS failed.  Close it in both cases. */
bool wire_connect(struct wire_client *c, const struct wire_client_options *o);
void wire_disconnect(struct wire_client *c);
/* TCP alone, to 127.0.0.1; reading gives up after 20 s. */
int wire_dial(uint16_t port);

bool wire_send(struct wire_client *c, const void *p, size_t len);
/* One answer of HTTP/1.1, by its Content-Length; "" if none came. */
const char *wire_answer(struct wire_client *c, struct buf *b);
/* Send a text, then read one answer; the status, 0 if none came. */
int wire_ask(struct wire_client *c, const char *text, struct buf *answer);
/* The same on a connection of its own. */
int wire_once(uint16_t port, const char *text, struct buf *answer);
/* Whether the server closes: the end of the stream or an error follows. */
bool wire_closed(struct wire_client *c);
/* The same, with what came before. */
bool wire_closed_with(struct wire_client *c, struct buf *b);

/* What a shell command writes; its exit status. */
int wire_shell(struct buf *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Routes for tests: GET /hello, /who (certificate's CN, peer), /big (4 MiB),
 * /zero (status 0), /evil (a line break in a header), /gone (204), /wait
 * (until wire_go()), PUT /echo (1 MiB), PUT /huge (16 MiB, answers the
 * length), PUT /small (100 bytes), GET and PUT /mdm/{org}, GET /rest/ and
 * all below.
 */
extern const struct route wire_routes[];
extern const size_t wire_n_routes;
/* How many handlers wait; let n of them go. */
void wire_waiting(int n); /* returns when n wait */
void wire_go(int n);

/* Opens with wire_routes and a free port on 127.0.0.1, starts. */
struct server *wire_serve(struct server_options o, const struct wire_pair *p);

#endif
