/*
 * generate.h - valid documents made from the tables, and documents with one
 * mistake.
 */
#ifndef MDMFS_TESTS_SCHEMA_GENERATE_H
#define MDMFS_TESTS_SCHEMA_GENERATE_H

#include <stdio.h>
#include <stdlib.h>

#include "engine/schema/os_facts.h"
#include "engine/schema/validate.h"

enum mistake { NONE, MISSING, MISSPELT, WRONG_TYPE, WRONG_VALUE, MISTAKES };

struct generate {
	const struct schema_key
	    *target;          /* what must be there (NULL: nothing) */
	enum mistake mistake; /* of target */
	bool all;             /* optional keys as well */
	unsigned depth;
	/* only keys that this device can take (NULL: any) */
	const struct schema_device *device;
};

static inline struct pl *generate_value(
    struct generate *g, const struct schema_key *key);

/* Whether the target is key or stands below it. */
static inline bool
on_way(const struct generate *g, const struct schema_key *key)
{
	const struct schema_key *k;

	for (k = g->target; k != NULL; k = k->parent)
		if (k == key)
			return true;
	return false;
}

static inline const char *
rule_of(const struct schema_key *key, const char *action)
{
	const struct schema_rule *r;

	for (r = key->rules; r != NULL; r = r->next)
		if (strcmp(r->action, action) == 0)
			return r->arg;
	return NULL;
}

static inline bool
in_list(const char *list, const char *name)
{
	size_t n = strlen(name);
	const char *p;

	for (p = list; (p = strstr(p, name)) != NULL; p += n)
		if ((p == list || p[-1] == ',') &&
		    (p[n] == '\0' || p[n] == ','))
			return true;
	return false;
}

/* Whether another key of the list stands there in its place. */
static inline bool
excluded(const struct generate *g, const struct schema_key *dict,
    const struct schema_key *key)
{
	const char *list = rule_of(dict, "xor");
	const struct schema_key *k;

	if (list == NULL)
		list = rule_of(dict, "notboth");
	if (list == NULL || !in_list(list, key->name))
		return false;
	for (k = dict->keys; k != NULL; k = k->next)
		if (in_list(list, k->name) && on_way(g, k))
			return k != key;
	return strncmp(list, key->name, strlen(key->name)) != 0;
}

static inline bool
takes(const struct generate *g, const struct schema_key *key)
{
	struct os_facts f;

	if (g->device == NULL)
		return true;
	f = facts_of(key->os[g->device->os]);
	return facts_judge(&f, NULL, g->device, NULL) != FACTS_UNFIT;
}

static inline bool
wanted(const struct generate *g, const struct schema_key *dict,
    const struct schema_key *key)
{
	const char *list = rule_of(dict, "need");

	if (excluded(g, dict, key) || !takes(g, key))
		return false;
	if (g->target == key && g->mistake == MISSING)
		return false;
	if (rule_of(dict, "xor") != NULL &&
	    in_list(rule_of(dict, "xor"), key->name))
		return true;
	if (list != NULL && in_list(list, key->name))
		return true;
	if (on_way(g, key) || key->presence == SCHEMA_REQUIRED ||
	    rule_of(key, "needif") != NULL)
		return true;
	return g->all && rule_of(key, "unless") == NULL;
}

static inline void
generate_keys(struct generate *g, const struct schema_key *dict, struct pl *ret)
{
	const struct schema_key *from = dict->ref != NULL ? dict->ref : dict;
	const struct schema_key *key;
	char name[200];

	for (key = from->keys; key != NULL; key = key->next) {
		if (!wanted(g, from, key))
			continue;
		snprintf(name, sizeof(name), "%s%s",
		    key->wild ? "Any" : key->name,
		    g->target == key && g->mistake == MISSPELT ? "Q" : "");
		pl_dict_set(ret, name, generate_value(g, key));
	}
}

static inline struct pl *
generate_string(const struct schema_key *key)
{
	static const char *const forms[] = { "123456",
		"01234567-89ab-cdef-0123-456789abcdef", "https://a.example",
		"00:11:22:aa:bb:cc" };
	char value[256];
	size_t i;

	if (key->values[0] != '\0') {
		snprintf(value, sizeof(value), "%.*s",
		    (int)strcspn(key->values, "|"), key->values);
		return pl_new_string(value);
	}
	if (key->allowed != NULL)
		return pl_new_string(key->allowed->name);
	for (i = 0;
	     key->format[0] != '\0' && i < sizeof(forms) / sizeof(forms[0]);
	     i++)
		if (schema_format_fits(key, forms[i]))
			return pl_new_string(forms[i]);
	return pl_new_string("text");
}

static inline double
generate_number(const struct schema_key *key)
{
	const char *min = rule_of(key, "min");

	if (key->values[0] != '\0')
		return strtod(key->values, NULL);
	if (key->range[0] != '\0')
		return strtod(key->range, NULL);
	return min != NULL ? strtod(min, NULL) : 1;
}

static inline struct pl *
generate_array(struct generate *g, const struct schema_key *key)
{
	const struct schema_key *from = key->ref != NULL ? key->ref : key;
	const struct schema_key *item;
	struct pl *ret = pl_new_array();
	const char *count = key->count;
	long n = 1;

	for (item = from->items; item != NULL; item = item->next)
		if (on_way(g, item))
			break;
	if (item == NULL)
		item = from->items;
	while (item != NULL && !takes(g, item))
		item = item->next;
	if (item == NULL)
		return ret;
	if (count[0] == '\0')
		count = item->count;
	if (count[0] != '\0')
		n = strtol(count, NULL, 10);
	if (g->target == key && g->mistake == WRONG_VALUE)
		n++;
	while (n-- > 0) {
		struct pl *made = generate_value(g, item);

		/* the alternative without Item in the tables */
		if (from->items->next != NULL && pl_type(made) == PL_DICT &&
		    schema_key(item->keys, "Item") == NULL)
			pl_set_string(made, "Item", item->name);
		pl_array_add(ret, made);
	}
	return ret;
}

/* A configuration profile, where a command carries one. */
static inline struct pl *
generate_data(const struct schema_key *key)
{
	static const char profile[] =
	    "<plist><dict><key>PayloadType</key><string>Configuration</string>"
	    "<key>PayloadIdentifier</key><string>a</string><key>PayloadUUID"
	    "</key><string>u</string><key>PayloadVersion</key><integer>1"
	    "</integer><key>PayloadContent</key><array/></dict></plist>";

	if (strcmp(key->name, "Payload") == 0 ||
	    strstr(key->name, "ProfileData") != NULL)
		return pl_new_data(bytes_text(profile));
	return pl_new_data(bytes_text("x"));
}

static inline bool
can_be_wrong(const struct schema_key *key)
{
	if (key->vtype == SCHEMA_ARRAY)
		return key->count[0] != '\0' ||
		       (key->items != NULL && key->items->count[0] != '\0');
	return key->values[0] != '\0' || key->allowed != NULL ||
	       key->range[0] != '\0' || key->form != NULL ||
	       rule_of(key, "min") != NULL;
}

static inline struct pl *
generate_wrong(struct generate *g, const struct schema_key *key)
{
	if (key->vtype == SCHEMA_STRING)
		return pl_new_string("?wrong?");
	if (key->vtype == SCHEMA_ARRAY)
		return generate_array(g, key);
	return key->vtype == SCHEMA_REAL ? pl_new_real(-99999.5)
	                                 : pl_new_int(-99999);
}

static inline struct pl *
generate_right(struct generate *g, const struct schema_key *key)
{
	struct pl *ret;

	switch (key->vtype) {
	case SCHEMA_STRING:
		return generate_string(key);
	case SCHEMA_INTEGER:
		return pl_new_int((int64_t)generate_number(key));
	case SCHEMA_BOOLEAN:
		return pl_new_bool(true);
	case SCHEMA_REAL:
		return pl_new_real(generate_number(key));
	case SCHEMA_DATA:
		return generate_data(key);
	case SCHEMA_DATE:
		return pl_new_date(1800000000);
	case SCHEMA_ARRAY:
		return generate_array(g, key);
	case SCHEMA_DICTIONARY:
		ret = pl_new_dict();
		generate_keys(g, key, ret);
		return ret;
	case SCHEMA_ANY:
	case SCHEMA_VALUE:
		break;
	}
	return pl_new_string("any");
}

static inline struct pl *
generate_value(struct generate *g, const struct schema_key *key)
{
	struct pl *ret;

	if (g->target == key && g->mistake == WRONG_TYPE)
		return key->vtype == SCHEMA_DICTIONARY ? pl_new_bool(true)
		                                       : pl_new_dict();
	if (g->target == key && g->mistake == WRONG_VALUE)
		return generate_wrong(g, key);
	/* what contains itself ends somewhere */
	if (g->depth > 14 && key->vtype == SCHEMA_ARRAY)
		return pl_new_array();
	g->depth++;
	ret = generate_right(g, key);
	g->depth--;
	return ret;
}

/* ---- whole documents ---------------------------------------------------- */

static inline struct pl *
generate_command(struct generate *g, const struct schema_type *t)
{
	struct pl *ret = pl_new_dict();

	pl_set_string(ret, "RequestType", t->name);
	if (t->command != NULL)
		generate_keys(g, t->command, ret);
	return ret;
}

static inline struct pl *
generate_declaration(struct generate *g, const struct schema_type *t)
{
	struct pl *ret = pl_new_dict();

	pl_set_string(ret, "Type", t->name);
	pl_set_string(ret, "Identifier", "id");
	generate_keys(g, &t->root, ret);
	return ret;
}

static inline void
generate_common(struct pl *dict, const char *type)
{
	pl_set_string(dict, "PayloadType", type);
	pl_set_string(dict, "PayloadIdentifier", "a.b");
	pl_set_string(dict, "PayloadUUID", "u");
	pl_set_int(dict, "PayloadVersion", 1);
}

/* A profile with one payload of that type. */
static inline struct pl *
generate_profile(struct generate *g, const struct schema_type *t)
{
	struct pl *ret = pl_new_dict(), *list = pl_new_array();
	struct pl *payload = pl_new_dict();

	generate_common(ret, "Configuration");
	pl_dict_set(ret, "PayloadContent", list);
	pl_array_add(list, payload);
	generate_keys(g, &t->root, payload);
	generate_common(payload, t->name);
	return ret;
}

#endif
