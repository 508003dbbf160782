#include "engine/store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "engine/store/key.h"
#include "engine/store/master.h"
#include "engine/store/seal.h"
#include "engine/store/store_priv.h"

/* What the records of the store look like; a bump comes with a migration. */
#define FORMAT 1

/* The store's own records: kind 0 and a name. */
static const struct bytes format_key = { (const uint8_t *)"\0format", 7 };
static const struct bytes check_key = { (const uint8_t *)"\0check", 6 };

/* What the check record holds, sealed: tells a wrong master key. */
static const char check_text[] = "mdmfs master key";

/* The store whose transaction this thread is in, or which it waits for. */
static _Thread_local const struct store *inside;

void
store_enter(const struct store *s)
{
	assert(inside != s);
	inside = s;
}

void
store_leave(void)
{
	inside = NULL;
}

/* ---- opening ------------------------------------------------------------ */

struct opening {
	struct store *s;
	bool is_new;
};

static enum err_code
find_any(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	bool *found = arg;

	(void)key, (void)value, (void)err;
	*found = *stop = true;
	return ERR_OK;
}

/* Judge the format record. */
static enum err_code
check_format(struct txn *t, void *arg, struct err *err)
{
	struct opening *o = arg;
	struct bytes value;
	bool found = false;
	uint32_t format;
	enum err_code rc;

	rc = txn_get_any(t, format_key, &value, NULL);
	if (rc == ERR_NOT_FOUND) {
		rc = txn_each(t, BYTES_NONE, BYTES_NONE, find_any, &found, err);
		if (rc == ERR_OK && found)
			return err_set(err, ERR_DAMAGED,
			    "%s holds data, but not that of mdmfs: use "
			    "another directory, or restore a backup",
			    o->s->name);
		o->is_new = true;
		return rc;
	}
	if (rc != ERR_OK || value.len != 4)
		return err_set(err, ERR_DAMAGED,
		    "%s is damaged: its format record cannot be read; "
		    "restore a backup",
		    o->s->name);
	format = key_get_u32(value, 0);
	if (format > FORMAT)
		return err_set(err, ERR_STANDBY,
		    "%s was written by a newer mdmfs (format %u, this one "
		    "knows %u): install that version again",
		    o->s->name, (unsigned)format, (unsigned)FORMAT);
	if (format != FORMAT)
		return err_set(err, ERR_DAMAGED,
		    "%s is damaged: format %u does not exist; restore a "
		    "backup",
		    o->s->name, (unsigned)format);
	o->is_new = false;
	return ERR_OK;
}

/* Write the records of a new store. */
static enum err_code
write_format(struct txn *t, void *arg, struct err *err)
{
	struct opening *o = arg;
	struct key format = key_new(0);
	struct buf sealed = { 0 };
	enum err_code rc;

	format.len = 0;
	key_u32(&format, FORMAT);
	rc = txn_put_any(t, format_key, key_view(&format), err);
	if (rc == ERR_OK)
		rc = seal_close(
		    o->s->key, check_key, bytes_text(check_text), &sealed, err);
	if (rc == ERR_OK)
		rc = txn_put_any(t, check_key, buf_view(&sealed), err);
	buf_free(&sealed);
	return rc;
}

/* Whether the master key is the one that the store was made with. */
static enum err_code
check_master(struct txn *t, void *arg, struct err *err)
{
	struct opening *o = arg;
	struct buf plain = { 0 };
	struct bytes sealed;
	enum err_code rc;

	rc = txn_get_any(t, check_key, &sealed, NULL);
	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_DAMAGED,
		    "%s is damaged: it has lost its check record; restore a "
		    "backup",
		    o->s->name);
	if (rc == ERR_OK)
		rc = seal_open(o->s->key, check_key, sealed, &plain, err);
	buf_free(&plain);
	if (rc == ERR_DAMAGED)
		return err_set(err, ERR_KEY_REJECTED,
		    "the master key does not open the secrets in %s: it "
		    "belongs to another store; put the right one back from "
		    "your backup or name it by --key-file",
		    o->s->name);
	return rc;
}

enum err_code
store_assemble(
    const struct store_parts *parts, struct store **ret, struct err *err)
{
	struct store *s = calloc(1, sizeof(*s));
	struct opening o = { .s = s };
	enum err_code rc;

	if (s == NULL) {
		parts->backend->ops->close(parts->backend);
		return err_set(err, ERR_NO_MEMORY, "the store");
	}
	s->b = parts->backend;
	s->version = 1;
	STAILQ_INIT(&s->waiting);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->work, NULL);
	s->name = strdup(parts->name);
	if (s->name == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "the store");
		goto out;
	}
	if ((rc = store_view(s, check_format, &o, err)) != ERR_OK ||
	    (rc = parts->master(parts->arg, o.is_new, s->key, err)) != ERR_OK ||
	    (rc = writer_start(s, err)) != ERR_OK)
		goto out;
	rc = o.is_new ? store_update(s, write_format, &o, err)
	              : store_view(s, check_master, &o, err);
	if (rc != ERR_OK)
		goto out;
	s->commits = s->updates = 0; /* the callers' only */
	*ret = s;
	s = NULL;
out:
	store_close(s);
	return rc;
}

static enum err_code
master_of_file(const void *arg, bool is_new,
    uint8_t key[static STORE_MASTER_KEY_LEN], struct err *err)
{
	return master_load(arg, is_new, key, err);
}

enum err_code
store_open(
    const struct store_options *options, struct store **ret, struct err *err)
{
	struct store_parts parts = { .name = options->dir,
		.master = master_of_file };
	char *path = NULL;
	enum err_code rc;

	if (options->key_file != NULL)
		path = strdup(options->key_file);
	else if (asprintf(&path, "%s/master.key", options->dir) < 0)
		path = NULL;
	if (path == NULL)
		return err_set(err, ERR_NO_MEMORY, "%s", options->dir);
	parts.arg = path;
	rc = backend_lmdb(options->dir, &parts.backend, err);
	if (rc == ERR_OK)
		rc = store_assemble(&parts, ret, err);
	free(path);
	return rc;
}

/* What is sealed in memory is gone with it: any key does. */
static enum err_code
master_of_memory(const void *arg, bool is_new,
    uint8_t key[static STORE_MASTER_KEY_LEN], struct err *err)
{
	(void)arg, (void)is_new, (void)err;
	memset(key, 0x6d, STORE_MASTER_KEY_LEN);
	return ERR_OK;
}

enum err_code
store_open_memory(struct store **ret, struct err *err)
{
	struct store_parts parts = { .name = "the store in memory",
		.master = master_of_memory };
	enum err_code rc = backend_memory(&parts.backend, err);

	return rc == ERR_OK ? store_assemble(&parts, ret, err) : rc;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	writer_stop(s);
	s->b->ops->close(s->b);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->mutex);
	OPENSSL_cleanse(s->key, sizeof(s->key));
	free(s->name);
	free(s);
}

/* ---- an open store ------------------------------------------------------ */

enum err_code
store_view(struct store *s, txn_fn *fn, void *arg, struct err *err)
{
	struct txn t = { .s = s };
	enum err_code rc;

	store_enter(s); /* transactions do not nest */
	rc = s->b->ops->begin(s->b, false, &t.b, err);
	if (rc == ERR_OK) {
		rc = fn(&t, arg, err);
		s->b->ops->end(t.b);
	}
	store_leave();
	return rc;
}

void
store_on_commit(struct store *s, void (*fn)(void *arg), void *arg)
{
	assert(s->n_hooks < STORE_MAX_HOOKS);
	s->hooks[s->n_hooks].fn = fn;
	s->hooks[s->n_hooks].arg = arg;
	s->n_hooks++;
}

uint64_t
store_version(const struct store *s)
{
	return s->version;
}

void
store_relax(struct store *s)
{
	if (s->b->ops->relax != NULL)
		s->b->ops->relax(s->b);
}

enum err_code
store_stat(struct store *s, struct store_stat *ret, struct err *err)
{
	struct store_stat st = { 0 };
	enum err_code rc = s->b->ops->stat(s->b, &st, err);

	if (rc != ERR_OK)
		return rc;
	pthread_mutex_lock(&s->mutex);
	st.commits = s->commits;
	st.updates = s->updates;
	pthread_mutex_unlock(&s->mutex);
	*ret = st;
	return ERR_OK;
}

enum err_code
store_backup(struct store *s, const char *path, struct err *err)
{
	return s->b->ops->backup(s->b, path, err);
}
