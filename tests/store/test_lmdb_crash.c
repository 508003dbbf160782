/* Processes that are killed, and copies of what they left. */
#include "engine/store/store.h"

#include <signal.h>
#include <sys/stat.h>

#include "tests/store/lmdb.h"

/* ---- kill -9 ------------------------------------------------------------ */

struct acker {
	struct store *s;
	int fd;
	uint64_t first;
};

/* Put records for ever, and tell each one that was acknowledged. */
static void *
acknowledge(void *arg)
{
	struct acker *a = arg;
	uint64_t n;

	for (n = a->first;; n += 4) {
		if (put(a->s, n, 50 + n % 5000, NULL) != ERR_OK ||
		    write(a->fd, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
	return NULL;
}

static void
run_until_killed(const char *dir, int fd, uint64_t first)
{
	struct acker a[4];
	pthread_t thread;
	struct store *s;
	uint64_t i;

	if (open_dir(dir, &s, NULL) != ERR_OK)
		_exit(1);
	for (i = 0; i < 4; i++) {
		a[i] = (struct acker){ s, fd, first + i };
		if (pthread_create(&thread, NULL, acknowledge, &a[i]) != 0)
			_exit(1);
	}
	pthread_join(thread, NULL);
}

static void
test_kill(const char *dir)
{
	static uint64_t acked[100000];
	size_t n = 0, until, i, round;
	bool all = true, opens = true;
	struct store *s;
	int status, fds[2];
	pid_t child;

	for (round = 0; round < 5; round++) {
		if (pipe(fds) != 0 || (child = fork()) < 0)
			exit(1);
		if (child == 0)
			run_until_killed(dir, fds[1], round << 32);
		close(fds[1]);
		for (until = n + 150 + round * 37; n < until; n++)
			if (read(fds[0], &acked[n], 8) != 8)
				break;
		kill(child, SIGKILL);
		/* what it had written when it died */
		while (n < 99999 && read(fds[0], &acked[n], 8) == 8)
			n++;
		waitpid(child, &status, 0);
		close(fds[0]);
		s = NULL;
		opens = opens && open_dir(dir, &s, NULL) == ERR_OK;
		for (i = 0; opens && i < n; i++)
			all = all && has(s, acked[i], 50 + acked[i] % 5000);
		store_close(s);
	}
	ok(n > 900, "a process was killed while it committed, five times");
	ok(opens, "each time the store opens");
	ok(all, "and holds every update that was acknowledged");
}

/* ---- backup ------------------------------------------------------------- */

static int
copy_it(const char *dir)
{
	char *path = strdup(in(dir, "copy"));
	enum err_code rc = store_copy(dir, path, NULL);

	free(path);
	return rc == ERR_OK ? 0 : 1;
}

/* A process that copies the store once it is told to: made before the store is
 * open, for LMDB is not to be taken through fork(). */
static pid_t
copier(const char *dir, int *go)
{
	int fds[2];
	pid_t child;
	char c;

	fflush(stdout);
	if (pipe(fds) != 0 || (child = fork()) < 0)
		exit(1);
	if (child == 0) {
		if (read(fds[0], &c, 1) != 1)
			_exit(2);
		_exit(copy_it(dir));
	}
	close(fds[0]);
	*go = fds[1];
	return child;
}

/* Whether the copy dir/name, with the key, is a store with all records. */
static bool
restores(const char *dir, const char *name, uint64_t n)
{
	char *to = strdup(in(dir, "restored"));
	char *key = strdup(in(dir, "master.key"));
	char *copy = strdup(in(dir, name));
	struct store_options options = { .dir = to, .key_file = key };
	struct store *s = NULL;
	bool good;

	good = mkdir(to, 0700) == 0 && link(copy, in(to, "data.mdb")) == 0 &&
	       store_open(&options, &s, NULL) == ERR_OK && has(s, 1, 10) &&
	       has(s, n, 99);
	store_close(s);
	scratch_empty(to);
	rmdir(to);
	free(to);
	free(key);
	free(copy);
	return good;
}

static void
test_backup(const char *dir)
{
	char *path = strdup(in(dir, "backup"));
	struct store *s = NULL;
	struct err err = { 0 };
	int go = -1, status = -1;
	struct stat st;
	pid_t child;

	make(dir);
	child = copier(dir, &go);
	ok(open_dir(dir, &s, NULL) == ERR_OK && put(s, 5, 99, NULL) == ERR_OK,
	    "a store with two records");
	ok(store_backup(s, path, NULL) == ERR_OK, "is backed up while open");
	ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600,
	    "for the owner only");
	ok(store_backup(s, path, &err) == ERR_EXISTS &&
		strstr(err.msg, path) != NULL,
	    "a backup replaces nothing");
	ok(restores(dir, "backup", 5), "it can be opened in another place");
	ok(store_backup(s, in(dir, "no/such"), &err) == ERR_NOT_FOUND,
	    "a backup into a missing directory fails");
	ok(write(go, "x", 1) == 1 && waitpid(child, &status, 0) == child &&
		status == 0,
	    "another process copies it while it is open");
	close(go);
	ok(restores(dir, "copy", 5), "and that copy is whole");
	unlink(in(dir, "copy"));
	ok(put(s, 6, 1, NULL) == ERR_OK, "the store goes on");
	store_close(s);
	ok(in_child(copy_it, dir) == 0 && restores(dir, "copy", 5),
	    "a store that nobody has open is copied, too");
	ok(store_copy(in(dir, "nowhere"), path, NULL) == ERR_NOT_FOUND,
	    "where there is no store there is nothing to copy");
	free(path);
}

int
main(void)
{
	static const struct lmdb_test tests[] = {
		{ "kill -9", test_kill },
		{ "backup", test_backup },
	};

	return run_all(tests, sizeof(tests) / sizeof(tests[0]));
}
