/*
 * validate.h - a document against Apple's tables, and against a device.
 *
 * Commands, configuration profiles, declarations.  Nothing is changed and
 * nothing is refused here: everything that was found goes into findings
 * (findings.h), in the document's order.  A device's own messages are never
 * judged: devices are newer than any table.
 *
 * What is what:
 *   error        unknown or missing keys of commands and declarations, wrong
 *                types and values, an unknown request or declaration type
 *   unsupported  the device is known not to take the command, the payload, the
 *                declaration, or a key of a command
 *   warning      an unknown key or PayloadType of a profile (macOS keeps it as
 *                a preference), a key of a profile or declaration that the
 *                device passes over, 0 or 1 for a boolean, what is deprecated
 */
#ifndef MDMFS_SCHEMA_VALIDATE_H
#define MDMFS_SCHEMA_VALIDATE_H

#include "engine/base/pl.h"
#include "engine/schema/command.h"
#include "engine/schema/device.h"
#include "engine/schema/findings.h"

/*
 * Append what a signed profile (CMS) holds to content.  An error ends up in
 * the findings as one of the profile.
 */
typedef enum err_code schema_unwrap_fn(
    void *arg, struct bytes der, struct buf *content, struct err *err);

struct schema_check {
	const struct schema *schema;
	const struct schema_device *device; /* NULL: nothing is known */
	schema_unwrap_fn *unwrap; /* NULL: signed profiles stay closed */
	void *arg;                /* of unwrap */
	bool json; /* dates are RFC 3339 strings, data base64 strings */
};

/* The command in an envelope that was read (command.h); paths begin as the
 * document does, with or without "Command/". */
void schema_validate_command(const struct schema_check *c,
    const struct schema_envelope *env, struct schema_findings *findings);

/* A whole configuration profile, with all of its payloads. */
void schema_validate_profile(const struct schema_check *c,
    const struct pl *root, struct schema_findings *findings);

/* The same from its bytes: property list, or signed. */
void schema_validate_profile_file(const struct schema_check *c,
    struct bytes file, struct schema_findings *findings);

/* {Type, Identifier, Payload}; the ServerToken may be missing. */
void schema_validate_declaration(const struct schema_check *c,
    const struct pl *root, struct schema_findings *findings);

/*
 * Whether a device demands a required key wherever its parent is: not where a
 * system, a version or a state that d (NULL: nothing) may have does without.
 */
bool schema_key_demanded(
    const struct schema_key *key, const struct schema_device *d);

#endif
