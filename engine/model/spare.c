#include "engine/model/spare.h"

#include <string.h>

#include "engine/model/place.h"
#include "engine/model/removal.h"

#define NAME "commands"

enum err_code
spare_make(
    struct txn *t, const struct node *parent, enum place place, struct err *err)
{
	struct node n = { .n = parent->n };
	enum err_code rc = counter_next(t, "ino", &n.n.ino, err);

	n.n.ino += FILE_INO_FIRST - 1;
	if (rc == ERR_OK)
		rc = counter_next(t, "version", &n.n.version, err);
	if (rc != ERR_OK)
		return rc;
	n.n.parent = parent->n.ino;
	n.n.place = place;
	memcpy(n.name, NAME, sizeof(NAME));
	rc = node_put(t, &n, err);
	return rc == ERR_OK ? node_link(t, &n, err) : rc;
}

static enum err_code
found_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	bool *found = arg;

	(void)t;
	(void)n;
	(void)err;
	*found = *stop = true;
	return ERR_OK;
}

bool
spare_is_hidden(struct txn *t, const struct node *n)
{
	bool found = false;

	return place_rule(n->n.place)->spare &&
	       node_each(t, n->n.ino, 0, found_one, &found, NULL) == ERR_OK &&
	       !found;
}

static enum err_code
follow_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	const struct node *parent = arg;
	struct node own = *n;

	(void)stop;
	if (!spare_is_hidden(t, n))
		return ERR_OK;
	own.n.mode = parent->n.mode;
	own.n.uid = parent->n.uid;
	own.n.gid = parent->n.gid;
	return node_put(t, &own, err);
}

enum err_code
spare_follow(struct txn *t, const struct node *parent, struct err *err)
{
	struct node copy = *parent;

	if (!place_rule(parent->n.place)->has_spare)
		return ERR_OK;
	return node_each(t, parent->n.ino, 0, follow_one, &copy, err);
}

static enum err_code
drop_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	(void)stop;
	if (!spare_is_hidden(t, n))
		return err_set(
		    err, ERR_NOT_EMPTY, "%s is still in it", n->name);
	return removal_at_once(t, arg, n, err);
}

enum err_code
spare_drop(struct txn *t, struct engine *e, uint64_t parent, struct err *err)
{
	return node_each(t, parent, 0, drop_one, e, err);
}
