#include "engine/model/orgs.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"

static struct key
org_key(uint32_t number)
{
	struct key k = key_of(KIND_ORG);

	key_u32(&k, number);
	return k;
}

static struct key
name_key(const char *name)
{
	struct key k = key_of(KIND_ORG_NAME);

	key_bytes(&k, bytes_text(name));
	return k;
}

enum err_code
org_decode(
    struct bytes value, uint32_t number, struct org *ret, struct err *err)
{
	struct org o = { .number = number };
	uint8_t version;
	struct reader r = reader_of(value, &version);
	enum err_code rc;

	read_text(&r, o.name, sizeof(o.name));
	o.dir = read_u64(&r);
	o.removed_at = read_i64(&r);
	o.enrolled = read_u32(&r);
	read_text(&r, o.topic, sizeof(o.topic));
	if ((rc = record_end(&r, "organization", err)) == ERR_OK)
		*ret = o;
	return rc;
}

enum err_code
org_read(struct txn *t, uint32_t number, struct org *ret, struct err *err)
{
	struct key k = org_key(number);
	struct bytes value;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc != ERR_OK)
		return err_set(
		    err, rc, "organization %u: %s", number, err_text(rc));
	return org_decode(value, number, ret, err);
}

/* Also removed ones. */
static enum err_code
read_by_name(struct txn *t, const char *name, struct org *ret, struct err *err)
{
	struct key k;
	uint32_t number;
	enum err_code rc = ERR_NOT_FOUND;

	if (strlen(name) <= ORG_NAME_MAX) {
		k = name_key(name);
		rc = index_get_u32(t, &k, &number);
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "there is no organization %s", name);
	return org_read(t, number, ret, err);
}

enum err_code
org_by_name(struct txn *t, const char *name, struct org *ret, struct err *err)
{
	struct org o;
	enum err_code rc = read_by_name(t, name, &o, err);

	if (rc == ERR_OK && o.removed_at != 0)
		return err_set(err, ERR_NOT_FOUND,
		    "organization %s was removed; mkdir orgs/%s brings it back",
		    name, name);
	if (rc == ERR_OK)
		*ret = o;
	return rc;
}

enum err_code
org_store(struct txn *t, const struct org *o, struct err *err)
{
	struct key k = org_key(o->number), name = name_key(o->name);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_text(&b, o->name);
	record_u64(&b, o->dir);
	record_i64(&b, o->removed_at);
	record_u32(&b, o->enrolled);
	record_text(&b, o->topic);
	if ((rc = buf_error(&b, err)) == ERR_OK &&
	    (rc = txn_put(t, key_view(&k), buf_view(&b), err)) == ERR_OK)
		rc = index_put_u32(t, &name, o->number, err);
	buf_free(&b);
	return rc;
}

enum err_code
org_file(struct txn *t, uint32_t org, const char *dir_name, const char *name,
    struct node *ret, struct err *err)
{
	uint64_t dir = FILE_INO_SYSTEM;
	struct node n;
	struct org o;
	enum err_code rc;

	if (org != 0) {
		if ((rc = org_read(t, org, &o, err)) != ERR_OK)
			return rc;
		dir = o.dir;
	}
	if (dir_name != NULL) {
		if ((rc = node_find(t, dir, dir_name, &n, err)) != ERR_OK)
			return rc;
		dir = n.n.ino;
	}
	return node_find(t, dir, name, ret, err);
}

struct holds {
	enum place place;
	bool yes;
};

static enum err_code
is_of_place(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct holds *h = arg;

	(void)t;
	(void)err;
	h->yes = *stop = n->n.place == h->place;
	return ERR_OK;
}

bool
org_holds(struct txn *t, uint32_t org, const char *dir_name, const char *name,
    enum place place)
{
	struct holds h = { .place = place };
	struct node dir;

	return org_file(t, org, dir_name, name, &dir, NULL) == ERR_OK &&
	       node_each(t, dir.n.ino, 0, is_of_place, &h, NULL) == ERR_OK &&
	       h.yes;
}

enum err_code
org_setting(struct txn *t, uint32_t org, const char *dir_name, const char *name,
    char *ret, size_t size)
{
	struct buf b = { 0 };
	struct bytes s;
	struct node n;
	enum err_code rc = org_file(t, org, dir_name, name, &n, NULL);

	if (rc == ERR_OK)
		rc = node_get_content(t, &n, &b, NULL);
	if (rc == ERR_OK) {
		s = text_trim(buf_view(&b));
		s.len = (size_t)text_fit(s, (int)size - 1);
		if (s.len > 0)
			memcpy(ret, s.p, s.len);
		ret[s.len] = '\0';
	}
	buf_wipe(&b);
	return rc;
}

enum err_code
org_drop(struct txn *t, const struct org *o, struct err *err)
{
	struct key k = org_key(o->number), name = name_key(o->name);
	enum err_code rc = txn_drop(t, &k, err);

	return rc == ERR_OK ? txn_drop(t, &name, err) : rc;
}

/* ---- mkdir and rmdir of orgs/ORG ---------------------------------------- */

enum err_code
org_apply(struct txn *t, struct change *c, struct err *err)
{
	struct org o;
	uint64_t number;
	enum err_code rc;

	if (strlen(c->node.name) > ORG_NAME_MAX)
		return err_set(err, ERR_NAME_TOO_LONG,
		    "the name of an organization has at most %d bytes",
		    ORG_NAME_MAX);
	rc = read_by_name(t, c->node.name, &o, NULL);
	if (rc == ERR_OK && o.removed_at != 0) {
		snprintf(c->note, sizeof(c->note),
		    "it is back with its CA, %u devices and their queues",
		    o.enrolled);
		o.removed_at = 0;
	} else if (rc == ERR_NOT_FOUND) {
		if ((rc = counter_next(t, "org", &number, err)) != ERR_OK)
			return rc;
		o = (struct org){ .number = (uint32_t)number };
		memcpy(o.name, c->node.name, strlen(c->node.name) + 1);
	} else if (rc != ERR_OK) {
		return err_set(err, rc, "%s: %s", c->node.name, err_text(rc));
	}
	o.dir = c->node.n.ino;
	c->node.n.org = o.number;
	if ((rc = org_store(t, &o, err)) == ERR_OK)
		rc = node_put(t, &c->node, err);
	return rc;
}

enum err_code
org_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct org o;
	enum err_code rc = org_read(t, n->n.org, &o, err);

	if (rc != ERR_OK || o.dir != n->n.ino)
		return rc; /* a new directory has taken its place */
	o.removed_at = engine_now(e);
	if ((rc = org_store(t, &o, err)) == ERR_OK)
		rc = event_record(t, e, o.number, err,
		    "organization %s is closed: %u devices are no longer "
		    "answered; its CA and queues are kept for %d days, mkdir "
		    "orgs/%s brings them back",
		    o.name, o.enrolled, ORG_KEPT / 86400, o.name);
	return rc;
}

/* ---- the public verbs --------------------------------------------------- */

struct find {
	const char *name;
	uint32_t number;
	struct org_view view;
};

static enum err_code
view_of(
    struct txn *t, const struct org *o, struct org_view *ret, struct err *err)
{
	struct node n;
	enum err_code rc = node_get(t, o->dir, &n, err);

	if (rc != ERR_OK)
		return rc;
	*ret = (struct org_view){ .number = o->number,
		.uid = n.n.uid,
		.gid = n.n.gid,
		.mode = n.n.mode,
		.mtime_ns = n.n.mtime_ns };
	memcpy(ret->name, o->name, sizeof(o->name));
	return ERR_OK;
}

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;
	struct org o;
	enum err_code rc = f->name != NULL ? org_by_name(t, f->name, &o, err)
	                                   : org_read(t, f->number, &o, err);

	if (rc == ERR_OK && o.removed_at != 0)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	return rc == ERR_OK ? view_of(t, &o, &f->view, err) : rc;
}

static enum err_code
find(struct engine *e, struct find *f, struct org_view *ret, struct err *err)
{
	enum err_code rc = store_view(e->store, find_txn, f, err);

	if (rc == ERR_OK)
		*ret = f->view;
	return rc;
}

enum err_code
org_find(
    struct engine *e, const char *name, struct org_view *ret, struct err *err)
{
	struct find f = { .name = name };

	return find(e, &f, ret, err);
}

enum err_code
org_get(
    struct engine *e, uint32_t number, struct org_view *ret, struct err *err)
{
	struct find f = { .number = number };

	return find(e, &f, ret, err);
}

struct list {
	struct txn *t;
	uint32_t after;
	org_fn *fn;
	void *arg;
};

static enum err_code
list_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct list *l = arg;
	struct org_view view;
	struct org o;
	enum err_code rc = org_decode(value, key_get_u32(key, 1), &o, err);

	if (rc != ERR_OK || o.removed_at != 0)
		return rc;
	if ((rc = view_of(l->t, &o, &view, NULL)) == ERR_NOT_FOUND)
		return ERR_OK; /* between rmdir and its effects */
	if (rc == ERR_OK)
		*stop = !l->fn(l->arg, &view);
	return rc;
}

static enum err_code
list_txn(struct txn *t, void *arg, struct err *err)
{
	struct list *l = arg;
	struct key prefix = key_of(KIND_ORG), from = org_key(l->after + 1);

	l->t = t;
	return txn_each(
	    t, key_view(&prefix), key_view(&from), list_one, l, err);
}

enum err_code
org_list(
    struct engine *e, uint32_t after, org_fn *fn, void *arg, struct err *err)
{
	struct list l = { .after = after, .fn = fn, .arg = arg };

	return store_view(e->store, list_txn, &l, err);
}
