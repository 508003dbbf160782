/*
 * file.h - the tree of configuration: files and directories that people wrote,
 * kept byte for byte.
 *
 * A file is judged and takes effect in the same transaction that stores it.
 * Nodes have 64-bit inode numbers that are never used twice, also over a
 * restart.  What the path means (which place, which names) is the caller's
 * table; what a place does with bytes is the engine's.
 */
#ifndef MDMFS_FILE_H
#define MDMFS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/engine.h"
#include "mdmfs/err.h"

enum place {
	PLACE_NONE = 0,
#define PLACE(number, name, limit, secrecy) PLACE_##name = (number),
#include "mdmfs/place.tbl"
	PLACES /* above all of them */
};

/* The most bytes of a file there; 0: a directory.  See place.tbl. */
uint64_t place_limit(enum place place);
/* Nobody but its owner and root may read it, whatever its mode. */
bool place_is_secret(enum place place);
/* Encrypted in the store. */
bool place_is_sealed(enum place place);

/* Who asks for a change; for events and refusals. */
struct actor {
	uint32_t uid;
	uint32_t gid;
	int32_t pid;   /* 0: unknown */
	char comm[16]; /* the command's name, "" if unknown */
};

/* Inode numbers of the directories that are always there.  Those of devices
 * are computed: file_device_dir().  Others come from a sequence. */
#define FILE_INO_ROOT    1
#define FILE_INO_ORGS    2
#define FILE_INO_SYSTEM  3
#define FILE_INO_STAGING 4
#define FILE_INO_FIRST   1024

enum file_device_part {
	FILE_DEVICE_COMMANDS = 1,
	FILE_DEVICE_RESULTS = 2,
	FILE_DEVICE_FIRST = 3, /* commands/first */
};

/*
 * The inode number of a directory of a device (numbers: device.h) or, with
 * user > 0, of one of its users.  Bit 63 is set; the part is in bits 56 to 62,
 * the device in 24 to 55, the user in 0 to 23.
 */
uint64_t file_device_dir(
    uint32_t device, uint32_t user, enum file_device_part part);

struct file_node {
	uint64_t ino;
	uint64_t parent;
	enum place place;
	bool is_dir;
	uint32_t mode; /* permission bits, 07777 */
	uint32_t uid;
	uint32_t gid;
	uint64_t size;
	int64_t mtime_ns; /* since 1970 UTC */
	int64_t ctime_ns;
	uint64_t version; /* another one after each change of the content */
	uint32_t org;     /* org.h; 0: the system's */
	uint32_t device;  /* device.h; 0: none */
	uint32_t user;
};

/* ERR_NOT_FOUND */
enum err_code file_get(
    struct engine *e, uint64_t ino, struct file_node *ret, struct err *err);
enum err_code file_find(struct engine *e, uint64_t parent, const char *name,
    struct file_node *ret, struct err *err);

/* Called for each entry; cookie is its place in the order.  Return false to
 * stop. */
typedef bool file_entry_fn(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie);

/* The entries of a directory whose cookie is above after (0: from the start),
 * in an order that does not change. */
enum err_code file_list(struct engine *e, uint64_t dir, uint64_t after,
    file_entry_fn *fn, void *arg, struct err *err);

/* Append the bytes as they were written.  Wipe ret when the place is secret. */
enum err_code file_read(
    struct engine *e, uint64_t ino, struct buf *ret, struct err *err);

/* The parent's parents, for a path in a message: appends "orgs/acme/name". */
void file_path(struct engine *e, uint64_t ino, struct buf *ret);

/* n fresh inode numbers, the first of them in *first. */
enum err_code file_reserve(
    struct engine *e, uint32_t n, uint64_t *first, struct err *err);

/* A whole file that takes effect, or does not. */
struct file_write {
	uint64_t parent;
	const char *name;
	enum place place;
	uint64_t ino; /* the file's own or a reserved one */
	/* Fail with ERR_CHANGED if the name holds another version than this;
	 * 0: whoever comes last wins. */
	uint64_t base_version;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	int64_t mtime_ns; /* 0: now */
	struct bytes bytes;
	struct actor actor;
};

/*
 * Judge and store.  Replaces what had the name (its inode number goes, if ino
 * is another).  A failure changes nothing; err has all findings.
 */
enum err_code file_write(struct engine *e, const struct file_write *w,
    struct file_node *ret, struct err *err);

/* The judgement of file_write() alone, for names that are still scratch or
 * for a whole draft; nothing is stored. */
enum err_code file_judge(
    struct engine *e, const struct file_write *w, struct err *err);

/*
 * Whether bytes, the beginning of a document for the place and name, could
 * still become one: fails only if no continuation can mend it.  *state is NULL at first and
 * the function's own after; the same growing bytes are given each time.  Free
 * it with file_scan_free().
 */
struct file_scan;
enum err_code file_scan(struct engine *e, enum place place, const char *name,
    struct file_scan **state, struct bytes so_far, struct err *err);
void file_scan_free(struct file_scan *state);

/*
 * Many changes in one transaction, all or none: each is judged with those in
 * front of it done, by the code of the single verbs.
 */
enum file_act {
	FILE_ACT_WRITE,
	FILE_ACT_MKDIR,
	FILE_ACT_ATTR,   /* mode, uid, gid and mtime_ns of ino */
	FILE_ACT_REMOVE, /* ino, a file or a directory that is empty then */
};

struct file_item {
	enum file_act act;
	struct file_write w; /* without bytes */
	uint64_t from;       /* FILE_ACT_WRITE: the file whose bytes it takes */
};

struct file_batch {
	const struct file_item *items; /* parents in front of what is in them */
	size_t n;
	bool judge_only; /* undo all in the end */
	/* The staging directory that the changes come from, 0: none; it is
	 * removed with all that is in it. */
	uint64_t stage;
	const struct actor *actor;
	const char *event; /* one line about all of it; NULL: none */
	/* Told of each fault, until there are FILE_FAULTS_MAX; begin before
	 * the first one, perhaps several times: then what was told is void. */
	void (*begin)(void *arg);
	void (*fault)(void *arg, size_t item, const struct err *err);
	void *arg;
};

#define FILE_FAULTS_MAX 1000

/* Changes nothing if there was a fault; then err is the first one. */
enum err_code file_write_all(
    struct engine *e, const struct file_batch *batch, struct err *err);

/* Files and directories in staging/, and the bytes in them. */
#define FILE_STAGED_MAX       100000
#define FILE_STAGED_BYTES_MAX (64u << 20)

/* w->bytes is not used.  ERR_EXISTS. */
enum err_code file_mkdir(struct engine *e, const struct file_write *w,
    struct file_node *ret, struct err *err);

/*
 * Remove a file, or an empty directory (ERR_NOT_EMPTY).  The name is free at
 * once and for good; what follows from it (an identity out of effect, a
 * removed organization) follows after 2 seconds if nothing took its place.
 * A command that was not sent yet is cancelled at once; ERR_CHANGED: it was
 * sent.
 */
enum err_code file_remove(
    struct engine *e, uint64_t ino, const struct actor *actor, struct err *err);

/*
 * Take back a removal of that name that is still pending: for tools that
 * remove first and then fail to write.  ERR_NOT_FOUND: there is none.
 */
enum err_code file_restore(struct engine *e, uint64_t parent, const char *name,
    struct file_node *ret, struct err *err);

/*
 * Give a file another name, judged as the new place does; replaces what had
 * it unless no_replace (ERR_EXISTS).  to->ino is the file's.
 */
enum err_code file_rename(struct engine *e, const struct file_write *to,
    bool no_replace, struct err *err);

#define FILE_SET_MODE  1u
#define FILE_SET_UID   2u
#define FILE_SET_GID   4u
#define FILE_SET_MTIME 8u

struct file_attr {
	unsigned set; /* FILE_SET_... */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	int64_t mtime_ns;
};

enum err_code file_setattr(struct engine *e, uint64_t ino,
    const struct file_attr *a, const struct actor *actor, struct file_node *ret,
    struct err *err);

/* What statfs should say: bytes in all and free, nodes. */
struct file_space {
	uint64_t total;
	uint64_t free;
	uint64_t files;
};
enum err_code file_space(
    struct engine *e, struct file_space *ret, struct err *err);

#endif
