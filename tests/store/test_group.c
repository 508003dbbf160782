#include "engine/store/backend.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/store/key.h"
#include "tests/store/faulty.h"
#include "tests/store/scratch.h"
#include "tests/tap.h"

/*
 * Groups, with a backend that fails now and then: whatever fails, each
 * function's changes are there as a whole, or not at all.
 */

#define B(s) bytes_text(s)

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
