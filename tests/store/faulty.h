/*
 * faulty.h - a backend that fails now and then, over another one.
 */
#ifndef MDMFS_TESTS_STORE_FAULTY_H
#define MDMFS_TESTS_STORE_FAULTY_H

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store/backend.h"

struct faulty {
	struct backend base;
	struct backend *inner;
	/* one in so many calls fails; 0: none */
	atomic_uint put_rate;
	atomic_uint commit_rate;
	enum err_code commit_code;
	uint32_t random; /* the writer's */
	atomic_uint n_faults;
};

struct faulty_txn {
	struct backend_txn base;
	struct backend_txn *inner;
	bool broken;
};

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static inline struct faulty *
faulty_of(struct backend *b)
{
	return (struct faulty *)(void *)b;
}

static inline struct backend_txn *
inner_of(struct backend_txn *t)
{
	return ((struct faulty_txn *)(void *)t)->inner;
}

static inline bool
strikes(struct faulty *f, atomic_uint *rate)
{
	unsigned r = atomic_load(rate);

	if (r == 0 || next_random(&f->random) % r != 0)
		return false;
	atomic_fetch_add(&f->n_faults, 1);
	return true;
}

static inline void
faulty_close(struct backend *b)
{
	struct faulty *f = faulty_of(b);

	f->inner->ops->close(f->inner);
	free(f);
}

static inline enum err_code
faulty_begin(
    struct backend *b, bool writing, struct backend_txn **ret, struct err *err)
{
	struct faulty_txn *t = calloc(1, sizeof(*t));
	struct backend *inner = faulty_of(b)->inner;
	enum err_code rc = inner->ops->begin(inner, writing, &t->inner, err);

	t->base.b = b;
	if (rc == ERR_OK)
		*ret = &t->base;
	else
		free(t);
	return rc;
}

static inline void
faulty_end(struct backend_txn *t)
{
	inner_of(t)->b->ops->end(inner_of(t));
	free(t);
}

static inline enum err_code
faulty_commit(struct backend_txn *t, struct err *err)
{
	struct faulty *f = faulty_of(t->b);
	struct backend_txn *inner = inner_of(t);
	enum err_code rc;
	int i;

	/* a sync takes a while: let others gather */
	for (i = 0; i < 20; i++)
		sched_yield();
	if (strikes(f, &f->commit_rate)) {
		inner->b->ops->end(inner);
		rc = err_set(err, f->commit_code, "the disk, on purpose");
	} else {
		rc = inner->b->ops->commit(inner, err);
	}
	free(t);
	return rc;
}

static inline enum err_code
faulty_get(
    struct backend_txn *t, struct bytes key, struct bytes *ret, struct err *err)
{
	return inner_of(t)->b->ops->get(inner_of(t), key, ret, err);
}

static inline enum err_code
faulty_seek(
    struct backend_txn *t, struct bytes key, struct pair *ret, struct err *err)
{
	return inner_of(t)->b->ops->seek(inner_of(t), key, ret, err);
}

static inline enum err_code
faulty_last(
    struct backend_txn *t, struct bytes key, struct pair *ret, struct err *err)
{
	return inner_of(t)->b->ops->last(inner_of(t), key, ret, err);
}

/* As LMDB does: after a failure, everything fails. */
static inline enum err_code
change_fails(struct backend_txn *t, struct err *err)
{
	struct faulty_txn *own = (struct faulty_txn *)(void *)t;
	struct faulty *f = faulty_of(t->b);

	if (!own->broken && !strikes(f, &f->put_rate))
		return ERR_OK;
	own->broken = true;
	return err_set(err, ERR_FULL, "a put, on purpose");
}

static inline enum err_code
faulty_put(struct backend_txn *t, struct bytes key, struct bytes value,
    struct err *err)
{
	enum err_code rc = change_fails(t, err);

	if (rc != ERR_OK)
		return rc;
	return inner_of(t)->b->ops->put(inner_of(t), key, value, err);
}

static inline enum err_code
faulty_del(struct backend_txn *t, struct bytes key, struct err *err)
{
	enum err_code rc = change_fails(t, err);

	if (rc != ERR_OK)
		return rc;
	return inner_of(t)->b->ops->del(inner_of(t), key, err);
}

static inline enum err_code
faulty_stat(struct backend *b, struct store_stat *ret, struct err *err)
{
	struct backend *inner = faulty_of(b)->inner;

	return inner->ops->stat(inner, ret, err);
}

static inline enum err_code
faulty_backup(struct backend *b, const char *path, struct err *err)
{
	struct backend *inner = faulty_of(b)->inner;

	return inner->ops->backup(inner, path, err);
}

static const struct backend_ops faulty_ops = {
	.close = faulty_close,
	.begin = faulty_begin,
	.commit = faulty_commit,
	.end = faulty_end,
	.get = faulty_get,
	.seek = faulty_seek,
	.last = faulty_last,
	.put = faulty_put,
	.del = faulty_del,
	.stat = faulty_stat,
	.backup = faulty_backup,
};

static inline enum err_code
any_master(const void *arg, bool is_new,
    uint8_t key[static STORE_MASTER_KEY_LEN], struct err *err)
{
	(void)arg, (void)is_new, (void)err;
	memset(key, 1, STORE_MASTER_KEY_LEN);
	return ERR_OK;
}

/* dir NULL: in memory. */
static inline struct store *
open_faulty(const char *dir, struct faulty **ret)
{
	struct faulty *f = calloc(1, sizeof(*f));
	struct store_parts parts = {
		.backend = &f->base, .name = "faulty", .master = any_master
	};
	struct store *s = NULL;
	enum err_code rc;

	f->base.ops = &faulty_ops;
	f->random = 20261125;
	f->commit_code = ERR_FULL;
	rc = dir == NULL ? backend_memory(&f->inner, NULL)
	                 : backend_lmdb(dir, &f->inner, NULL);
	if (rc != ERR_OK || store_assemble(&parts, &s, NULL) != ERR_OK)
		exit(1);
	*ret = f;
	return s;
}

#endif
