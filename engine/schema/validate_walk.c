/* Down through dictionaries and arrays. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/schema/os_facts.h"
#include "engine/schema/validate_priv.h"

/* ---- the place ---------------------------------------------------------- */

static bool
enter(struct walk *w, struct step step)
{
	if (w->depth == WALK_DEPTH_MAX) {
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, NULL, NULL },
		    "nested too deeply: at most %d levels", WALK_DEPTH_MAX);
		return false;
	}
	w->steps[w->depth++] = step;
	return true;
}

bool
walk_enter(struct walk *w, const char *name)
{
	return enter(w, (struct step){ name, 0 });
}

bool
walk_enter_item(struct walk *w, size_t index)
{
	return enter(w, (struct step){ NULL, index });
}

void
walk_leave(struct walk *w)
{
	w->depth--;
}

static void
path_say(const struct walk *w, struct buf *b)
{
	size_t i;

	for (i = 0; i < w->depth; i++) {
		const char *name = w->steps[i].name;

		if (name == NULL) {
			buf_printf(b, "[%zu]", w->steps[i].index);
			continue;
		}
		if (i > 0)
			buf_char(b, '/');
		text_escape(
		    b, bytes_of(name, (size_t)text_fit(bytes_text(name), 100)));
	}
}

void
walk_say(struct walk *w, struct walk_note note, const char *fmt, ...)
{
	struct buf path = { 0 }, wrong = { 0 };
	struct schema_finding f = { .severity = note.severity,
		.expected = note.expected,
		.near = note.near };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&wrong, fmt, ap);
	va_end(ap);
	path_say(w, &path);
	f.path = buf_str(&path);
	f.wrong = buf_str(&wrong);
	schema_findings_add(w->found, &f);
	buf_free(&path);
	buf_free(&wrong);
}

/* ---- facts -------------------------------------------------------------- */

static void
deprecated(struct walk *w, const struct os_facts *f, const char *subject)
{
	const struct schema_device *d = w->check->device;
	struct buf since = { 0 };

	if (f->deprecated == 0 || d->version == NULL ||
	    facts_version(d->version) < f->deprecated)
		return;
	facts_version_say(f->deprecated, &since);
	walk_say(w, (struct walk_note){ SCHEMA_WARNING, NULL, NULL },
	    "%s%sis deprecated since %s %s", subject,
	    *subject != '\0' ? " " : "", schema_os_name(d->os),
	    buf_str(&since));
	buf_free(&since);
}

bool
walk_facts(struct walk *w, const struct schema_key *key,
    enum schema_severity severity, const char *subject)
{
	const struct schema_device *d = w->check->device;
	struct os_facts f;
	struct buf why = { 0 };
	bool good = true;

	if (d == NULL || !d->os_known || w->above_unfit ||
	    key->os[d->os][0] == '\0')
		return true;
	f = facts_of(key->os[d->os]);
	subject = subject != NULL ? subject : "";
	if (facts_judge(&f, NULL, d, &why) == FACTS_UNFIT) {
		walk_say(w, (struct walk_note){ severity, NULL, NULL },
		    "%s%s%s%s", subject, *subject != '\0' ? " " : "",
		    buf_str(&why),
		    severity == SCHEMA_WARNING ? ": the device passes it over"
					       : "");
		good = false;
	} else {
		deprecated(w, &f, subject);
	}
	buf_free(&why);
	return good;
}

/* ---- dictionaries ------------------------------------------------------- */

struct pairs {
	struct walk *w;
	const struct walk_dict *dict;
};

static void
unknown_key(struct walk *w, const struct walk_dict *dict)
{
	const char *name = w->steps[w->depth - 1].name;
	const char *near = NULL;
	struct walk_note note = { w->unknown, NULL, NULL };
	bool any = false;
	size_t i;

	for (i = 0; i < dict->n && near == NULL; i++) {
		const struct schema_key *s = dict->schemas[i];

		s = s->ref != NULL ? s->ref : s;
		near = schema_key_near(s->keys, name);
		any = any || s->keys != NULL;
	}
	note.near = near;
	if (near != NULL)
		walk_say(w, note, "unknown key: did you mean %s?", near);
	else if (any)
		walk_say(
		    w, note, "unknown key: %s has no such key here", w->what);
	else
		walk_say(
		    w, note, "unknown key: %s takes no keys here", w->what);
}

static bool
on_pair(void *arg, const char *name, struct pl *value)
{
	struct pairs *p = arg;
	const struct schema_key *key = NULL;
	size_t i;

	/* a name says more than "any" */
	for (i = 0; i < p->dict->n && (key == NULL || key->wild); i++) {
		const struct schema_key *k =
		    schema_child(p->dict->schemas[i], name);

		if (k != NULL && (key == NULL || !k->wild))
			key = k;
	}
	if (key == NULL && p->dict->also != NULL &&
	    strcmp(p->dict->also, name) == 0)
		return true;
	if (!walk_enter(p->w, name))
		return false;
	if (key == NULL)
		unknown_key(p->w, p->dict);
	else
		walk_value(p->w, key, value);
	walk_leave(p->w);
	return true;
}

void
walk_dict(struct walk *w, const struct walk_dict *dict, const struct pl *node)
{
	struct pairs p = { w, dict };

	pl_dict_each(node, on_pair, &p);
	rules_check(w, dict, node);
}

/* ---- arrays ------------------------------------------------------------- */

/* Settings: the alternative that the item's Item names. */
static const struct schema_key *
choose(struct walk *w, const struct schema_key *items, const struct pl *node)
{
	const char *name = pl_get_string(node, "Item"), *near;
	const struct schema_key *key;

	for (key = items; name != NULL && key != NULL; key = key->next) {
		const struct schema_key *item = schema_key(key->keys, "Item");

		/* one of them has no Item key in Apple's tables */
		if (item != NULL ? schema_value_allowed(item, name)
				 : strcmp(key->name, name) == 0)
			return key;
	}
	if (!walk_enter(w, "Item"))
		return NULL;
	near = name == NULL ? NULL : schema_key_near(items, name);
	if (name == NULL)
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, "string", NULL },
		    "is missing: it names the setting, for example %s",
		    items->name);
	else if (near != NULL)
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, NULL, near },
		    "unknown setting '%.60s': did you mean %s?", name, near);
	else
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, NULL, NULL },
		    "unknown setting '%.60s'", name);
	walk_leave(w);
	return NULL;
}

/* Whether items are told apart by a key of theirs. */
static bool
chosen_by_item(const struct schema_key *items)
{
	return items->next != NULL && items->vtype == SCHEMA_DICTIONARY &&
	       schema_key(items->keys, "Item") != NULL;
}

static void
item(struct walk *w, const struct schema_key *items, const struct pl *node)
{
	struct walk_dict dict = { { 0 }, 1, "Item" };
	const struct schema_key *key = items;
	bool above = w->above_unfit;

	if (!chosen_by_item(items) || pl_type(node) != PL_DICT) {
		walk_value(w, key, node);
		return;
	}
	key = choose(w, items, node);
	if (key == NULL)
		return;
	if (!walk_facts(w, key, w->unfit, NULL))
		w->above_unfit = true;
	dict.schemas[0] = key;
	walk_dict(w, &dict, node);
	w->above_unfit = above;
}

static void
array(struct walk *w, const struct schema_key *key, const struct pl *node)
{
	const struct schema_key *from = key->ref != NULL ? key->ref : key;
	size_t i, n = pl_array_len(node);

	value_check_count(w, key, n);
	if (from->items == NULL)
		return;
	for (i = 0; i < n; i++) {
		if (!walk_enter_item(w, i))
			return;
		item(w, from->items, pl_array_at(node, i));
		walk_leave(w);
	}
}

/* ---- values ------------------------------------------------------------- */

static bool
json_fits(const struct schema_key *key, const struct pl *node)
{
	struct bytes s = bytes_text(pl_string(node));
	struct buf b = { 0 };
	int64_t seconds;
	bool good;

	if (key->vtype == SCHEMA_DATE)
		return text_untime(s, &seconds, NULL) == ERR_OK;
	good = text_unbase64(s, &b, NULL) == ERR_OK;
	buf_free(&b);
	return good;
}

static bool
type_fits(const struct walk *w, const struct schema_key *key,
    enum schema_vtype vtype, const struct pl *node)
{
	enum pl_type type = pl_type(node);

	switch (vtype) {
	case SCHEMA_STRING:
		return type == PL_STRING;
	case SCHEMA_INTEGER:
		return type == PL_INTEGER;
	case SCHEMA_BOOLEAN:
		return type == PL_BOOL;
	case SCHEMA_REAL:
		return type == PL_REAL || type == PL_INTEGER;
	case SCHEMA_DATA:
		return type == PL_DATA ||
		       (w->check->json && type == PL_STRING &&
			   json_fits(key, node));
	case SCHEMA_DATE:
		return type == PL_DATE ||
		       (w->check->json && type == PL_STRING &&
			   json_fits(key, node));
	case SCHEMA_ARRAY:
		return type == PL_ARRAY;
	case SCHEMA_DICTIONARY:
		return type == PL_DICT;
	case SCHEMA_ANY:
	case SCHEMA_VALUE:
		break;
	}
	return true;
}

/* True when the override "alt" lets another type stand there as well. */
static bool
alternative_fits(
    struct walk *w, const struct schema_key *key, const struct pl *node)
{
	const char *alt = rule_arg(key, "alt");
	size_t i;

	if (alt == NULL || strcmp(alt, pl_type_name(pl_type(node))) != 0)
		return false;
	if (pl_type(node) != PL_ARRAY)
		return true;
	/* several of what may stand there alone */
	for (i = 0; i < pl_array_len(node); i++) {
		if (!walk_enter_item(w, i))
			return true;
		walk_value(w, key, pl_array_at(node, i));
		walk_leave(w);
	}
	return true;
}

/* True for 0 and 1 where a boolean belongs: it works, so it is a warning. */
static bool
is_bit(struct walk *w, const struct schema_key *key, const struct pl *node)
{
	int64_t v = -1;

	if (key->vtype != SCHEMA_BOOLEAN || !pl_int(node, &v) ||
	    (v != 0 && v != 1))
		return false;
	walk_say(w, (struct walk_note){ SCHEMA_WARNING, "boolean", NULL },
	    "boolean expected (%s), got the integer %d",
	    v == 1 ? "<true/>" : "<false/>", (int)v);
	return true;
}

static void
inside(struct walk *w, const struct schema_key *key, const struct pl *node)
{
	struct walk_dict dict = { { key }, 1, NULL };

	if (pl_type(node) == PL_DICT && key->vtype == SCHEMA_DICTIONARY)
		walk_dict(w, &dict, node);
	else if (pl_type(node) == PL_ARRAY && key->vtype == SCHEMA_ARRAY)
		array(w, key, node);
	else
		value_check(w, key, node);
}

void
walk_value(struct walk *w, const struct schema_key *key, const struct pl *node)
{
	const char *name = schema_vtype_name(key->vtype);
	bool above = w->above_unfit;
	enum schema_severity unfit = w->unfit;

	if (rule_arg(key, "ignored") != NULL)
		unfit = SCHEMA_WARNING;
	if (!walk_facts(w, key, unfit, NULL))
		w->above_unfit = true;
	if (type_fits(w, key, key->vtype, node))
		inside(w, key, node);
	else if (!alternative_fits(w, key, node) && !is_bit(w, key, node))
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, name, NULL },
		    "%s expected, got %s", name, pl_type_name(pl_type(node)));
	w->above_unfit = above;
}
