/* The keys of a request type, as a table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/schema/page_priv.h"

#define NAME_WIDTH  38
#define TYPE_WIDTH  20
#define VALUE_WIDTH 34
#define DEPTH_MAX   8 /* of keys in keys: some schemas contain themselves */

struct keys {
	const struct schema_type *type;
	struct buf *b;
	unsigned depth;
};

static void keys_of(struct keys *k, const char *prefix,
    const struct schema_key *list, const char *skip);

/* ---- values ------------------------------------------------------------- */

/* "0..65535" */
static void
say_range(const char *range, struct buf *b)
{
	const char *dots = strstr(range, "..");

	if (dots == NULL)
		buf_text(b, range);
	else if (dots == range)
		buf_printf(b, "at most %s", dots + 2);
	else if (dots[2] == '\0')
		buf_printf(b, "at least %.*s", (int)(dots - range), range);
	else
		buf_printf(
		    b, "%.*s to %s", (int)(dots - range), range, dots + 2);
}

/* Of the overrides: "0|30", 0 or at least 30. */
static void
say_least(const char *arg, struct buf *b)
{
	const char *bar = strrchr(arg, '|');

	if (bar == NULL)
		buf_printf(b, "at least %s", arg);
	else
		buf_printf(
		    b, "%.*s, or at least %s", (int)(bar - arg), arg, bar + 1);
}

static void
say_list(const struct schema_key *key, struct buf *b)
{
	const struct schema_key *a;
	const char *p = key->values, *comma = "";

	buf_text(b, "one of ");
	for (; *p != '\0'; p++) {
		if (*comma != '\0' || p == key->values)
			comma = ", ";
		if (*p == '|')
			buf_text(b, ", ");
		else if (*p != '\\' || p[1] != '|')
			buf_char(b, *p);
		else
			buf_char(b, *++p);
	}
	for (a = key->allowed; a != NULL; a = a->next) {
		buf_printf(b, "%s%s", comma, a->name);
		comma = ", ";
	}
}

void
page_values(const struct schema_key *key, struct buf *b)
{
	const struct schema_rule *r;
	const char *and = "";

	if (key->values[0] != '\0' || key->allowed != NULL) {
		say_list(key, b);
		and = "; ";
	}
	if (key->range[0] != '\0') {
		buf_text(b, and);
		say_range(key->range, b);
		and = "; ";
	}
	if (key->form != NULL) {
		buf_text(b, and);
		schema_format_says(key, b);
		and = "; ";
	}
	for (r = key->rules; r != NULL; r = r->next) {
		if (strcmp(r->action, "min") != 0)
			continue;
		buf_text(b, and);
		say_least(r->arg, b);
		and = "; ";
	}
}

/* Whether one of the values is not for all that the request type is for. */
static bool
values_differ(const struct schema_type *type, const struct schema_key *key)
{
	const struct schema_key *a;
	struct buf s = { 0 };
	bool differ;

	for (a = key->allowed; a != NULL && s.len == 0; a = a->next)
		page_key_systems(type, a, &s);
	differ = s.len > 0;
	buf_free(&s);
	return differ;
}

/* A line each: the value, and for whom it is. */
static void
value_rows(
    const struct schema_type *type, const struct schema_key *key, struct buf *b)
{
	const struct schema_key *a;
	struct buf s = { 0 };

	buf_text(b, "      one of these; a system that is not named takes "
		    "it as said above\n");
	for (a = key->allowed; a != NULL; a = a->next) {
		buf_reset(&s);
		page_key_systems(type, a, &s);
		if (s.len == 0)
			buf_printf(b, "        %s\n", a->name);
		else if (strlen(a->name) < VALUE_WIDTH &&
			 8 + VALUE_WIDTH + s.len <= PAGE_WIDTH)
			buf_printf(b, "        %-*s%s\n", VALUE_WIDTH, a->name,
			    buf_str(&s));
		else {
			buf_printf(b, "        %s\n", a->name);
			page_wrap(b, 12, buf_str(&s));
		}
	}
	buf_free(&s);
}

/* ---- rows --------------------------------------------------------------- */

static void
row(struct keys *k, const char *name, const struct schema_key *key)
{
	const struct schema_key *item =
	    key->vtype == SCHEMA_ARRAY ? key->items : NULL;
	bool late = strlen(name) >= NAME_WIDTH;
	struct buf type = { 0 }, s = { 0 };

	buf_text(&type, schema_vtype_name(key->vtype));
	if (item != NULL)
		buf_printf(&type, " of %s", schema_vtype_name(item->vtype));
	buf_printf(k->b, "%-*s%s%-*s%s\n", NAME_WIDTH, name,
	    late ? "\n                                      " : "", TYPE_WIDTH,
	    buf_str(&type),
	    key->presence == SCHEMA_REQUIRED ? "required" : "optional");
	if (item == NULL)
		item = key;
	if (values_differ(k->type, item))
		value_rows(k->type, item, k->b);
	else
		page_values(item, &s);
	page_wrap(k->b, 6, buf_str(&s));
	buf_reset(&s);
	if (key->dflt[0] != '\0')
		buf_printf(k->b, "      %s without it\n", key->dflt);
	page_key_systems(k->type, key, &s);
	page_wrap(k->b, 6, buf_str(&s));
	buf_free(&s);
	buf_free(&type);
}

/* The keys below one, or NULL: a row of its own says it all. */
static const struct schema_key *
below(const struct schema_key *key, bool *numbered)
{
	const struct schema_key *k = key->ref != NULL ? key->ref : key;

	*numbered = false;
	if (key->vtype == SCHEMA_DICTIONARY)
		return k->keys;
	if (key->vtype != SCHEMA_ARRAY || k->items == NULL ||
	    k->items->vtype != SCHEMA_DICTIONARY)
		return NULL;
	*numbered = true;
	return k->items->keys;
}

static void
key_rows(struct keys *k, const char *prefix, const struct schema_key *key)
{
	const struct schema_key *list;
	char name[512], inner[540];
	bool numbered;

	snprintf(
	    name, sizeof(name), "%s%s", prefix, key->wild ? "ANY" : key->name);
	list = below(key, &numbered);
	if (list == NULL || key->presence != SCHEMA_REQUIRED ||
	    k->depth == DEPTH_MAX)
		row(k, name, key);
	if (list == NULL || k->depth == DEPTH_MAX)
		return;
	snprintf(inner, sizeof(inner), "%s.%s", name, numbered ? "0." : "");
	k->depth++;
	keys_of(k, inner, list, NULL);
	k->depth--;
}

static void
keys_of(struct keys *k, const char *prefix, const struct schema_key *list,
    const char *skip)
{
	for (; list != NULL; list = list->next)
		if (skip == NULL || strcmp(list->name, skip) != 0)
			key_rows(k, prefix, list);
}

/* ---- Settings ----------------------------------------------------------- */

const struct schema_key *
page_settings(const struct schema_type *type)
{
	const struct schema_key *key =
	    type->command == NULL ? NULL
				  : schema_key(type->command->keys, "Settings");

	return key == NULL || key->wild || key->items == NULL ? NULL : key;
}

static void
settings(struct keys *k, const struct schema_key *array)
{
	const struct schema_key *item;
	struct buf s = { 0 };

	for (item = array->items; item != NULL; item = item->next) {
		buf_printf(k->b, "\nItem=%s\n", item->name);
		page_key_systems(k->type, item, &s);
		page_wrap(k->b, 6, buf_str(&s));
		buf_reset(&s);
		keys_of(k, "", item->keys, "Item");
	}
	buf_free(&s);
}

void
page_keys(const struct schema_type *type, struct buf *b)
{
	struct keys k = { type, b, 0 };
	const struct schema_key *array = page_settings(type);

	if (type->command == NULL || type->command->keys == NULL) {
		buf_text(b, "\nIt has no keys.\n");
		return;
	}
	buf_printf(
	    b, "\n%-*s%-*sNEEDED\n", NAME_WIDTH, "KEY", TYPE_WIDTH, "TYPE");
	if (array != NULL)
		settings(&k, array);
	else
		keys_of(&k, "", type->command->keys, NULL);
}
