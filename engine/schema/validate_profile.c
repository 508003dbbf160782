/* Configuration profiles and their payloads. */
#include <string.h>

#include "engine/schema/validate_priv.h"

#define DER_SEQUENCE 0x30 /* the first byte of a signed profile */

/* Takes whatever stands in a payload of an unknown type. */
static struct schema_key any_keys = {
	.name = "{ANY}",
	.vtype = SCHEMA_ANY,
	.wild = true,
	.values = "",
	.range = "",
	.count = "",
	.dflt = "",
	.format = "",
	.extra = "",
	.os = { "", "", "", "", "" },
};
static const struct schema_key any_root = {
	.name = "",
	.vtype = SCHEMA_DICTIONARY,
	.values = "",
	.range = "",
	.count = "",
	.dflt = "",
	.format = "",
	.extra = "",
	.os = { "", "", "", "", "" },
	.keys = &any_keys,
};

/*
 * Variants of one type may be told apart by a key that has one value in one
 * of them: 0 says nothing, 1 it is this one, -1 it is not.
 */
static int
recognized(const struct schema_type *type, const struct pl *node)
{
	const struct schema_key *key;
	const char *value;

	for (key = type->root.keys; key != NULL; key = key->next) {
		if (key->vtype != SCHEMA_STRING || key->values[0] == '\0' ||
		    strchr(key->values, '|') != NULL || key->allowed != NULL ||
		    key->presence != SCHEMA_REQUIRED)
			continue;
		value = pl_get_string(node, key->name);
		return value != NULL && strcmp(value, key->values) == 0 ? 1
		                                                        : -1;
	}
	return 0;
}

/* The schemas of a payload: all of that name, or the one that it must be. */
static void
variants(const struct schema *schema, const char *name, const struct pl *node,
    struct walk_dict *dict)
{
	const struct schema_type *t = schema_types(schema, SCHEMA_PROFILES);
	size_t first = dict->n;
	bool seen = false;
	int is;

	/* one place is left for what every payload has */
	for (; t != NULL && dict->n + 1 < WALK_UNION_MAX; t = t->next) {
		/* all of one name stand together */
		if (strcmp(t->name, name) != 0) {
			if (seen)
				return;
			continue;
		}
		seen = true;
		if (!bytes_equal(
			schema_extra(&t->root, "class"), bytes_text("payload")))
			continue;
		is = t->variant[0] != '\0' ? recognized(t, node) : 0;
		if (is > 0)
			dict->n = first;
		if (is >= 0)
			dict->schemas[dict->n++] = &t->root;
		if (is > 0)
			return;
	}
}

static void
unknown_payload(struct walk *w, const char *name)
{
	struct walk_note note = { SCHEMA_WARNING, NULL,
		schema_type_near(w->check->schema, SCHEMA_PROFILES, name) };

	if (!walk_enter(w, "PayloadType"))
		return;
	if (note.near != NULL)
		walk_say(w, note,
		    "unknown payload type %.80s: did you mean %s?", name,
		    note.near);
	else
		walk_say(w, note,
		    "unknown payload type %.80s: macOS takes it as a "
		    "preference domain",
		    name);
	walk_leave(w);
}

/* Whether some key of the schema is in the payload. */
static bool
is_used(const struct schema_key *root, const struct pl *node)
{
	const struct schema_key *key;

	for (key = root->keys; key != NULL; key = key->next)
		if (!key->wild && pl_dict_get(node, key->name) != NULL)
			return true;
	return false;
}

/* Whether the device takes the payload: every variant of which it has keys. */
static bool
payload_fits(struct walk *w, const struct walk_dict *dict,
    const struct pl *node, const char *name)
{
	bool good = true;
	size_t i;

	if (!walk_enter(w, "PayloadType"))
		return true;
	for (i = 0; i < dict->n && good; i++)
		if (dict->n == 1 || is_used(dict->schemas[i], node))
			good = walk_facts(
			    w, dict->schemas[i], SCHEMA_UNSUPPORTED, name);
	walk_leave(w);
	return good;
}

/* One payload, at this place. */
static void
payload(struct walk *w, const struct schema_key *common, const struct pl *node)
{
	const char *name = pl_get_string(node, "PayloadType");
	struct walk_dict dict = { 0 };
	bool above = w->above_unfit;

	if (pl_type(node) != PL_DICT)
		return; /* said already */
	w->what = name != NULL ? name : "a payload";
	if (name != NULL)
		variants(w->check->schema, name, node, &dict);
	if (dict.n == 0) {
		if (name != NULL)
			unknown_payload(w, name);
		dict.schemas[dict.n++] = &any_root;
	} else if (!payload_fits(w, &dict, node, name)) {
		w->above_unfit = true;
	}
	dict.schemas[dict.n++] = common;
	walk_dict(w, &dict, node);
	w->above_unfit = above;
}

static void
payloads(struct walk *w, const struct pl *root)
{
	const struct schema_type *common =
	    schema_find(w->check->schema, SCHEMA_PROFILES, "CommonPayloadKeys");
	const struct pl *list = pl_get_array(root, "PayloadContent");
	size_t i, n = pl_array_len(list);

	if (common == NULL || !walk_enter(w, "PayloadContent"))
		return;
	for (i = 0; i < n; i++) {
		if (!walk_enter_item(w, i))
			break;
		payload(w, &common->root, pl_array_at(list, i));
		walk_leave(w);
	}
	walk_leave(w);
}

void
profile_check(const struct walk *outer, const struct pl *root)
{
	const struct schema_type *top =
	    schema_find(outer->check->schema, SCHEMA_PROFILES, "TopLevel");
	struct walk_dict dict = { { 0 }, 1, NULL };
	struct walk w = *outer;

	w.what = "a profile";
	w.unknown = SCHEMA_WARNING;
	w.unfit = SCHEMA_WARNING;
	if (pl_type(root) != PL_DICT) {
		walk_say(&w,
		    (struct walk_note){ SCHEMA_ERROR, "dictionary", NULL },
		    "a profile is a dictionary, this is a %s",
		    pl_type_name(pl_type(root)));
		return;
	}
	if (top == NULL)
		return;
	dict.schemas[0] = &top->root;
	walk_dict(&w, &dict, root);
	payloads(&w, root);
}

static void
check_plist(struct walk *w, struct bytes file)
{
	struct pl *root = NULL;
	struct err err = { 0 };

	if (pl_parse(file, &root, &err) == ERR_OK)
		profile_check(w, root);
	else
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, NULL, NULL },
		    "the profile cannot be read: %.200s", err.msg);
	pl_free(root);
}

void
profile_check_data(const struct walk *outer, struct bytes file)
{
	const struct schema_check *c = outer->check;
	struct walk w = *outer;
	struct buf content = { 0 };
	struct err err = { 0 };

	if (pl_looks_like(file)) {
		check_plist(&w, file);
	} else if (file.len == 0 || file.p[0] != DER_SEQUENCE) {
		walk_say(&w, (struct walk_note){ SCHEMA_ERROR, NULL, NULL },
		    "is no configuration profile: neither a property list nor "
		    "a signed one");
	} else if (c->unwrap != NULL) {
		if (c->unwrap(c->arg, file, &content, &err) == ERR_OK)
			check_plist(&w, buf_view(&content));
		else
			walk_say(&w,
			    (struct walk_note){ SCHEMA_ERROR, NULL, NULL },
			    "the signed profile cannot be opened: %.200s",
			    err.msg);
	}
	buf_wipe(&content);
}

void
schema_validate_profile(const struct schema_check *c, const struct pl *root,
    struct schema_findings *findings)
{
	struct walk w = { .check = c, .found = findings };

	profile_check(&w, root);
}

void
schema_validate_profile_file(const struct schema_check *c, struct bytes file,
    struct schema_findings *findings)
{
	struct walk w = { .check = c, .found = findings };

	profile_check_data(&w, file);
}
