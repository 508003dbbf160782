/* What one transaction does to pairs, plain and sealed. */
#include "tests/store/script.h"

#include <stdlib.h>

static void
test_basics(struct store *s)
{
	struct script put = { .steps = { { PUT, "a1", "one" },
				  { PUT, "a2", "" }, { GET, "a1", NULL } } };
	struct script fail = { .steps = { { PUT, "a1", "changed" },
				   { DEL, "a2", NULL }, { PUT, "a3", "new" },
				   { PUT, "a3", "newer" },
				   { FAIL, "no reason", NULL } } };
	struct script del = { .steps = { { DEL, "a1", NULL } } };
	struct script get = { .steps = { { GET, "a2", NULL } } };
	struct err err = { 0 };

	ok(store_update(s, play, &put, &err) == ERR_OK, "an update commits");
	ok(put.wrote, "and knows that it writes");
	ok(strcmp(put.got, "one") == 0, "and sees its own changes");
	ok(view_gives(s, "a1", "one"), "a view sees what was committed");
	ok(view_gives(s, "a2", ""), "a value may be empty");
	ok(view_gives(s, "a", NULL), "the beginning of a key is no key");
	ok(store_view(s, play, &get, NULL) == ERR_OK && !get.wrote,
	    "a view knows that it does not write");

	ok(store_update(s, play, &fail, &err) == ERR_INVALID &&
		strcmp(err.msg, "no reason") == 0,
	    "an update that fails gives its own reason");
	ok(view_gives(s, "a1", "one"), "and takes its replacements back");
	ok(view_gives(s, "a2", ""), "and its deletions");
	ok(view_gives(s, "a3", NULL), "and its additions");

	ok(store_update(s, play, &del, &err) == ERR_OK &&
		view_gives(s, "a1", NULL),
	    "a pair can be deleted");
	ok(store_update(s, play, &del, &err) == ERR_NOT_FOUND, "but not twice");
}

/* ---- sizes -------------------------------------------------------------- */

struct big {
	uint8_t *p;
	size_t len;
	bool same;
};

static enum err_code
put_big(struct txn *t, void *arg, struct err *err)
{
	struct big *b = arg;
	struct bytes v;
	enum err_code rc;

	rc = txn_put(t, B("big"), bytes_of(b->p, b->len), err);
	/* what is borrowed from the store may be put again */
	if (rc == ERR_OK)
		rc = txn_get(t, B("big"), &v, err);
	if (rc == ERR_OK)
		rc = txn_put(t, B("big"), v, err);
	if (rc == ERR_OK)
		rc = txn_get(t, B("big"), &v, err);
	if (rc == ERR_OK)
		rc = txn_put(t, B("big2"), v, err);
	return rc;
}

static enum err_code
get_big(struct txn *t, void *arg, struct err *err)
{
	struct big *b = arg;
	struct bytes v = BYTES_NONE, v2 = BYTES_NONE;
	enum err_code rc = txn_get(t, B("big"), &v, err);

	if (rc == ERR_OK)
		rc = txn_get(t, B("big2"), &v2, err);
	b->same = rc == ERR_OK && bytes_equal(v, bytes_of(b->p, b->len)) &&
	          bytes_equal(v2, v);
	return rc;
}

static enum err_code
count_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	(void)key, (void)value, (void)stop, (void)err;
	++*(int *)arg;
	return ERR_OK;
}

static enum err_code
long_key(struct txn *t, void *arg, struct err *err)
{
	uint8_t k[STORE_KEY_MAX];
	struct bytes key, value;
	enum err_code rc;
	int n = 0;

	(void)arg;
	memset(k, 0xff, sizeof(k));
	rc = txn_put(t, bytes_of(k, sizeof(k)), B("long"), err);
	if (rc == ERR_OK)
		rc = txn_last(t, bytes_of(k, 10), &key, &value, err);
	if (rc == ERR_OK && key.len != sizeof(k))
		return err_set(err, ERR_INVALID, "another key");
	if (rc == ERR_OK)
		rc = txn_each(
		    t, bytes_of(k, sizeof(k)), BYTES_NONE, count_one, &n, err);
	return rc == ERR_OK && n != 1
	           ? err_set(err, ERR_INVALID, "not walked over")
	           : rc;
}

static void
test_sizes(struct store *s)
{
	static const size_t sizes[] = { 1, 2000, 2020, 4080, 5000, 1 << 20,
		16 << 20, 0 };
	struct err err = { 0 };
	bool all = true;
	size_t i, j;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct big b = { .p = malloc(sizes[i] + 1), .len = sizes[i] };

		for (j = 0; j < b.len; j++)
			b.p[j] = (uint8_t)(j * 31 + j / 251);
		all = all && store_update(s, put_big, &b, &err) == ERR_OK &&
		      store_view(s, get_big, &b, &err) == ERR_OK && b.same;
		free(b.p);
	}
	ok(all, "values from nothing to 16 MiB come back as they were");
	{
		static uint8_t too_big[1];
		struct big b = { too_big, STORE_VALUE_MAX + (size_t)1, 0 };

		ok(store_update(s, put_big, &b, &err) == ERR_TOO_BIG,
		    "a value above the limit is refused");
	}
	ok(store_update(s, long_key, NULL, &err) == ERR_OK,
	    "a key may have 511 bytes");
}

/* ---- sealed ------------------------------------------------------------- */

static enum err_code
move_sealed(struct txn *t, void *arg, struct err *err)
{
	struct bytes v;
	enum err_code rc = txn_get(t, B("s1"), &v, err);

	(void)arg;
	return rc == ERR_OK ? txn_put(t, B("s2"), v, err) : rc;
}

static enum err_code
see_sealed(struct txn *t, void *arg, struct err *err)
{
	bool *plain = arg;
	struct bytes v;
	enum err_code rc = txn_get(t, B("s1"), &v, err);

	if (rc == ERR_OK)
		*plain = memmem(v.p, v.len, "secret", 6) != NULL;
	return rc;
}

static void
test_sealed(struct store *s)
{
	struct script put = { .steps = { { PUT_SEALED, "s1", "secret" } } };
	struct script get = { .steps = { { GET_SEALED, "s1", NULL } } };
	struct script get2 = { .steps = { { GET_SEALED, "s2", NULL } } };
	struct script get3 = { .steps = { { GET_SEALED, "s3", NULL } } };
	struct err err = { 0 };
	bool plain = true;

	ok(store_update(s, play, &put, &err) == ERR_OK, "a secret is sealed");
	ok(store_view(s, see_sealed, &plain, &err) == ERR_OK && !plain,
	    "and does not stand in the store");
	ok(store_view(s, play, &get, &err) == ERR_OK &&
		strcmp(get.got, "secret") == 0,
	    "and can be opened");
	ok(store_update(s, move_sealed, NULL, &err) == ERR_OK &&
		store_view(s, play, &get2, &err) == ERR_DAMAGED,
	    "but not under another key");
	ok(store_view(s, play, &get3, &err) == ERR_NOT_FOUND,
	    "where there is none, none is found");
}

int
main(void)
{
	on_both(test_basics);
	on_both(test_sizes);
	on_both(test_sealed);
	store_close(NULL);
	return tap_done();
}
