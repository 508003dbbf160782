/*
 * server_priv.h - what the threads of a server share.
 */
#ifndef MDMFS_WIRE_SERVER_PRIV_H
#define MDMFS_WIRE_SERVER_PRIV_H

#include <stdatomic.h>

#include "engine/wire/budget_priv.h"
#include "engine/wire/listen_priv.h"
#include "engine/wire/pool_priv.h"
#include "engine/wire/refusal_priv.h"
#include "engine/wire/server.h"
#include "engine/wire/tls_priv.h"

#define SERVER_LOOPS_MAX 32 /* the bits of budget.hungry */

struct loop;

struct server {
	struct server_options options; /* nothing is zero; listen is NULL */
	struct tls *tls;
	struct pool *pool;
	struct budget budget;
	struct listen *listens;
	size_t n_listens;
	struct loop *loops[SERVER_LOOPS_MAX];
	unsigned n_loops;
	bool started;
	atomic_bool stopping;

	atomic_uint n_conns;
	atomic_bool full; /* the listeners rest until a connection goes */
	atomic_ullong accepted;
	atomic_ullong handshakes_failed;
	atomic_ullong requests;
	atomic_ullong refused;
	struct refusal refusal;
};

#endif
