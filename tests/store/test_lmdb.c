#include "engine/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <lmdb.h>

#include "engine/store/key.h"
#include "tests/store/scratch.h"
#include "tests/tap.h"

/* What only a store on disk can get wrong. */

static char path_of_file[4096];

static const char *
in(const char *dir, const char *name)
{
	if (snprintf(path_of_file, sizeof(path_of_file), "%s/%s", dir, name) >=
	    (int)sizeof(path_of_file))
		exit(1);
	return path_of_file;
}

static enum err_code
open_dir(const char *dir, struct store **ret, struct err *err)
{
	struct store_options options = { .dir = dir };

	return store_open(&options, ret, err);
}

/* Opening must fail with code, and a message that holds text. */
static bool
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

static enum err_code
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

static enum err_code
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

static enum err_code
del_record(struct txn *t, void *arg, struct err *err)
{
	const struct record *r = arg;
	struct key k = key_new('r');

	key_u64(&k, r->n);
	return txn_del(t, key_view(&k), err);
}

static enum err_code
put(struct store *s, uint64_t n, size_t len, struct err *err)
{
	struct record r = { n, len };

	return store_update(s, put_record, &r, err);
}

static bool
has(struct store *s, uint64_t n, size_t len)
{
	struct record r = { n, len };

	return store_view(s, get_record, &r, NULL) == ERR_OK;
}

/* A store with one record, closed again. */
static void
make(const char *dir)
{
	struct store *s = NULL;

	if (open_dir(dir, &s, NULL) != ERR_OK || put(s, 1, 10, NULL) != ERR_OK)
		exit(1);
	store_close(s);
}

/* ---- opening ------------------------------------------------------------ */

static void
test_reopen(const char *dir)
{
	char *below = strdup(in(dir, "new"));
	struct store *s = NULL;
	struct stat st;

	ok(open_dir(below, &s, NULL) == ERR_OK,
	    "a directory that is missing is made");
	ok(stat(below, &st) == 0 && (st.st_mode & 07777) == 0700,
	    "for its owner only");
	ok(stat(in(below, "data.mdb"), &st) == 0 &&
		(st.st_mode & 07777) == 0600,
	    "and so is the data file");
	ok(stat(in(below, "master.key"), &st) == 0 &&
		(st.st_mode & 07777) == 0600 && st.st_size == 32,
	    "and the master key, of 32 bytes");
	ok(put(s, 7, 100, NULL) == ERR_OK, "a record is put");
	store_close(s);
	s = NULL;
	ok(open_dir(below, &s, NULL) == ERR_OK && has(s, 7, 100),
	    "and is there after it was closed and opened again");
	store_close(s);
	scratch_empty(below);
	rmdir(below);
	ok(refused(in(dir, "no/such"), ERR_NOT_FOUND, "make it first"),
	    "a directory in a missing one is not made");
	close(open(below, O_CREAT | O_WRONLY, 0600));
	ok(refused(below, ERR_NOT_DIR, "new"), "a file is no directory");
	free(below);
}

static void
test_in_use(const char *dir)
{
	struct store *s = NULL;
	char pid[64];
	int status = 1;
	pid_t child;

	ok(open_dir(dir, &s, NULL) == ERR_OK, "a process opens the store");
	snprintf(pid, sizeof(pid), "in use by process %d: stop it", getpid());
	child = fork();
	if (child == 0)
		_exit(refused(dir, ERR_CHANGED, pid) ? 0 : 1);
	waitpid(child, &status, 0);
	ok(status == 0, "another one is refused, and told who has it");
	ok(refused(dir, ERR_CHANGED, pid), "the same one, too");
	ok(put(s, 1, 1, NULL) == ERR_OK, "and the first one goes on");
	store_close(s);
	s = NULL;
	ok(open_dir(dir, &s, NULL) == ERR_OK, "once closed it can be opened");
	store_close(s);
}

/* Change records of the store behind its back. */
static void
meddle(const char *dir, MDB_val key, const MDB_val *value)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val v;

	if (mdb_env_create(&env) != 0 ||
	    mdb_env_set_mapsize(env, 16 << 20) != 0 ||
	    mdb_env_open(env, dir, 0, 0600) != 0 ||
	    mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) != 0)
		exit(1);
	if (value != NULL)
		v = *value;
	if ((value != NULL ? mdb_put(txn, dbi, &key, &v, 0)
			   : mdb_del(txn, dbi, &key, NULL)) != 0 ||
	    mdb_txn_commit(txn) != 0)
		exit(1);
	mdb_env_close(env);
}

static void
test_format(const char *dir)
{
	static char key[] = "\0format", newer[] = "\0\0\0\2",
		    none[] = "\0\0\0\0", one[] = "\0\0\0\1";
	MDB_val k = { 7, key }, v = { 4, newer };

	make(dir);
	meddle(dir, k, &v);
	ok(refused(dir, ERR_STANDBY,
	       "was written by a newer mdmfs (format 2, this one knows 1)"),
	    "a store of a newer version is refused");
	v.mv_data = none;
	meddle(dir, k, &v);
	ok(refused(dir, ERR_DAMAGED, "restore a backup"),
	    "a format that never was is damage");
	v.mv_size = 3;
	meddle(dir, k, &v);
	ok(refused(dir, ERR_DAMAGED, "restore a backup"),
	    "and so is a record of another length");
	meddle(dir, k, NULL);
	ok(refused(dir, ERR_DAMAGED, "not that of mdmfs"),
	    "data without a format is not ours");
	v = (MDB_val){ 4, one };
	meddle(dir, k, &v);
	meddle(dir, (MDB_val){ 6, (char[]){ "\0check" } }, NULL);
	ok(refused(dir, ERR_DAMAGED, "check record"),
	    "a store that lost its check record is damaged");
}

static void
overwrite(const char *path, off_t at, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || pwrite(fd, text, strlen(text), at) < 0)
		exit(1);
	close(fd);
}

static void
test_damage(const char *dir)
{
	struct store *s = NULL;
	struct stat st;
	uint64_t i;
	off_t size;
	bool all;

	overwrite(in(dir, "data.mdb"), 0, "this is no data file");
	ok(refused(dir, ERR_DAMAGED, "data.mdb is damaged"),
	    "a file of something else is refused, with its name");
	scratch_empty(dir);

	close(open(in(dir, "data.mdb"), O_CREAT | O_WRONLY, 0600));
	ok(open_dir(dir, &s, NULL) == ERR_OK,
	    "an empty file (a first start that was cut off) is a new store");
	for (i = 0; i < 50; i++)
		if (put(s, i, 20000, NULL) != ERR_OK)
			exit(1);
	store_close(s);
	s = NULL;
	if (stat(in(dir, "data.mdb"), &st) != 0)
		exit(1);
	for (all = true, size = st.st_size - 4096; size > 8192; size /= 2) {
		size -= size % 4096;
		if (truncate(in(dir, "data.mdb"), size) != 0)
			exit(1);
		all = refused(dir, ERR_DAMAGED, "cut short") && all;
		all = stat(in(dir, "data.mdb"), &st) == 0 &&
		      st.st_size == size && all;
	}
	ok(all, "a file that was cut short is refused, and left as it is");
	if (truncate(in(dir, "data.mdb"), 100) != 0)
		exit(1);
	ok(refused(dir, ERR_DAMAGED, "data.mdb is damaged"),
	    "also if it was cut in its first page");
}

/* LMDB does not always write free pages at the end: such a file is whole. */
static void
test_free_end(const char *dir)
{
	struct record r = { 100, 900000 };
	int accepted = 0, refusals = 0;
	struct store *s = NULL;
	bool whole = true;
	struct stat st;
	uint64_t i;
	off_t size;

	if (open_dir(dir, &s, NULL) != ERR_OK)
		exit(1);
	for (i = 0; i < 20; i++)
		if (put(s, i, 20000, NULL) != ERR_OK)
			exit(1);
	if (put(s, 100, 900000, NULL) != ERR_OK ||
	    store_update(s, del_record, &r, NULL) != ERR_OK)
		exit(1);
	/* what the last commits write goes into free pages at the front */
	for (i = 0; i < 10; i++)
		if (put(s, 101, 30000, NULL) != ERR_OK)
			exit(1);
	store_close(s);
	if (stat(in(dir, "data.mdb"), &st) != 0)
		exit(1);
	for (size = st.st_size; size > st.st_size - 1000000; size -= 4096) {
		s = NULL;
		if (truncate(in(dir, "data.mdb"), size) != 0)
			exit(1);
		if (open_dir(dir, &s, NULL) != ERR_OK) {
			refusals++;
			continue;
		}
		accepted++;
		for (i = 0; i < 20; i++)
			whole = whole && has(s, i, 20000);
		whole = whole && has(s, 101, 30000);
		store_close(s);
	}
	ok(accepted > 1, "a file that lacks free pages at its end is opened");
	ok(refusals > 1, "one that lacks more than that is not");
	ok(whole, "and what is opened is whole");
	printf("# %d opened, %d refused\n", accepted, refusals);
}

/* ---- the master key ----------------------------------------------------- */

static void
test_master(const char *dir)
{
	char *key = strdup(in(dir, "master.key"));
	char *away = strdup(in(dir, "elsewhere.key"));
	struct store_options options = { .dir = dir, .key_file = away };
	struct store *s = NULL;

	make(dir);
	rename(key, away);
	ok(refused(dir, ERR_NOT_FOUND,
	       "master.key is missing: without it the secrets in the store "
	       "cannot be opened; put it back from your backup or name it by "
	       "--key-file"),
	    "a store with data needs its master key");
	ok(access(key, F_OK) != 0, "and no other one is made");
	ok(store_open(&options, &s, NULL) == ERR_OK && has(s, 1, 10),
	    "it may be elsewhere");
	store_close(s);

	overwrite(key, 0, "0123456789abcdef0123456789abcdef");
	ok(refused(dir, ERR_KEY_REJECTED, "belongs to another store"),
	    "that of another store is refused");
	overwrite(key, 32, "\n");
	ok(refused(dir, ERR_KEY_REJECTED, "32 bytes"),
	    "one of another length is refused");
	unlink(key);
	rename(away, key);
	chmod(key, 0640);
	ok(refused(dir, ERR_DENIED, "chmod 600"),
	    "one that others may read is refused");
	chmod(key, 0400);
	s = NULL;
	ok(open_dir(dir, &s, NULL) == ERR_OK,
	    "one that its owner may only read is good");
	store_close(s);
	unlink(key);
	mkdir(key, 0700);
	ok(refused(dir, ERR_KEY_REJECTED, "must be a file"),
	    "a directory is no key");
	rmdir(key);
	free(key);
	free(away);
}

static void
test_key_first(const char *dir)
{
	struct store *s = NULL;

	overwrite(in(dir, "master.key"), 0, "0123456789abcdef0123456789abcdef");
	ok(open_dir(dir, &s, NULL) == ERR_OK,
	    "a new store takes a master key that is there");
	store_close(s);
	s = NULL;
	ok(open_dir(dir, &s, NULL) == ERR_OK, "and keeps to it");
	store_close(s);
}

static void
test_denied(const char *dir)
{
	int status = 1;
	pid_t child;

	make(dir);
	chmod(dir, 0700);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		if (geteuid() != 65534)
			chmod(in(dir, "lock"), 0);
		_exit(refused(dir, ERR_DENIED, "no permission") ? 0 : 1);
	}
	waitpid(child, &status, 0);
	ok(status == 0, "who may not read the store is told so");
	chmod(in(dir, "lock"), 0600);
}

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

/* ---- many views ---------------------------------------------------------- */

struct meeting {
	struct store *s;
	pthread_barrier_t all_in;
};

static enum err_code
meet(struct txn *t, void *arg, struct err *err)
{
	struct bytes v;

	/* waiting in a view is against the rules: here it proves something */
	pthread_barrier_wait(arg);
	return txn_get(t, bytes_text("x"), &v, err);
}

static void *
view_thread(void *arg)
{
	struct meeting *m = arg;

	return store_view(m->s, meet, &m->all_in, NULL) == ERR_NOT_FOUND ? NULL
	                                                                 : m;
}

static bool
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

static int
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

/* ---- groups ------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS  200

static void *
put_many(void *arg)
{
	struct acker *a = arg;
	uint64_t i;

	for (i = 0; i < ROUNDS; i++)
		if (put(a->s, a->first + i, 100, NULL) != ERR_OK)
			a->fd = 1;
	return NULL;
}

static void
test_group(const char *dir)
{
	struct acker a[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct store *s = NULL;
	struct store_stat st = { 0 };
	int i, failed = 0;

	if (!ok(open_dir(dir, &s, NULL) == ERR_OK, "it opens"))
		return;
	for (i = 0; i < THREADS; i++) {
		a[i] = (struct acker){ s, 0, (uint64_t)i * ROUNDS };
		pthread_create(&threads[i], NULL, put_many, &a[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		failed += a[i].fd;
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

/* clang-format off */
static const struct {
	const char *name;
	void (*run)(const char *dir);
} tests[] = {
	{ "reopen",    test_reopen },
	{ "in use",    test_in_use },
	{ "format",    test_format },
	{ "damage",    test_damage },
	{ "free end",  test_free_end },
	{ "master",    test_master },
	{ "key first", test_key_first },
	{ "denied",    test_denied },
	{ "kill -9",   test_kill },
	{ "full disk", test_full },
	{ "address space", test_address_space },
	{ "backup",    test_backup },
	{ "group",     test_group },
	{ "readers",   test_readers },
	{ "relax",     test_relax },
};
/* clang-format on */

int
main(void)
{
	char *dir = scratch_new();
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		printf("# %s\n", tests[i].name);
		fflush(stdout);
		tests[i].run(dir);
		scratch_empty(dir);
	}
	scratch_free(dir);
	return tap_done();
}
