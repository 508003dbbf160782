/*
 * tls_priv.h - identities, contexts and tickets: everything about TLS that is
 * not one connection.
 */
#ifndef MDMFS_WIRE_TLS_PRIV_H
#define MDMFS_WIRE_TLS_PRIV_H

#include <openssl/ssl.h>

#include "engine/wire/server.h"

struct tls;
struct tls_set; /* the contexts of one moment */

/* NULL when out of memory. */
struct tls *tls_new(void);
void tls_free(struct tls *t);

/* server.h: server_set_identities(), server_set_client_cas(). */
enum err_code tls_identities(struct tls *t,
    const struct wire_identity *identities, size_t n, struct err *err);
enum err_code tls_client_cas(
    struct tls *t, const struct bytes *certs, size_t n, struct err *err);

/*
 * The server's end of a new connection over fd (not owned).  *set is to be
 * released after SSL_free().  NULL: no identity, or out of memory.
 */
SSL *tls_accept(struct tls *t, int fd, struct tls_set **set);
void tls_release(struct tls_set *set);

/* Tickets (RFC 5077, RFC 8446 4.6.1), sealed with keys that change; made for
 * sessions with a client certificate alone. */
struct ticket_keys;
struct ticket_keys *ticket_keys_new(void);
void ticket_keys_free(struct ticket_keys *k);
void ticket_keys_install(struct ticket_keys *k, SSL_CTX *ctx);

#endif
