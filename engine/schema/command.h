/*
 * command.h - commands as an administrator hands them in.
 *
 * DESIGN: a file in commands/ is a property list with or without the envelope
 * {CommandUUID, Command {RequestType, ...}}, or text (command_text.h).
 */
#ifndef MDMFS_SCHEMA_COMMAND_H
#define MDMFS_SCHEMA_COMMAND_H

#include "engine/base/pl.h"
#include "engine/base/pl_scan.h"
#include "engine/schema/schema.h"

#define SCHEMA_UUID_MAX 255 /* characters of a CommandUUID */
#define SCHEMA_TYPE_MAX 127 /* bytes of a RequestType */

/* Borrowed from the root that was checked. */
struct schema_envelope {
	const char *request_type;
	const char *uuid;         /* NULL when the document names none */
	const struct pl *command; /* {RequestType, ...} */
	bool enveloped;           /* command stood under the key Command */
	const struct schema_type *type; /* NULL: an unknown request type */
};

/*
 * What a document holds: {CommandUUID?, Command {RequestType, ...}} or the
 * bare {RequestType, ...}.  ERR_INVALID with every finding: no RequestType,
 * not a string, not 1 to 127 printable characters; a CommandUUID that is not 1
 * to 255 of them; keys beside Command.  An unknown request type is for
 * schema_validate_command() (validate.h), as everything in the command is.
 */
enum err_code schema_command_check_envelope(const struct schema *schema,
    const struct pl *root, struct schema_envelope *ret, struct err *err);

/*
 * A command file, whatever it is: property list or text.  *root is the
 * caller's, for pl_free(); env borrows from it.  ERR_UNDECODABLE,
 * ERR_INVALID.
 */
enum err_code schema_command_read(const struct schema *schema,
    struct bytes file, struct pl **root, struct schema_envelope *env,
    struct err *err);

/* Early refusal while a command file is being written; owns nothing. */
struct schema_command_scan {
	const struct schema *schema;
	uint8_t kind;     /* 0: not known yet; text or property list */
	uint8_t in_text;  /* where in the first lines of a text */
	uint8_t word_len; /* of the request type so far */
	char word[64];
	struct pl_scan pl;
};

void schema_command_scan_init(
    struct schema_command_scan *scan, const struct schema *schema);

/*
 * The next bytes of the file.  ERR_INVALID or ERR_UNDECODABLE: no
 * continuation can make it a command (pl_scan.h; or text whose first word is
 * whole and not a known request type); do not feed that scan again.
 */
enum err_code schema_command_scan_feed(
    struct schema_command_scan *scan, struct bytes more, struct err *err);

#endif
