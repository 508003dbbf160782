#include "engine/store/copy.h"

#include <stdio.h>
#include <stdlib.h>
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
	f = fopen(copy, "w");
	if (f != NULL) {
		fputs("no database", f);
		fclose(f);
	}
	snprintf(b, sizeof(b), "%s/c", top);
	ok(store_copy_in(copy, b, &err) == ERR_DAMAGED,
	    "another file is refused");
	ok(access(b, F_OK) != 0, "and leaves nothing behind");
	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	ok(system(cmd) == 0, "cleaned up"); // NOLINT(cert-env33-c)
	return tap_done();
}
