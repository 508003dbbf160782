/*
 * routes.h - what a device may ask: one row an address.
 */
#ifndef MDMFS_ENGINE_ROUTES_H
#define MDMFS_ENGINE_ROUTES_H

#include "engine/mdm/mdm.h"
#include "engine/scep/scep.h"
#include "engine/wire/route.h"
#include "engine/wire/server.h"

/* Whom the handlers work for: the server's ctx. */
struct routes_ctx {
	struct engine *engine;
	struct mdm *mdm;
	struct scep *scep;
	struct server *server; /* for its figures */
};

extern const struct route routes[];
extern const size_t n_routes;

#endif
