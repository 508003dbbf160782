/*
 * tls.h - the HTTPS identity: the one in system/tls, or one that the server
 * makes for itself.
 */
#ifndef MDMFS_MODEL_TLS_H
#define MDMFS_MODEL_TLS_H

#include "engine/model/settings.h"
#include "engine/model/slots.h"

struct tls_state {
	struct slot_facts facts; /* version 0: none yet */
	bool own;                /* made here: system/tls is empty */
};

/* What is in effect. */
enum err_code tls_state(struct txn *t, struct tls_state *ret, struct err *err);
/* Its identity, the caller's.  ERR_NOT_FOUND. */
enum err_code tls_identity(
    struct txn *t, struct identity **ret, struct err *err);

/* What tls_ensure() has seen, so that it costs next to nothing while nothing
 * changes.  Zeroed: nothing yet. */
struct tls_watch {
	uint64_t slot;   /* version of the identity in system/tls */
	uint64_t own;    /* of the self-made one */
	uint64_t url;    /* of the file system/url */
	int64_t look_at; /* seconds: at the latest */
};

/*
 * Make sure that there is an identity: with nothing in system/tls, a root of
 * the server's own and a certificate for the host in system/url are made, and
 * made again when the host changes or the end is near.  Not inside a
 * transaction.
 */
enum err_code tls_ensure(
    struct engine *e, struct tls_watch *watch, struct err *err);

#endif
