/*
 * lmdb.h - a store on disk with records that are known, for its tests.
 */
#ifndef MDMFS_TESTS_STORE_LMDB_H
#define MDMFS_TESTS_STORE_LMDB_H

#include <pthread.h>
#include <sys/wait.h>

#include "engine/store/key.h"
#include "engine/store/store.h"
#include "tests/store/scratch.h"
#include "tests/tap.h"

static char path_of_file[4096];

static inline const char *
in(const char *dir, const char *name)
{
	if (snprintf(path_of_file, sizeof(path_of_file), "%s/%s", dir, name) >=
	    (int)sizeof(path_of_file))
		exit(1);
	return path_of_file;
}

static inline enum err_code
open_dir(const char *dir, struct store **ret, struct err *err)
{
	struct store_options options = { .dir = dir };

	return store_open(&options, ret, err);
}

/* Opening must fail with code, and a message that holds text. */
static inline bool
refused(const char *dir, enum err_code code, const char *text)
{
	struct store *s = NULL;
	struct err err = { 0 };
	enum err_code rc = open_dir(dir, &s, &err);
	bool good = rc == code && s == NULL && strstr(err.msg, text) != NULL;

	if (!good)
		printf("# %s: %s\n", err_name(rc), err.msg);
	store_close(s);
	return good;
}

struct record {
	uint64_t n;
	size_t len;
};

static inline enum err_code
put_record(struct txn *t, void *arg, struct err *err)
{
	const struct record *r = arg;
	struct key k = key_new('r');
	struct buf b = { 0 };
	enum err_code rc;

	key_u64(&k, r->n);
	buf_resize(&b, r->len);
	rc = buf_error(&b, err);
	if (rc == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

static inline enum err_code
get_record(struct txn *t, void *arg, struct err *err)
{
	const struct record *r = arg;
	struct key k = key_new('r');
	struct bytes v;
	enum err_code rc;
	size_t i;

	key_u64(&k, r->n);
	rc = txn_get(t, key_view(&k), &v, err);
	if (rc == ERR_OK && v.len != r->len)
		return err_set(err, ERR_DAMAGED, "another length");
	for (i = 0; rc == ERR_OK && i < v.len; i++)
		if (v.p[i] != 0)
			return err_set(err, ERR_DAMAGED, "another byte");
	return rc;
}

static inline enum err_code
del_record(struct txn *t, void *arg, struct err *err)
{
	const struct record *r = arg;
	struct key k = key_new('r');

	key_u64(&k, r->n);
	return txn_del(t, key_view(&k), err);
}

static inline enum err_code
put(struct store *s, uint64_t n, size_t len, struct err *err)
{
	struct record r = { n, len };

	return store_update(s, put_record, &r, err);
}

static inline bool
has(struct store *s, uint64_t n, size_t len)
{
	struct record r = { n, len };

	return store_view(s, get_record, &r, NULL) == ERR_OK;
}

/* A store with one record, closed again. */
static inline void
make(const char *dir)
{
	struct store *s = NULL;

	if (open_dir(dir, &s, NULL) != ERR_OK || put(s, 1, 10, NULL) != ERR_OK)
		exit(1);
	store_close(s);
}

static inline int
in_child(int (*fn)(const char *dir), const char *dir)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		exit(fn(dir));
	waitpid(child, &status, 0);
	if (status != 0)
		printf("# status %x\n", (unsigned)status);
	return status;
}

/* ---- many views ---------------------------------------------------------- */

struct meeting {
	struct store *s;
	pthread_barrier_t all_in;
};

static inline enum err_code
meet(struct txn *t, void *arg, struct err *err)
{
	struct bytes v;

	/* waiting in a view is against the rules: here it proves something */
	pthread_barrier_wait(arg);
	return txn_get(t, bytes_text("x"), &v, err);
}

static inline void *
view_thread(void *arg)
{
	struct meeting *m = arg;

	return store_view(m->s, meet, &m->all_in, NULL) == ERR_NOT_FOUND ? NULL
	                                                                 : m;
}

static inline bool
many_views(struct store *s)
{
	enum { N = 200 };
	struct meeting m = { .s = s };
	pthread_t threads[N];
	bool all = true;
	void *bad;
	int i;

	pthread_barrier_init(&m.all_in, NULL, N);
	for (i = 0; i < N; i++)
		if (pthread_create(&threads[i], NULL, view_thread, &m) != 0)
			exit(1);
	for (i = 0; i < N; i++) {
		pthread_join(threads[i], &bad);
		all = all && bad == NULL;
	}
	pthread_barrier_destroy(&m.all_in);
	return all;
}

/* ---- all of them --------------------------------------------------------- */

struct lmdb_test {
	const char *name;
	void (*run)(const char *dir);
};

static inline int
run_all(const struct lmdb_test *tests, size_t n)
{
	char *dir = scratch_new();
	size_t i;

	for (i = 0; i < n; i++) {
		printf("# %s\n", tests[i].name);
		fflush(stdout);
		tests[i].run(dir);
		scratch_empty(dir);
	}
	scratch_free(dir);
	return tap_done();
}

#endif
