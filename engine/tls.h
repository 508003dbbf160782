/*
 * tls.h - hands the identities in effect to the HTTPS server.
 */
#ifndef MDMFS_ENGINE_TLS_H
#define MDMFS_ENGINE_TLS_H

#include "engine/model/model.h"
#include "engine/wire/server.h"

/*
 * If the HTTPS identity has changed since *version, serve the new one from the
 * next connection on; *version follows.
 */
enum err_code tls_serve(
    struct engine *e, struct server *s, uint64_t *version, struct err *err);

#endif
