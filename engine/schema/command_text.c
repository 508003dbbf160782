#include "engine/schema/command_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/schema/command_priv.h"

#define ITEMS_MAX 1000 /* of an array of dictionaries: Array.999.Key */

/* A text on its way to a dictionary. */
struct maker {
	const struct schema_type *type;
	struct pl *command;
	const struct schema_key *keys; /* that may stand at the top */
	struct pl *top;                /* what they are set in */
	struct err *err;
	bool bad;
	const struct schema *schema;
	struct bytes tail; /* of Key=@- */
	unsigned tails;    /* how many words are that */
};

/* Where a name leads: a key, and the dictionary that it belongs in. */
struct target {
	const struct schema_key *key;
	struct pl *in;
};

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

static void
leads_nowhere(struct maker *m, const char *name)
{
	struct buf shown = { 0 };

	text_escape(&shown, bytes_text(name));
	m->bad = true;
	(void)err_add(m->err, ERR_INVALID,
	    "%.80s: leads nowhere: Dict.Key=value, or Array.0.Key=value with "
	    "numbers in their order from 0",
	    buf_str(&shown));
	buf_free(&shown);
}

/* The dictionary that a step of a dotted name leads to, and its keys; NULL if
 * it leads to none. */
static struct pl *
step(struct pl *in, const struct schema_key *key, const char *part,
    const char **rest, const struct schema_key **list)
{
	if (key->vtype == SCHEMA_DICTIONARY) {
		*list = key->keys;
		return under(in, part, PL_DICT);
	}
	if (key->vtype != SCHEMA_ARRAY || key->items == NULL ||
	    key->items->vtype != SCHEMA_DICTIONARY)
		return NULL;
	*list = key->items->keys;
	return item_of(under(in, part, PL_ARRAY), rest);
}

/*
 * Walk down a dotted name.  A name may hold dots itself, and below a
 * dictionary that takes any key the rest is one name.  t->key stays NULL for
 * what is not known: the validator tells it.  False: it leads nowhere.
 */
static bool
find(struct maker *m, const char *name, const char **last, struct target *t)
{
	const struct schema_key *list = m->keys, *key;
	const char *rest = name, *dot;
	char part[128];

	t->in = m->top;
	while ((t->key = exact(list, rest)) == NULL &&
	       (dot = strchr(rest, '.')) != NULL &&
	       (size_t)(dot - rest) < sizeof(part)) {
		snprintf(part, sizeof(part), "%.*s", (int)(dot - rest), rest);
		if ((key = exact(list, part)) == NULL)
			break;
		rest = dot + 1;
		t->in = step(t->in, key, part, &rest, &list);
		if (t->in == NULL || *rest == '\0')
			break;
	}
	*last = rest;
	if (t->in == NULL || *rest == '\0') {
		leads_nowhere(m, name);
		return false;
	}
	if (t->key == NULL)
		t->key = schema_key(list, rest);
	return true;
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
	struct given g = { name, text, quoted, m->tail };
	struct target t = { 0 };
	struct pl *value;
	const char *last;

	if (!quoted && strcmp(text, "@-") == 0 && m->tails++ > 0) {
		m->bad = true;
		(void)err_add(m->err, ERR_INVALID,
		    "%.80s=@-: only one value can stand behind the text", name);
		return;
	}
	if (!find(m, name, &last, &t))
		return;
	if (t.key != NULL && t.key->vtype == SCHEMA_ARRAY &&
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
	struct pl *array;

	m->keys = m->type->command == NULL ? NULL : m->type->command->keys;
	m->top = m->command;
	settings = exact(m->keys, "Settings");
	if (settings == NULL || settings->items == NULL)
		return;
	/* without a known one the validator says so */
	chosen = item == NULL ? NULL : alternative(settings->items, item);
	array = pl_new_array();
	pl_dict_set(m->command, "Settings", array);
	m->top = pl_new_dict();
	pl_array_add(array, m->top);
	m->keys = chosen == NULL ? NULL : chosen->keys;
	pl_set_string(m->top, "Item", item);
}

static bool
is_settings(const struct maker *m)
{
	return m->type->command != NULL &&
	       exact(m->type->command->keys, "Settings") != NULL;
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
	    schema_command(m->schema, s) != NULL
		? "line %u: '%.60s' begins another command: each needs a file "
		  "of its own"
		: "line %u: '%.60s' is no Key=Value (a value with blanks "
		  "needs quotes)",
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
	e = assign_all(m, rest, line);
out:
	buf_free(&item);
	return e;
}

enum err_code
schema_command_from_text(const struct schema *schema, struct bytes text,
    struct pl **ret, struct err *err)
{
	struct maker m = { .err = err, .schema = schema };
	struct word w = { 0 };
	unsigned line = 1;
	enum err_code e;
	bool found;

	if (err != NULL)
		*err = (struct err){ 0 };
	command_tail(&text, &m.tail);
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
