/*
 * model.h - what every verb of the model works on.
 */
#ifndef MDMFS_MODEL_MODEL_H
#define MDMFS_MODEL_MODEL_H

#include <stdbool.h>

#include "engine/store/store.h"
#include "mdmfs/engine.h"

struct schema;
struct scep_source;
struct parts; /* engine.c's own: the server, the push client, threads */

/* The body of the public struct engine, for the rooms of the engine. */
struct engine {
	const struct engine_options *options;
	struct store *store;
	const struct schema *schema; /* engine_schema() */
	int64_t (*clock)(void); /* nanoseconds since 1970 UTC; a test's own */
	const struct scep_source *scep; /* third_party.h; NULL: none */
	struct parts *parts;
	_Atomic uint32_t scanned; /* engine_scanned() */
};

/* Apple's schema as it is now, held: for schema_free().  Another one may take
 * its place at any time; whoever holds one keeps what is found in it. */
const struct schema *engine_schema(const struct engine *e);
/* Takes schema over. */
void engine_schema_set(struct engine *e, const struct schema *schema);

/* Whether that numeric address is one of a proxy (--trusted-proxy), which speaks for
 * many. */
bool engine_has_proxy(const struct engine *e, const char *address);

/* Seconds since 1970 UTC. */
int64_t engine_now(const struct engine *e);
/* n records of a long listing were read: gives memory back now and then, so
 * that a listing of a million does not keep all of the store in memory.  Not
 * in a transaction. */
void engine_scanned(struct engine *e, uint32_t n);
/* Nanoseconds since 1970 UTC. */
int64_t engine_now_ns(const struct engine *e);

#endif
