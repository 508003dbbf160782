#include "engine/store/backend.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/store/key.h"
#include "tests/store/scratch.h"
#include "tests/tap.h"

/*
 * Groups, with a backend that fails now and then: whatever fails, each
 * function's changes are there as a whole, or not at all.
 */

#define B(s) bytes_text(s)

/* ---- a backend that fails ----------------------------------------------- */

struct faulty {
	struct backend base;
	struct backend *inner;
	/* one in so many calls fails; 0: none */
	atomic_uint put_rate;
	atomic_uint commit_rate;
	enum err_code commit_code;
	uint32_t random; /* the writer's */
	atomic_uint n_faults;
};

struct faulty_txn {
	struct backend_txn base;
	struct backend_txn *inner;
	bool broken;
};

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static struct faulty *
faulty_of(struct backend *b)
{
	return (struct faulty *)(void *)b;
}

static struct backend_txn *
inner_of(struct backend_txn *t)
{
	return ((struct faulty_txn *)(void *)t)->inner;
}

static bool
strikes(struct faulty *f, atomic_uint *rate)
{
	unsigned r = atomic_load(rate);

	if (r == 0 || next_random(&f->random) % r != 0)
		return false;
	atomic_fetch_add(&f->n_faults, 1);
	return true;
}

static void
faulty_close(struct backend *b)
{
	struct faulty *f = faulty_of(b);

	f->inner->ops->close(f->inner);
	free(f);
}

static enum err_code
faulty_begin(
    struct backend *b, bool writing, struct backend_txn **ret, struct err *err)
{
	struct faulty_txn *t = calloc(1, sizeof(*t));
	struct backend *inner = faulty_of(b)->inner;
	enum err_code rc = inner->ops->begin(inner, writing, &t->inner, err);

	t->base.b = b;
	if (rc == ERR_OK)
		*ret = &t->base;
	else
		free(t);
	return rc;
}

static void
faulty_end(struct backend_txn *t)
{
	inner_of(t)->b->ops->end(inner_of(t));
	free(t);
}

static enum err_code
faulty_commit(struct backend_txn *t, struct err *err)
{
	struct faulty *f = faulty_of(t->b);
	struct backend_txn *inner = inner_of(t);
	enum err_code rc;
	int i;

	/* a sync takes a while: let others gather */
	for (i = 0; i < 20; i++)
		sched_yield();
	if (strikes(f, &f->commit_rate)) {
		inner->b->ops->end(inner);
		rc = err_set(err, f->commit_code, "the disk, on purpose");
	} else {
		rc = inner->b->ops->commit(inner, err);
	}
	free(t);
	return rc;
}

static enum err_code
faulty_get(
    struct backend_txn *t, struct bytes key, struct bytes *ret, struct err *err)
{
	return inner_of(t)->b->ops->get(inner_of(t), key, ret, err);
}

static enum err_code
faulty_seek(
    struct backend_txn *t, struct bytes key, struct pair *ret, struct err *err)
{
	return inner_of(t)->b->ops->seek(inner_of(t), key, ret, err);
}

static enum err_code
faulty_last(
    struct backend_txn *t, struct bytes key, struct pair *ret, struct err *err)
{
	return inner_of(t)->b->ops->last(inner_of(t), key, ret, err);
}

/* As LMDB does: after a failure, everything fails. */
static enum err_code
change_fails(struct backend_txn *t, struct err *err)
{
	struct faulty_txn *own = (struct faulty_txn *)(void *)t;
	struct faulty *f = faulty_of(t->b);

	if (!own->broken && !strikes(f, &f->put_rate))
		return ERR_OK;
	own->broken = true;
	return err_set(err, ERR_FULL, "a put, on purpose");
}

static enum err_code
faulty_put(struct backend_txn *t, struct bytes key, struct bytes value,
    struct err *err)
{
	enum err_code rc = change_fails(t, err);

	if (rc != ERR_OK)
		return rc;
	return inner_of(t)->b->ops->put(inner_of(t), key, value, err);
}

static enum err_code
faulty_del(struct backend_txn *t, struct bytes key, struct err *err)
{
	enum err_code rc = change_fails(t, err);

	if (rc != ERR_OK)
		return rc;
	return inner_of(t)->b->ops->del(inner_of(t), key, err);
}

static enum err_code
faulty_stat(struct backend *b, struct store_stat *ret, struct err *err)
{
	struct backend *inner = faulty_of(b)->inner;

	return inner->ops->stat(inner, ret, err);
}

static enum err_code
faulty_backup(struct backend *b, const char *path, struct err *err)
{
	struct backend *inner = faulty_of(b)->inner;

	return inner->ops->backup(inner, path, err);
}

static const struct backend_ops faulty_ops = {
	.close = faulty_close,
	.begin = faulty_begin,
	.commit = faulty_commit,
	.end = faulty_end,
	.get = faulty_get,
	.seek = faulty_seek,
	.last = faulty_last,
	.put = faulty_put,
	.del = faulty_del,
	.stat = faulty_stat,
	.backup = faulty_backup,
};

static enum err_code
any_master(const void *arg, bool is_new,
    uint8_t key[static STORE_MASTER_KEY_LEN], struct err *err)
{
	(void)arg, (void)is_new, (void)err;
	memset(key, 1, STORE_MASTER_KEY_LEN);
	return ERR_OK;
}

/* dir NULL: in memory. */
static struct store *
open_faulty(const char *dir, struct faulty **ret)
{
	struct faulty *f = calloc(1, sizeof(*f));
	struct store_parts parts = {
		.backend = &f->base, .name = "faulty", .master = any_master
	};
	struct store *s = NULL;
	enum err_code rc;

	f->base.ops = &faulty_ops;
	f->random = 20261125;
	f->commit_code = ERR_FULL;
	rc = dir == NULL ? backend_memory(&f->inner, NULL)
	                 : backend_lmdb(dir, &f->inner, NULL);
	if (rc != ERR_OK || store_assemble(&parts, &s, NULL) != ERR_OK)
		exit(1);
	*ret = f;
	return s;
}

/* ---- random updates against a model ------------------------------------- */

#define THREADS 8
#define ROUNDS  1500
#define KEYS    24
#define CHANGES 6

/* A thread's own keys: what they must hold. */
struct model {
	size_t len[KEYS]; /* 0: absent; values are never empty here */
	uint8_t fill[KEYS];
};

struct worker {
	pthread_t thread;
	struct store *s;
	uint8_t id;
	uint32_t random;
	struct model model;
	unsigned n_ok, n_failed;
	atomic_uint runs;
	bool wrong;
};

struct change {
	size_t key;
	size_t len; /* 0: delete */
	uint8_t fill;
};

struct job {
	struct worker *w;
	struct change changes[CHANGES];
	size_t n;
	bool fail;
	bool shrug; /* ignore failures of the store */
};

static struct key
key_for(const struct worker *w, size_t i)
{
	struct key k = key_new('m');

	key_u8(&k, w->id);
	key_u8(&k, (uint8_t)i);
	return k;
}

static enum err_code
bump_total(struct txn *t, struct err *err)
{
	struct bytes v = BYTES_NONE;
	enum err_code rc = txn_get(t, B("total"), &v, NULL);
	uint64_t n = 0;

	if (rc == ERR_OK)
		memcpy(&n, v.p, sizeof(n));
	n++;
	return txn_put(t, B("total"), bytes_of(&n, sizeof(n)), err);
}

static enum err_code
do_job(struct txn *t, void *arg, struct err *err)
{
	const struct job *j = arg;
	static _Thread_local uint8_t value[9000];
	enum err_code rc = bump_total(t, err);
	struct key k;
	size_t i;

	atomic_fetch_add(&j->w->runs, 1);
	for (i = 0; i < j->n && (rc == ERR_OK || j->shrug); i++) {
		const struct change *c = &j->changes[i];

		k = key_for(j->w, c->key);
		memset(value, c->fill, c->len);
		if (c->len > 0)
			rc = txn_put(
			    t, key_view(&k), bytes_of(value, c->len), err);
		else
			rc = txn_del(t, key_view(&k), err);
		if (rc == ERR_NOT_FOUND)
			rc = ERR_OK;
	}
	if (j->shrug)
		rc = ERR_OK;
	if (rc == ERR_OK && j->fail)
		rc = err_set(err, ERR_INVALID, "on purpose");
	return rc;
}

static enum err_code
compare(struct txn *t, void *arg, struct err *err)
{
	struct worker *w = arg;
	struct bytes v;
	enum err_code rc;
	struct key k;
	size_t i;

	(void)err;
	for (i = 0; i < KEYS; i++) {
		k = key_for(w, i);
		rc = txn_get(t, key_view(&k), &v, NULL);
		if (rc == ERR_NOT_FOUND && w->model.len[i] == 0)
			continue;
		if (rc != ERR_OK || v.len != w->model.len[i] ||
		    v.p[0] != w->model.fill[i] ||
		    v.p[v.len - 1] != w->model.fill[i])
			w->wrong = true;
	}
	return ERR_OK;
}

static void
make_job(struct worker *w, struct job *j)
{
	static const size_t lens[] = { 0, 1, 40, 300, 2100, 9000 };
	size_t i;

	*j = (struct job){ .w = w };
	j->n = next_random(&w->random) % (CHANGES + 1);
	for (i = 0; i < j->n; i++) {
		j->changes[i].key = next_random(&w->random) % KEYS;
		j->changes[i].len = lens[next_random(&w->random) % 6];
		j->changes[i].fill = (uint8_t)next_random(&w->random);
	}
	j->fail = next_random(&w->random) % 3 == 0;
	j->shrug = next_random(&w->random) % 4 == 0;
}

static void
apply(struct model *m, const struct job *j)
{
	size_t i;

	for (i = 0; i < j->n; i++) {
		m->len[j->changes[i].key] = j->changes[i].len;
		m->fill[j->changes[i].key] = j->changes[i].fill;
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct err err;
	enum err_code rc;
	struct job j;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		make_job(w, &j);
		err = (struct err){ .code = ERR_OK };
		rc = store_update(w->s, do_job, &j, &err);
		if (rc == ERR_OK) {
			apply(&w->model, &j);
			w->n_ok++;
		} else {
			w->n_failed++;
			w->wrong = w->wrong || err.code != rc;
		}
		if (rc == ERR_OK && j.fail)
			w->wrong = true;
		if (store_view(w->s, compare, w, NULL) != ERR_OK)
			w->wrong = true;
	}
	return NULL;
}

static enum err_code
get_total(struct txn *t, void *arg, struct err *err)
{
	struct bytes v;
	enum err_code rc = txn_get(t, B("total"), &v, err);

	if (rc == ERR_OK)
		memcpy(arg, v.p, sizeof(uint64_t));
	return rc;
}

static void
test_random(const char *dir, unsigned put_rate, unsigned commit_rate)
{
	struct worker *w = calloc(THREADS, sizeof(*w));
	unsigned n_ok = 0, n_all = 0, runs = 0;
	struct store_stat st = { 0 };
	struct faulty *f = NULL;
	struct store *s = open_faulty(dir, &f);
	bool wrong = false;
	uint64_t total = 0;
	unsigned i;

	atomic_store(&f->put_rate, put_rate);
	atomic_store(&f->commit_rate, commit_rate);
	for (i = 0; i < THREADS; i++) {
		w[i].s = s;
		w[i].id = (uint8_t)i;
		w[i].random = i * 7919 + 1;
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		n_ok += w[i].n_ok;
		n_all += w[i].n_ok + w[i].n_failed;
		runs += atomic_load(&w[i].runs);
		wrong = wrong || w[i].wrong;
	}
	ok(!wrong, "each thread finds what its successful updates left");
	ok(store_view(s, get_total, &total, NULL) == ERR_OK && total == n_ok,
	    "the updates that succeeded are there, and no others");
	ok(store_stat(s, &st, NULL) == ERR_OK && st.updates == n_ok &&
		st.commits < n_ok,
	    "several of them shared a commit");
	ok(n_ok > n_all / 3, "most that should succeed did");
	if (put_rate != 0 || commit_rate != 0)
		ok(runs > n_all && atomic_load(&f->n_faults) > 0,
		    "groups that broke ran again, one by one");
	printf("# %u of %u ok, %u runs, %u faults, %.1f a commit\n", n_ok,
	    n_all, runs, atomic_load(&f->n_faults),
	    (double)st.updates / (double)st.commits);
	store_close(s);
	free(w);
}

static char key_a[] = "a", key_b[] = "b", key_c[] = "c";

/* ---- a write that fails for good ---------------------------------------- */

static enum err_code
put_one(struct txn *t, void *arg, struct err *err)
{
	return txn_put(t, B(arg), B("x"), err);
}

static enum err_code
get_one(struct txn *t, void *arg, struct err *err)
{
	struct bytes v;

	return txn_get(t, B(arg), &v, err);
}

static void
count(void *arg)
{
	(*(int *)arg)++;
}

static void
test_standby(void)
{
	struct faulty *f = NULL;
	struct store *s = open_faulty(NULL, &f);
	struct err err = { 0 };
	int hooks = 0;

	store_on_commit(s, count, &hooks);
	ok(store_update(s, put_one, key_a, NULL) == ERR_OK, "a good commit");
	f->commit_code = ERR_STANDBY;
	atomic_store(&f->commit_rate, 1);
	ok(store_update(s, put_one, key_b, &err) == ERR_STANDBY &&
		strcmp(err.msg, "the disk, on purpose") == 0,
	    "a commit that fails for good says so");
	atomic_store(&f->commit_rate, 0);
	ok(store_update(s, put_one, key_c, &err) == ERR_STANDBY &&
		strstr(err.msg, "repair the disk") != NULL,
	    "from then on no update is taken, and it says what to do");
	ok(hooks == 1, "no hook was called for them");
	ok(store_view(s, get_one, key_a, NULL) == ERR_OK &&
		store_view(s, get_one, key_b, NULL) == ERR_NOT_FOUND,
	    "views go on, on what was committed");
	store_close(s);
}

static void
test_full(void)
{
	struct faulty *f = NULL;
	struct store *s = open_faulty(NULL, &f);
	struct err err = { 0 };

	atomic_store(&f->commit_rate, 1);
	ok(store_update(s, put_one, key_a, &err) == ERR_FULL &&
		strcmp(err.msg, "the disk, on purpose") == 0,
	    "a commit for which there is no room says so");
	ok(store_view(s, get_one, key_a, NULL) == ERR_NOT_FOUND,
	    "and leaves nothing");
	atomic_store(&f->commit_rate, 0);
	ok(store_update(s, put_one, key_a, &err) == ERR_OK,
	    "and when there is room again, the store works again");
	store_close(s);
}

int
main(void)
{
	char *dir = scratch_new();

	printf("# in memory, functions fail\n");
	test_random(NULL, 0, 0);
	printf("# in memory, functions, puts and commits fail\n");
	test_random(NULL, 150, 12);
	printf("# on disk, functions fail\n");
	test_random(dir, 0, 0);
	scratch_empty(dir);
	printf("# on disk, functions, puts and commits fail\n");
	test_random(dir, 150, 12);
	test_standby();
	test_full();
	scratch_free(dir);
	return tap_done();
}
