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

#endif
