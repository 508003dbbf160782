/* What the tables need once all of their lines were read. */
#include <stdlib.h>
#include <string.h>

#include "engine/schema/schema_priv.h"

#define LIST_SHORT  8   /* a list of more names gets an index */
#define FORMAT_MOST 200 /* bytes of a format; Apple's longest has 77 */
#define REPEAT_MOST 64  /* in {}; Apple's most is 12 */
#define GROUPS_MOST 6   /* Apple's most are 2 */

uint32_t
name_hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h ^ h >> 15;
}

const struct schema_key *
index_find(const struct schema_index *index, const char *name)
{
	uint32_t i = name_hash(name);
	const struct schema_key *key;

	while ((key = index->slots[i & index->mask]) != NULL) {
		if (strcmp(key->name, name) == 0)
			return key;
		i++;
	}
	return NULL;
}

/* *ret stays NULL for a short list. */
static enum err_code
index_make(struct schema *s, const struct schema_key *list,
    const struct schema_index **ret)
{
	struct schema_index *index;
	const struct schema_key *key;
	size_t n = 0, size = 16;

	for (key = list; key != NULL; key = key->next)
		n++;
	if (n <= LIST_SHORT)
		return ERR_OK;
	while (size < 2 * n)
		size *= 2;
	index = arena_alloc(s->arena, sizeof(*index) + size * sizeof(void *));
	if (index == NULL)
		return ERR_NO_MEMORY;
	index->mask = (uint32_t)size - 1;
	for (key = list; key != NULL; key = key->next) {
		uint32_t i = name_hash(key->name);

		if (key->wild)
			continue;
		while (index->slots[i & index->mask] != NULL)
			i++;
		index->slots[i & index->mask] = key;
	}
	*ret = index;
	return ERR_OK;
}

/* Behind an escape: whether POSIX reads it as Apple means it ("\\d" it does
 * not). */
static bool
is_escape(char c)
{
	return c != '\0' && !(c >= 'a' && c <= 'z') &&
	       !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9');
}

/* The larger number of "3,7}". */
static unsigned long
repetitions(const char *p)
{
	const char *comma = p + strcspn(p, ",}");
	unsigned long n = strtoul(p, NULL, 10), m = 0;

	if (*comma == ',')
		m = strtoul(comma + 1, NULL, 10);
	return n > m ? n : m;
}

/*
 * Whether regcomp() understands the format as Apple means it, and does not
 * need minutes for it: it writes every repetition out.
 */
static bool
is_plain(const char *format)
{
	const char *p;
	unsigned groups = 0, open = 0;
	unsigned long n;

	if (strlen(format) > FORMAT_MOST)
		return false;
	for (p = format; *p != '\0'; p++) {
		if (*p == '\\' && !is_escape(*++p))
			return false;
		if (*p == '(' && (p[1] == '?' || ++open > GROUPS_MOST))
			return false;
		/* "a**": each star doubles the work */
		if (p > format && strchr("*+?{", *p) != NULL &&
		    strchr("*+?}", p[-1]) != NULL)
			return false;
		if (*p != '{' || p == format)
			continue;
		n = repetitions(p + 1);
		if (n > REPEAT_MOST ||
		    (p[-1] == ')' && (n > 8 || ++groups > 2)))
			return false;
	}
	return true;
}

enum err_code
form_compile(struct schema *s, struct schema_key *key)
{
	struct schema_form *f;

	key->form = NULL;
	if (key->format[0] == '\0' || !is_plain(key->format))
		return ERR_OK;
	for (f = s->forms; f != NULL; f = f->next) {
		if (strcmp(f->text, key->format) != 0)
			continue;
		key->form = f;
		return ERR_OK;
	}
	f = arena_alloc(s->arena, sizeof(*f));
	if (f == NULL)
		return ERR_NO_MEMORY;
	if (regcomp(&f->re, key->format, REG_EXTENDED | REG_NOSUB) != 0)
		return ERR_INVALID;
	f->text = key->format;
	f->next = s->forms;
	s->forms = f;
	key->form = f;
	return ERR_OK;
}

static bool
has_rule(const struct schema_key *key, const char *action)
{
	const struct schema_rule *r;

	for (r = key->rules; r != NULL; r = r->next)
		if (strcmp(r->action, action) == 0)
			return true;
	return false;
}

/* A child that is not on the wire: its keys stand where it would. */
static void
flatten(struct schema_key *dict)
{
	struct schema_key *key, *last, **at = &dict->keys;

	while ((key = *at) != NULL) {
		if (!has_rule(key, "flatten") || key->keys == NULL) {
			at = &key->next;
			continue;
		}
		for (last = key->keys; last->next != NULL; last = last->next)
			last->parent = dict;
		last->parent = dict;
		last->next = key->next;
		*at = key->keys;
	}
}

static enum err_code
resolve(struct schema_type *type, struct schema_key *key, struct err *err)
{
	struct bytes path = schema_extra(key, "ref");
	char *copy;

	if (path.len == 0)
		return ERR_OK;
	copy = strndup((const char *)path.p, path.len);
	if (copy == NULL)
		return err_set(err, ERR_NO_MEMORY, "Apple's schema");
	key->ref = path_find(&type->root, copy);
	free(copy);
	if (key->ref != NULL && key->ref != key && key->ref->ref == NULL)
		return ERR_OK;
	key->ref = NULL;
	return err_set(err, ERR_INVALID, "%s: the ref of %s leads nowhere",
	    type->name, key->name);
}

static bool
may_be_missed(const struct schema_key *key)
{
	return key->presence == SCHEMA_REQUIRED || has_rule(key, "needif") ||
	       has_rule(key, "unless");
}

static enum err_code
finish_key(struct schema *s, struct schema_type *type, struct schema_key *key,
    struct err *err)
{
	struct schema_key *lists[3], *k;
	enum err_code e;
	size_t i;

	flatten(key);
	key->wild = key->wild || has_rule(key, "wild");
	if ((e = resolve(type, key, err)) != ERR_OK)
		return e;
	if (index_make(s, key->keys, &key->key_index) != ERR_OK ||
	    index_make(s, key->allowed, &key->value_index) != ERR_OK)
		return err_set(err, ERR_NO_MEMORY, "Apple's schema");
	key->demands = key->rules != NULL;
	lists[0] = key->keys;
	lists[1] = key->items;
	lists[2] = key->allowed;
	for (i = 0; i < 3; i++) {
		for (k = lists[i]; k != NULL; k = k->next) {
			if (i == 0 && may_be_missed(k))
				key->demands = true;
			if ((e = finish_key(s, type, k, err)) != ERR_OK)
				return e;
		}
	}
	return ERR_OK;
}

enum err_code
schema_finish(struct schema *s, struct err *err)
{
	struct schema_type *type;
	enum err_code e;
	unsigned i;

	for (i = 0; i < SCHEMA_TABLES; i++)
		for (type = s->types[i]; type != NULL; type = type->next)
			if ((e = finish_key(s, type, &type->root, err)) !=
			    ERR_OK)
				return e;
	return ERR_OK;
}
