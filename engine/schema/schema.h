/*
 * schema.h - Apple's device-management schema as data.
 *
 * The tables (engine/schema/tables) are part of the program; schema_load()
 * reads them once, after which a struct schema never changes and may be used
 * by every thread.  Everything found in it lives as long as it does; whoever
 * may see it replaced holds it meanwhile.
 */
#ifndef MDMFS_SCHEMA_SCHEMA_H
#define MDMFS_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

struct schema;

/* One file of tables. */
enum schema_table {
	SCHEMA_COMMANDS,
	SCHEMA_CHECKIN,
	SCHEMA_PROFILES,
	SCHEMA_DECLARATIONS,
	SCHEMA_STATUS,
	SCHEMA_ERRORS,
	SCHEMA_RESPONSES,
	SCHEMA_PROTOCOL,
	SCHEMA_OTHER,
	SCHEMA_TABLES, /* how many */
};

enum schema_vtype {
	SCHEMA_VALUE, /* a reason: no type of its own */
	SCHEMA_STRING,
	SCHEMA_INTEGER,
	SCHEMA_BOOLEAN,
	SCHEMA_REAL,
	SCHEMA_DATA,
	SCHEMA_DATE,
	SCHEMA_ARRAY,
	SCHEMA_DICTIONARY,
	SCHEMA_ANY,
};

enum schema_presence {
	SCHEMA_UNSAID, /* an array's item, or not known */
	SCHEMA_OPTIONAL,
	SCHEMA_REQUIRED,
};

enum schema_os {
	SCHEMA_IOS,
	SCHEMA_MACOS,
	SCHEMA_TVOS,
	SCHEMA_VISIONOS,
	SCHEMA_WATCHOS,
	SCHEMA_OSES, /* how many */
};

/* A rule between the keys of a dictionary, or one more about a key, from
 * tables/overrides.tsv. */
struct schema_rule {
	struct schema_rule *next;
	const char *action; /* "xor", "need", "needif", "format", ... */
	const char *arg;    /* "" if it has none */
};

/* What is known about one key, array item or allowed value.  Texts are ""
 * when the table says nothing. */
struct schema_key {
	const char *name; /* of a key; the table's own name of an item; value */
	enum schema_vtype vtype;
	enum schema_presence presence;
	bool wild;          /* {ANY}: any key */
	const char *values; /* allowed ones, "A|B|C"; \| for a | inside */
	const char *range;  /* "0..65535", "3600.." */
	const char *count;  /* of an array: "1..2" */
	const char *dflt;
	const char *format;          /* a regular expression */
	const char *extra;           /* "src=go-adm;ref=..." */
	const char *os[SCHEMA_OSES]; /* "in=10.15;sup=1", "in=n/a" */
	struct schema_rule *rules;
	struct schema_key *parent;
	struct schema_key *keys;    /* a dictionary's, first of a list */
	struct schema_key *items;   /* an array's alternatives */
	struct schema_key *allowed; /* the =Value lines of a scalar */
	struct schema_key *next;    /* the next one beside this one */
	/* A schema that contains itself: the key whose keys and items this one
	 * has (its own are NULL).  Whoever follows it limits the depth. */
	const struct schema_key *ref;
	const struct schema_form *form;         /* of format; NULL: none */
	const struct schema_index *key_index;   /* NULL: few keys */
	const struct schema_index *value_index; /* of allowed; NULL: few */
	bool demands; /* some of its keys, or a rule, may be missed */
};

/* One command, payload, declaration, ...: its top keys begin at keys. */
struct schema_type {
	const char *name;    /* request type, payload type, ... */
	const char *variant; /* one name may have several; "" mostly */
	enum schema_table table;
	struct schema_key root; /* the document itself; holds OS facts, extra */
	struct schema_key *command; /* commands: its Command dictionary,
					   * NULL if there are no keys */
	struct schema_type *next;   /* in the order of the table */
};

/* ERR_NO_MEMORY; ERR_INTERNAL if the tables are broken (names the line). */
enum err_code schema_load(const struct schema **ret, struct err *err);

/*
 * The same from files: every table of engine/schema/tables must be in dir,
 * under the same name; overrides.tsv may be missing, then the program's own
 * are used where they still apply.  All of them or nothing: *ret is untouched
 * on failure.  ERR_NOT_FOUND: no such file; ERR_INVALID: names file and line.
 */
enum err_code schema_load_dir(
    const char *dir, const struct schema **ret, struct err *err);
/* One more schema_free() until it goes.  Returns it. */
const struct schema *schema_hold(const struct schema *schema);
/* Takes NULL. */
void schema_free(const struct schema *schema);

/* The release that the tables speak for, for messages: what stands in a line
 * "#release<TAB>..." of a table. */
const char *schema_release(const struct schema *schema);

/* The first type of a table; follow next. */
const struct schema_type *schema_types(
    const struct schema *schema, enum schema_table table);

/* The first type of that name in that table, NULL if there is none. */
const struct schema_type *schema_find(
    const struct schema *schema, enum schema_table table, const char *name);

/* A command by its RequestType. */
const struct schema_type *schema_command(
    const struct schema *schema, const char *request_type);

/* The known request type that looks most like name, NULL if none is near. */
const char *schema_command_near(const struct schema *schema, const char *name);

/* The key of that name in a list (a wild one takes any), NULL if unknown. */
const struct schema_key *schema_key(
    const struct schema_key *list, const char *name);

/* The same among the keys of a dictionary, which may be many; follows ref. */
const struct schema_key *schema_child(
    const struct schema_key *dict, const char *name);

/* The name in a list that looks most like name, NULL if none is near. */
const char *schema_key_near(const struct schema_key *list, const char *name);

/* The type of a table whose name looks most like name, NULL if none does. */
const char *schema_type_near(
    const struct schema *schema, enum schema_table table, const char *name);

/* Append the allowed value that looks most like value, if one does. */
void schema_value_near(
    const struct schema_key *key, const char *value, struct buf *b);
/* Append "A, B, C": what may stand there, cut after about 200 bytes. */
void schema_values_say(const struct schema_key *key, struct buf *b);

/* The =Value line of that value, which has OS facts; NULL if there is none. */
const struct schema_key *schema_value(
    const struct schema_key *key, const char *value);

/* Passwords, tokens and keys: their values stay out of messages. */
bool schema_is_secret(const char *name);

/* The text behind NAME= in key's extra up to ';', empty if it is not there. */
struct bytes schema_extra(const struct schema_key *key, const char *name);

/* What a value must look like by key's format, for a message: "6 digits". */
void schema_format_says(const struct schema_key *key, struct buf *b);

/* "string", "integer", ...: Apple's word. */
const char *schema_vtype_name(enum schema_vtype vtype);

/* Whether value is one of key's values; true when it has no list. */
bool schema_value_allowed(const struct schema_key *key, const char *value);

/* Whether value has key's format; true when it has none. */
bool schema_format_fits(const struct schema_key *key, const char *value);

#endif
