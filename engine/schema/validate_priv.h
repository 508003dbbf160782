/*
 * validate_priv.h - a walk through a document, beside its schema.
 */
#ifndef MDMFS_SCHEMA_VALIDATE_PRIV_H
#define MDMFS_SCHEMA_VALIDATE_PRIV_H

#include "engine/schema/validate.h"

#define WALK_DEPTH_MAX 80 /* steps of a path; pl_parse() allows 64 */
#define WALK_UNION_MAX 12 /* schemas that share one dictionary */

struct step {
	const char *name; /* NULL: an item */
	size_t index;
};

struct walk {
	const struct schema_check *check;
	struct schema_findings *found;
	const char *what;             /* whose keys these are, for messages */
	enum schema_severity unknown; /* an unknown key */
	enum schema_severity unfit;   /* a key that the device cannot take */
	bool above_unfit;             /* said already, of something above */
	size_t depth;
	struct step steps[WALK_DEPTH_MAX];
};

/* One dictionary; its keys may be spread over several schemas. */
struct walk_dict {
	const struct schema_key *schemas[WALK_UNION_MAX];
	size_t n;
	const char *also; /* a key that may stand there as well, or NULL */
};

/* False, with a finding, when it is too deep: then do not leave. */
bool walk_enter(struct walk *w, const char *name);
bool walk_enter_item(struct walk *w, size_t index);
void walk_leave(struct walk *w);

/* A finding at this place; expected and near may be NULL. */
struct walk_note {
	enum schema_severity severity;
	const char *expected;
	const char *near;
};
void walk_say(struct walk *w, struct walk_note note, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The OS facts of a key that is there; false, with a finding, if the device
 * cannot take it.  subject: what is named, if the path does not (or NULL). */
bool walk_facts(struct walk *w, const struct schema_key *key,
    enum schema_severity severity, const char *subject);

/* A value against its key: facts, type, and everything in it. */
void walk_value(
    struct walk *w, const struct schema_key *key, const struct pl *node);
void walk_dict(
    struct walk *w, const struct walk_dict *dict, const struct pl *node);

/* ---- validate_value.c --------------------------------------------------- */

/* Values, range, form of a scalar that has the type. */
void value_check(
    struct walk *w, const struct schema_key *key, const struct pl *node);
/* A node as text, for comparisons and messages; false: it has none. */
bool value_text(const struct pl *node, struct buf *b);
/* How many items there are. */
void value_check_count(struct walk *w, const struct schema_key *key, size_t n);

/* ---- validate_rules.c --------------------------------------------------- */

/* What is missing in node, and what does not go together there. */
void rules_check(
    struct walk *w, const struct walk_dict *dict, const struct pl *node);
/* The argument of the first such rule, NULL if key has none. */
const char *rule_arg(const struct schema_key *key, const char *action);

/* ---- validate_profile.c ------------------------------------------------- */

/* A profile's bytes, or its dictionary, at the place of outer. */
void profile_check_data(const struct walk *outer, struct bytes file);
void profile_check(const struct walk *outer, const struct pl *root);

#endif
