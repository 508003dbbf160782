/*
 * page_priv.h - between the files that make a page about a request type.
 */
#ifndef MDMFS_SCHEMA_PAGE_PRIV_H
#define MDMFS_SCHEMA_PAGE_PRIV_H

#include "engine/schema/os_facts.h"
#include "engine/schema/page.h"

#define PAGE_WIDTH 79

/* Append words in lines that begin with that many blanks. */
void page_wrap(struct buf *b, unsigned indent, const char *text);

/* Append the sentence on systems, supervision, channels and access right. */
void page_facts(const struct schema_type *type, struct buf *b);

/* Append where a key differs from its request type: "macOS 10.14, not iOS";
 * nothing if it does not. */
void page_key_systems(const struct schema_type *type,
    const struct schema_key *key, struct buf *b);

/* The table of keys. */
void page_keys(const struct schema_type *type, struct buf *b);

/* The array whose items a text command writes as Item=NAME; NULL: none. */
const struct schema_key *page_settings(const struct schema_type *type);

/* What a value may be, of key or of an array's item: "one of A, B", "6
 * digits", "3600 to 86400"; nothing if there is nothing to say. */
void page_values(const struct schema_key *key, struct buf *b);

#endif
