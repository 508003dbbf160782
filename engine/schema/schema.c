#include "engine/schema/schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/text.h"
#include "engine/schema/os_facts.h"
#include "engine/schema/schema_priv.h"
#include "engine/schema/tables.h"

#define COLUMNS 16

enum column {
	TYPE,
	VARIANT,
	PATH,
	VTYPE,
	PRESENCE,
	VALUES,
	RANGE,
	COUNT,
	DEFAULT,
	FORMAT,
	EXTRA,
	OS, /* five of them */
};

struct loader {
	struct schema *schema;
	const struct table_set *set;
	enum schema_table table;
	const char *file;
	struct schema_type *last; /* of this table */
	size_t line;
	struct err *err;
};

static const char *const vtypes[] = {
	[SCHEMA_VALUE] = "reason",
	[SCHEMA_STRING] = "string",
	[SCHEMA_INTEGER] = "integer",
	[SCHEMA_BOOLEAN] = "boolean",
	[SCHEMA_REAL] = "real",
	[SCHEMA_DATA] = "data",
	[SCHEMA_DATE] = "date",
	[SCHEMA_ARRAY] = "array",
	[SCHEMA_DICTIONARY] = "dictionary",
	[SCHEMA_ANY] = "any",
};

static enum err_code
broken(const struct loader *l, const char *what)
{
	return err_set(l->err, l->set->broken, "%s/%s.tsv:%zu: %s", l->set->dir,
	    l->file, l->line, what);
}

static enum err_code
no_memory(const struct loader *l)
{
	return err_set(l->err, ERR_NO_MEMORY, "no memory for Apple's schema");
}

/* ---- cells -------------------------------------------------------------- */

/* Undo \\ \t \n \r; \| stays, since it tells | in a list from the list's; \e is
 * the empty text. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s != '\\' || s[1] == '|' || s[1] == '\0') {
			*to++ = *s;
			continue;
		}
		s++;
		if (*s == 't')
			*to++ = '\t';
		else if (*s == 'n')
			*to++ = '\n';
		else if (*s == 'r')
			*to++ = '\r';
		else if (*s == '\\')
			*to++ = '\\';
	}
	*to = '\0';
}

/* Undo \\|, where the cell is not a list. */
static char *
unescape_bars(char *s)
{
	char *to = s, *from = s;

	for (; *from != '\0'; from++) {
		if (*from == '\\' && from[1] == '|')
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return s;
}

/* Cut a line at its tabs; returns how many cells there are. */
static size_t
cells(char *line, char *cell[], size_t max)
{
	bool escapes = strchr(line, '\\') != NULL;
	size_t n = 0;
	char *tab;

	for (;;) {
		if (n < max)
			cell[n] = line;
		n++;
		/* most cells are empty */
		tab = *line == '\t' ? line : strchr(line, '\t');
		if (tab != NULL)
			*tab = '\0';
		if (escapes && n <= max)
			unescape(line);
		if (tab == NULL)
			return n;
		line = tab + 1;
	}
}

/* ---- lines -------------------------------------------------------------- */

static enum err_code
form(struct loader *l, struct schema_key *key)
{
	enum err_code e = form_compile(l->schema, key);

	if (e == ERR_INVALID)
		return broken(l, "a format that is no regular expression");
	return e == ERR_OK ? e : no_memory(l);
}

static enum err_code
fill(struct loader *l, struct schema_key *key, char *cell[])
{
	size_t i;

	for (i = 0; i < sizeof(vtypes) / sizeof(vtypes[0]); i++)
		if (strcmp(cell[VTYPE], vtypes[i]) == 0)
			break;
	if (strcmp(cell[VTYPE], "schema") == 0)
		i = SCHEMA_DICTIONARY;
	if (i == sizeof(vtypes) / sizeof(vtypes[0]))
		return broken(l, "an unknown type of value");
	key->vtype = (enum schema_vtype)i;
	if (strcmp(cell[PRESENCE], "required") == 0)
		key->presence = SCHEMA_REQUIRED;
	else if (strcmp(cell[PRESENCE], "optional") == 0)
		key->presence = SCHEMA_OPTIONAL;
	key->wild = strcmp(key->name, "{ANY}") == 0;
	key->values = cell[VALUES];
	key->range = cell[RANGE];
	key->count = cell[COUNT];
	key->dflt = unescape_bars(cell[DEFAULT]);
	key->format = unescape_bars(cell[FORMAT]);
	key->extra = cell[EXTRA];
	for (i = 0; i < SCHEMA_OSES; i++) {
		key->os[i] = cell[OS + i];
		if (!facts_valid(key->os[i]))
			return broken(l, "an OS cell that is not understood");
	}
	return form(l, key);
}

static enum err_code
add_type(struct loader *l, char *cell[])
{
	struct schema_type *type = arena_alloc(l->schema->arena, sizeof(*type));

	if (type == NULL)
		return no_memory(l);
	type->name = cell[TYPE];
	type->variant = cell[VARIANT];
	type->table = l->table;
	type->root.name = cell[TYPE];
	if (l->last == NULL)
		l->schema->types[l->table] = type;
	else
		l->last->next = type;
	l->last = type;
	return fill(l, &type->root, cell);
}

static enum err_code
add_key(struct loader *l, char *cell[])
{
	struct schema_key *in, *key, **end;
	struct bytes name = BYTES_NONE;

	if (l->last == NULL || strcmp(l->last->name, cell[TYPE]) != 0 ||
	    strcmp(l->last->variant, cell[VARIANT]) != 0)
		return broken(l, "a key without its schema line");
	in = &l->last->root;
	end = path_place(&in, cell[PATH], &name);
	if (end == NULL)
		return broken(l, "a key before its parent");
	key = arena_alloc(l->schema->arena, sizeof(*key));
	if (key == NULL ||
	    (key->name = arena_text(l->schema->arena, name)) == NULL)
		return no_memory(l);
	key->parent = in;
	*end = key;
	if (in == &l->last->root && strcmp(key->name, "Command") == 0)
		l->last->command = key;
	return fill(l, key, cell);
}

static enum err_code
table_line(struct loader *l, char *line)
{
	char *cell[COLUMNS];

	if (cells(line, cell, COLUMNS) != COLUMNS)
		return broken(l, "not 16 columns");
	if (strcmp(cell[VTYPE], "schema") == 0)
		return add_type(l, cell);
	return add_key(l, cell);
}

/* type, variant, path, action, arg behind the table's name */
static enum err_code
override_apply(struct loader *l, enum schema_table table, char *cell[])
{
	struct schema_type *type;
	struct schema_key *key = NULL;
	struct schema_rule *rule;

	for (type = l->schema->types[table]; type != NULL && key == NULL;
	     type = type->next)
		if (strcmp(type->name, cell[1]) == 0 &&
		    strcmp(type->variant, cell[2]) == 0)
			key = path_find(&type->root, cell[3]);
	if (key == NULL)
		return l->set->lenient ? ERR_OK : broken(l, "no such key");
	rule = arena_alloc(l->schema->arena, sizeof(*rule));
	if (rule == NULL)
		return no_memory(l);
	*rule = (struct schema_rule){ key->rules, cell[4], cell[5] };
	key->rules = rule;
	if (strcmp(cell[4], "optional") == 0 && cell[5][0] == '\0')
		key->presence = SCHEMA_OPTIONAL;
	else if (strcmp(cell[4], "values") == 0)
		key->values = cell[5];
	else if (strcmp(cell[4], "format") == 0)
		key->format = cell[5];
	return form(l, key);
}

static enum err_code
override_line(struct loader *l, char *line)
{
	char *cell[6];
	unsigned table;

	if (cells(line, cell, 6) != 6)
		return broken(l, "not 6 columns");
	for (table = 0; table < SCHEMA_TABLES; table++)
		if (strcmp(table_name(table), cell[0]) == 0)
			return override_apply(l, table, cell);
	return broken(l, "no such table");
}

/* "#release<TAB>the release" */
static void
comment_line(struct loader *l, const char *line)
{
	if (strncmp(line, "#release\t", 9) == 0)
		l->schema->release = line + 9;
}

typedef enum err_code line_fn(struct loader *, char *line);

static enum err_code
each_line(struct loader *l, struct bytes text, line_fn *fn)
{
	char *p = arena_text(l->schema->arena, text), *nl;
	enum err_code e;

	if (p == NULL)
		return no_memory(l);
	l->line = 1;
	for (; *p != '\0'; l->line++, p = nl + 1) {
		nl = strchr(p, '\n');
		if (nl == NULL)
			return broken(l, "the last line has no end");
		*nl = '\0';
		if (*p == '#')
			comment_line(l, p);
		else if (*p != '\0' && (e = fn(l, p)) != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err_code
read_set(struct loader *l)
{
	enum err_code e;
	unsigned i;

	for (i = 0; i < SCHEMA_TABLES; i++) {
		l->table = i;
		l->file = table_name(i);
		l->last = NULL;
		e = each_line(l, l->set->tables[i], table_line);
		if (e != ERR_OK)
			return e;
	}
	l->file = "overrides";
	e = each_line(l, l->set->overrides, override_line);
	if (e != ERR_OK || (e = schema_finish(l->schema, l->err)) == ERR_OK)
		return e;
	return e == ERR_INVALID ? err_set(l->err, l->set->broken, "%s: %s",
				      l->set->dir, l->err->msg)
	                        : e;
}

static void
destroy(struct schema *s)
{
	struct schema_form *f;

	if (s == NULL)
		return;
	for (f = s->forms; f != NULL; f = f->next)
		regfree(&f->re);
	arena_free(s->arena);
	free(s);
}

enum err_code
schema_load_set(
    const struct table_set *set, const struct schema **ret, struct err *err)
{
	struct schema *s = calloc(1, sizeof(*s));
	struct err own = { 0 };
	struct loader l = {
		.schema = s, .set = set, .err = err != NULL ? err : &own
	};
	enum err_code e;

	if (s == NULL || (s->arena = arena_new()) == NULL) {
		e = no_memory(&l);
		goto out;
	}
	s->release = arena_text(s->arena, bytes_text(set->release));
	if (s->release == NULL) {
		e = no_memory(&l);
		goto out;
	}
	if ((e = read_set(&l)) != ERR_OK)
		goto out;
	s->holds = 1;
	*ret = s;
	s = NULL;
out:
	destroy(s);
	return e;
}

enum err_code
schema_load(const struct schema **ret, struct err *err)
{
	struct table_set set = { .overrides = table_overrides(),
		.dir = "engine/schema/tables",
		.release = "Apple's schema of iOS 18.1 and macOS 15.1, with "
			   "additions up to 26.2 (declarations: 27.0 seed 1)",
		.broken = ERR_INTERNAL };
	unsigned i;

	for (i = 0; i < SCHEMA_TABLES; i++)
		set.tables[i] = table_text(i);
	return schema_load_set(&set, ret, err);
}

const struct schema *
schema_hold(const struct schema *schema)
{
	struct schema *s = (struct schema *)(uintptr_t)schema;

	__atomic_add_fetch(&s->holds, 1, __ATOMIC_RELAXED);
	return schema;
}

void
schema_free(const struct schema *schema)
{
	struct schema *s = (struct schema *)(uintptr_t)schema;

	if (s != NULL &&
	    __atomic_sub_fetch(&s->holds, 1, __ATOMIC_ACQ_REL) == 0)
		destroy(s);
}

const char *
schema_release(const struct schema *schema)
{
	return schema->release;
}

const struct schema_type *
schema_types(const struct schema *schema, enum schema_table table)
{
	return schema->types[table];
}

const char *
schema_vtype_name(enum schema_vtype vtype)
{
	return vtypes[vtype];
}
