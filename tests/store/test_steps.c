/*
 * The steps of a walk: from a key to the next one that there is, also where
 * keys differ by NULs alone, and where other walks come in between.
 */
#include "engine/store/store.h"

#include "tests/store/scratch.h"
#include "tests/tap.h"

#define MANY 3000 /* more than a few pages of records */

static const struct {
	const char *p;
	size_t len;
} close_keys[] = {
	{ "n", 1 },
	{ "n\0", 2 },
	{ "n\0\0", 3 },
	{ "n\0\0a", 4 },
	{ "n\0a", 3 },
	{ "n\1", 2 },
	{ "n\1\0", 3 },
	{ "na", 2 },
};
#define CLOSE (sizeof(close_keys) / sizeof(close_keys[0]))

static enum err_code
put_all(struct txn *t, void *arg, struct err *err)
{
	enum err_code rc = ERR_OK;
	char many[16];

	(void)arg;
	for (size_t i = CLOSE; i-- > 0 && rc == ERR_OK;)
		rc = txn_put(t, bytes_of(close_keys[i].p, close_keys[i].len),
		    BYTES_NONE, err);
	for (unsigned i = 0; i < MANY && rc == ERR_OK; i++) {
		snprintf(many, sizeof(many), "r%07u", i);
		rc = txn_put(t, bytes_text(many), bytes_of(many, 8), err);
	}
	return rc;
}

struct steps {
	struct txn *t;
	unsigned n;
	unsigned inner;
	bool wrong;
	bool del; /* each that was seen */
};

static enum err_code
close_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct steps *s = arg;

	(void)value;
	(void)stop;
	(void)err;
	if (s->n >= CLOSE || !bytes_equal(key, bytes_of(close_keys[s->n].p,
						   close_keys[s->n].len)))
		s->wrong = true;
	s->n++;
	return ERR_OK;
}

static enum err_code
walk_close(struct txn *t, void *arg, struct err *err)
{
	return txn_each(t, bytes_text("n"), BYTES_NONE, close_one, arg, err);
}

static enum err_code
inner_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct steps *s = arg;

	(void)key;
	(void)value;
	(void)err;
	*stop = ++s->inner % 2 == 0;
	return ERR_OK;
}

/* Another walk from somewhere else, and a record taken away. */
static enum err_code
outer_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct steps *s = arg;
	struct bytes last, its_value;
	char name[16];
	enum err_code rc = ERR_OK;

	(void)value;
	(void)stop;
	snprintf(name, sizeof(name), "r%07u", s->n);
	if (!bytes_equal(key, bytes_text(name)))
		s->wrong = true;
	if (s->n % 3 == 0)
		rc = txn_each(
		    s->t, bytes_text("n"), BYTES_NONE, inner_one, s, err);
	if (rc == ERR_OK && s->n % 5 == 0)
		rc = txn_last(s->t, bytes_text("r"), &last, &its_value, err);
	if (rc == ERR_OK && s->del)
		rc = txn_del(s->t, bytes_text(name), err);
	s->n++;
	return rc;
}

static enum err_code
walk_many(struct txn *t, void *arg, struct err *err)
{
	struct steps *s = arg;

	s->t = t;
	return txn_each(t, bytes_text("r"), BYTES_NONE, outer_one, s, err);
}

static void
test_steps(struct store *s)
{
	struct steps near = { 0 }, many = { 0 }, del = { .del = true };
	struct steps none = { 0 };

	ok(store_update(s, put_all, NULL, NULL) == ERR_OK, "records");
	ok(store_view(s, walk_close, &near, NULL) == ERR_OK &&
		near.n == CLOSE && !near.wrong,
	    "keys that differ by NULs are each given once, in order");
	ok(store_view(s, walk_many, &many, NULL) == ERR_OK && many.n == MANY &&
		!many.wrong && many.inner == 2 * (MANY / 3),
	    "other walks in between do not turn a walk away");
	ok(store_update(s, walk_many, &del, NULL) == ERR_OK && del.n == MANY &&
		!del.wrong,
	    "nor do changes");
	ok(store_view(s, walk_many, &none, NULL) == ERR_OK && none.n == 0,
	    "which were made");
}

int
main(void)
{
	char *dir = scratch_new();
	struct store_options options = { .dir = dir };
	struct store *s = NULL;

	if (ok(store_open_memory(&s, NULL) == ERR_OK, "in memory"))
		test_steps(s);
	store_close(s);
	s = NULL;
	if (ok(store_open(&options, &s, NULL) == ERR_OK, "on disk"))
		test_steps(s);
	store_close(s);
	scratch_free(dir);
	return tap_done();
}
