/*
 * pl_priv.h - between the files that read property lists.
 */
#ifndef MDMFS_BASE_PL_PRIV_H
#define MDMFS_BASE_PL_PRIV_H

#include "engine/base/pl.h"
#include "engine/base/pl_scan.h"

enum pl_tag {
	TAG_NONE,
	TAG_PLIST,
	TAG_DICT,
	TAG_ARRAY,
	TAG_KEY,
	TAG_STRING,
	TAG_INTEGER,
	TAG_REAL,
	TAG_DATE,
	TAG_DATA,
	TAG_TRUE,
	TAG_FALSE,
};

/* What the scan tells the parser, in the document's order.  Text comes with
 * its entities resolved, in pieces. */
struct pl_sink {
	enum err_code (*open)(void *arg, enum pl_tag tag, struct err *err);
	enum err_code (*text)(void *arg, struct bytes text, struct err *err);
	enum err_code (*close)(void *arg, enum pl_tag tag, struct err *err);
};

const char *pl_tag_name(enum pl_tag tag);
enum pl_tag pl_tag_of(const char *name); /* TAG_NONE if unknown */

/* The character as UTF-8: how many bytes, 0 if it is NUL or none. */
size_t pl_utf8(uint32_t c, uint8_t out[static 4]);
/* The same for what stands between '&' and ';'. */
size_t pl_entity(const char *name, uint8_t out[static 4]);

/* What the bytes are if not a property list; s is not empty. */
const char *pl_guess(struct bytes s);

/* What a document has used of the limits in pl.h. */
struct pl_limits {
	size_t nodes;
	size_t bytes;
};

/* One more value or key of so many bytes.  ERR_TOO_BIG. */
enum err_code pl_limits_add(
    struct pl_limits *limits, size_t bytes, struct err *err);

/* pl_dict_set() where the limits hold: ERR_UNDECODABLE if the key is there
 * already, ERR_TOO_BIG.  Takes value in any case. */
enum err_code pl_dict_add(
    struct pl *dict, const char *key, struct pl *value, struct err *err);

/* s has a NUL or is no UTF-8: ERR_UNDECODABLE. */
enum err_code pl_check_text(struct bytes s, struct err *err);

/* <date>'s text; a year may have less than four digits, as libplist writes
 * those before 1000. */
bool pl_date_text(struct bytes s, int64_t *ret);

/* A binary property list ("bplist00" is there). */
enum err_code pl_parse_binary(struct bytes s, struct pl **ret, struct err *err);

#endif
