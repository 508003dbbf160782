#include "engine/model/node.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/model/mass.h"
#include "engine/model/users.h"

static struct key
ino_key(enum kind kind, uint64_t ino)
{
	struct key k = key_of(kind);

	key_u64(&k, ino);
	return k;
}

static struct key
entry_key(uint64_t parent, const char *name)
{
	struct key k = ino_key(KIND_ENTRY, parent);

	key_bytes(&k, bytes_text(name));
	return k;
}

static struct key
child_key(uint64_t parent, uint64_t ino)
{
	struct key k = ino_key(KIND_CHILD, parent);

	key_u64(&k, ino);
	return k;
}

static enum err_code
decode(struct bytes value, struct node *ret, struct err *err)
{
	struct node n = { 0 };
	uint8_t version;
	struct reader r = reader_of(value, &version);
	enum err_code rc;

	n.n.parent = read_u64(&r);
	n.n.place = (enum place)read_u32(&r);
	n.n.is_dir = read_u8(&r) != 0;
	n.n.mode = read_u32(&r);
	n.n.uid = read_u32(&r);
	n.n.gid = read_u32(&r);
	n.n.size = read_u64(&r);
	n.n.mtime_ns = read_i64(&r);
	n.n.ctime_ns = read_i64(&r);
	n.n.version = read_u64(&r);
	n.n.org = read_u32(&r);
	n.n.device = read_u32(&r);
	n.n.user = read_u32(&r);
	n.removal_due = read_i64(&r);
	read_text(&r, n.name, sizeof(n.name));
	if (version >= 2)
		n.queued = read_u64(&r);
	if ((rc = record_end(&r, "file", err)) == ERR_OK)
		*ret = n;
	return rc;
}

enum err_code
node_get(struct txn *t, uint64_t ino, struct node *ret, struct err *err)
{
	struct key k = ino_key(KIND_NODE, ino);
	struct bytes value;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc == ERR_NOT_FOUND && mass_is_ino(ino) &&
	    (rc = mass_node(t, ino, ret)) == ERR_OK)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "file #%llu: %s",
		    (unsigned long long)ino, err_text(rc));
	if ((rc = decode(value, ret, err)) == ERR_OK)
		ret->n.ino = ino;
	return rc;
}

enum err_code
node_find(struct txn *t, uint64_t parent, const char *name, struct node *ret,
    struct err *err)
{
	struct key k;
	uint64_t ino;
	enum err_code rc;

	if (strlen(name) > NODE_NAME_MAX)
		return err_set(err, ERR_NAME_TOO_LONG,
		    "a name has at most %d bytes", NODE_NAME_MAX);
	k = entry_key(parent, name);
	rc = index_get_u64(t, &k, &ino);
	if (rc == ERR_NOT_FOUND &&
	    (rc = mass_node_find(t, parent, name, ret)) == ERR_OK)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "%s: %s", name, err_text(rc));
	return node_get(t, ino, ret, err);
}

enum err_code
node_put(struct txn *t, const struct node *n, struct err *err)
{
	struct key k = ino_key(KIND_NODE, n->n.ino);
	struct buf b = { 0 };
	enum err_code rc;

	if (n->shared)
		return ERR_OK;
	record_u8(&b, 2);
	record_u64(&b, n->n.parent);
	record_u32(&b, (uint32_t)n->n.place);
	record_u8(&b, n->n.is_dir);
	record_u32(&b, n->n.mode);
	record_u32(&b, n->n.uid);
	record_u32(&b, n->n.gid);
	record_u64(&b, n->n.size);
	record_i64(&b, n->n.mtime_ns);
	record_i64(&b, n->n.ctime_ns);
	record_u64(&b, n->n.version);
	record_u32(&b, n->n.org);
	record_u32(&b, n->n.device);
	record_u32(&b, n->n.user);
	record_i64(&b, n->removal_due);
	record_text(&b, n->name);
	record_u64(&b, n->queued);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
node_link(struct txn *t, const struct node *n, struct err *err)
{
	struct key entry = entry_key(n->n.parent, n->name);
	struct key child = child_key(n->n.parent, n->n.ino);
	enum err_code rc = index_put_u64(t, &entry, n->n.ino, err);

	if (rc == ERR_OK)
		rc = txn_put(t, key_view(&child), BYTES_NONE, err);
	return rc;
}

enum err_code
node_unlink(struct txn *t, const struct node *n, struct err *err)
{
	struct key entry = entry_key(n->n.parent, n->name);
	struct key child = child_key(n->n.parent, n->n.ino);
	enum err_code rc;

	if (n->shared) /* the name may be another file's */
		return ERR_OK;
	rc = txn_drop(t, &entry, err);

	if (rc == ERR_OK)
		rc = txn_drop(t, &child, err);
	return rc;
}

enum err_code
node_drop(struct txn *t, const struct node *n, struct err *err)
{
	struct key record = ino_key(KIND_NODE, n->n.ino);
	struct key content = ino_key(KIND_CONTENT, n->n.ino);
	enum err_code rc;

	if (n->shared)
		return ERR_OK;
	rc = txn_drop(t, &record, err);

	if (rc == ERR_OK)
		rc = txn_drop(t, &content, err);
	return rc;
}

enum err_code
node_put_content(
    struct txn *t, const struct node *n, struct bytes bytes, struct err *err)
{
	struct key k = ino_key(KIND_CONTENT, n->n.ino);

	if (place_is_sealed(n->n.place))
		return txn_put_sealed(t, key_view(&k), bytes, err);
	return txn_put(t, key_view(&k), bytes, err);
}

enum err_code
node_get_content(
    struct txn *t, const struct node *n, struct buf *ret, struct err *err)
{
	struct key k = ino_key(KIND_CONTENT, n->n.ino);
	struct bytes value;
	enum err_code rc;

	if (n->shared)
		return mass_node_content(t, n, ret, err);
	if (place_is_sealed(n->n.place))
		return txn_get_sealed(t, key_view(&k), ret, err);
	if ((rc = txn_get(t, key_view(&k), &value, err)) != ERR_OK)
		return rc;
	buf_bytes(ret, value);
	return buf_error(ret, err);
}

struct each {
	struct txn *t;
	node_fn *fn;
	void *arg;
	bool stopped;
};

static enum err_code
each_child(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct each *each = arg;
	struct node n;
	enum err_code rc;

	(void)value;
	rc = node_get(each->t, key_get_u64(key, 9), &n, err);
	if (rc == ERR_OK)
		rc = each->fn(each->arg, each->t, &n, stop, err);
	each->stopped = *stop;
	return rc;
}

enum err_code
node_each(struct txn *t, uint64_t parent, uint64_t after, node_fn *fn,
    void *arg, struct err *err)
{
	struct each each = { t, fn, arg, false };
	struct key prefix = ino_key(KIND_CHILD, parent);
	struct key from = child_key(parent, after + 1);
	enum err_code rc = txn_each(
	    t, key_view(&prefix), key_view(&from), each_child, &each, err);

	return rc == ERR_OK && !each.stopped
	           ? mass_node_each(t, parent, after, fn, arg, err)
	           : rc;
}

enum err_code
node_touch(struct txn *t, uint64_t ino, int64_t now_ns, struct err *err)
{
	struct node n;
	enum err_code rc = node_get(t, ino, &n, err);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	n.n.mtime_ns = n.n.ctime_ns = now_ns;
	return node_put(t, &n, err);
}

static void
device_dir_path(struct txn *t, const struct node *n, struct buf *ret)
{
	char udid[DEVICE_ID_MAX + 1], user[USER_ID_MAX + 1];

	buf_text(ret, "devices/");
	if (device_udid(t, n->n.device, udid))
		buf_text(ret, udid);
	else
		buf_printf(ret, "#%u", n->n.device);
	if (n->n.user != 0 && user_id(t, n->n.device, n->n.user, user)) {
		buf_text(ret, "/users/");
		text_escape(ret, bytes_text(user));
	} else if (n->n.user != 0) {
		buf_printf(ret, "/users/#%u", n->n.user);
	}
	buf_text(ret, n->n.place == PLACE_RESULT ? "/results/" : "/commands/");
	if (n->n.parent ==
	    file_device_dir(n->n.device, n->n.user, FILE_DEVICE_FIRST))
		buf_text(ret, "first/");
}

static void
path_of(struct txn *t, const struct node *n, struct buf *ret, int depth)
{
	struct node parent;

	if (n->n.ino == FILE_INO_ROOT)
		return;
	if (n->n.device != 0)
		device_dir_path(t, n, ret);
	else if (depth > 0 &&
		 node_get(t, n->n.parent, &parent, NULL) == ERR_OK &&
		 parent.n.ino != FILE_INO_ROOT) {
		path_of(t, &parent, ret, depth - 1);
		buf_char(ret, '/');
	}
	text_escape(ret, bytes_text(n->name));
}

void
node_path(struct txn *t, const struct node *n, struct buf *ret)
{
	path_of(t, n, ret, 16);
}
