/* A full disk, and little address space. */
#include "engine/store/store.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/store/lmdb.h"

/* ---- a full disk -------------------------------------------------------- */

/* Fill the store until it says that it is full; then it must still be whole,
 * and work again once there is room. */
static int
fill(const char *dir, void (*more_room)(const char *dir), bool delete_works)
{
	static const size_t lens[] = { 3000, 100, 50000, 700000 };
	struct store_stat stat;
	struct store *s = NULL;
	struct err err = { 0 };
	enum err_code rc = ERR_OK;
	struct record r;
	uint64_t n, i;
	size_t j;

	if (open_dir(dir, &s, NULL) != ERR_OK)
		return 2;
	for (n = 0; rc == ERR_OK && n < 100000; n++)
		rc = put(s, n, lens[n % 4], &err);
	n--;
	if (rc != ERR_FULL || err.code != ERR_FULL) {
		printf("# %s: %s\n", err_name(rc), err.msg);
		return 3;
	}
	for (j = 0; j < 8; j++)
		rc = put(s, n + j, 700000 + j, &err);
	if (rc != ERR_FULL)
		return 4;
	for (i = 0; i < n; i++)
		if (!has(s, i, lens[i % 4]))
			return 5;
	if (has(s, n, lens[n % 4]) || store_stat(s, &stat, &err) != ERR_OK)
		return 6;
	/* also the table of readers has its room */
	if (!many_views(s))
		return 10;
	more_room(dir);
	r.n = 2;
	if (delete_works && store_update(s, del_record, &r, &err) != ERR_OK)
		return 7;
	if (put(s, n, 3000, &err) != ERR_OK || !has(s, n, 3000)) {
		printf("# %s\n", err.msg);
		return 8;
	}
	store_close(s);
	s = NULL;
	if (open_dir(dir, &s, &err) != ERR_OK || !has(s, n, 3000) ||
	    !has(s, n - 1, lens[(n - 1) % 4]))
		return 9;
	store_close(s);
	return 0;
}

static void
raise_limit(const char *dir)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	(void)dir;
	setrlimit(RLIMIT_FSIZE, &unlimited);
}

static void
grow_disk(const char *dir)
{
	mount("tmpfs", dir, NULL, MS_REMOUNT, "size=8m");
}

static int
fill_tmpfs(const char *dir)
{
	/* where we may not mount, the other test stands alone */
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=4m") != 0) {
		printf("# no mount: %s\n", strerror(errno));
		return 0;
	}
	return fill(dir, grow_disk, true);
}

static int
fill_limited(const char *dir)
{
	struct rlimit limit = { (4 << 20) + 512, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 1;
	return fill(dir, raise_limit, true);
}

static void
test_full(const char *dir)
{
	ok(in_child(fill_tmpfs, dir) == 0,
	    "a full disk: ERR_FULL, all is kept, and it works again after");
	ok(in_child(fill_limited, dir) == 0, "the same with ulimit -f");
}

/* ---- little address space ----------------------------------------------- */

/* Sanitizers take terabytes of addresses: no limit for them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static int
use_little(const char *dir)
{
	struct store *s = NULL;
	bool good;

#ifndef SANITIZED
	struct rlimit limit = { (rlim_t)6 << 30, (rlim_t)6 << 30 };

	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 1;
#endif
	good = open_dir(dir, &s, NULL) == ERR_OK &&
	       put(s, 2, 1000000, NULL) == ERR_OK && has(s, 1, 10) &&
	       has(s, 2, 1000000);
	store_close(s);
	return good ? 0 : 1;
}

static void
test_address_space(const char *dir)
{
	struct store *s = NULL;

	make(dir);
	ok(in_child(use_little, dir) == 0,
	    "with little address space the store works in a smaller map");
	ok(open_dir(dir, &s, NULL) == ERR_OK && has(s, 2, 1000000),
	    "and in a large one again");
	store_close(s);
}

int
main(void)
{
	static const struct lmdb_test tests[] = {
		{ "full disk", test_full },
		{ "address space", test_address_space },
	};

	return run_all(tests, sizeof(tests) / sizeof(tests[0]));
}
