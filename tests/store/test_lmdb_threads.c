/* Many at once, and what a long reading leaves in memory. */
#include "engine/store/store.h"

#include "tests/store/lmdb.h"

/* ---- groups ------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS  200

struct putter {
	struct store *s;
	int failed;
	uint64_t first;
};

static void *
put_many(void *arg)
{
	struct putter *a = arg;
	uint64_t i;

	for (i = 0; i < ROUNDS; i++)
		if (put(a->s, a->first + i, 100, NULL) != ERR_OK)
			a->failed = 1;
	return NULL;
}

static void
test_group(const char *dir)
{
	struct putter a[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct store *s = NULL;
	struct store_stat st = { 0 };
	int i, failed = 0;

	if (!ok(open_dir(dir, &s, NULL) == ERR_OK, "it opens"))
		return;
	for (i = 0; i < THREADS; i++) {
		a[i] = (struct putter){ s, 0, (uint64_t)i * ROUNDS };
		pthread_create(&threads[i], NULL, put_many, &a[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		failed += a[i].failed;
	}
	ok(failed == 0 && store_stat(s, &st, NULL) == ERR_OK &&
		st.updates == THREADS * ROUNDS,
	    "eight threads write");
	ok(st.commits * 2 < st.updates, "and share their commits");
	ok(st.pairs >= st.updates && st.used_bytes > 0 &&
		st.used_bytes < st.limit_bytes,
	    "the state says how much is used");
	printf("# %.1f updates a commit\n",
	    (double)st.updates / (double)st.commits);
	store_close(s);
}

static void
test_readers(const char *dir)
{
	struct store *s = NULL;

	if (!ok(open_dir(dir, &s, NULL) == ERR_OK, "it opens"))
		return;
	ok(many_views(s), "two hundred views at once");
	store_close(s);
}

/* Bytes of files that are mapped and in memory (proc(5), statm). */
static long
mapped(void)
{
	long total, resident, shared = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL ||
	    fscanf(f, "%ld %ld %ld", &total, &resident, &shared) != 3)
		exit(1);
	fclose(f);
	return shared * sysconf(_SC_PAGESIZE);
}

static void
test_relax(const char *dir)
{
	struct store *s = NULL;
	bool good = true;
	long before;
	uint64_t i;

	if (!ok(open_dir(dir, &s, NULL) == ERR_OK, "it opens"))
		return;
	for (i = 0; i < 64; i++)
		good &= put(s, i, 1 << 20, NULL) == ERR_OK;
	for (i = 0; i < 64; i++)
		good &= has(s, i, 1 << 20);
	before = mapped();
	store_relax(s);
	ok(good && before - mapped() > before / 2,
	    "what views have touched is given back");
	for (i = 0; i < 64; i++)
		good &= has(s, i, 1 << 20);
	ok(good && put(s, 64, 10, NULL) == ERR_OK && has(s, 64, 10),
	    "and everything is there as before");
	store_close(s);
}

int
main(void)
{
	static const struct lmdb_test tests[] = {
		{ "group", test_group },
		{ "readers", test_readers },
		{ "relax", test_relax },
	};

	return run_all(tests, sizeof(tests) / sizeof(tests[0]));
}
