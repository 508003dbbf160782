/*
 * third_priv.h - between third.c (asking the CA) and proxy.c.
 */
#ifndef MDMFS_SCEP_THIRD_PRIV_H
#define MDMFS_SCEP_THIRD_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/scep/ndes.h"
#include "engine/scep/third.h"

#define THIRD_PLACES 64

/* The last failure for some settings: asking again at once would fail again,
 * and lock an account. */
struct failure {
	uint8_t of[32]; /* a hash of the settings */
	int64_t until;  /* seconds */
	struct err err;
};

/* NDES gave the doctor a challenge, which is one of five for an hour: not
 * again with the same settings. */
struct given {
	uint8_t to[32]; /* a hash of the settings */
	int64_t until;  /* seconds */
};

struct third {
	struct engine *engine;
	struct teller *teller;
	struct ndes *ndes;
	struct scep_source source;
	pthread_mutex_t mutex;
	struct failure failures[THIRD_PLACES]; /* protected by mutex */
	struct given given[THIRD_PLACES];      /* of the thread */
	/* who asks all of them, on demand */
	pthread_t thread; /* protected by mutex */
	bool has_thread;  /* the same */
	atomic_bool asking;
	atomic_bool stop;
};

/*
 * Judge an answer to GetCACert and keep it, with caps (NULL: those that are
 * kept).  ERR_DENIED: the pinned certificate is not in it; ERR_UNDECODABLE.
 */
enum err_code third_learn(struct third *t, const struct scep_settings *s,
    struct bytes reply, const char *caps, struct err *err);

#endif
