/*
 * text.h - bytes as text that a person or a script reads, and back.
 */
#ifndef MDMFS_BASE_TEXT_H
#define MDMFS_BASE_TEXT_H

#include <stdbool.h>

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

/*
 * Append s as one line of text: control characters become \n, \t, \r or \xNN,
 * a backslash becomes \\, and what is no UTF-8, or turns the direction of what
 * is read, becomes \xNN.
 */
void text_escape(struct buf *b, struct bytes s);

/* Whether s is UTF-8 without control characters (C0, DEL, C1). */
bool text_is_clean(struct bytes s);

/* Whether s is UTF-8 (RFC 3629), whatever characters it has. */
bool text_is_utf8(struct bytes s);

/* Append lower-case (or upper-case) hexadecimal digits, two a byte. */
void text_hex(struct buf *b, struct bytes s);
void text_hex_upper(struct buf *b, struct bytes s);

/* Append the bytes that an even number of hex digits mean. ERR_UNDECODABLE. */
enum err_code text_unhex(struct bytes s, struct buf *b, struct err *err);

/* Append base64 (RFC 4648 4) in one line. */
void text_base64(struct buf *b, struct bytes s);

/* Append what base64 text means; white space is skipped, the padding may be
 * missing.  ERR_UNDECODABLE. */
enum err_code text_unbase64(struct bytes s, struct buf *b, struct err *err);

/* Append a time (seconds since 1970 UTC) as RFC 3339: 2026-11-25T14:11:00Z. */
void text_time(struct buf *b, int64_t seconds);

/* The time that RFC 3339 text means: seconds since 1970 UTC, fractions cut
 * off; Z or an offset must stand there.  ERR_INVALID. */
enum err_code text_untime(struct bytes s, int64_t *ret, struct err *err);

/* Append s for XML character data or an attribute: & < > " become entities. */
void text_xml(struct buf *b, struct bytes s);

/* Append s for one segment of a URL's path: all but letters, digits and -._~
 * as %XX (RFC 3986 2.3). */
void text_url(struct buf *b, const char *s);

/* How many bytes of s, at most max, end at a character's end: for "%.*s". */
int text_fit(struct bytes s, int max);

/* s without white space at both ends. */
struct bytes text_trim(struct bytes s);

/*
 * Take the next line off *rest into *line, without its \n or \r\n.
 * False when nothing is left.
 */
bool text_line(struct bytes *rest, struct bytes *line);

/* Append 8-4-4-4-12 upper-case digits of 16 random bytes made a UUID
 * (RFC 9562 version 4). */
void text_uuid(struct buf *b, const uint8_t random[static 16]);

#endif
