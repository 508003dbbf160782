/* Updates of many threads, and the hook of a commit. */
#include "tests/store/script.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 8
#define ROUNDS  300

struct counter {
	struct store *s;
	atomic_int done;
	atomic_bool torn;
};

static uint64_t
number(struct bytes v)
{
	uint64_t n = 0;

	if (v.len == sizeof(n))
		memcpy(&n, v.p, sizeof(n));
	return n;
}

static enum err_code
count_up(struct txn *t, void *arg, struct err *err)
{
	static const char *const keys[] = { "n1", "n2" };
	bool fail = *(const bool *)arg;
	enum err_code rc = ERR_OK;
	struct bytes v;
	uint64_t n;
	size_t i;

	for (i = 0; i < 2 && rc == ERR_OK; i++) {
		v = BYTES_NONE;
		rc = txn_get(t, B(keys[i]), &v, NULL);
		n = number(v) + 1;
		if (rc == ERR_OK || rc == ERR_NOT_FOUND)
			rc = txn_put(
			    t, B(keys[i]), bytes_of(&n, sizeof(n)), err);
	}
	if (rc == ERR_OK && fail)
		return err_set(err, ERR_INVALID, "on purpose");
	return rc;
}

static enum err_code
compare_counts(struct txn *t, void *arg, struct err *err)
{
	struct bytes v1 = BYTES_NONE, v2 = BYTES_NONE;
	enum err_code rc = txn_get(t, B("n1"), &v1, err);

	if (rc == ERR_OK)
		rc = txn_get(t, B("n2"), &v2, err);
	if (rc == ERR_OK && number(v1) != number(v2))
		atomic_store((atomic_bool *)arg, true);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static void *
count_thread(void *arg)
{
	struct counter *c = arg;
	enum err_code rc;
	bool fail;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		fail = i % 3 == 1;
		rc = store_update(c->s, count_up, &fail, NULL);
		if (rc == ERR_OK)
			atomic_fetch_add(&c->done, 1);
		rc = store_view(c->s, compare_counts, &c->torn, NULL);
		if (rc != ERR_OK)
			atomic_store(&c->torn, true);
	}
	return NULL;
}

static enum err_code
get_count(struct txn *t, void *arg, struct err *err)
{
	struct bytes v = BYTES_NONE;
	enum err_code rc = txn_get(t, B("n1"), &v, err);

	*(uint64_t *)arg = number(v);
	return rc;
}

static void
bump(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
test_threads(struct store *s)
{
	struct counter c = { .s = s };
	struct store_stat before, after;
	pthread_t threads[THREADS];
	atomic_int hooks = 0;
	uint64_t n = 0;
	int i;

	store_on_commit(s, bump, &hooks);
	ok(store_stat(s, &before, NULL) == ERR_OK, "the store has a state");
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count_thread, &c);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ok(store_view(s, get_count, &n, NULL) == ERR_OK &&
		n == THREADS * (ROUNDS - ROUNDS / 3),
	    "no update is lost, none that failed is left");
	ok(atomic_load(&c.done) == (int)n, "as many succeeded");
	ok(!atomic_load(&c.torn), "views see whole transactions only");
	ok(store_stat(s, &after, NULL) == ERR_OK &&
		after.updates - before.updates == n,
	    "the state counts updates");
	ok(after.commits - before.commits == (uint64_t)atomic_load(&hooks),
	    "the hook was called once for each commit");
	ok(after.commits > before.commits && after.updates - before.updates >=
						 after.commits - before.commits,
	    "a commit holds one update or more");
	ok(after.readers == 0, "no view is left open");
	printf("# %.1f updates a commit\n",
	    (double)(after.updates - before.updates) /
		(double)(after.commits - before.commits));
}

static void
test_hooks(struct store *s)
{
	struct script get = { .steps = { { GET, "h", NULL } } };
	struct script put = { .steps = { { PUT, "h", "" } } };
	struct script fail = { .steps = {
				   { PUT, "h", "x" }, { FAIL, "no", NULL } } };
	atomic_int hooks = 0;

	store_on_commit(s, bump, &hooks);
	ok(store_update(s, play, &fail, NULL) == ERR_INVALID &&
		store_update(s, play, &get, NULL) == ERR_NOT_FOUND &&
		atomic_load(&hooks) == 0,
	    "an update that fails or changes nothing calls no hook");
	ok(store_update(s, play, &put, NULL) == ERR_OK &&
		atomic_load(&hooks) == 1,
	    "the hook has run before the update is answered");
}

int
main(void)
{
	on_both(test_threads);
	on_both(test_hooks);
	return tap_done();
}
