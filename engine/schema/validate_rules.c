/* What is missing in a dictionary, and what goes together there. */
#include <stdio.h>
#include <string.h>

#include "engine/schema/os_facts.h"
#include "engine/schema/validate_priv.h"

const char *
rule_arg(const struct schema_key *key, const char *action)
{
	const struct schema_rule *r;

	for (r = key->rules; r != NULL; r = r->next)
		if (strcmp(r->action, action) == 0)
			return r->arg;
	return NULL;
}

/* ---- required keys ------------------------------------------------------ */

/* Whether own asks for more than above does, so that a device may have the
 * parent and not the key. */
static bool
adds(const struct os_facts *own, const struct os_facts *above)
{
	/* a device of which nothing is known but its system */
	static const struct schema_device blank = { .os_known = true };

	return own->never || facts_judge(own, above, &blank, NULL) != FACTS_FIT;
}

static bool
demanded_by(const struct schema_key *key, enum schema_os os,
    const struct schema_device *d)
{
	struct os_facts own, above;

	if (key->os[os][0] == '\0' || key->parent == NULL)
		return true;
	own = facts_of(key->os[os]);
	above = facts_effective(key->parent, os);
	if (above.never || !adds(&own, &above))
		return true;
	return d != NULL && facts_judge(&own, &above, d, NULL) == FACTS_FIT;
}

bool
schema_key_demanded(const struct schema_key *key, const struct schema_device *d)
{
	unsigned os;

	if (key->presence != SCHEMA_REQUIRED || key->wild)
		return false;
	if (d != NULL && d->os_known)
		return demanded_by(key, d->os, d);
	for (os = 0; os < SCHEMA_OSES; os++)
		if (!demanded_by(key, (enum schema_os)os, NULL))
			return false;
	return true;
}

/* False when it is known that the device does without the key. */
static bool
may_take(const struct schema_key *key, const struct schema_device *d)
{
	struct os_facts f;

	if (d == NULL || !d->os_known || key->os[d->os][0] == '\0')
		return true;
	f = facts_of(key->os[d->os]);
	return facts_judge(&f, NULL, d, NULL) != FACTS_UNFIT;
}

/* "K=V", "K!=V": whether it holds in node. */
static bool
holds(const char *condition, const struct pl *node)
{
	size_t n = strcspn(condition, "!=");
	bool differs = condition[n] == '!', same;
	const char *value = condition + n + 1 + differs;
	struct buf text = { 0 };
	char name[128];

	if (condition[n] == '\0' || n >= sizeof(name))
		return false;
	memcpy(name, condition, n);
	name[n] = '\0';
	same = value_text(pl_dict_get(node, name), &text) &&
	       strcmp(buf_str(&text), value) == 0;
	buf_free(&text);
	return same != differs;
}

static void
say_missing(struct walk *w, const struct schema_key *key, const char *because)
{
	const char *type = schema_vtype_name(key->vtype);

	if (!walk_enter(w, key->name))
		return;
	if (because != NULL)
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, type, NULL },
		    "is missing, with %s it is needed (%s)", because, type);
	else
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, type, NULL },
		    "is missing, %s needs it (%s)", w->what, type);
	walk_leave(w);
}

/* Whether each of several schemas of one dictionary demands the key. */
static bool
all_demand(const struct walk_dict *dict, const struct schema_key *key)
{
	size_t i;

	for (i = 0; i < dict->n; i++) {
		const struct schema_key *other =
		    schema_child(dict->schemas[i], key->name);

		if (other == key || dict->n == 1)
			continue;
		if (other != NULL && other->presence != SCHEMA_REQUIRED)
			return false;
	}
	return true;
}

static void
check_missing(struct walk *w, const struct walk_dict *dict,
    const struct schema_key *key, const struct pl *node)
{
	const char *optional, *needed;

	if (key->presence != SCHEMA_REQUIRED && key->rules == NULL)
		return;
	if (key->wild || pl_dict_get(node, key->name) != NULL ||
	    !all_demand(dict, key))
		return;
	needed = rule_arg(key, "needif");
	if (needed != NULL && holds(needed, node) &&
	    may_take(key, w->check->device)) {
		say_missing(w, key, needed);
		return;
	}
	optional = rule_arg(key, "optional");
	if (key->presence != SCHEMA_REQUIRED ||
	    (optional != NULL && holds(optional, node)) ||
	    !schema_key_demanded(key, w->check->device))
		return;
	say_missing(w, key, NULL);
}

/* A key that has no effect beside another one. */
static void
check_unless(
    struct walk *w, const struct schema_key *key, const struct pl *node)
{
	const char *other = rule_arg(key, "unless");

	if (other == NULL || pl_dict_get(node, key->name) == NULL ||
	    pl_dict_get(node, other) == NULL || !walk_enter(w, key->name))
		return;
	walk_say(w, (struct walk_note){ SCHEMA_WARNING, NULL, NULL },
	    "has no effect beside %s", other);
	walk_leave(w);
}

/* ---- between keys ------------------------------------------------------- */

/* The next name of "A,B,C"; false at the end. */
static bool
next_name(const char **list, char name[static 128])
{
	size_t n = strcspn(*list, ",");

	if (**list == '\0')
		return false;
	snprintf(name, 128, "%.*s", (int)n, *list);
	*list += n + ((*list)[n] == ',');
	return true;
}

static void
list_say(const char *list, const char *last, struct buf *b)
{
	char name[128];
	bool first = true;

	while (next_name(&list, name)) {
		if (!first)
			buf_text(b, *list == '\0' ? last : ", ");
		buf_text(b, name);
		first = false;
	}
}

/* How many of the list are in node. */
static size_t
count(const char *list, const struct pl *node, size_t *all)
{
	char name[128];
	size_t n = 0;

	*all = 0;
	while (next_name(&list, name)) {
		++*all;
		n += pl_dict_get(node, name) != NULL;
	}
	return n;
}

static void
check_rule(struct walk *w, const struct schema_rule *r, const struct pl *node)
{
	struct walk_note note = { SCHEMA_ERROR, NULL, NULL };
	struct buf names = { 0 };
	size_t all, n = count(r->arg, node, &all);

	if (strcmp(r->action, "xor") == 0 && n != 1) {
		list_say(r->arg, " or ", &names);
		walk_say(w, note, "exactly one of %s must stand here, %s",
		    buf_str(&names), n == 0 ? "none does" : "there are more");
	} else if (strcmp(r->action, "notboth") == 0 && n > 1) {
		list_say(r->arg, " and ", &names);
		walk_say(w, note, "%s cannot stand together", buf_str(&names));
	} else if (strcmp(r->action, "need") == 0 && n < all) {
		list_say(r->arg, " and ", &names);
		walk_say(w, note, "is incomplete: %s are all needed",
		    buf_str(&names));
	}
	buf_free(&names);
}

void
rules_check(struct walk *w, const struct walk_dict *dict, const struct pl *node)
{
	const struct schema_key *s, *key;
	const struct schema_rule *r;
	size_t i;

	for (i = 0; i < dict->n; i++) {
		s = dict->schemas[i];
		for (r = s->rules; r != NULL; r = r->next)
			check_rule(w, r, node);
		s = s->ref != NULL ? s->ref : s;
		if (!s->demands)
			continue;
		for (key = s->keys; key != NULL; key = key->next) {
			check_missing(w, dict, key, node);
			check_unless(w, key, node);
		}
	}
}
