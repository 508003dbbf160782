/*
 * A backend in memory: a red-black tree behind a lock.  Views share the lock,
 * a writing transaction has it alone from its first call to its commit.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <bsd/sys/tree.h>

#include "engine/store/backend.h"

struct node {
	RB_ENTRY(node) link;
	struct bytes key; /* both point behind this struct */
	struct bytes value;
};

static int
compare(const struct node *a, const struct node *b)
{
	size_t n = a->key.len < b->key.len ? a->key.len : b->key.len;
	int c = memcmp(a->key.p, b->key.p, n);

	if (c != 0)
		return c;
	return a->key.len < b->key.len ? -1 : a->key.len > b->key.len;
}

RB_HEAD(tree, node);
/* RB_GENERATE_STATIC wants BSD's __unused */
RB_GENERATE_INTERNAL(tree, node, link, compare, __attribute__((unused)) static)

/* Nodes are replaced, never altered, so that going back cannot fail. */
struct change {
	SLIST_ENTRY(change) link;
	struct node *before; /* NULL: was not there */
	struct node *after;  /* NULL: was deleted */
};
SLIST_HEAD(changes, change);

struct memory {
	struct backend base;
	pthread_rwlock_t lock;
	/* protected by lock */
	struct tree tree;
	uint64_t pairs;
	uint64_t bytes;
	struct changes changes; /* newest first */
	struct backend_txn txn; /* one for all: it has no state */
};

static struct memory *
memory_of(struct backend_txn *t)
{
	return (struct memory *)(void *)t->b;
}

static struct node *
find(struct memory *m, struct bytes key)
{
	struct node at = { .key = key };

	return RB_FIND(tree, &m->tree, &at);
}

static void
add(struct memory *m, struct node *n)
{
	if (n == NULL)
		return;
	RB_INSERT(tree, &m->tree, n);
	m->pairs++;
	m->bytes += n->key.len + n->value.len;
}

static void
cut(struct memory *m, struct node *n)
{
	if (n == NULL)
		return;
	RB_REMOVE(tree, &m->tree, n);
	m->pairs--;
	m->bytes -= n->key.len + n->value.len;
}

static void
memory_close(struct backend *b)
{
	struct memory *m = (struct memory *)(void *)b;
	struct node *n;

	while ((n = RB_ROOT(&m->tree)) != NULL) {
		RB_REMOVE(tree, &m->tree, n);
		free(n);
	}
	pthread_rwlock_destroy(&m->lock);
	free(m);
}

static enum err_code
memory_begin(
    struct backend *b, bool writing, struct backend_txn **ret, struct err *err)
{
	struct memory *m = (struct memory *)(void *)b;
	int rc;

	rc = writing ? pthread_rwlock_wrlock(&m->lock)
	             : pthread_rwlock_rdlock(&m->lock);
	if (rc != 0)
		return err_set(err, ERR_INTERNAL, "too many readers");
	*ret = &m->txn;
	return ERR_OK;
}

/* Forget the changes, or take them back first. */
static void
settle(struct memory *m, bool keep)
{
	struct change *c;

	while ((c = SLIST_FIRST(&m->changes)) != NULL) {
		SLIST_REMOVE_HEAD(&m->changes, link);
		if (!keep) {
			cut(m, c->after);
			add(m, c->before);
		}
		free(keep ? c->before : c->after);
		free(c);
	}
}

static enum err_code
memory_commit(struct backend_txn *t, struct err *err)
{
	struct memory *m = memory_of(t);

	(void)err;
	settle(m, true);
	pthread_rwlock_unlock(&m->lock);
	return ERR_OK;
}

static void
memory_end(struct backend_txn *t)
{
	struct memory *m = memory_of(t);

	/* views find none: who writes has left none behind */
	if (!SLIST_EMPTY(&m->changes))
		settle(m, false);
	pthread_rwlock_unlock(&m->lock);
}

static enum err_code
memory_get(
    struct backend_txn *t, struct bytes key, struct bytes *ret, struct err *err)
{
	struct node *n = find(memory_of(t), key);

	(void)err;
	if (n == NULL)
		return ERR_NOT_FOUND;
	*ret = n->value;
	return ERR_OK;
}

static enum err_code
give(const struct node *n, struct pair *ret)
{
	if (n == NULL)
		return ERR_NOT_FOUND;
	ret->key = n->key;
	ret->value = n->value;
	return ERR_OK;
}

static enum err_code
memory_seek(
    struct backend_txn *t, struct bytes key, struct pair *ret, struct err *err)
{
	struct node at = { .key = key };

	(void)err;
	return give(RB_NFIND(tree, &memory_of(t)->tree, &at), ret);
}

static enum err_code
memory_last(
    struct backend_txn *t, struct bytes key, struct pair *ret, struct err *err)
{
	struct tree *tree = &memory_of(t)->tree;
	struct node at = { .key = key };
	struct node *n = NULL;

	(void)err;
	if (key.len > 0)
		n = RB_NFIND(tree, tree, &at);
	n = n != NULL ? RB_PREV(tree, tree, n) : RB_MAX(tree, tree);
	return give(n, ret);
}

/* Replace key's node by after (NULL: by none) and remember that. */
static enum err_code
change(struct memory *m, struct bytes key, struct node *after, struct err *err)
{
	struct change *c = malloc(sizeof(*c));

	if (c == NULL)
		return err_set(err, ERR_NO_MEMORY, "a change of the store");
	c->before = find(m, key);
	c->after = after;
	cut(m, c->before);
	add(m, after);
	SLIST_INSERT_HEAD(&m->changes, c, link);
	return ERR_OK;
}

static enum err_code
memory_put(struct backend_txn *t, struct bytes key, struct bytes value,
    struct err *err)
{
	struct node *n = malloc(sizeof(*n) + key.len + value.len);
	enum err_code rc;
	uint8_t *p;

	if (n == NULL)
		return err_set(err, ERR_NO_MEMORY, "a record of the store");
	p = (uint8_t *)(n + 1);
	memcpy(p, key.p, key.len);
	if (value.len > 0)
		memcpy(p + key.len, value.p, value.len);
	n->key = bytes_of(p, key.len);
	n->value = bytes_of(p + key.len, value.len);
	rc = change(memory_of(t), n->key, n, err);
	if (rc != ERR_OK)
		free(n);
	return rc;
}

static enum err_code
memory_del(struct backend_txn *t, struct bytes key, struct err *err)
{
	if (find(memory_of(t), key) == NULL)
		return ERR_NOT_FOUND;
	return change(memory_of(t), key, NULL, err);
}

static enum err_code
memory_stat(struct backend *b, struct store_stat *ret, struct err *err)
{
	struct memory *m = (struct memory *)(void *)b;

	(void)err;
	pthread_rwlock_rdlock(&m->lock);
	ret->pairs = m->pairs;
	ret->used_bytes = m->bytes;
	ret->limit_bytes = UINT64_MAX;
	ret->readers = 0;
	pthread_rwlock_unlock(&m->lock);
	return ERR_OK;
}

static enum err_code
memory_backup(struct backend *b, const char *path, struct err *err)
{
	(void)b;
	return err_set(
	    err, ERR_UNSUPPORTED, "%s: a store in memory has no backup", path);
}

static const struct backend_ops ops = {
	.close = memory_close,
	.begin = memory_begin,
	.commit = memory_commit,
	.end = memory_end,
	.get = memory_get,
	.seek = memory_seek,
	.last = memory_last,
	.put = memory_put,
	.del = memory_del,
	.stat = memory_stat,
	.backup = memory_backup,
};

enum err_code
backend_memory(struct backend **ret, struct err *err)
{
	struct memory *m = calloc(1, sizeof(*m));
	pthread_rwlockattr_t attr;

	if (m == NULL)
		return err_set(err, ERR_NO_MEMORY, "a store in memory");
	m->base.ops = &ops;
	m->txn.b = &m->base;
	RB_INIT(&m->tree);
	SLIST_INIT(&m->changes);
	/* else views that never pause would keep writers out; possible since
	 * views do not nest */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&m->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	*ret = &m->base;
	return ERR_OK;
}
