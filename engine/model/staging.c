#include "engine/model/staging.h"

#include "engine/model/removal.h"

#define DEPTH_MAX 64 /* of directories in staging/NAME */

/* How much is in staging/: numbers beside those of record.h's counters. */
static struct key
count_key(const char *name)
{
	struct key k = key_of(KIND_COUNTER);

	key_bytes(&k, bytes_text(name));
	return k;
}

static enum err_code
count(struct txn *t, const char *name, int64_t change, uint64_t *ret,
    struct err *err)
{
	struct key k = count_key(name);
	uint64_t n = 0;
	enum err_code rc = index_get_u64(t, &k, &n);

	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "staging: %s", err_text(rc));
	if (change < 0 && (uint64_t)-change > n)
		n = 0;
	else
		n += (uint64_t)change;
	*ret = n;
	return index_put_u64(t, &k, n, err);
}

static enum err_code
count_both(struct txn *t, int64_t files, int64_t bytes, struct err *err)
{
	uint64_t n, size;
	enum err_code rc;

	if ((rc = count(t, "staged-files", files, &n, err)) != ERR_OK ||
	    (rc = count(t, "staged-bytes", bytes, &size, err)) != ERR_OK)
		return rc;
	if (files > 0 && n > FILE_STAGED_MAX)
		return err_set(err, ERR_QUOTA,
		    "staging/ holds at most %u files and directories: commit "
		    "or remove some",
		    FILE_STAGED_MAX);
	if (bytes > 0 && size > FILE_STAGED_BYTES_MAX)
		return err_set(err, ERR_QUOTA,
		    "staging/ holds at most %u MiB: commit or remove some",
		    FILE_STAGED_BYTES_MAX >> 20);
	return ERR_OK;
}

/* How many directories of a stage n is in. */
static enum err_code
check_depth(struct txn *t, const struct change *c, struct err *err)
{
	struct node n = c->parent;
	enum err_code rc = ERR_OK;
	int depth = 0;

	while (rc == ERR_OK && n.n.place == PLACE_STAGED_DIR) {
		if (++depth > DEPTH_MAX)
			return err_set(err, ERR_NOT_HERE,
			    "staging/NAME is laid out like the mount, which is "
			    "not that deep");
		rc = node_get(t, n.n.parent, &n, err);
	}
	return rc;
}

enum err_code
stage_apply(struct txn *t, struct change *c, struct err *err)
{
	int64_t size = c->node.n.is_dir ? 0 : (int64_t)c->w->bytes.len;
	enum err_code rc = ERR_OK;

	if (c->replaces && c->old.n.place != c->node.n.place)
		return err_set(
		    err, ERR_NOT_HERE, "%s is something else", c->node.name);
	if (c->node.n.is_dir)
		rc = check_depth(t, c, err);
	if (rc != ERR_OK)
		return rc;
	return c->replaces
	           ? count_both(t, 0, size - (int64_t)c->old.n.size, err)
	           : count_both(t, 1, size, err);
}

enum err_code
stage_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	(void)e;
	return count_both(t, -1, n->n.is_dir ? 0 : -(int64_t)n->n.size, err);
}

/* ---- all of it ---------------------------------------------------------- */

struct drop {
	struct engine *engine;
	uint64_t first; /* a child that is a directory; 0: none */
};

static enum err_code
drop_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct drop *d = arg;

	if (n->n.is_dir) {
		d->first = n->n.ino;
		*stop = true;
		return ERR_OK;
	}
	return removal_at_once(t, d->engine, n, err);
}

/* Its files, then the first directory in it, until there is none. */
static enum err_code
drop_tree(
    struct txn *t, struct engine *e, uint64_t ino, int depth, struct err *err)
{
	struct drop d = { .engine = e };
	struct node n;
	enum err_code rc;

	if (depth > DEPTH_MAX + 2)
		return err_set(err, ERR_DAMAGED, "staging is too deep");
	do {
		d.first = 0;
		rc = node_each(t, ino, 0, drop_one, &d, err);
		if (rc == ERR_OK && d.first != 0)
			rc = drop_tree(t, e, d.first, depth + 1, err);
	} while (rc == ERR_OK && d.first != 0);
	if (rc == ERR_OK && (rc = node_get(t, ino, &n, err)) == ERR_OK)
		rc = removal_at_once(t, e, &n, err);
	return rc;
}

enum err_code
stage_drop(struct txn *t, struct engine *e, uint64_t ino, struct err *err)
{
	enum err_code rc = drop_tree(t, e, ino, 0, err);

	return rc == ERR_OK
	           ? node_touch(t, FILE_INO_STAGING, engine_now_ns(e), err)
	           : rc;
}
