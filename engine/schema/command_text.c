#include "engine/schema/command_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/text.h"
#include "engine/schema/command_priv.h"
#include "engine/schema/validate.h"

#define ITEMS_MAX 1000 /* of an array of dictionaries: Array.999.Key */

/* A text on its way to a dictionary. */
struct maker {
	const struct schema_type *type;
	struct pl *command;
	const struct schema_key *keys; /* that may stand at the top */
	struct pl *top;                /* what they are set in */
	struct err *err;
	bool bad;
};

/* Where a name leads: a key, and the dictionary that it belongs in. */
struct target {
	const struct schema_key *key;
	struct pl *in;
};

static void
unknown_key(struct maker *m, const char *name, const struct schema_key *list)
{
	const char *last = strrchr(name, '.');
	const char *near;
	struct buf shown = { 0 };

	last = last == NULL ? name : last + 1;
	near = schema_key_near(list, last);
	text_escape(&shown, bytes_text(name));
	m->bad = true;
	if (near != NULL)
		(void)err_add(m->err, ERR_INVALID,
		    "%.80s: unknown key: did you mean %.*s%s?", buf_str(&shown),
		    (int)(last - name), name, near);
	else
		(void)err_add(m->err, ERR_INVALID,
		    "%.80s: %s has no such key%s", buf_str(&shown),
		    m->type->name, list == NULL ? ": it takes none here" : "");
	buf_free(&shown);
}

/* The dictionary or array under name, made if it is not there. */
static struct pl *
under(struct pl *in, const char *name, enum pl_type type)
{
	struct pl *node = pl_dict_get(in, name);

	if (node == NULL) {
		node = type == PL_DICT ? pl_new_dict() : pl_new_array();
		pl_dict_set(in, name, node);
	}
	return node;
}

/* Array.3. or Array. (which is the first): takes the number off *rest. */
static struct pl *
item_of(struct pl *array, const char **rest)
{
	unsigned long n = 0;
	char *end;

	if (**rest >= '0' && **rest <= '9') {
		n = strtoul(*rest, &end, 10);
		if (*end != '.' || n >= ITEMS_MAX)
			return NULL;
		*rest = end + 1;
	}
	/* in order, so that there are no holes */
	if (n > pl_array_len(array))
		return NULL;
	if (n == pl_array_len(array))
		pl_array_add(array, pl_new_dict());
	return pl_array_at(array, n);
}

static const struct schema_key *
exact(const struct schema_key *list, const char *name)
{
	const struct schema_key *key = schema_key(list, name);

	return key != NULL && key->wild ? NULL : key;
}

/*
 * Walk down a dotted name.  A name may hold dots itself, and below a
 * dictionary that takes any key the rest is one name.
 */
static bool
find(struct maker *m, const char *name, const char **last, struct target *t)
{
	const struct schema_key *list = m->keys, *key;
	const char *rest = name, *dot;
	char part[128];

	t->in = m->top;
	for (;;) {
		dot = strchr(rest, '.');
		t->key = exact(list, rest);
		if (t->key != NULL || dot == NULL ||
		    (size_t)(dot - rest) >= sizeof(part))
			break;
		snprintf(part, sizeof(part), "%.*s", (int)(dot - rest), rest);
		key = exact(list, part);
		if (key == NULL)
			break;
		rest = dot + 1;
		list = NULL;
		if (key->vtype == SCHEMA_DICTIONARY) {
			t->in = under(t->in, part, PL_DICT);
			list = key->keys;
		} else if (key->vtype == SCHEMA_ARRAY && key->items != NULL &&
			   key->items->vtype == SCHEMA_DICTIONARY) {
			t->in = item_of(under(t->in, part, PL_ARRAY), &rest);
			list = t->in == NULL ? NULL : key->items->keys;
		}
		if (list == NULL)
			break;
	}
	*last = rest;
	if (t->key == NULL && *rest != '\0')
		t->key = schema_key(list, rest);
	if (t->key == NULL)
		unknown_key(m, name, list);
	return t->key != NULL;
}

static void
uncomma(char *s)
{
	for (; *s != '\0'; s++)
		if (*s == WORD_COMMA)
			*s = ',';
}

/* Key=a,b,c into the array under key's name. */
static void
add_items(struct maker *m, const struct target *t, struct given g, char *list)
{
	struct pl *array = under(t->in, t->key->name, PL_ARRAY);
	const struct schema_key *item = t->key->items;
	struct pl *value;
	char *comma;

	do {
		comma = strchr(list, WORD_COMMA);
		if (comma != NULL)
			*comma = '\0';
		g.text = list;
		if (*list == '\0' && !g.quoted)
			break;
		value = item == NULL ? pl_new_string(list)
		                     : given_value(item, &g, m->err);
		if (value == NULL)
			m->bad = true;
		pl_array_add(array, value);
		list = comma == NULL ? NULL : comma + 1;
	} while (list != NULL);
}

static void
twice(struct maker *m, const char *name)
{
	struct buf shown = { 0 };

	text_escape(&shown, bytes_text(name));
	m->bad = true;
	(void)err_add(
	    m->err, ERR_INVALID, "%.80s: given twice", buf_str(&shown));
	buf_free(&shown);
}

static void
assign(struct maker *m, char *name, char *text, bool quoted)
{
	struct given g = { name, text, quoted };
	struct target t = { 0 };
	struct pl *value;
	const char *last;

	if (!find(m, name, &last, &t))
		return;
	if (t.key->vtype == SCHEMA_ARRAY &&
	    (t.key->items == NULL ||
		t.key->items->vtype != SCHEMA_DICTIONARY)) {
		add_items(m, &t, g, text);
		return;
	}
	uncomma(text);
	if (pl_dict_get(t.in, last) != NULL) {
		twice(m, name);
		return;
	}
	value = given_value(t.key, &g, m->err);
	if (value == NULL) {
		/* what is wrong is not missing as well */
		m->bad = true;
		value = pl_new_bool(false);
	}
	pl_dict_set(t.in, last, value);
}

/* ---- Settings ----------------------------------------------------------- */

/* The alternative of an array that Item=NAME chooses. */
static const struct schema_key *
alternative(const struct schema_key *items, const char *name)
{
	const struct schema_key *item;

	for (; items != NULL; items = items->next) {
		item = exact(items->keys, "Item");
		/* one of them has no Item key in Apple's tables */
		if (item != NULL ? schema_value_allowed(item, name)
				 : strcmp(items->name, name) == 0)
			return items;
	}
	return NULL;
}

/* Where the words go: into the command, or into the item of Settings. */
static void
choose(struct maker *m, const char *item)
{
	const struct schema_key *settings, *chosen;
	const char *near;
	struct pl *array;

	m->keys = m->type->command == NULL ? NULL : m->type->command->keys;
	m->top = m->command;
	settings = exact(m->keys, "Settings");
	if (settings == NULL || settings->items == NULL)
		return;
	chosen = item == NULL ? NULL : alternative(settings->items, item);
	if (chosen == NULL) {
		near = item == NULL ? NULL
		                    : schema_key_near(settings->items, item);
		m->bad = true;
		if (near != NULL)
			(void)err_add(m->err, ERR_INVALID,
			    "Item: unknown setting '%.60s': did you mean %s?",
			    item, near);
		else
			(void)err_add(m->err, ERR_INVALID,
			    "Item: the name of the setting is needed, for "
			    "example Item=DeviceName DeviceName=iPad-7");
		return;
	}
	array = pl_new_array();
	pl_dict_set(m->command, "Settings", array);
	m->top = pl_new_dict();
	pl_array_add(array, m->top);
	m->keys = chosen->keys;
	pl_set_string(m->top, "Item", item);
}

static bool
is_settings(const struct maker *m)
{
	return m->type->command != NULL &&
	       exact(m->type->command->keys, "Settings") != NULL;
}

/* ---- what is missing ---------------------------------------------------- */

static void missing(struct maker *m, const struct schema_key *keys,
    const struct pl *in, const char *prefix);

static void
missing_in(struct maker *m, const struct schema_key *key,
    const struct pl *value, const char *name)
{
	size_t i;
	char item[300];

	if (pl_type(value) == PL_DICT)
		missing(m, key->keys, value, name);
	if (pl_type(value) != PL_ARRAY || key->items == NULL ||
	    key->items->vtype != SCHEMA_DICTIONARY || key->items->next != NULL)
		return;
	for (i = 0; i < pl_array_len(value); i++) {
		snprintf(item, sizeof(item), "%.200s.%zu", name, i);
		missing(m, key->items->keys, pl_array_at(value, i), item);
	}
}

static void
missing(struct maker *m, const struct schema_key *keys, const struct pl *in,
    const char *prefix)
{
	const struct pl *value;
	char name[300];

	for (; keys != NULL; keys = keys->next) {
		snprintf(name, sizeof(name), "%.200s%s%s", prefix,
		    prefix[0] != '\0' ? "." : "", keys->name);
		value = pl_dict_get(in, keys->name);
		if (value == NULL && schema_key_demanded(keys, NULL)) {
			m->bad = true;
			(void)err_add(m->err, ERR_INVALID,
			    "%s: is missing, %s needs it (%s)", name,
			    m->type->name, schema_vtype_name(keys->vtype));
		}
		missing_in(m, keys, value, name);
	}
}

/* ---- the text ----------------------------------------------------------- */

static void
no_pair(struct maker *m, char *s, unsigned line)
{
	struct buf shown = { 0 };

	uncomma(s);
	text_escape(&shown, bytes_text(s));
	m->bad = true;
	(void)err_add(m->err, ERR_INVALID,
	    "line %u: '%.60s' is no Key=Value (a value with blanks needs "
	    "quotes)",
	    line, buf_str(&shown));
	buf_free(&shown);
}

/* Every Key=Value word of rest. */
static enum err_code
assign_all(struct maker *m, struct bytes rest, unsigned line)
{
	struct word w = { 0 };
	enum err_code e;
	unsigned items = 0;
	bool found;
	char *s;

	while ((e = word_next(&rest, &line, &w, &found, m->err)) == ERR_OK &&
	       found) {
		s = (char *)(uintptr_t)buf_str(&w.text);
		if (!w.has_equals || w.equals == 0) {
			no_pair(m, s, w.line);
			continue;
		}
		s[w.equals] = '\0';
		if (strcmp(s, "Item") == 0 && is_settings(m)) {
			if (items++ > 0)
				twice(m, s);
			continue;
		}
		assign(m, s, s + w.equals + 1, w.quoted);
	}
	buf_free(&w.text);
	return e;
}

/* The value of the first Item= word, in *item. */
static enum err_code
find_item(struct bytes rest, unsigned line, struct buf *item, struct err *err)
{
	struct word w = { 0 };
	enum err_code e;
	bool found;

	while (
	    (e = word_next(&rest, &line, &w, &found, err)) == ERR_OK && found)
		if (w.has_equals && item->len == 0 &&
		    bytes_begin(buf_view(&w.text), bytes_text("Item=")))
			buf_text(item, buf_str(&w.text) + 5);
	buf_free(&w.text);
	return e;
}

static enum err_code
check_characters(struct bytes text, struct err *err)
{
	size_t i;

	if (!text_is_utf8(text))
		return err_set(err, ERR_UNDECODABLE,
		    "the command is not UTF-8 text, nor a property list");
	for (i = 0; i < text.len; i++)
		if ((text.p[i] < ' ' &&
			(text.p[i] < '\t' || text.p[i] > '\r')) ||
		    text.p[i] == 0x7f)
			return err_set(err, ERR_UNDECODABLE,
			    "a control character at byte %zu of the command's "
			    "text",
			    i);
	return ERR_OK;
}

static enum err_code
make(struct maker *m, struct bytes rest, unsigned line)
{
	struct buf item = { 0 };
	enum err_code e = find_item(rest, line, &item, m->err);

	if (e != ERR_OK)
		goto out;
	pl_set_string(m->command, "RequestType", m->type->name);
	choose(m, item.len == 0 ? NULL : buf_str(&item));
	/* without the setting's name nothing can be said of its keys */
	if (m->top == m->command && is_settings(m))
		goto out;
	if ((e = assign_all(m, rest, line)) == ERR_OK)
		missing(m, m->keys, m->top, "");
out:
	buf_free(&item);
	return e;
}

enum err_code
schema_command_from_text(const struct schema *schema, struct bytes text,
    struct pl **ret, struct err *err)
{
	struct maker m = { .err = err };
	struct word w = { 0 };
	unsigned line = 1;
	enum err_code e;
	bool found;

	if (err != NULL)
		*err = (struct err){ 0 };
	if ((e = check_characters(text, err)) != ERR_OK ||
	    (e = word_next(&text, &line, &w, &found, err)) != ERR_OK)
		goto out;
	if (!found) {
		e = err_set(err, ERR_INVALID,
		    "empty: a request type is expected, for example "
		    "DeviceLock PIN=123456");
		goto out;
	}
	m.type = schema_command(schema, buf_str(&w.text));
	if (m.type == NULL) {
		e = command_unknown(schema, buf_view(&w.text), err);
		goto out;
	}
	m.command = pl_new_dict();
	e = make(&m, text, line);
	if (e == ERR_OK && m.bad)
		e = ERR_INVALID;
	if (e != ERR_OK)
		goto out;
	*ret = m.command;
	m.command = NULL;
out:
	pl_free(m.command);
	buf_free(&w.text);
	return e;
}
