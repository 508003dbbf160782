/*
 * store.h - transactions over an ordered space of keys and values.
 *
 * A transaction is a function: it runs inside the store, may be run again
 * (so it must set its results anew each time), does no I/O, does not wait and
 * does not start another transaction.  Whatever it borrows from the store is
 * good until it returns.
 *
 * store_view() runs in the calling thread on one consistent snapshot, beside
 * writers.  store_update() hands its function to the store's one writer
 * thread, which runs the functions that are waiting and commits them together
 * with one sync; store_update() returns when the change is durable, or when
 * its function has failed, in which case nothing of it is left and its
 * neighbours in the group are not touched.
 */
#ifndef MDMFS_STORE_STORE_H
#define MDMFS_STORE_STORE_H

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

struct store;
struct txn;

/* Keys are 1 to STORE_KEY_MAX bytes, compared as unsigned bytes.  Those whose
 * first byte is 0 are the store's own: not for users. */
#define STORE_KEY_MAX 511

#define STORE_VALUE_MAX (64 << 20)

/* A key of 32 bytes that seals secrets; see seal.h. */
#define STORE_MASTER_KEY_LEN 32

struct store_options {
	const char *dir;      /* of the data file; made if missing, mode 0700 */
	const char *key_file; /* the master key; NULL: DIR/master.key */
};

/*
 * Open the LMDB store in options->dir.  Call it after fork: the writer thread
 * starts here.  *ret is the caller's until store_close().
 * Fails with ERR_CHANGED when another process has it open, ERR_STANDBY when it
 * was written by a newer version, ERR_DAMAGED, ERR_DENIED (also: the master
 * key may be read by others), ERR_KEY_REJECTED (a wrong master key),
 * ERR_NOT_FOUND (no master key, or nowhere to make dir), ERR_FULL.
 */
enum err_code store_open(
    const struct store_options *options, struct store **ret, struct err *err);

/* The same interface in memory: for tests and `mdmfs check`. */
enum err_code store_open_memory(struct store **ret, struct err *err);

/* Waits for what is under way.  Takes NULL. */
void store_close(struct store *s);

typedef enum err_code txn_fn(struct txn *t, void *arg, struct err *err);

enum err_code store_view(
    struct store *s, txn_fn *fn, void *arg, struct err *err);
/* Also fails with ERR_FULL (disk or map), ERR_STANDBY (an earlier write
 * failed for good; views go on). */
enum err_code store_update(
    struct store *s, txn_fn *fn, void *arg, struct err *err);

/*
 * Call fn(arg) in the writer thread after each commit that changed something,
 * before the callers of store_update() are answered.  It must be short and
 * must not call the store: it wakes somebody.  At most 8; before threads use
 * the store.
 */
void store_on_commit(struct store *s, void (*fn)(void *arg), void *arg);

/*
 * Grows with every commit, before the callers of store_update() are answered:
 * what was read after the same number is still so, for all that anybody has
 * been told.
 */
uint64_t store_version(const struct store *s);

/* *ret is the store's, good until the function returns or changes the store.
 * ERR_NOT_FOUND (then err is set, too: pass NULL where absence is normal). */
enum err_code txn_get(
    struct txn *t, struct bytes key, struct bytes *ret, struct err *err);
/* Writes or replaces.  value may be empty. */
enum err_code txn_put(
    struct txn *t, struct bytes key, struct bytes value, struct err *err);
/* ERR_NOT_FOUND if there is none. */
enum err_code txn_del(struct txn *t, struct bytes key, struct err *err);

/* Return ERR_OK to go on, anything else to stop with it; *stop = true stops
 * without failing.  key and value are good until fn changes the store. */
typedef enum err_code each_fn(void *arg, struct bytes key, struct bytes value,
    bool *stop, struct err *err);

/*
 * Call fn for each pair whose key begins with prefix and is not below from
 * (a whole key; len 0: from the start), in order.  fn may change or delete the
 * pair it is given, and other pairs with that prefix; pairs that are put
 * behind the current one may or may not be visited.
 */
enum err_code txn_each(struct txn *t, struct bytes prefix, struct bytes from,
    each_fn *fn, void *arg, struct err *err);

/* The last pair whose key begins with prefix.  ERR_NOT_FOUND. */
enum err_code txn_last(struct txn *t, struct bytes prefix, struct bytes *key,
    struct bytes *value, struct err *err);

/* Seal and open secrets with the store's master key (AES-256-GCM, a random
 * nonce, the key as associated data, so that a sealed value cannot be moved
 * to another key).  Same errors as txn_put() and txn_get(), and ERR_DAMAGED
 * when the seal does not hold. */
enum err_code txn_put_sealed(
    struct txn *t, struct bytes key, struct bytes value, struct err *err);
/* Appends the value to ret (wipe it with buf_wipe()). */
enum err_code txn_get_sealed(
    struct txn *t, struct bytes key, struct buf *ret, struct err *err);

/* True in store_update(). */
bool txn_is_writing(const struct txn *t);

struct store_stat {
	uint64_t used_bytes;  /* of the data file */
	uint64_t limit_bytes; /* of the map or the disk, whichever is less */
	uint64_t pairs;
	uint64_t commits; /* since it was opened */
	uint64_t updates; /* since it was opened; updates / commits: group */
	uint64_t readers;
};
enum err_code store_stat(
    struct store *s, struct store_stat *ret, struct err *err);

/* Give back what the process holds of the store in memory; it is read again
 * when it is needed.  Any thread, at any time: a scan leaves as many pages
 * mapped as it has seen. */
void store_relax(struct store *s);

/* A consistent, compacted copy (mode 0600), beside writers.  path must not
 * exist; put into an empty directory as data.mdb, with the master key beside
 * it, it is a store.  ERR_EXISTS, ERR_FULL, ERR_DENIED. */
enum err_code store_backup(struct store *s, const char *path, struct err *err);

/*
 * The same for the store in dir that another process has open, or nobody.
 * Never in the process that has it open.
 */
enum err_code store_copy(const char *dir, const char *path, struct err *err);

#endif
