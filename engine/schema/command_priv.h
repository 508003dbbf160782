/*
 * command_priv.h - between the files that read commands.
 */
#ifndef MDMFS_SCHEMA_COMMAND_PRIV_H
#define MDMFS_SCHEMA_COMMAND_PRIV_H

#include "engine/base/pl.h"
#include "engine/schema/schema.h"

/* Adds the finding that there is no such request type; ERR_INVALID. */
enum err_code command_unknown(
    const struct schema *schema, struct bytes name, struct err *err);

/* ---- words -------------------------------------------------------------- */

#define WORD_COMMA '\x1f' /* in a value: a comma outside of quotes */

struct word {
	struct buf text; /* unquoted; commas outside of quotes WORD_COMMA */
	size_t equals;   /* where its first '=' outside of quotes is */
	bool has_equals;
	bool quoted; /* some of the value was */
	unsigned line;
};

/*
 * The next word of *rest (line counts); *found false at the end.  The word's
 * buf is reset first.  ERR_UNDECODABLE: an open quote.
 */
enum err_code word_next(struct bytes *rest, unsigned *line, struct word *word,
    bool *found, struct err *err);

/* ---- values ------------------------------------------------------------- */

/* A value of the command text that is to become a node. */
struct given {
	const char *name; /* as it was written, for messages */
	const char *text;
	bool quoted;
	struct bytes tail; /* what @- stands for */
};

/*
 * If a word of text is KEY=@-, what follows that word's line goes from text to
 * tail.  Nothing is copied.
 */
void command_tail(struct bytes *text, struct bytes *tail);
/* The node of KEY=@-, data or string; NULL after a finding was added. */
struct pl *given_tail(
    const struct schema_key *key, const struct given *given, struct err *err);

/* The node that key's type makes of it (key NULL: what it looks like); NULL
 * after a finding was added. */
struct pl *given_value(
    const struct schema_key *key, const struct given *given, struct err *err);

#endif
