/*
 * text.h - the little text that the mount makes itself.
 */
#ifndef MDMFS_FS_TEXT_H
#define MDMFS_FS_TEXT_H

#include "mdmfs/buf.h"
#include "mdmfs/err.h"

/* Append s with control characters and backslashes as \xNN and \\. */
void text_line_safe(struct buf *b, const char *s);

/* The inverse for backslashes: file_path() doubles them. */
void text_unescape(char *s);

/* Append a line for each finding of err: PATH: ERRNO: what is wrong. */
void text_fault(struct buf *b, const char *path, const struct err *err);

/* Append seconds since 1970 UTC as RFC 3339. */
void text_rfc3339(struct buf *b, int64_t seconds);

#endif
