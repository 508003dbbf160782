/*
 * tls.h - hands the identities in effect to the HTTPS server.
 */
#ifndef MDMFS_ENGINE_TLS_H
#define MDMFS_ENGINE_TLS_H

#include "engine/model/model.h"
#include "engine/wire/server.h"

/* What the server was given, so that only what is new is decoded. */
struct tls_served;

/*
 * If an HTTPS identity or an address has changed, serve what is in effect from
 * the next connection on: every certificate for its names, the one of
 * system/tls for all others.  *served is NULL at first.  One that cannot be
 * served, and what is beyond SERVER_MAX_IDENTITIES, is told in an event.
 */
enum err_code tls_serve(struct engine *e, struct server *s,
    struct tls_served **served, struct err *err);
void tls_served_free(struct tls_served *served);

#endif
