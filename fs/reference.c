#include "mdmfs/reference.h"

#include <string.h>

#include "fs/handlers.h"

struct walk {
	const struct at *at;
	tree_entry_fn *fn; /* NULL: look for name */
	void *arg;
	const char *name;
	struct tree_entry *found; /* NULL again once it was */
};

static bool
visit(void *arg, const char *name, uint32_t place, uint32_t number)
{
	struct walk *w = arg;
	struct tree_entry entry = {
		.name = name, .at = *w->at, .cookie = place
	};

	entry.at.number = number;
	if (w->fn != NULL)
		return w->fn(w->arg, &entry);
	if (strcmp(name, w->name) != 0)
		return true;
	entry.name = NULL;
	*w->found = entry;
	w->found = NULL;
	return false;
}

static enum err_code
list(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct walk w = { .at = at, .fn = fn, .arg = arg };

	(void)err;
	if (after < UINT32_MAX)
		reference_list(at->engine, (uint32_t)after, visit, &w);
	return ERR_OK;
}

static enum err_code
find(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	struct walk w = { .at = at, .name = name, .found = ret };

	reference_list(at->engine, 0, visit, &w);
	return w.found == NULL
	           ? ERR_OK
	           : err_set(err, ERR_NOT_FOUND, "no such request type");
}

const struct tree_names reference_names = { list, find };

enum err_code
reference_read(const struct at *at, struct buf *b, struct err *err)
{
	return reference_page(at->engine, at->number, b, err);
}
