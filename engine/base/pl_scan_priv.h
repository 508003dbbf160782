/*
 * pl_scan_priv.h - the state of a scan: between the characters
 * (pl_scan.c) and the elements (pl_scan_tag.c).
 */
#ifndef MDMFS_BASE_PL_SCAN_PRIV_H
#define MDMFS_BASE_PL_SCAN_PRIV_H

#include "engine/base/pl_priv.h"

enum scan_state {
	START,
	BOM,
	BINARY_MARK,
	BINARY,
	CONTENT, /* where tags may stand: prolog, containers, epilogue */
	MARKUP,  /* behind '<' */
	BANG,    /* behind "<!" */
	COMMENT,
	INSTRUCTION,
	DOCTYPE,
	NAME,
	ATTRIBUTES,
	TEXT,
	ENTITY,
	CDATA,
};

enum scan_flags {
	CLOSING = 1,   /* the tag being read is </...> */
	EMPTY = 2,     /* the last character was the '/' of <.../> */
	BEGUN = 4,     /* <plist> has come */
	ROOT = 8,      /* its value has come */
	ENDED = 16,    /* </plist> has come */
	NAME_DONE = 32 /* of <!DOCTYPE name */
};

#define HAS_KEY 0x80 /* in the stack: a dictionary's key waits for its value */

/* An element begins or ends: whether it may, and what follows from it. */
enum err_code pl_scan_open(
    struct pl_scan *scan, enum pl_tag tag, struct err *err);
enum err_code pl_scan_close(
    struct pl_scan *scan, enum pl_tag tag, struct err *err);

/* The innermost container, with HAS_KEY. */
uint8_t pl_scan_top(const struct pl_scan *scan);

#endif
