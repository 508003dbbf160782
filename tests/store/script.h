/*
 * script.h - transactions as data, and tests that run on both backends.
 */
#ifndef MDMFS_TESTS_STORE_SCRIPT_H
#define MDMFS_TESTS_STORE_SCRIPT_H

#include <stdio.h>
#include <string.h>

#include "engine/store/store.h"
#include "tests/store/scratch.h"
#include "tests/tap.h"

#define B(s) bytes_text(s)

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

static inline enum err_code
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

static inline bool
view_gives(struct store *s, const char *key, const char *value)
{
	struct script get = { .steps = { { GET, key, NULL } } };
	enum err_code rc = store_view(s, play, &get, NULL);

	if (value == NULL)
		return rc == ERR_NOT_FOUND;
	return rc == ERR_OK && strcmp(get.got, value) == 0;
}

/* On a new store in memory, and on one on disk. */
static inline void
on_both(void (*run)(struct store *s))
{
	char *dir = scratch_new();
	struct store_options options = { .dir = dir };
	struct store *s = NULL;

	printf("# in memory\n");
	if (ok(store_open_memory(&s, NULL) == ERR_OK, "it opens"))
		run(s);
	store_close(s);
	s = NULL;

	printf("# on disk\n");
	if (ok(store_open(&options, &s, NULL) == ERR_OK, "it opens"))
		run(s);
	store_close(s);
	scratch_free(dir);
}

#endif
