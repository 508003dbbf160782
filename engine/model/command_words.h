/*
 * command_words.h - what a command says to mdmfs and not to the device: the
 * keys Expires and confirm, in text or beside RequestType in a property list.
 */
#ifndef MDMFS_MODEL_COMMAND_WORDS_H
#define MDMFS_MODEL_COMMAND_WORDS_H

#include "engine/model/model.h"
#include "engine/schema/command.h"

struct command_words {
	int64_t expires;  /* seconds since 1970 UTC; 0: it does not say */
	char confirm[80]; /* ""; the ending NAME.confirm=TEXT of a name says so,
			   * too */
};

/*
 * Take these keys out of the command in root, to which env belongs.
 * ERR_INVALID: a time that cannot be read or is over.
 */
enum err_code command_words_take(struct pl *root,
    const struct schema_envelope *env, const char *name, int64_t now,
    struct command_words *ret, struct err *err);

/* 90s, 30m, 12h, 7d, 2w from now on, or RFC 3339; must be in the future. */
enum err_code expiry_parse(
    struct bytes s, int64_t now, int64_t *ret, struct err *err);

#endif
