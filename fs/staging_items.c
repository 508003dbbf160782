#include "fs/staging_items.h"

#include <stdlib.h>
#include <string.h>

enum err_code
staging_add(struct staging_items *l, const struct file_item *item,
    const char *path, struct err *err)
{
	const char *slash;
	char *copy = strdup(path);

	if (l->n == l->cap && copy != NULL) {
		size_t cap = l->cap == 0 ? 64 : l->cap * 2;
		struct file_item *items =
		    realloc(l->items, cap * sizeof(*items));
		char **paths = NULL;

		if (items != NULL) {
			l->items = items;
			paths = realloc(l->paths, cap * sizeof(*paths));
		}
		if (paths == NULL) {
			free(copy);
			copy = NULL;
		} else {
			l->paths = paths;
			l->cap = cap;
		}
	}
	if (copy == NULL)
		return err_set(err, ERR_NO_MEMORY, "staging");
	l->paths[l->n] = copy;
	l->items[l->n] = *item;
	slash = strrchr(copy, '/');
	l->items[l->n++].w.name = slash != NULL ? slash + 1 : copy;
	return ERR_OK;
}

void
staging_items_free(struct staging_items *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->paths[i]);
	free(l->paths);
	free(l->items);
}

static bool
take_entry(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	struct staging_entries *l = arg;

	(void)cookie;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 32 : l->cap * 2;
		struct staging_entry *p = realloc(l->p, cap * sizeof(*p));

		if (p == NULL) {
			l->failed = true;
			return false;
		}
		l->p = p;
		l->cap = cap;
	}
	l->p[l->n].node = *node;
	if ((l->p[l->n].name = strdup(name)) == NULL) {
		l->failed = true;
		return false;
	}
	l->n++;
	return true;
}

void
staging_entries_free(struct staging_entries *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->p[i].name);
	free(l->p);
}

enum err_code
staging_list(struct engine *e, uint64_t dir, struct staging_entries *ret,
    struct err *err)
{
	enum err_code rc = file_list(e, dir, 0, take_entry, ret, err);

	if (rc == ERR_OK && ret->failed)
		rc = err_set(err, ERR_NO_MEMORY, "staging");
	return rc;
}
