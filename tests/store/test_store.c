#include "engine/store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/store/key.h"
#include "tests/store/scratch.h"
#include "tests/tap.h"

/* Every test here runs on both backends. */

#define B(s) bytes_text(s)

/* ---- small transactions as data ----------------------------------------- */

enum op { PUT, DEL, GET, PUT_SEALED, GET_SEALED, FAIL };

struct step {
	enum op op;
	const char *key;
	const char *value;
};

struct script {
	struct step steps[8];
	char got[64]; /* of the last GET */
	bool wrote;   /* what txn_is_writing() said */
};

static enum err_code
play(struct txn *t, void *arg, struct err *err)
{
	struct script *s = arg;
	struct buf b = { 0 };
	enum err_code rc = ERR_OK;
	struct bytes v;
	size_t i;

	s->got[0] = '\0';
	s->wrote = txn_is_writing(t);
	for (i = 0; i < 8 && s->steps[i].key != NULL && rc == ERR_OK; i++) {
		const struct step *p = &s->steps[i];

		switch (p->op) {
		case PUT:
			rc = txn_put(t, B(p->key), B(p->value), err);
			break;
		case DEL:
			rc = txn_del(t, B(p->key), err);
			break;
		case GET:
			rc = txn_get(t, B(p->key), &v, err);
			if (rc == ERR_OK)
				snprintf(s->got, sizeof(s->got), "%.*s",
				    (int)v.len, (const char *)v.p);
			break;
		case PUT_SEALED:
			rc = txn_put_sealed(t, B(p->key), B(p->value), err);
			break;
		case GET_SEALED:
			rc = txn_get_sealed(t, B(p->key), &b, err);
			snprintf(s->got, sizeof(s->got), "%s", buf_str(&b));
			break;
		case FAIL:
			rc = err_set(err, ERR_INVALID, "%s", p->key);
			break;
		}
	}
	buf_wipe(&b);
	return rc;
}

static bool
view_gives(struct store *s, const char *key, const char *value)
{
	struct script get = { .steps = { { GET, key, NULL } } };
	enum err_code rc = store_view(s, play, &get, NULL);

	if (value == NULL)
		return rc == ERR_NOT_FOUND;
	return rc == ERR_OK && strcmp(get.got, value) == 0;
}

/* ---- one at a time ------------------------------------------------------ */

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

/* ---- order and walks ---------------------------------------------------- */

struct walk {
	const char *prefix;
	const char *from;
	const char *stop_at;
	bool del;       /* each pair that it is given */
	bool put_after; /* NAME+ for each */
	char seen[256];
	struct txn *t;
};

static enum err_code
walk_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct walk *w = arg;
	char name[STORE_KEY_MAX + 2];

	(void)value;
	snprintf(name, sizeof(name), "%.*s", (int)key.len, (const char *)key.p);
	snprintf(w->seen + strlen(w->seen), sizeof(w->seen) - strlen(w->seen),
	    "%s ", name);
	if (w->stop_at != NULL && strcmp(name, w->stop_at) == 0)
		*stop = true;
	if (w->put_after && name[strlen(name) - 1] != '+') {
		enum err_code rc;

		strcat(name, "+");
		rc = txn_put(w->t, B(name), B("x"), err);
		if (rc != ERR_OK)
			return rc;
		name[strlen(name) - 1] = '\0';
		return txn_put(w->t, B(name), B("changed"), err);
	}
	return w->del ? txn_del(w->t, key, err) : ERR_OK;
}

static enum err_code
walk(struct txn *t, void *arg, struct err *err)
{
	struct walk *w = arg;

	w->t = t;
	w->seen[0] = '\0';
	return txn_each(t, B(w->prefix), B(w->from), walk_one, w, err);
}

static bool
walk_sees(struct store *s, struct walk w, const char *expected)
{
	enum err_code rc = w.del || w.put_after
	                       ? store_update(s, walk, &w, NULL)
	                       : store_view(s, walk, &w, NULL);

	if (rc != ERR_OK || strcmp(w.seen, expected) != 0)
		printf("# %s: %s\n", err_name(rc), w.seen);
	return rc == ERR_OK && strcmp(w.seen, expected) == 0;
}

struct last {
	const char *prefix;
	char key[64];
};

static enum err_code
find_last(struct txn *t, void *arg, struct err *err)
{
	struct last *l = arg;
	struct bytes key, value;
	enum err_code rc = txn_last(t, B(l->prefix), &key, &value, err);

	if (rc == ERR_OK)
		snprintf(l->key, sizeof(l->key), "%.*s", (int)key.len,
		    (const char *)key.p);
	return rc;
}

static bool
last_is(struct store *s, const char *prefix, const char *expected)
{
	struct last l = { .prefix = prefix };
	enum err_code rc = store_view(s, find_last, &l, NULL);

	if (expected == NULL)
		return rc == ERR_NOT_FOUND;
	return rc == ERR_OK && strcmp(l.key, expected) == 0;
}

static void
test_walks(struct store *s)
{
	struct script put = { .steps = { { PUT, "w2", "" }, { PUT, "w", "" },
				  { PUT, "w10", "" }, { PUT, "v", "" },
				  { PUT, "w1", "" }, { PUT, "x\xff", "" },
				  { PUT, "x\xff\xff", "" } } };

	ok(last_is(s, "", NULL), "an empty store has no last pair");
	ok(walk_sees(s, (struct walk){ "", "", NULL, 0, 0, "", NULL }, ""),
	    "and nothing to walk over: the store's own records are hidden");
	ok(store_update(s, play, &put, NULL) == ERR_OK, "seven pairs");
	ok(walk_sees(
	       s, (struct walk){ .prefix = "w", .from = "" }, "w w1 w10 w2 "),
	    "a walk is in the order of the keys and within its prefix");
	ok(walk_sees(
	       s, (struct walk){ .prefix = "w", .from = "w1" }, "w1 w10 w2 "),
	    "from a key that is there, it begins with that");
	ok(walk_sees(s, (struct walk){ .prefix = "w", .from = "w11" }, "w2 "),
	    "from one that is not, with the next");
	ok(walk_sees(
	       s, (struct walk){ .prefix = "w", .from = "a" }, "w w1 w10 w2 "),
	    "from before the prefix, with the first");
	ok(walk_sees(s, (struct walk){ .prefix = "w", .from = "x" }, ""),
	    "from behind the prefix, there is nothing");
	ok(walk_sees(s, (struct walk){ .prefix = "", .from = "w2" },
	       "w2 x\xff x\xff\xff "),
	    "an empty prefix is everything");
	ok(walk_sees(s,
	       (struct walk){ .prefix = "w", .from = "", .stop_at = "w1" },
	       "w w1 "),
	    "a walk stops when it is told to");
	ok(last_is(s, "w", "w2"), "the last of a prefix");
	ok(last_is(s, "w1", "w10"), "the last of a longer prefix");
	ok(last_is(s, "x\xff", "x\xff\xff"), "the last behind 0xff");
	ok(last_is(s, "", "x\xff\xff"), "the last of all");
	ok(last_is(s, "y", NULL) && last_is(s, "u", NULL),
	    "no last pair where the prefix has none");

	ok(walk_sees(s, (struct walk){ .prefix = "x", .from = "", .del = true },
	       "x\xff x\xff\xff "),
	    "a walk may delete what it is given");
	ok(last_is(s, "x", NULL) && last_is(s, "", "w2"),
	    "and then it is gone");
	{
		struct walk w = {
			.prefix = "w1", .from = "", .put_after = true
		};

		ok(store_update(s, walk, &w, NULL) == ERR_OK &&
			strncmp(w.seen, "w1 ", 3) == 0 &&
			strstr(w.seen, "w10 ") != NULL,
		    "a walk may put pairs while it goes on");
		ok(view_gives(s, "w1", "changed") &&
			view_gives(s, "w1+", "x") && view_gives(s, "w10+", "x"),
		    "and they are there");
	}
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
long_key(struct txn *t, void *arg, struct err *err)
{
	uint8_t k[STORE_KEY_MAX];
	struct bytes key, value;
	enum err_code rc;

	(void)arg;
	memset(k, 0xff, sizeof(k));
	rc = txn_put(t, bytes_of(k, sizeof(k)), B("long"), err);
	if (rc == ERR_OK)
		rc = txn_last(t, bytes_of(k, 10), &key, &value, err);
	if (rc == ERR_OK && key.len != sizeof(k))
		return err_set(err, ERR_INVALID, "another key");
	if (rc == ERR_OK) {
		struct walk w = { .t = t };

		rc = txn_each(
		    t, bytes_of(k, sizeof(k)), BYTES_NONE, walk_one, &w, err);
		if (rc == ERR_OK && w.seen[0] == '\0')
			return err_set(err, ERR_INVALID, "not walked over");
	}
	return rc;
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

/* ---- many threads ------------------------------------------------------- */

#define THREADS 8
#define ROUNDS  300

struct counter {
	struct store *s;
	atomic_int done;
	atomic_bool torn;
};

static uint64_t
number(struct bytes v)
{
	uint64_t n = 0;

	if (v.len == sizeof(n))
		memcpy(&n, v.p, sizeof(n));
	return n;
}

static enum err_code
count_up(struct txn *t, void *arg, struct err *err)
{
	static const char *const keys[] = { "n1", "n2" };
	bool fail = *(const bool *)arg;
	enum err_code rc = ERR_OK;
	struct bytes v;
	uint64_t n;
	size_t i;

	for (i = 0; i < 2 && rc == ERR_OK; i++) {
		v = BYTES_NONE;
		rc = txn_get(t, B(keys[i]), &v, NULL);
		n = number(v) + 1;
		if (rc == ERR_OK || rc == ERR_NOT_FOUND)
			rc = txn_put(
			    t, B(keys[i]), bytes_of(&n, sizeof(n)), err);
	}
	if (rc == ERR_OK && fail)
		return err_set(err, ERR_INVALID, "on purpose");
	return rc;
}

static enum err_code
compare_counts(struct txn *t, void *arg, struct err *err)
{
	struct bytes v1 = BYTES_NONE, v2 = BYTES_NONE;
	enum err_code rc = txn_get(t, B("n1"), &v1, err);

	if (rc == ERR_OK)
		rc = txn_get(t, B("n2"), &v2, err);
	if (rc == ERR_OK && number(v1) != number(v2))
		atomic_store((atomic_bool *)arg, true);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static void *
count_thread(void *arg)
{
	struct counter *c = arg;
	enum err_code rc;
	bool fail;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		fail = i % 3 == 1;
		rc = store_update(c->s, count_up, &fail, NULL);
		if (rc == ERR_OK)
			atomic_fetch_add(&c->done, 1);
		rc = store_view(c->s, compare_counts, &c->torn, NULL);
		if (rc != ERR_OK)
			atomic_store(&c->torn, true);
	}
	return NULL;
}

static enum err_code
get_count(struct txn *t, void *arg, struct err *err)
{
	struct bytes v = BYTES_NONE;
	enum err_code rc = txn_get(t, B("n1"), &v, err);

	*(uint64_t *)arg = number(v);
	return rc;
}

static void
bump(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
test_threads(struct store *s)
{
	struct counter c = { .s = s };
	struct store_stat before, after;
	pthread_t threads[THREADS];
	atomic_int hooks = 0;
	uint64_t n = 0;
	int i;

	store_on_commit(s, bump, &hooks);
	ok(store_stat(s, &before, NULL) == ERR_OK, "the store has a state");
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count_thread, &c);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ok(store_view(s, get_count, &n, NULL) == ERR_OK &&
		n == THREADS * (ROUNDS - ROUNDS / 3),
	    "no update is lost, none that failed is left");
	ok(atomic_load(&c.done) == (int)n, "as many succeeded");
	ok(!atomic_load(&c.torn), "views see whole transactions only");
	ok(store_stat(s, &after, NULL) == ERR_OK &&
		after.updates - before.updates == n,
	    "the state counts updates");
	ok(after.commits - before.commits == (uint64_t)atomic_load(&hooks),
	    "the hook was called once for each commit");
	ok(after.commits > before.commits && after.updates - before.updates >=
						 after.commits - before.commits,
	    "a commit holds one update or more");
	ok(after.readers == 0, "no view is left open");
	printf("# %.1f updates a commit\n",
	    (double)(after.updates - before.updates) /
		(double)(after.commits - before.commits));
}

static void
test_hooks(struct store *s)
{
	struct script get = { .steps = { { GET, "h", NULL } } };
	struct script put = { .steps = { { PUT, "h", "" } } };
	struct script fail = { .steps = {
				   { PUT, "h", "x" }, { FAIL, "no", NULL } } };
	atomic_int hooks = 0;

	store_on_commit(s, bump, &hooks);
	ok(store_update(s, play, &fail, NULL) == ERR_INVALID &&
		store_update(s, play, &get, NULL) == ERR_NOT_FOUND &&
		atomic_load(&hooks) == 0,
	    "an update that fails or changes nothing calls no hook");
	ok(store_update(s, play, &put, NULL) == ERR_OK &&
		atomic_load(&hooks) == 1,
	    "the hook has run before the update is answered");
}

/* ---- both --------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *name;
	void (*run)(struct store *s);
} tests[] = {
	{ "basics",  test_basics },
	{ "walks",   test_walks },
	{ "sizes",   test_sizes },
	{ "sealed",  test_sealed },
	{ "threads", test_threads },
	{ "hooks",   test_hooks },
};
/* clang-format on */

int
main(void)
{
	char *dir = scratch_new();
	struct store_options options = { .dir = dir };
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		struct store *s = NULL;

		printf("# %s, in memory\n", tests[i].name);
		if (ok(store_open_memory(&s, NULL) == ERR_OK, "it opens"))
			tests[i].run(s);
		store_close(s);
		s = NULL;

		printf("# %s, on disk\n", tests[i].name);
		if (ok(store_open(&options, &s, NULL) == ERR_OK, "it opens"))
			tests[i].run(s);
		store_close(s);
		scratch_empty(dir);
	}
	scratch_free(dir);
	store_close(NULL);
	return tap_done();
}
