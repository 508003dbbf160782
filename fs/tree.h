/*
 * tree.h - the namespace as a table: what an administrator may see.
 *
 * A row says for one path pattern what it is, its mode, who keeps it (a place
 * of the engine, or a handler here), and what it is for.  Lookup, listing,
 * permissions and the manual follow from the rows.  A handler gives or takes
 * a whole file and has never heard of FUSE.
 */
#ifndef MDMFS_FS_TREE_H
#define MDMFS_FS_TREE_H

#include "mdmfs/file.h"

struct refusals;
struct view;

/* What a node is about: the variables of its path, as numbers. */
struct at {
	struct engine *engine;
	struct refusals *refusals;
	const struct actor *caller; /* who asks */
	uint32_t org;               /* org.h; 0: none */
	uint32_t device;            /* device.h; 0: none */
	uint32_t user;              /* a user channel; 0: the device's own */
	uint32_t number;         /* of a {key}: tree_key_hash(); OF_..NUMBER */
	const struct view *view; /* who asks, with groups if TREE_VIEW */
};

/* Append the whole file, or the target of a link. */
typedef enum err_code tree_read_fn(
    const struct at *at, struct buf *b, struct err *err);
/* Take what was written at once. */
typedef enum err_code tree_write_fn(
    const struct at *at, struct bytes bytes, struct err *err);

/* An entry of a directory whose names are data. */
struct tree_entry {
	const char *name; /* good during the call */
	struct at at;     /* the parent's with the variable filled in */
	uint64_t cookie;  /* its place in the order, from 1 */
	/* What a listing with attributes needs, if listed is set; at.org, too. */
	bool listed;
	int64_t seconds; /* of times; 0: when the server started */
	uint64_t size;   /* of a link */
};
typedef bool tree_entry_fn(void *arg, const struct tree_entry *entry);

/* The names of such a directory: all above a cookie (fn returns false to
 * stop), or one (name in the result stays NULL; ERR_NOT_FOUND). */
struct tree_names {
	enum err_code (*list)(const struct at *at, uint64_t after,
	    tree_entry_fn *fn, void *arg, struct err *err);
	enum err_code (*find)(const struct at *at, const char *name,
	    struct tree_entry *ret, struct err *err);
};

enum tree_kind { TREE_DIR, TREE_FILE, TREE_LINK };

/* What the number in a generated inode number is. */
enum tree_of {
	OF_NONE,
	OF_ORG,
	OF_ORG_NUMBER, /* in an organization, 24 bits */
	OF_DEVICE,
	OF_USER,
	OF_KEY,
	OF_NUMBER,
	OF_STAGE /* OF_NUMBER: a directory of the store, whose owner it has */
};

#define TREE_FIXED    1u  /* always there: neither made nor removed */
#define TREE_OPTIONAL 2u  /* not there while read says ERR_NOT_FOUND */
#define TREE_QUIET    8u  /* not listed while it is empty */
#define TREE_HIDDEN   16u /* never listed: copies of the tree lack it */
#define TREE_READY    32u /* listed while it can be made; else it says why */
#define TREE_VIEW     4u  /* what it holds depends on the caller: view.h */

struct tree_row {
	const char *path; /* without a slash in front; "" is the root */
	enum tree_kind kind;
	uint32_t mode;    /* with a device or org: ANDed with the org's */
	enum place place; /* PLACE_NONE: generated */
	uint8_t part;     /* generated: bits 56 to 62 of its inode number */
	enum tree_of of;
	unsigned flags;
	tree_read_fn *read;
	const struct tree_names *names;
	tree_write_fn *write;
	const char *help; /* one line, as in mdmfs.7 */
};

/* Ends with a row whose path is NULL. */
extern const struct tree_row tree[];

/* Bits 56 to 62 of inode numbers that have no row of their own.  1 and 2 are
 * file_device_dir()'s, rows have 16 and more. */
#define TREE_PART_FIRST   16
#define TREE_PART_EVENTS  126 /* the rest: where the segment begins */
#define TREE_PART_REFUSAL 127 /* the rest: the refusal's number */

#define TREE_INO_BIT  (1ull << 63)
#define TREE_INO_REST ((1ull << 56) - 1)

/* The row with exactly that path pattern; it must be there. */
const struct tree_row *tree_at(const char *path);

/*
 * The row of a name below a directory's row, NULL if the place does not take
 * it.  A literal name wins over a pattern.  Notes (*.md, .gitignore) are found
 * wherever configuration files may be.
 */
const struct tree_row *tree_find(const struct tree_row *dir, const char *name);

/* The literal children of a directory, by index from 0; NULL behind the last.
 * ret is the name. */
const struct tree_row *tree_literal(
    const struct tree_row *dir, unsigned index, const char **ret);

/* The row of a configuration directory. */
const struct tree_row *tree_of_place(enum place place, bool in_org);

/* The row of a generated inode number; NULL: there is none. */
const struct tree_row *tree_of_ino(uint64_t ino);

/* The inode number of a generated node. */
uint64_t tree_ino(const struct tree_row *row, const struct at *at);

/* The variables in such a number, into at. */
void tree_decode(const struct tree_row *row, uint64_t ino, struct at *at);

/* Whether people may create files below (and so notes and scratch names). */
bool tree_takes_files(const struct tree_row *dir);

/* Append the names that a directory takes, as a phrase for an error message. */
void tree_names_taken(const struct tree_row *dir, struct buf *b);

/* 24 bits for a {key}. */
uint32_t tree_key_hash(const char *key);

/*
 * Whether name is good for an organization: 1 to 64 bytes of UTF-8 letters and
 * digits, '-', '_', '.' and space; it begins with a letter, digit or '_' and
 * does not end with a space.
 */
bool tree_org_name(const char *name);

/* Whether name is UTF-8 without control characters and slashes, 1 to 255
 * bytes. */
bool tree_clean_name(const char *name);

#endif
