/*
 * lmdb_priv.h - the insides of the LMDB backend: lmdb.c, lmdb_open.c.
 */
#ifndef MDMFS_STORE_LMDB_PRIV_H
#define MDMFS_STORE_LMDB_PRIV_H

#include <pthread.h>
#include <sys/queue.h>

#include <lmdb.h>

#include "engine/store/backend.h"

/* Slots of LMDB's reader table; some are for backups and other processes. */
#define LMDB_READERS      512
#define LMDB_READERS_OURS 480

/* Room for the reader table and more. */
#define LMDB_LOCK_SIZE ((size_t)64 << 10)

struct lmdb_txn {
	struct backend_txn base;
	MDB_txn *txn;
	MDB_cursor *getter; /* of views alone: for lmdb_get() */
	MDB_cursor *cursor; /* NULL: none yet, or the txn was changed since */
	bool writing;
	SLIST_ENTRY(lmdb_txn) link;
};
SLIST_HEAD(lmdb_txns, lmdb_txn);

struct lmdb {
	struct backend base;
	char *dir;  /* for messages */
	int dir_fd; /* the daemon changes its working directory */
	int lock;
	MDB_env *env;
	MDB_dbi dbi;
	struct lmdb_txn write; /* the writer's */
	unsigned since_check;  /* the writer's: commits */

	pthread_mutex_t mutex;
	pthread_cond_t idle;
	/* protected by mutex */
	struct lmdb_txns readers; /* reset: to be renewed */
	unsigned n_readers;       /* those and the ones in use */
	unsigned n_in_use;
};

extern const struct backend_ops lmdb_ops;

/* An LMDB or system error code as a failure. */
enum err_code lmdb_error(
    const struct lmdb *l, int rc, const char *what, struct err *err);

/* Copy the store to path.  A failure leaves no file. */
enum err_code lmdb_copy(
    const struct lmdb *l, const char *path, struct err *err);

#endif
