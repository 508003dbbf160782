/*
 * scratch.h - the files that editors and rsync write before they rename.
 *
 * Scratch names may be created wherever files may be.  They are never judged,
 * never take effect, live in memory, and are lost at a restart.  All functions
 * may be called from any thread.
 */
#ifndef MDMFS_FS_SCRATCH_H
#define MDMFS_FS_SCRATCH_H

#include "mdmfs/file.h"

#define SCRATCH_FILE_MAX   (17u << 20) /* bytes: the largest place and more */
#define SCRATCH_TOTAL_MAX  (64u << 20)
#define SCRATCH_USER_MAX   (32u << 20) /* of one user but root */
#define SCRATCH_COUNT_MAX  8192
#define SCRATCH_USER_COUNT 2048
#define SCRATCH_AGE_MAX    3600 /* seconds without a change, when room is short */

/*
 * Names of scratch files: .NAME.XXXXXX (rsync), .NAME.swp .swo .swpx (vim,
 * nano), 4913 and every 123 above (vim), NAME~, #NAME#, sedXXXXXX, XXxxxxxx
 * (perl), NAME.tmp .new .save .lock .part, .filepart, tmp.XXXXXXXXXX,
 * tmpXXXXXXXX (mktemp, python), .merge_file_XXXXXX (git), .tmpXXXXXX (Rust),
 * .goutputstream-XXXXXX (GNOME), .ansible_tmpXXXXXXXXNAME, and the backups
 * NAME.bak .orig .rej.
 */
bool scratch_is_name(const char *name);
/*
 * Names of which a place would take only what stands in front of something
 * random: NAME.XXXXXX (mktemp, GLib), NAME.oXXXXXX (patch), NAME.gawk.XXXXXX,
 * NAMEXXXXXX (busybox), .NAME123456, .NAME-XXXXXX (Go).  is_taken says whether
 * the place takes a name; one that it takes is never scratch.
 */
bool scratch_is_made_of(const char *name,
    bool (*is_taken)(const void *arg, const char *name), const void *arg);
/* .~tmp~ (rsync --delay-updates); any name inside of it is scratch. */
bool scratch_is_dir_name(const char *name);
/* .#NAME (emacs) */
bool scratch_is_link_name(const char *name);

enum scratch_kind { SCRATCH_FILE, SCRATCH_DIR, SCRATCH_LINK };

struct scratch_node {
	uint64_t ino;
	uint64_t parent;
	enum scratch_kind kind;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint64_t cookie; /* its place in a listing, from 1 */
	/* it had this name until it was renamed, and has not changed since;
	 * was_parent 0: it never had */
	uint64_t was_parent;
	uint64_t was_version;
	char was_name[256];
};

struct scratch;

/* NULL: out of memory. */
struct scratch *scratch_new(void);
void scratch_free(struct scratch *s);

/*
 * Make a node; new->ino, parent, kind, mode, uid, gid and was_* count, and
 * mtime_ns unless it is 0.  bytes: its first content, or the target of a link.
 * *ret may be new.
 * ERR_EXISTS; ERR_QUOTA, ERR_FULL: too many.
 */
enum err_code scratch_create(struct scratch *s, const struct scratch_node *new,
    const char *name, struct bytes bytes, struct scratch_node *ret,
    struct err *err);

/* False: there is none. */
bool scratch_find(struct scratch *s, uint64_t parent, const char *name,
    struct scratch_node *ret);
/* Also finds what was removed but is still open. */
bool scratch_get(struct scratch *s, uint64_t ino, struct scratch_node *ret);

/* Entries of a directory whose cookie is above after, in order. */
typedef bool scratch_fn(
    void *arg, const char *name, const struct scratch_node *node);
void scratch_list(struct scratch *s, uint64_t parent, uint64_t after,
    scratch_fn *fn, void *arg);

/* A node that is open lives on after it was removed. */
enum err_code scratch_open(struct scratch *s, uint64_t ino, struct err *err);
void scratch_close(struct scratch *s, uint64_t ino);

/* Append at most max bytes from off on. */
enum err_code scratch_read(struct scratch *s, uint64_t ino, uint64_t off,
    uint64_t max, struct buf *b, struct err *err);
/* The target of a link, the bytes of a file. */
enum err_code scratch_content(
    struct scratch *s, uint64_t ino, struct buf *b, struct err *err);

/* ERR_TOO_BIG, ERR_QUOTA, ERR_FULL.  ERR_CHANGED: it was renamed into its
 * place meanwhile. */
enum err_code scratch_write(struct scratch *s, uint64_t ino, uint64_t off,
    bool append, struct bytes bytes, struct err *err);
enum err_code scratch_truncate(
    struct scratch *s, uint64_t ino, uint64_t size, struct err *err);

enum err_code scratch_setattr(struct scratch *s, uint64_t ino,
    const struct file_attr *a, struct err *err);

/* Take the name away.  ERR_NOT_EMPTY. */
enum err_code scratch_remove(struct scratch *s, uint64_t ino, struct err *err);
/* The same after its bytes became a file in the store: later writes through
 * handles that are still open fail. */
void scratch_became(struct scratch *s, uint64_t ino);

/* Replaces a scratch file of that name. */
enum err_code scratch_rename(struct scratch *s, uint64_t ino, uint64_t parent,
    const char *name, struct err *err);

#endif
