#include "mdmfs/file.h"

#include <stdio.h>

#include "engine/model/events.h"
#include "engine/model/model.h"
#include "engine/model/node.h"
#include "engine/model/place.h"

static const struct {
	uint64_t limit;
	int secrecy;
} places[] = {
#define PLACE(number, name, limit, secrecy) [number] = { limit, secrecy },
#include "mdmfs/place.tbl"
};

uint64_t
place_limit(enum place place)
{
	return places[place].limit;
}

bool
place_is_secret(enum place place)
{
	return places[place].secrecy == 2;
}

bool
place_is_sealed(enum place place)
{
	return places[place].secrecy != 0;
}

uint64_t
file_device_dir(uint32_t device, uint32_t user, enum file_device_part part)
{
	return UINT64_C(1) << 63 | (uint64_t)part << 56 |
	       (uint64_t)device << 24 | user;
}

/* ---- reading ------------------------------------------------------------ */

struct find {
	uint64_t ino;
	uint64_t parent;
	const char *name;
	struct node found;
	struct buf *ret;
};

static enum err_code
get_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;
	enum err_code rc = node_get(t, f->ino, &f->found, err);

	if (rc == ERR_OK && f->found.removal_due != 0)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	return rc;
}

enum err_code
file_get(struct engine *e, uint64_t ino, struct file_node *ret, struct err *err)
{
	struct find f = { .ino = ino };
	enum err_code rc = store_view(e->store, get_txn, &f, err);

	if (rc == ERR_OK)
		*ret = f.found.n;
	return rc;
}

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;

	return node_find(t, f->parent, f->name, &f->found, err);
}

enum err_code
file_find(struct engine *e, uint64_t parent, const char *name,
    struct file_node *ret, struct err *err)
{
	struct find f = { .parent = parent, .name = name };
	enum err_code rc = store_view(e->store, find_txn, &f, err);

	if (rc == ERR_OK)
		*ret = f.found.n;
	return rc;
}

static enum err_code
read_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;
	enum err_code rc = get_txn(t, arg, err);

	buf_reset(f->ret);
	if (rc == ERR_OK && f->found.n.is_dir)
		return err_set(err, ERR_IS_DIR, "a directory");
	if (rc == ERR_OK)
		rc = node_get_content(t, &f->found, f->ret, err);
	return rc;
}

enum err_code
file_read(struct engine *e, uint64_t ino, struct buf *ret, struct err *err)
{
	struct buf b = { 0 };
	struct find f = { .ino = ino, .ret = &b };
	enum err_code rc = store_view(e->store, read_txn, &f, err);

	if (rc == ERR_OK) {
		buf_bytes(ret, buf_view(&b));
		rc = buf_error(ret, err);
	}
	buf_wipe(&b);
	return rc;
}

struct list {
	uint64_t dir;
	uint64_t after;
	file_entry_fn *fn;
	void *arg;
};

static enum err_code
list_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct list *l = arg;

	(void)t;
	(void)err;
	*stop = !l->fn(l->arg, n->name, &n->n, n->n.ino);
	return ERR_OK;
}

static enum err_code
list_txn(struct txn *t, void *arg, struct err *err)
{
	struct list *l = arg;

	return node_each(t, l->dir, l->after, list_one, l, err);
}

enum err_code
file_list(struct engine *e, uint64_t dir, uint64_t after, file_entry_fn *fn,
    void *arg, struct err *err)
{
	struct list l = { dir, after, fn, arg };

	return store_view(e->store, list_txn, &l, err);
}

static enum err_code
path_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;
	enum err_code rc = node_get(t, f->ino, &f->found, err);

	buf_reset(f->ret);
	if (rc == ERR_OK)
		node_path(t, &f->found, f->ret);
	return rc;
}

void
file_path(struct engine *e, uint64_t ino, struct buf *ret)
{
	struct buf b = { 0 };
	struct find f = { .ino = ino, .ret = &b };

	if (store_view(e->store, path_txn, &f, NULL) == ERR_OK)
		buf_bytes(ret, buf_view(&b));
	buf_free(&b);
}

struct reserve {
	uint32_t n;
	uint64_t first;
};

static enum err_code
reserve_txn(struct txn *t, void *arg, struct err *err)
{
	struct reserve *r = arg;
	enum err_code rc = counter_take(t, "ino", r->n, &r->first, err);

	r->first += FILE_INO_FIRST - 1;
	return rc;
}

enum err_code
file_reserve(struct engine *e, uint32_t n, uint64_t *first, struct err *err)
{
	struct reserve r = { .n = n };
	enum err_code rc = store_update(e->store, reserve_txn, &r, err);

	if (rc == ERR_OK)
		*first = r.first;
	return rc;
}

struct setattr {
	struct engine *engine;
	uint64_t ino;
	const struct file_attr *a;
	const struct actor *actor;
	struct node n;
};

static enum err_code
setattr_txn(struct txn *t, void *arg, struct err *err)
{
	struct setattr *s = arg;
	const struct file_attr *a = s->a;
	char note[64];
	enum err_code rc = node_get(t, s->ino, &s->n, err);
	uint32_t mode, uid, gid;

	if (rc == ERR_OK && s->n.removal_due != 0)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	if (rc != ERR_OK)
		return rc;
	if (s->n.shared)
		return err_set(err, ERR_DENIED,
		    "%s is for many devices and has one mode and owner for "
		    "all of them: change those of the file that was written",
		    s->n.name);
	mode = s->n.n.mode;
	uid = s->n.n.uid;
	gid = s->n.n.gid;
	if (a->set & FILE_SET_MODE)
		s->n.n.mode = a->mode & 07777;
	if (a->set & FILE_SET_UID)
		s->n.n.uid = a->uid;
	if (a->set & FILE_SET_GID)
		s->n.n.gid = a->gid;
	if (a->set & FILE_SET_MTIME)
		s->n.n.mtime_ns = a->mtime_ns;
	s->n.n.ctime_ns = engine_now_ns(s->engine);
	if ((rc = node_put(t, &s->n, err)) != ERR_OK ||
	    place_rule(s->n.n.place)->quiet ||
	    (mode == s->n.n.mode && uid == s->n.n.uid && gid == s->n.n.gid))
		return rc;
	snprintf(note, sizeof(note), "mode %04o, owner %u:%u", s->n.n.mode,
	    s->n.n.uid, s->n.n.gid);
	return event_change(
	    t, s->engine, s->actor, "set mode and owner of", &s->n, note, err);
}

enum err_code
file_setattr(struct engine *e, uint64_t ino, const struct file_attr *a,
    const struct actor *actor, struct file_node *ret, struct err *err)
{
	struct setattr s = { .engine = e, .ino = ino, .a = a, .actor = actor };
	enum err_code rc = store_update(e->store, setattr_txn, &s, err);

	if (rc == ERR_OK)
		*ret = s.n.n;
	return rc;
}

enum err_code
file_space(struct engine *e, struct file_space *ret, struct err *err)
{
	struct store_stat st;
	enum err_code rc = store_stat(e->store, &st, err);

	if (rc != ERR_OK)
		return rc;
	ret->total = st.limit_bytes;
	ret->free =
	    st.limit_bytes > st.used_bytes ? st.limit_bytes - st.used_bytes : 0;
	ret->files = st.pairs;
	return ERR_OK;
}
