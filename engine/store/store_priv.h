/*
 * store_priv.h - the insides of a store, shared by store.c, writer.c, txn.c.
 */
#ifndef MDMFS_STORE_STORE_PRIV_H
#define MDMFS_STORE_STORE_PRIV_H

#include <pthread.h>
#include <semaphore.h>
#include <sys/queue.h>

#include "engine/store/backend.h"
#include "engine/store/store.h"

#define STORE_MAX_HOOKS 8

/* One call of store_update(), on its caller's stack until it is answered. */
struct waiter {
	STAILQ_ENTRY(waiter) link;
	txn_fn *fn;
	void *arg;
	struct err *err;   /* the caller's; may be NULL */
	struct err before; /* what it held, for another run */
	enum err_code rc;
	bool changed;
	sem_t answered;
};
STAILQ_HEAD(waiters, waiter);

/* What a key held before a change. */
struct undo {
	SLIST_ENTRY(undo) link;
	bool was_there;
	size_t key_len;
	size_t value_len;
	uint8_t p[]; /* key, value */
};
SLIST_HEAD(undo_log, undo);

struct txn {
	struct store *s;
	struct backend_txn *b;
	bool writing;
	/* The first failure of the backend: whatever the function says, it
	 * has failed, and b is only good for being ended. */
	enum err_code broken;
	struct undo_log log; /* newest first */
	struct buf scratch;  /* a copy of the value that is put */
};

struct store {
	struct backend *b;
	char *name;
	uint8_t key[STORE_MASTER_KEY_LEN];
	struct {
		void (*fn)(void *arg);
		void *arg;
	} hooks[STORE_MAX_HOOKS];
	size_t n_hooks;

	_Atomic uint64_t version; /* grows with each commit */

	pthread_t writer;
	bool has_writer;

	pthread_mutex_t mutex;
	pthread_cond_t work;
	/* protected by mutex */
	struct waiters waiting;
	bool closing;
	bool failed; /* for good: no more writes */
	uint64_t commits;
	uint64_t updates;
};

/* txn.c */

/* Give every key of the log its old value back; a failure leaves t broken. */
void txn_undo(struct txn *t);
void txn_forget(struct txn *t); /* empty the log */

/* Those of users do not reach the reserved keys, which begin with 0. */
enum err_code txn_get_any(
    struct txn *t, struct bytes key, struct bytes *ret, struct err *err);
enum err_code txn_put_any(
    struct txn *t, struct bytes key, struct bytes value, struct err *err);

/* store.c: asserts that this thread is in no transaction of s already. */

void store_enter(const struct store *s);
void store_leave(void);

/* writer.c */

enum err_code writer_start(struct store *s, struct err *err);
void writer_stop(struct store *s);

#endif
