/*
 * command_text.h - a command as words: DeviceLock PIN=123456
 *
 * The first word is the request type, in Apple's spelling.  Then Key=Value,
 * separated by blanks or line ends.  A line that begins with # is a comment,
 * and so is what follows a blank and #.
 *
 *   value     plain up to the next blank; '...' as it stands; "..." where \"
 *             \\ \n \t mean what they mean in C; pieces may adjoin
 *   string    the text             integer   decimal or 0x...
 *   boolean   true false yes no 1 0          real      1.5
 *   data      base64, or @- (below) date      2026-11-25T14:11:00Z (RFC 3339)
 *   array     Key=a,b,c (commas in quotes do not separate) or Key again
 *   nested    Dict.Key=value; Dict={} has no keys; an item of an array of
 *             dictionaries: Array.Key=value, or Array.0.Key, Array.1.Key
 *   Settings  Item=DeviceName DeviceName=... : the one item of its array
 *   @-        InstallProfile Payload=@- : the value of data or a string is
 *             whatever follows that word's line, byte for byte (a string
 *             without its last line end); one word of a text
 */
#ifndef MDMFS_SCHEMA_COMMAND_TEXT_H
#define MDMFS_SCHEMA_COMMAND_TEXT_H

#include "engine/base/pl.h"
#include "engine/schema/schema.h"

/*
 * *ret is the command dictionary {RequestType, ...}, the caller's.  What can be
 * written as a property list can be written as text: unknown keys and values,
 * and what is missing, is for the validator (validate.h).
 * ERR_INVALID with all findings, a line each: an unknown request type, words
 * that are no Key=Value, values that are not of their key's type.
 * ERR_UNDECODABLE for text that is not UTF-8, has control characters, or an
 * open quote.
 */
enum err_code schema_command_from_text(const struct schema *schema,
    struct bytes text, struct pl **ret, struct err *err);

#endif
