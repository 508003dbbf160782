#include "engine/schema/validate.h"

#include <string.h>

#include "engine/schema/validate_priv.h"

/* A key that is not in the tables, because it is of the envelope. */
#define KEY(key_name, type, must, following)                                   \
	{                                                                      \
		.name = (key_name), .vtype = SCHEMA_##type,                    \
		.presence = SCHEMA_##must, .values = "", .range = "",          \
		.count = "", .dflt = "", .format = "", .extra = "",            \
		.os = { "", "", "", "", "" }, .next = (following)              \
	}

/* Of every command.  Apple documents RequestRequiresNetworkTether at each. */
static struct schema_key command_keys[] = {
	KEY("RequestType", STRING, OPTIONAL, &command_keys[1]),
	KEY("RequestRequiresNetworkTether", BOOLEAN, OPTIONAL, NULL),
};
static struct schema_key command_root = KEY("", DICTIONARY, OPTIONAL, NULL);

/* Of every declaration.  The server makes the ServerToken. */
static struct schema_key declaration_keys[] = {
	KEY("Type", STRING, REQUIRED, &declaration_keys[1]),
	KEY("Identifier", STRING, REQUIRED, &declaration_keys[2]),
	KEY("ServerToken", STRING, OPTIONAL, &declaration_keys[3]),
	KEY("Payload", DICTIONARY, REQUIRED, NULL),
};
static struct schema_key declaration_root = KEY("", DICTIONARY, OPTIONAL, NULL);

/* The static keys above, as parents of each other; never written to. */
static struct schema_key
root_of(const struct schema_key *root, struct schema_key *keys)
{
	struct schema_key made = *root;

	made.keys = keys;
	made.demands = true;
	return made;
}

/* ---- commands ----------------------------------------------------------- */

static void
unknown_type(
    struct walk *w, const char *kind, const char *name, enum schema_table table)
{
	const struct schema *schema = w->check->schema;
	struct walk_note note = { SCHEMA_ERROR, NULL,
		schema_type_near(schema, table, name) };

	if (note.near != NULL)
		walk_say(w, note, "unknown %s %.80s: did you mean %s?", kind,
		    name, note.near);
	else
		walk_say(w, note,
		    "unknown %s %.80s (known is what stands in %s)", kind, name,
		    schema_release(schema));
}

/* Where commands carry profiles. */
static const struct {
	const char *type;
	const char *in; /* a dictionary of the command, or NULL */
	const char *key;
} profiles[] = {
	{ "InstallProfile", NULL, "Payload" },
	{ "EraseDevice", "ReturnToService", "MDMProfileData" },
	{ "EraseDevice", "ReturnToService", "WiFiProfileData" },
};

static void
check_profiles(struct walk *w, const struct pl *command)
{
	size_t i, depth = w->depth;
	const struct pl *in;
	struct bytes data;

	for (i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].type, w->what) != 0)
			continue;
		in = profiles[i].in == NULL
		         ? command
		         : pl_get_dict(command, profiles[i].in);
		data = pl_get_data(in, profiles[i].key);
		if (data.p == NULL)
			continue;
		if ((profiles[i].in == NULL || walk_enter(w, profiles[i].in)) &&
		    walk_enter(w, profiles[i].key))
			profile_check_data(w, data);
		w->depth = depth;
	}
}

void
schema_validate_command(const struct schema_check *c,
    const struct schema_envelope *env, struct schema_findings *findings)
{
	struct schema_key common = root_of(&command_root, command_keys);
	struct walk_dict dict = { { &common }, 1, NULL };
	struct walk w = { .check = c,
		.found = findings,
		.what = env->request_type,
		.unknown = SCHEMA_ERROR,
		.unfit = SCHEMA_UNSUPPORTED };
	bool fits = true;

	if (env->enveloped && !walk_enter(&w, "Command"))
		return;
	if (!walk_enter(&w, "RequestType"))
		return;
	if (env->type == NULL)
		unknown_type(
		    &w, "request type", env->request_type, SCHEMA_COMMANDS);
	else
		fits = walk_facts(&w, &env->type->root, SCHEMA_UNSUPPORTED,
		    env->request_type);
	walk_leave(&w);
	/* of what is not known nothing more can be said */
	if (env->type == NULL)
		return;
	w.above_unfit = !fits;
	if (env->type->command != NULL)
		dict.schemas[dict.n++] = env->type->command;
	walk_dict(&w, &dict, env->command);
	check_profiles(&w, env->command);
}

/* ---- declarations ------------------------------------------------------- */

static bool
is_declaration(const struct schema_type *type)
{
	static const char *const classes[] = { "activation", "asset",
		"configuration", "management" };
	struct bytes class = schema_extra(&type->root, "class");
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (bytes_equal(class, bytes_text(classes[i])))
			return true;
	return false;
}

/* The schema of a declaration, NULL after a finding. */
static const struct schema_type *
declaration_type(struct walk *w, const struct pl *root)
{
	const struct schema_type *type;
	const char *name = pl_get_string(root, "Type");

	if (name == NULL)
		return NULL;
	w->what = name;
	type = schema_find(w->check->schema, SCHEMA_DECLARATIONS, name);
	if (type != NULL && is_declaration(type))
		return type;
	if (!walk_enter(w, "Type"))
		return NULL;
	if (type != NULL)
		walk_say(w, (struct walk_note){ SCHEMA_ERROR, NULL, NULL },
		    "%.80s is the document that an asset leads to, not a "
		    "declaration",
		    name);
	else
		unknown_type(w, "declaration", name, SCHEMA_DECLARATIONS);
	walk_leave(w);
	return NULL;
}

void
schema_validate_declaration(const struct schema_check *c, const struct pl *root,
    struct schema_findings *findings)
{
	struct schema_key common = root_of(&declaration_root, declaration_keys);
	struct walk_dict dict = { { NULL, &common }, 2, NULL };
	const struct schema_type *type;
	struct walk w = { .check = c,
		.found = findings,
		.what = "a declaration",
		.unknown = SCHEMA_ERROR,
		.unfit = SCHEMA_WARNING };

	if (pl_type(root) != PL_DICT) {
		walk_say(&w,
		    (struct walk_note){ SCHEMA_ERROR, "dictionary", NULL },
		    "a declaration is a dictionary, this is a %s",
		    pl_type_name(pl_type(root)));
		return;
	}
	type = declaration_type(&w, root);
	if (type == NULL) {
		/* what every declaration has can be missing all the same */
		dict = (struct walk_dict){ { &common }, 1, NULL };
		rules_check(&w, &dict, root);
		return;
	}
	dict.schemas[0] = &type->root;
	if (walk_enter(&w, "Type")) {
		w.above_unfit = !walk_facts(
		    &w, &type->root, SCHEMA_UNSUPPORTED, type->name);
		walk_leave(&w);
	}
	walk_dict(&w, &dict, root);
}
