/* What only a store on disk can get wrong: opening it, and its key. */
#include "engine/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <lmdb.h>

#include "tests/store/lmdb.h"

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

int
main(void)
{
	static const struct lmdb_test tests[] = {
		{ "reopen", test_reopen },
		{ "in use", test_in_use },
		{ "format", test_format },
		{ "damage", test_damage },
		{ "free end", test_free_end },
		{ "master", test_master },
		{ "key first", test_key_first },
		{ "denied", test_denied },
	};

	return run_all(tests, sizeof(tests) / sizeof(tests[0]));
}
