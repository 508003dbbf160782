/* Paths in the tables: Command/Settings[DeviceName]/Item, ...=Value. */
#include "engine/schema/schema_priv.h"

/* Take one step off a path: a key, "[Item]" or "=Value". */
static bool
step(const char **path, struct bytes *name, char *kind)
{
	const char *p = *path;
	size_t n;

	if (*p == '/')
		p++;
	if (*p == '\0')
		return false;
	*kind = *p == '[' || *p == '=' ? *p : '/';
	if (*kind != '/')
		p++;
	if (*kind == '=')
		n = strlen(p);
	else
		n = strcspn(p, *kind == '[' ? "]" : "/[=");
	*name = bytes_of(p, n);
	*path = p + n + (*kind == '[' && p[n] == ']');
	return true;
}

static struct schema_key **
list_of(struct schema_key *in, char kind)
{
	if (kind == '[')
		return &in->items;
	return kind == '=' ? &in->allowed : &in->keys;
}

static struct schema_key *
list_find(struct schema_key *list, struct bytes name)
{
	for (; list != NULL; list = list->next)
		if (bytes_equal(bytes_text(list->name), name))
			return list;
	return NULL;
}

struct schema_key *
path_find(struct schema_key *root, const char *path)
{
	struct bytes name;
	char kind;

	while (root != NULL && step(&path, &name, &kind))
		root = list_find(*list_of(root, kind), name);
	return root;
}

struct schema_key **
path_place(struct schema_key **in, const char *path, struct bytes *name)
{
	struct schema_key **end, *next;
	char kind;

	while (step(&path, name, &kind)) {
		end = list_of(*in, kind);
		if (*path == '\0') {
			while (*end != NULL)
				end = &(*end)->next;
			return end;
		}
		next = list_find(*end, *name);
		if (next == NULL)
			return NULL;
		*in = next;
	}
	return NULL;
}
