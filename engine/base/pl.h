/*
 * pl.h - property lists: the one door between their bytes and ours.
 *
 * Reads XML and binary property lists, writes both.  A struct pl is a node of
 * a tree; whoever holds the root frees the whole tree.  Functions of libplist
 * are called plist_*, so ours are pl_*.  Running out of memory while a tree
 * is built ends the process: libplist asserts.
 *
 * What is refused when reading, because it can only be a mistake or an
 * attack: NUL characters, bytes that are not UTF-8, a key that stands twice
 * in one dictionary, entity declarations, UIDs (NSKeyedArchiver), and
 * whatever is above the limits below.
 */
#ifndef MDMFS_BASE_PL_H
#define MDMFS_BASE_PL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

#define PL_DEPTH_MAX 64                 /* arrays and dictionaries in another */
#define PL_NODES_MAX 250000             /* values and keys of one document */
#define PL_KEYS_MAX  4096               /* keys of one dictionary */
#define PL_BYTES_MAX (32 * 1024 * 1024) /* of strings and data, expanded */

struct pl;

enum pl_type {
	PL_NONE, /* of NULL */
	PL_DICT,
	PL_ARRAY,
	PL_STRING,
	PL_INTEGER,
	PL_REAL,
	PL_BOOL,
	PL_DATE,
	PL_DATA,
};

/* ---- reading ------------------------------------------------------------ */

/*
 * A whole document, XML or binary.  *ret is the caller's, for pl_free().
 * ERR_UNDECODABLE names the line and column (XML) or the byte (binary);
 * ERR_TOO_BIG when a limit is passed.
 */
enum err_code pl_parse(struct bytes s, struct pl **ret, struct err *err);

/* Whether s begins like a property list, XML or binary: "bplist", or '<'
 * after white space and a byte order mark.  An empty s does not. */
bool pl_looks_like(struct bytes s);

void pl_free(struct pl *root);

/* A tree of its own, the caller's.  NULL for NULL. */
struct pl *pl_copy(const struct pl *node);

/* ---- looking ------------------------------------------------------------ */
/*
 * Every function takes NULL and nodes of any type: then there is nothing
 * (NULL, false, 0), and *ret is untouched.  Pointers are borrowed until that
 * node is changed or freed.
 */

enum pl_type pl_type(const struct pl *node);

/* Apple's word for a type: "dictionary", "string", ..., as in its tables. */
const char *pl_type_name(enum pl_type type);

/* UTF-8 without NUL inside. */
const char *pl_string(const struct pl *node);

/* Of PL_DATA; p is not NULL when it is data, even if there are no bytes. */
struct bytes pl_data(const struct pl *node);

bool pl_bool(const struct pl *node, bool *ret);
/* False, too, when the number does not fit. */
bool pl_int(const struct pl *node, int64_t *ret);
bool pl_uint(const struct pl *node, uint64_t *ret);
/* A real or an integer. */
bool pl_real(const struct pl *node, double *ret);
/* Seconds since 1970 UTC; fractions are cut off. */
bool pl_date(const struct pl *node, int64_t *ret);

size_t pl_array_len(const struct pl *array);
struct pl *pl_array_at(const struct pl *array, size_t i);

size_t pl_dict_len(const struct pl *dict);
struct pl *pl_dict_get(const struct pl *dict, const char *key);

/* Every pair in the document's order; false from fn ends it.  key lives
 * until fn returns; fn must not change the dictionary. */
typedef bool pl_dict_fn(void *arg, const char *key, struct pl *value);
void pl_dict_each(const struct pl *dict, pl_dict_fn *fn, void *arg);

/* The value of key if it is there and of that type. */
const char *pl_get_string(const struct pl *dict, const char *key);
struct bytes pl_get_data(const struct pl *dict, const char *key);
struct pl *pl_get_dict(const struct pl *dict, const char *key);
struct pl *pl_get_array(const struct pl *dict, const char *key);
bool pl_get_bool(const struct pl *dict, const char *key, bool *ret);
bool pl_get_int(const struct pl *dict, const char *key, int64_t *ret);
bool pl_get_date(const struct pl *dict, const char *key, int64_t *ret);

/* Whether both are alike: same types, same values, same keys (in any order). */
bool pl_equal(const struct pl *a, const struct pl *b);

/* ---- building ----------------------------------------------------------- */
/* What is made is the caller's until it is set or added somewhere. */

struct pl *pl_new_dict(void);
struct pl *pl_new_array(void);
struct pl *pl_new_string(const char *s); /* UTF-8 */
/* s up to its end or first NUL. */
struct pl *pl_new_string_bytes(struct bytes s);
struct pl *pl_new_int(int64_t value);
struct pl *pl_new_uint(uint64_t value);
struct pl *pl_new_real(double value);
struct pl *pl_new_bool(bool value);
struct pl *pl_new_data(struct bytes value);
struct pl *pl_new_date(int64_t seconds); /* since 1970 UTC */

/* Take value over, in place of what stood under key; a new key goes to the
 * end.  value NULL changes nothing. */
void pl_dict_set(struct pl *dict, const char *key, struct pl *value);
void pl_dict_remove(struct pl *dict, const char *key);
/* Take value over at the end.  value NULL changes nothing. */
void pl_array_add(struct pl *array, struct pl *value);
void pl_array_remove(struct pl *array, size_t i);

/* pl_dict_set() of a new value; s NULL changes nothing. */
void pl_set_string(struct pl *dict, const char *key, const char *s);
void pl_set_int(struct pl *dict, const char *key, int64_t value);
void pl_set_bool(struct pl *dict, const char *key, bool value);
void pl_set_data(struct pl *dict, const char *key, struct bytes value);
void pl_set_date(struct pl *dict, const char *key, int64_t seconds);

/* ---- writing ------------------------------------------------------------ */
/* Appends; the same tree always gives the same bytes. */

void pl_write_xml(const struct pl *root, struct buf *b);
void pl_write_binary(const struct pl *root, struct buf *b);

#endif
