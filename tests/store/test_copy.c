#include "engine/store/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/store/key.h"
#include "tests/tap.h"

static enum err_code
put(struct txn *t, void *arg, struct err *err)
{
	(void)arg;
	return txn_put_sealed(t, bytes_text("k"), bytes_text("value"), err);
}

static enum err_code
get(struct txn *t, void *arg, struct err *err)
{
	return txn_get_sealed(t, bytes_text("k"), arg, err);
}

static unsigned long
peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmPeak: %lu", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib;
}

/* In a process of its own, whose peak is its own. */
static bool
need_little_space(const char *from, const char *copy, const char *to)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		unsigned long before = peak_kib();
		bool good = before > 0 &&
		            store_copy(from, copy, NULL) == ERR_OK &&
		            store_copy_in(copy, to, NULL) == ERR_OK;

		_exit(!good || peak_kib() - before > 512 << 10);
	}
	return waitpid(child, &status, 0) == child && status == 0;
}

int
main(void)
{
	char top[] = "/tmp/mdmfs-copy.XXXXXX";
	char a[64], b[64], copy[64], key[80], cmd[128];
	struct store_options options = { .dir = a };
	struct store *s = NULL;
	struct buf value = { 0 };
	struct err err = { 0 };
	FILE *f;

	if (mkdtemp(top) == NULL)
		return 1;
	snprintf(a, sizeof(a), "%s/a", top);
	snprintf(b, sizeof(b), "%s/b", top);
	snprintf(copy, sizeof(copy), "%s/copy", top);
	snprintf(key, sizeof(key), "%s/master.key", a);
	ok(store_open(&options, &s, &err) == ERR_OK, "a store opens");
	ok(store_update(s, put, NULL, &err) == ERR_OK, "and takes a secret");
	ok(store_copy(a, copy, &err) == ERR_OK, "it is copied while open");
	store_close(s);
	s = NULL;
	ok(store_copy_in(copy, a, &err) == ERR_EXISTS,
	    "a copy does not replace a store");
	ok(store_copy_in(copy, b, &err) == ERR_OK, "a copy becomes a store");
	options = (struct store_options){ .dir = b, .key_file = key };
	ok(store_open(&options, &s, &err) == ERR_OK,
	    "which opens with the old master key");
	ok(store_view(s, get, &value, &err) == ERR_OK &&
		bytes_equal(buf_view(&value), bytes_text("value")),
	    "and has the secret");
	store_close(s);
	buf_wipe(&value);
	snprintf(b, sizeof(b), "%s/c", top);
	unlink(copy);
	ok(need_little_space(a, copy, b),
	    "copies map what there is (ulimit -v), not what a server may need");
	f = fopen(copy, "w");
	if (f != NULL) {
		fputs("no database", f);
		fclose(f);
	}
	snprintf(b, sizeof(b), "%s/d", top);
	ok(store_copy_in(copy, b, &err) == ERR_DAMAGED,
	    "another file is refused");
	ok(access(b, F_OK) != 0, "and leaves nothing behind");
	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	ok(system(cmd) == 0, "cleaned up"); // NOLINT(cert-env33-c)
	return tap_done();
}
