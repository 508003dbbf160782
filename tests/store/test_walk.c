/* The order of keys: walks over them, and the last one. */
#include "tests/store/script.h"

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
	struct walk w = { .prefix = "w1", .from = "", .put_after = true };

	ok(last_is(s, "", NULL), "an empty store has no last pair");
	ok(walk_sees(s, (struct walk){ .prefix = "", .from = "" }, ""),
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
	ok(store_update(s, walk, &w, NULL) == ERR_OK &&
		strncmp(w.seen, "w1 ", 3) == 0 &&
		strstr(w.seen, "w10 ") != NULL,
	    "a walk may put pairs while it goes on");
	ok(view_gives(s, "w1", "changed") && view_gives(s, "w1+", "x") &&
		view_gives(s, "w10+", "x"),
	    "and they are there");
}

int
main(void)
{
	on_both(test_walks);
	return tap_done();
}
