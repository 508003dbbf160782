/* Keys that begin with a time: which are due, how many at once, what is next. */
#include "engine/model/due.h"

#include "tests/model/rules.h"

struct look {
	struct due due;
	bool del;
	char seen[64]; /* the rests of the keys */
};

static struct key
at(int64_t time, const char *rest)
{
	struct key k = key_of(KIND_OTA_END);

	key_u64(&k, (uint64_t)time);
	key_bytes(&k, bytes_text(rest));
	return k;
}

static enum err_code
put_txn(struct txn *t, void *arg, struct err *err)
{
	static const char *const rests[] = { "c", "a", "b", "d" };
	static const int64_t times[] = { 30, 10, 20, 30 };
	enum err_code rc = ERR_OK;
	size_t i;

	(void)arg;
	for (i = 0; rc == ERR_OK && i < 4; i++) {
		struct key k = at(times[i], rests[i]);
		struct key record = key_of(KIND_OTA);

		key_bytes(&record, bytes_text(rests[i]));
		rc = txn_put(t, key_view(&k), BYTES_NONE, err);
		if (rc == ERR_OK && rests[i][0] != 'b')
			rc =
			    txn_put(t, key_view(&record), bytes_text("x"), err);
	}
	return rc;
}

static enum err_code
note(void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err)
{
	struct look *l = arg;
	size_t n = strlen(l->seen);

	snprintf(l->seen + n, sizeof(l->seen) - n, "%d%.*s ", (int)due,
	    (int)(key.len - DUE_REST), (const char *)key.p + DUE_REST);
	return l->del ? txn_del(t, key, err) : ERR_OK;
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct look *l = arg;

	l->seen[0] = '\0';
	return due_each(t, KIND_OTA_END, &l->due, note, l, err);
}

static bool
sees(int64_t now, size_t max, const char *wanted, int64_t next)
{
	struct look l = { .due = { .now = now, .max = max, .next = -1 } };

	must(store_view(rules->store, look_txn, &l, &rules_err));
	if (strcmp(l.seen, wanted) != 0 || l.due.next != next)
		printf("# %s, then %d\n", l.seen, (int)l.due.next);
	return strcmp(l.seen, wanted) == 0 && l.due.next == next;
}

static enum err_code
drop_txn(struct txn *t, void *arg, struct err *err)
{
	return due_drop(t, KIND_OTA_END, KIND_OTA, arg, err);
}

static enum err_code
records_txn(struct txn *t, void *arg, struct err *err)
{
	struct key c = key_of(KIND_OTA), a = c;
	struct bytes value;

	(void)err;
	key_bytes(&a, bytes_text("a"));
	key_bytes(&c, bytes_text("c"));
	*(bool *)arg =
	    txn_get(t, key_view(&a), &value, NULL) == ERR_NOT_FOUND &&
	    txn_get(t, key_view(&c), &value, NULL) == ERR_OK;
	return ERR_OK;
}

int
main(void)
{
	static const struct engine_options options;
	struct look l = { .due = { .now = 30, .max = 1 }, .del = true };
	struct due d = { .now = 25, .max = 9 };
	bool yes = false;

	rules_begin(&options);
	ok(sees(99, 9, "", 0), "nothing is due where there is nothing");
	must(store_update(rules->store, put_txn, NULL, &rules_err));
	ok(sees(5, 9, "", 10), "before the first, the first is next");
	ok(sees(20, 9, "10a 20b ", 30), "a time that has come is due");
	ok(sees(99, 2, "10a 20b ", 30), "no more than are wanted at once");
	ok(sees(99, 3, "10a 20b 30c ", 30), "also where two have one time");
	ok(sees(99, 4, "10a 20b 30c 30d ", 0),
	    "after all of them none is next");
	must(store_update(rules->store, drop_txn, &d, &rules_err));
	must(store_view(rules->store, records_txn, &yes, &rules_err));
	ok(d.next == 30 && sees(99, 9, "30c 30d ", 0) && yes,
	    "what is due is dropped with its record, which may be gone");
	must(store_update(rules->store, look_txn, &l, &rules_err));
	ok(l.due.next == 30 && sees(99, 9, "30d ", 0),
	    "a key may be deleted by who is given it");
	engine_close(rules);
	return tap_done();
}
