/*
 * engine.h - the server without its mount: the store, the HTTPS server, the
 * push client.
 *
 * Every other header in this folder holds verbs on one noun; each call is one
 * transaction and may be made from any thread.
 */
#ifndef MDMFS_ENGINE_H
#define MDMFS_ENGINE_H

#include <stdint.h>

#include "mdmfs/buf.h"
#include "mdmfs/err.h"

struct engine;

#define ENGINE_MAX_LISTEN  16
#define ENGINE_MAX_PROXIES 16

struct engine_options {
	const char *state_dir; /* NULL: everything in memory, for check */
	const char *key_file;  /* NULL: STATE_DIR/master.key */
	const char *listen[ENGINE_MAX_LISTEN]; /* none: [::]:8443 */
	const char *apns_url;                  /* NULL: Apple's */
	const char *apns_trust; /* PEM file of its roots; NULL: the system's */
	const char *schema_dir; /* of Apple's schema; NULL: the program's */
	const char *proxies[ENGINE_MAX_PROXIES]; /* CIDR of trusted proxies */
};

/*
 * Open the store.  Call it after fork.  options is borrowed until
 * engine_close().  Errors: those of store_open().
 */
enum err_code engine_open(
    const struct engine_options *options, struct engine **ret, struct err *err);

/* Read schema_dir again (or the program's own tables) and judge by it from now
 * on; an event says so.  On failure the one before stays: ERR_NOT_FOUND,
 * ERR_INVALID with file and line.  Any thread. */
enum err_code engine_reload(struct engine *e, struct err *err);

/* Open the listeners and start the threads.  ERR_CHANGED: a port is taken. */
enum err_code engine_start(struct engine *e, struct err *err);

/* Finish what is under way, close the store.  Takes NULL. */
void engine_close(struct engine *e);

/*
 * Call fn(arg) after each commit that changed something, from the writer
 * thread: it must be short and call nothing of the engine.  Before
 * engine_start().
 */
void engine_on_commit(struct engine *e, void (*fn)(void *arg), void *arg);

/* Grows with every commit, before whoever asked for the change hears of it:
 * while it stays the same, so does all that is kept. */
uint64_t engine_version(const struct engine *e);

/* One line for the person who started it: the addresses that it listens on and
 * the certificate it uses. */
void engine_describe(struct engine *e, struct buf *b);

/* status/server: version, listeners, store, counts; `key: value`. */
enum err_code engine_server_page(
    struct engine *e, struct buf *b, struct err *err);

/* A consistent copy of the store of a running or stopped server. */
enum err_code engine_backup(const char *state_dir, const char *key_file,
    const char *path, struct err *err);

/* Its counterpart: the store of a server that does not run, made of such a
 * copy.  state_dir is missing or holds no store (ERR_EXISTS). */
enum err_code engine_restore(
    const char *path, const char *state_dir, struct err *err);

#endif
