#include "engine/model/removal.h"

#include <string.h>

#include "engine/base/log.h"
#include "engine/model/due.h"
#include "engine/model/events.h"
#include "engine/model/place.h"

#define RUN_MAX 64   /* removals in one transaction */
#define PUT_OFF 3600 /* seconds: one whose effects failed */

static struct key
due_key(int64_t due, uint64_t ino)
{
	struct key k = key_of(KIND_REMOVAL);

	key_u64(&k, (uint64_t)due);
	key_u64(&k, ino);
	return k;
}

static struct key
tomb_key(uint64_t parent, const char *name)
{
	struct key k = key_of(KIND_TOMB);

	key_u64(&k, parent);
	key_bytes(&k, bytes_text(name));
	return k;
}

/* The removed node of that name.  ERR_NOT_FOUND. */
static enum err_code
tomb_get(struct txn *t, uint64_t parent, const char *name, struct node *ret)
{
	struct key k = tomb_key(parent, name);
	uint64_t ino;
	enum err_code rc = index_get_u64(t, &k, &ino);

	return rc == ERR_OK ? node_get(t, ino, ret, NULL) : rc;
}

/* Take the marks of a pending removal away; the node itself stays. */
static enum err_code
tomb_clear(struct txn *t, const struct node *n, struct err *err)
{
	struct key due = due_key(n->removal_due, n->n.ino);
	struct key tomb = tomb_key(n->n.parent, n->name);
	enum err_code rc = txn_drop(t, &due, err);

	return rc == ERR_OK ? txn_drop(t, &tomb, err) : rc;
}

uint64_t
removal_of(struct txn *t, uint64_t parent, const char *name, enum place place)
{
	struct node n;

	return tomb_get(t, parent, name, &n) == ERR_OK && n.n.place == place
	           ? n.n.ino
	           : 0;
}

struct each {
	struct txn *t;
	removal_fn *fn;
	void *arg;
};

static enum err_code
each_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const struct each *x = arg;
	struct reader r = { value, false };
	struct node n;
	enum err_code rc = node_get(x->t, read_u64(&r), &n, err);

	(void)key;
	(void)stop;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	return rc == ERR_OK ? x->fn(x->arg, x->t, &n, err) : rc;
}

enum err_code
removal_each(
    struct txn *t, uint64_t parent, removal_fn *fn, void *arg, struct err *err)
{
	struct each x = { t, fn, arg };
	struct key prefix = key_of(KIND_TOMB);

	key_u64(&prefix, parent);
	return txn_each(t, key_view(&prefix), BYTES_NONE, each_one, &x, err);
}

static enum err_code
take_effect(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	const struct place_rule *rule = place_rule(n->n.place);

	return rule->removed == NULL ? ERR_OK : rule->removed(t, e, n, err);
}

enum err_code
removal_forget(struct txn *t, struct engine *e, const struct node *successor,
    struct err *err)
{
	struct node n;
	enum err_code rc =
	    tomb_get(t, successor->n.parent, successor->name, &n);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(
		    err, rc, "%s: %s", successor->name, err_text(rc));
	if ((rc = tomb_clear(t, &n, err)) != ERR_OK)
		return rc;
	/* a file of another place there: the old place loses it for good */
	if (n.n.place != successor->n.place &&
	    (rc = take_effect(t, e, &n, err)) != ERR_OK)
		return rc;
	return node_drop(t, &n, err);
}

static enum err_code
may_remove(struct txn *t, const struct node *n, struct err *err)
{
	const struct place_rule *rule = place_rule(n->n.place);

	return rule->may_remove == NULL ? ERR_OK : rule->may_remove(t, n, err);
}

enum err_code
removal_at_once(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	enum err_code rc = may_remove(t, n, err);

	if (rc == ERR_OK)
		rc = node_unlink(t, n, err);
	if (rc == ERR_OK)
		rc = take_effect(t, e, n, err);
	if (rc == ERR_OK)
		rc = node_drop(t, n, err);
	return rc;
}

/* ---- the public verbs --------------------------------------------------- */

struct removal {
	struct engine *engine;
	uint64_t ino;
	uint64_t parent;
	const char *name;
	const struct actor *actor;
	struct node n;
};

static enum err_code
not_empty(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	(void)arg;
	(void)t;
	(void)stop;
	return err_set(err, ERR_NOT_EMPTY, "%s is still in it", n->name);
}

static enum err_code
remove_later(struct txn *t, struct removal *r, struct err *err)
{
	struct node *n = &r->n;
	struct key due, tomb;
	enum err_code rc;

	/* whole seconds, rounded up: never earlier than it says */
	n->removal_due =
	    (engine_now_ns(r->engine) + 999999999) / 1000000000 + REMOVAL_DELAY;
	due = due_key(n->removal_due, n->n.ino);
	tomb = tomb_key(n->n.parent, n->name);
	if ((rc = node_unlink(t, n, err)) == ERR_OK &&
	    (rc = node_put(t, n, err)) == ERR_OK &&
	    (rc = txn_put(t, key_view(&due), BYTES_NONE, err)) == ERR_OK)
		rc = index_put_u64(t, &tomb, n->n.ino, err);
	return rc;
}

static enum err_code
remove_txn(struct txn *t, void *arg, struct err *err)
{
	struct removal *r = arg;
	struct node *n = &r->n;
	enum err_code rc = node_get(t, r->ino, n, err);

	if (rc == ERR_OK && n->removal_due != 0)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	if (rc == ERR_OK && n->n.ino < FILE_INO_FIRST)
		return err_set(err, ERR_NOT_HERE, "%s always stays", n->name);
	if (rc == ERR_OK && n->n.is_dir)
		rc = node_each(t, n->n.ino, 0, not_empty, NULL, err);
	if (rc != ERR_OK)
		return rc;
	if (place_rule(n->n.place)->remove_now)
		rc = removal_at_once(t, r->engine, n, err);
	else if ((rc = may_remove(t, n, err)) == ERR_OK)
		rc = remove_later(t, r, err);
	if (rc == ERR_OK)
		rc = node_touch(t, n->n.parent, engine_now_ns(r->engine), err);
	if (rc == ERR_OK && !place_rule(n->n.place)->quiet)
		rc =
		    event_change(t, r->engine, r->actor, "removed", n, "", err);
	return rc;
}

enum err_code
file_remove(
    struct engine *e, uint64_t ino, const struct actor *actor, struct err *err)
{
	struct removal r = { .engine = e, .ino = ino, .actor = actor };

	return store_update(e->store, remove_txn, &r, err);
}

static enum err_code
restore_txn(struct txn *t, void *arg, struct err *err)
{
	struct removal *r = arg;
	struct node *n = &r->n, there;
	struct buf path = { 0 };
	enum err_code rc = ERR_NOT_FOUND;

	if (strlen(r->name) <= NODE_NAME_MAX)
		rc = tomb_get(t, r->parent, r->name, n);
	if (rc != ERR_OK)
		return err_set(err, rc, "%s was not removed lately", r->name);
	if (node_find(t, r->parent, r->name, &there, NULL) == ERR_OK)
		return err_set(err, ERR_EXISTS, "%s exists", r->name);
	if (node_get(t, r->parent, &there, NULL) != ERR_OK ||
	    there.removal_due != 0)
		return err_set(err, ERR_NOT_FOUND, "the directory was removed");
	if ((rc = tomb_clear(t, n, err)) != ERR_OK)
		return rc;
	n->removal_due = 0;
	if ((rc = node_put(t, n, err)) == ERR_OK &&
	    (rc = node_link(t, n, err)) == ERR_OK)
		rc = node_touch(t, r->parent, engine_now_ns(r->engine), err);
	if (rc != ERR_OK)
		return rc;
	node_path(t, n, &path);
	rc = event_record(t, r->engine, n->n.org, err,
	    "restored %s: what was to take its place was not accepted",
	    buf_str(&path));
	buf_free(&path);
	return rc;
}

enum err_code
file_restore(struct engine *e, uint64_t parent, const char *name,
    struct file_node *ret, struct err *err)
{
	struct removal r = { .engine = e, .parent = parent, .name = name };
	enum err_code rc = store_update(e->store, restore_txn, &r, err);

	if (rc == ERR_OK)
		*ret = r.n.n;
	return rc;
}

/* ---- what is due -------------------------------------------------------- */

struct run {
	struct engine *engine;
	struct due due;
};

static enum err_code
run_one(
    void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err)
{
	struct run *r = arg;
	struct node n;
	enum err_code rc = node_get(t, key_get_u64(key, DUE_REST), &n, err);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && n.removal_due != due))
		/* the file was written anew under its number: it stays */
		return txn_del(t, key, err);
	if (rc == ERR_OK && (rc = tomb_clear(t, &n, err)) == ERR_OK &&
	    (rc = take_effect(t, r->engine, &n, err)) == ERR_OK)
		rc = node_drop(t, &n, err);
	return rc;
}

static enum err_code
run_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;

	return due_each(t, KIND_REMOVAL, &r->due, run_one, r, err);
}

/* The effects of the first one cannot be had now: the others must not wait for
 * it. */
static enum err_code
put_off_one(
    void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err)
{
	const struct run *r = arg;
	uint64_t ino = key_get_u64(key, DUE_REST);
	struct key later;
	struct node n;
	enum err_code rc = node_get(t, ino, &n, NULL);

	if (rc != ERR_OK || n.removal_due != due)
		return ERR_OK;
	n.removal_due = r->due.now + PUT_OFF;
	later = due_key(n.removal_due, ino);
	if ((rc = txn_del(t, key, err)) == ERR_OK &&
	    (rc = txn_put(t, key_view(&later), BYTES_NONE, err)) == ERR_OK)
		rc = node_put(t, &n, err);
	return rc;
}

static enum err_code
put_off_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;

	return due_each(t, KIND_REMOVAL, &r->due, put_off_one, r, err);
}

static enum err_code
next_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;
	uint64_t next;
	enum err_code rc = txn_first_number(t, KIND_REMOVAL, &next, err);

	r->due.next = rc == ERR_OK ? (int64_t)next : 0;
	return rc;
}

enum err_code
removal_run(struct engine *e, int64_t *next, struct err *err)
{
	struct run r = { .engine = e,
		.due = { .now = engine_now(e), .max = RUN_MAX } };
	struct err why = { 0 };
	enum err_code rc = store_view(e->store, next_txn, &r, err);

	if (rc == ERR_OK && r.due.next != 0 && r.due.next <= r.due.now) {
		rc = store_update(e->store, run_txn, &r, &why);
		r.due.max = 1;
		if (rc != ERR_OK)
			rc = store_update(e->store, run_txn, &r, &why);
		if (rc != ERR_OK) {
			log_error("a removal is put off: %s", why.msg);
			rc = store_update(e->store, put_off_txn, &r, err);
			r.due.next = r.due.now + 1; /* for the others */
		}
	}
	if (rc == ERR_OK)
		*next = r.due.next;
	return rc;
}
