/*
 * pl_scan.h - whether bytes can still become a property list.
 *
 * Fed with the growing document piece by piece, so that a write can be
 * refused as soon as no continuation mends it.  It looks at the structure of
 * XML (tags, nesting, where text may stand, what follows </plist>); a binary
 * property list is judged at its end alone, by pl_parse().  It never refuses
 * what pl_parse() takes: the parser is driven by it.
 */
#ifndef MDMFS_BASE_PL_SCAN_H
#define MDMFS_BASE_PL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

struct pl_sink;

/* Lives in the caller's memory, owns nothing; every field is the scan's. */
struct pl_scan {
	uint8_t state;
	uint8_t back;      /* the state behind a comment */
	uint8_t tag;       /* of the element whose text is read */
	uint8_t tag_flags; /* closing, empty, root seen and the like */
	uint8_t depth;
	uint8_t matched; /* how much of a marker ("-->", "]]>") has come */
	uint8_t quote;
	uint8_t word_len;
	uint8_t stack[66];          /* PL_DEPTH_MAX and <plist> */
	char word[32];              /* tag name, entity or first bytes */
	uint64_t offset;            /* bytes before this piece */
	uint64_t line;              /* lines before this piece */
	uint64_t column;            /* bytes of the last one of them */
	const struct pl_sink *sink; /* the parser; NULL when only scanning */
	void *sink_arg;
};

void pl_scan_init(struct pl_scan *scan);

/*
 * The next bytes.  ERR_UNDECODABLE (where and why) or ERR_TOO_BIG (too deep):
 * the document can never become valid; do not feed that scan again.
 */
enum err_code pl_scan_feed(
    struct pl_scan *scan, struct bytes more, struct err *err);

/* Whether </plist> has come: what is there is a whole document.  Never true
 * of a binary property list. */
bool pl_scan_complete(const struct pl_scan *scan);

/* Said at the end of the document: ERR_OK, or ERR_UNDECODABLE with what is
 * missing ("cut short: ...").  ERR_OK for a binary one. */
enum err_code pl_scan_end(const struct pl_scan *scan, struct err *err);

#endif
