/*
 * refusal_priv.h - the last request that was refused before a handler saw it.
 */
#ifndef MDMFS_WIRE_REFUSAL_PRIV_H
#define MDMFS_WIRE_REFUSAL_PRIV_H

#include <pthread.h>

#include "engine/wire/server.h"

struct request;

struct refusal {
	pthread_mutex_t mutex;
	struct server_refusal last; /* protected by mutex */
};

void refusal_init(struct refusal *r);
void refusal_fini(struct refusal *r);

/* Counts too long (413) and too slow (408) ones of a known route alone: the
 * internet asks for any address.  From any thread; request may be NULL. */
void refusal_note(struct refusal *r, const struct request *request,
    const char *peer, int status);
void refusal_get(struct refusal *r, struct server_refusal *ret);

#endif
