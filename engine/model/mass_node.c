/*
 * The files that the directory of a device shows of commands for many: they
 * are made of MASS and the device's queue, and are not stored.
 */
#include <string.h>

#include "engine/model/mass.h"

/* 0: not a directory where they stand. */
static uint32_t
device_of(uint64_t parent)
{
	uint32_t device = (uint32_t)(parent >> 24);

	return parent == file_device_dir(device, 0, FILE_DEVICE_COMMANDS)
	           ? device
	           : 0;
}

static enum err_code
make(struct txn *t, const struct mass *m, uint32_t device, struct node *ret)
{
	struct node file, n = { .shared = true };
	enum err_code rc;

	rc = m->file == 0 ? ERR_NOT_FOUND : node_get(t, m->file, &file, NULL);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == ERR_OK)
		n.n = file.n;
	else /* it was removed, and this device had been sent it */
		n.n = (struct file_node){ .mode = 0600,
			.size = strlen(m->type) + 1,
			.mtime_ns = m->since * 1000000000,
			.ctime_ns = m->since * 1000000000 };
	n.n.ino = mass_ino(m->number, device);
	n.n.parent = file_device_dir(device, 0, FILE_DEVICE_COMMANDS);
	n.n.place = PLACE_COMMAND;
	n.n.version = n.n.ino;
	n.n.org = m->org;
	n.n.device = device;
	memcpy(n.name, m->name, sizeof(n.name));
	*ret = n;
	return ERR_OK;
}

enum err_code
mass_node(struct txn *t, uint64_t ino, struct node *ret)
{
	struct mass m;
	uint64_t order;
	uint32_t number = mass_of_ino(ino), device = (uint32_t)ino;
	enum err_code rc;

	if (!mass_is_ino(ino))
		return ERR_NOT_FOUND;
	if ((rc = mass_order(t, number, device, &order)) != ERR_OK ||
	    (rc = mass_read(t, number, &m, NULL)) != ERR_OK)
		return rc;
	return make(t, &m, device, ret);
}

struct walk {
	struct txn *t;
	const char *name; /* looking for that one, or */
	uint64_t parent;  /* all of it */
	uint64_t after;
	node_fn *fn;
	void *arg;
	bool found;
	struct node node;
};

/* A file of the device's own takes the name, or a newer one of many. */
static bool
is_hidden(struct txn *t, uint64_t parent, const struct node *shared)
{
	struct node n;

	return node_find(t, parent, shared->name, &n, NULL) == ERR_OK &&
	       n.n.ino != shared->n.ino;
}

static enum err_code
walk_one(void *arg, const struct queued *q, bool *stop, struct err *err)
{
	struct walk *w = arg;
	struct mass m;
	enum err_code rc;

	if (q->mass == 0 || (w->name == NULL && q->ino <= w->after))
		return ERR_OK;
	if ((rc = mass_read(w->t, q->mass, &m, err)) != ERR_OK)
		return rc;
	if (w->name != NULL && strcmp(m.name, w->name) != 0)
		return ERR_OK;
	if ((rc = make(w->t, &m, q->channel.device, &w->node)) != ERR_OK)
		return err_set(err, rc, "%s: %s", m.name, err_text(rc));
	if (w->name != NULL) {
		w->found = true; /* the newest of that name */
		return ERR_OK;
	}
	if (is_hidden(w->t, w->parent, &w->node))
		return ERR_OK;
	return w->fn(w->arg, w->t, &w->node, stop, err);
}

static enum err_code
walk(uint32_t device, struct walk *w, struct err *err)
{
	struct channel_id id = { device, 0 };
	struct channel c;
	enum err_code rc = channel_read(w->t, id, &c, err);

	if (rc != ERR_OK || c.shared == 0)
		return rc;
	return queue_each(w->t, id, walk_one, w, err);
}

enum err_code
mass_node_find(
    struct txn *t, uint64_t parent, const char *name, struct node *ret)
{
	struct walk w = { .t = t, .name = name };
	uint32_t device = device_of(parent);
	enum err_code rc;

	if (device == 0)
		return ERR_NOT_FOUND;
	rc = walk(device, &w, NULL);
	if (rc == ERR_OK && !w.found)
		rc = ERR_NOT_FOUND;
	if (rc == ERR_OK)
		*ret = w.node;
	return rc;
}

/* Their numbers rise with the order of their commands, and are above those of
 * all files. */
enum err_code
mass_node_each(struct txn *t, uint64_t parent, uint64_t after, node_fn *fn,
    void *arg, struct err *err)
{
	struct walk w = {
		.t = t, .parent = parent, .after = after, .fn = fn, .arg = arg
	};
	uint32_t device = device_of(parent);

	return device == 0 ? ERR_OK : walk(device, &w, err);
}

enum err_code
mass_node_content(
    struct txn *t, const struct node *n, struct buf *ret, struct err *err)
{
	struct mass m;
	struct node file;
	enum err_code rc = mass_read(t, mass_of_ino(n->n.ino), &m, err);

	if (rc != ERR_OK)
		return rc;
	if (m.file != 0 && node_get(t, m.file, &file, NULL) == ERR_OK)
		return node_get_content(t, &file, ret, err);
	buf_printf(ret, "%s\n", m.type);
	return buf_error(ret, err);
}
