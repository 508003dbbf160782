/*
 * keeper.h - the thread that keeps house: removals that are due, the HTTPS
 * identities, renewals, what has ended.
 */
#ifndef MDMFS_ENGINE_KEEPER_H
#define MDMFS_ENGINE_KEEPER_H

#include "engine/model/model.h"
#include "engine/wire/server.h"

struct keeper;

/* Not running yet; e outlives it.  *ret is the caller's. */
enum err_code keeper_new(
    struct engine *e, struct keeper **ret, struct err *err);
/* Hand the HTTPS identities to s, as the thread does from then on. */
enum err_code keeper_serve(struct keeper *k, struct server *s, struct err *err);
enum err_code keeper_start(struct keeper *k, struct err *err);

/* Something was committed: look at everything.  Any thread; does not block. */
void keeper_wake(struct keeper *k);

/* Wait until the thread has ended.  The server may go afterwards. */
void keeper_stop(struct keeper *k);
/* Takes NULL. */
void keeper_free(struct keeper *k);

#endif
