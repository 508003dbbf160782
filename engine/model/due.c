#include "engine/model/due.h"

struct walk {
	struct txn *t;
	struct due *due;
	size_t n;
	due_fn *fn;
	void *arg;
};

static enum err_code
each_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct walk *w = arg;
	int64_t at = (int64_t)key_get_u64(key, 1);

	(void)value;
	if (at > w->due->now || w->n == w->due->max) {
		w->due->next = at;
		*stop = true;
		return ERR_OK;
	}
	w->n++;
	return w->fn(w->arg, w->t, at, key, err);
}

enum err_code
due_each(struct txn *t, enum kind kind, struct due *d, due_fn *fn, void *arg,
    struct err *err)
{
	struct walk w = { .t = t, .due = d, .fn = fn, .arg = arg };
	struct key prefix = key_of(kind);

	d->next = 0;
	return txn_each(t, key_view(&prefix), BYTES_NONE, each_one, &w, err);
}

static enum err_code
drop_one(
    void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err)
{
	const enum kind *kind = arg;
	struct key record = key_of(*kind);
	enum err_code rc;

	(void)due;
	key_bytes(&record, bytes_of(key.p + DUE_REST, key.len - DUE_REST));
	rc = txn_drop(t, &record, err);
	return rc == ERR_OK ? txn_del(t, key, err) : rc;
}

enum err_code
due_drop(struct txn *t, enum kind kind, enum kind record, struct due *d,
    struct err *err)
{
	return due_each(t, kind, d, drop_one, &record, err);
}
