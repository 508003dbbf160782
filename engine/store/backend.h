/*
 * backend.h - the seam between the store and what keeps its bytes.
 *
 * A backend knows keys, values and transactions; groups, failing functions,
 * seals and reserved keys are store.c's.  Keys here are 1 to STORE_KEY_MAX
 * bytes and may begin with 0.
 *
 * Its failures: ERR_NOT_FOUND comes without err being set.  After any other
 * failure of a call on a writing transaction that transaction may be broken:
 * the store ends it.  ERR_STANDBY says that no write will succeed any more.
 */
#ifndef MDMFS_STORE_BACKEND_H
#define MDMFS_STORE_BACKEND_H

#include "engine/store/store.h"

struct backend {
	const struct backend_ops *ops;
};

/* Embedded as the first member of the backend's own. */
struct backend_txn {
	struct backend *b;
};

struct pair {
	struct bytes key;
	struct bytes value;
};

struct backend_ops {
	void (*close)(struct backend *b);

	/* Writing transactions come from one thread, one at a time; others
	 * from any thread, beside them, each on a snapshot.  One transaction
	 * stays in its thread. */
	enum err_code (*begin)(struct backend *b, bool writing,
	    struct backend_txn **ret, struct err *err);
	/* Durable when it returns ERR_OK.  t is gone, also after a failure. */
	enum err_code (*commit)(struct backend_txn *t, struct err *err);
	/* End a view; forget what was written.  t is gone. */
	void (*end)(struct backend_txn *t);

	/* What they return is good until t is changed or ends. */
	enum err_code (*get)(struct backend_txn *t, struct bytes key,
	    struct bytes *ret, struct err *err);
	/* The first pair that is not below key, which may be one byte longer
	 * than a key. */
	enum err_code (*seek)(struct backend_txn *t, struct bytes key,
	    struct pair *ret, struct err *err);
	/* The last pair below key; len 0: the last of all. */
	enum err_code (*last)(struct backend_txn *t, struct bytes key,
	    struct pair *ret, struct err *err);

	/* key and value are not the backend's own memory. */
	enum err_code (*put)(struct backend_txn *t, struct bytes key,
	    struct bytes value, struct err *err);
	enum err_code (*del)(
	    struct backend_txn *t, struct bytes key, struct err *err);

	/* Fills all but commits and updates. */
	enum err_code (*stat)(
	    struct backend *b, struct store_stat *ret, struct err *err);
	enum err_code (*backup)(
	    struct backend *b, const char *path, struct err *err);
	/* Give memory back that can be had again; NULL: there is none. */
	void (*relax)(struct backend *b);
};

/* The caller's, until ops->close(). */
enum err_code backend_lmdb(
    const char *dir, struct backend **ret, struct err *err);
enum err_code backend_memory(struct backend **ret, struct err *err);

/*
 * A store over b.  name stands in front of messages: its directory.  master
 * is called for the master key once it is known whether the store holds data.
 * b is the store's from now on; a failure closes it.
 */
typedef enum err_code master_fn(const void *arg, bool is_new,
    uint8_t key[static STORE_MASTER_KEY_LEN], struct err *err);

struct store_parts {
	struct backend *backend;
	const char *name;
	master_fn *master;
	const void *arg; /* of master */
};

enum err_code store_assemble(
    const struct store_parts *parts, struct store **ret, struct err *err);

#endif
