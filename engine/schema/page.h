/*
 * page.h - what the tables know of a request type, as a page for people: who
 * takes it, its keys, an example.
 */
#ifndef MDMFS_SCHEMA_PAGE_H
#define MDMFS_SCHEMA_PAGE_H

#include "engine/schema/schema.h"

/* Append the page; at most 80 columns, but for names that are longer.  goes: a
 * sentence on where the answer goes, "": nothing is said. */
void schema_page(const struct schema *schema, const struct schema_type *type,
    const char *goes, struct buf *b);

/* A command as an administrator would write it. */
struct schema_example {
	struct buf text;  /* one line, without its end; the caller's */
	const char *file; /* whose bytes follow it (KEY=@-); NULL: none */
};

/* One that validates.  False: none is known; then text is empty. */
bool schema_example_of(const struct schema *schema,
    const struct schema_type *type, struct schema_example *ret);

/* Append it with a stand-in for the file: a whole command file. */
void schema_example_whole(const struct schema_example *example, struct buf *b);

#endif
