/*
 * schema_priv.h - between the files that read and search the tables.
 */
#ifndef MDMFS_SCHEMA_SCHEMA_PRIV_H
#define MDMFS_SCHEMA_SCHEMA_PRIV_H

#include <regex.h>

#include "engine/base/arena.h"
#include "engine/schema/schema.h"

struct schema {
	struct arena *arena;
	struct schema_type *types[SCHEMA_TABLES];
	struct schema_form *forms;
	const char *release;
	unsigned holds; /* changed atomically; the last one frees it */
};

/* A format, compiled once for all keys that have it. */
struct schema_form {
	struct schema_form *next;
	const char *text;
	regex_t re;
};

/* Names of a long list by their hash; free slots are NULL. */
struct schema_index {
	uint32_t mask;
	const struct schema_key *slots[];
};

/* ---- paths of the tables ------------------------------------------------ */

/* The key at that path, NULL if there is none. */
struct schema_key *path_find(struct schema_key *root, const char *path);

/* The place for a new key at that path: *in becomes its parent, the result is
 * the end of its list.  NULL: its parent is not there. */
struct schema_key **path_place(
    struct schema_key **in, const char *path, struct bytes *name);

/* ---- after all lines ---------------------------------------------------- */

/*
 * Sets key->form; nothing for a format in a dialect that POSIX reads otherwise
 * ("\\d", "(?:").  ERR_INVALID, ERR_NO_MEMORY.
 */
enum err_code form_compile(struct schema *s, struct schema_key *key);

/* References, flattened dictionaries, indexes.  ERR_INVALID names the key. */
enum err_code schema_finish(struct schema *s, struct err *err);

uint32_t name_hash(const char *name);
const struct schema_key *index_find(
    const struct schema_index *index, const char *name);

#endif
