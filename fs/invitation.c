/* status/orgs/ORG/invitations: a page for each invitation. */
#include "mdmfs/invitation.h"

#include "fs/handlers.h"

struct walk {
	const struct at *at;
	tree_entry_fn *fn;
	void *arg;
	uint32_t number; /* of the one that is wanted */
	uint64_t ino;    /* found; 0: no */
};

/* Inode numbers of files only grow: the low bits tell one organization's
 * invitations apart. */
static uint32_t
number_of(const struct file_node *n)
{
	return (uint32_t)n->ino & 0xffffff;
}

static bool
list_one(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	const struct walk *w = arg;
	struct tree_entry entry = {
		.name = name, .at = *w->at, .cookie = cookie
	};

	entry.at.number = number_of(node);
	return w->fn(w->arg, &entry);
}

static enum err_code
list(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct walk w = { .at = at, .fn = fn, .arg = arg };

	return invitation_list(at->engine, at->org, after, list_one, &w, err);
}

static enum err_code
find(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	struct file_node node;
	enum err_code rc =
	    invitation_find(at->engine, at->org, name, &node, err);

	if (rc == ERR_OK) {
		*ret = (struct tree_entry){ .at = *at };
		ret->at.number = number_of(&node);
	}
	return rc;
}

const struct tree_names invitation_names = { list, find };

static bool
find_number(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	struct walk *w = arg;

	(void)name;
	(void)cookie;
	if (number_of(node) == w->number)
		w->ino = node->ino;
	return w->ino == 0;
}

enum err_code
invitation_read(const struct at *at, struct buf *b, struct err *err)
{
	struct walk w = { .number = at->number };
	enum err_code rc =
	    invitation_list(at->engine, at->org, 0, find_number, &w, err);

	if (rc == ERR_OK && w.ino == 0)
		rc = err_set(err, ERR_NOT_FOUND, "the invitation was removed");
	return rc == ERR_OK ? invitation_page(at->engine, w.ino, b, err) : rc;
}
