/*
 * tables.h - the text of engine/schema/tables, inside the program.
 */
#ifndef MDMFS_SCHEMA_TABLES_H
#define MDMFS_SCHEMA_TABLES_H

#include "engine/schema/schema.h"

/* The text of one file; not NUL-terminated, lives for ever. */
struct bytes table_text(enum schema_table table);
struct bytes table_overrides(void);

/* "commands", ...: the file's name without .tsv. */
const char *table_name(enum schema_table table);

/* Where the texts of a whole schema come from. */
struct table_set {
	struct bytes tables[SCHEMA_TABLES];
	struct bytes overrides;
	const char *dir;      /* for messages */
	const char *release;  /* unless a table says it */
	enum err_code broken; /* what a mistake in them is */
	bool lenient;         /* overrides of keys that are not there: passed */
};

/* Borrows the texts for the call.  set->broken, ERR_NO_MEMORY. */
enum err_code schema_load_set(
    const struct table_set *set, const struct schema **ret, struct err *err);

#endif
