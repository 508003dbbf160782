/*
 * bench_store [DIR]: synced updates and views a second, by threads.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/store/key.h"
#include "tests/store/scratch.h"

#define MAX_THREADS 128

struct load {
	struct store *s;
	bool views;
	double seconds;
	atomic_ullong done;
};

struct one {
	uint64_t n;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As large as what a device's check-in changes. */
static enum err_code
put_one(struct txn *t, void *arg, struct err *err)
{
	static const uint8_t value[300];
	const struct one *o = arg;
	struct key k = key_new('b');

	key_u64(&k, o->n);
	return txn_put(t, key_view(&k), bytes_of(value, sizeof(value)), err);
}

static enum err_code
get_one(struct txn *t, void *arg, struct err *err)
{
	const struct one *o = arg;
	struct key k = key_new('b');
	struct bytes v;

	(void)err;
	key_u64(&k, o->n);
	/* absent is as good */
	return txn_get(t, key_view(&k), &v, NULL) == ERR_DAMAGED ? ERR_DAMAGED
	                                                         : ERR_OK;
}

static void *
run(void *arg)
{
	struct load *l = arg;
	uint64_t x = (uint64_t)(uintptr_t)&x;
	double end = now() + l->seconds;
	enum err_code rc = ERR_OK;
	struct one o;

	while (rc == ERR_OK && now() < end) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		o.n = (x >> 33) % 200000;
		rc = l->views ? store_view(l->s, get_one, &o, NULL)
		              : store_update(l->s, put_one, &o, NULL);
		atomic_fetch_add_explicit(&l->done, 1, memory_order_relaxed);
	}
	if (rc != ERR_OK) {
		fprintf(stderr, "bench_store: %s\n", err_text(rc));
		exit(1);
	}
	return NULL;
}

static void
measure(struct store *s, bool views, int n_threads)
{
	struct load l = { .s = s, .views = views, .seconds = 1 };
	struct store_stat before = { 0 }, after = { 0 };
	pthread_t threads[MAX_THREADS];
	double group = 0;
	int i;

	if (store_stat(s, &before, NULL) != ERR_OK)
		exit(1);
	for (i = 0; i < n_threads; i++)
		if (pthread_create(&threads[i], NULL, run, &l) != 0)
			exit(1);
	for (i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	if (store_stat(s, &after, NULL) != ERR_OK)
		exit(1);
	if (after.commits > before.commits)
		group = (double)(after.updates - before.updates) /
		        (double)(after.commits - before.commits);
	printf("%-8s %7d %10.0f %8.1f\n", views ? "views" : "updates",
	    n_threads, (double)atomic_load(&l.done) / l.seconds, group);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static const int threads[] = { 1, 2, 8, 32, 128 };
	char *scratch = argc > 1 ? NULL : scratch_new();
	struct store_options options = { .dir = argc > 1 ? argv[1] : scratch };
	struct store *s = NULL;
	struct err err = { 0 };
	size_t i;

	if (store_open(&options, &s, &err) != ERR_OK) {
		fprintf(stderr, "bench_store: %s\n", err.msg);
		return 1;
	}
	printf(
	    "%-8s %7s %10s %8s\n", "what", "threads", "a second", "a commit");
	for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		measure(s, false, threads[i]);
	for (i = 0; i < 3; i++)
		measure(s, true, threads[i]);
	store_close(s);
	if (scratch != NULL)
		scratch_free(scratch);
	return 0;
}
