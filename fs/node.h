/*
 * node.h - what an inode number or a name is: a file in the store, one that
 * is being written, a scratch file, or generated.
 */
#ifndef MDMFS_FS_NODE_H
#define MDMFS_FS_NODE_H

#include "fs/fs.h"
#include "fs/tree.h"
#include "fs/view.h"

enum node_source {
	NODE_STORE,     /* in the engine */
	NODE_UNBORN,    /* draft.h */
	NODE_SCRATCH,   /* scratch.h */
	NODE_GENERATED, /* of a row of tree[]; also the directories of devices */
	NODE_EVENTS,    /* events and events.1 */
	NODE_REFUSAL,   /* .error and NAME.error */
};

struct node {
	uint64_t ino;
	enum node_source source;
	enum tree_kind kind;
	const struct tree_row *row; /* of directories and generated nodes */
	enum place place;           /* of files in the store and unborn ones */
	struct at at;               /* generated: whose; else only the org */
	uint64_t parent;            /* store, unborn, scratch */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint64_t version;
	bool scratch_dir; /* everything in it is scratch */
};

/* Who asks. */
struct caller {
	struct actor actor;
	struct view view;
};

/* Without the size of generated files.  ERR_NOT_FOUND. */
enum err_code node_of(struct fs *f, uint64_t ino, const struct caller *c,
    struct node *ret, struct err *err);
enum err_code node_named(struct fs *f, const struct node *dir, const char *name,
    const struct caller *c, struct node *ret, struct err *err);

/* Render what a generated node holds: append to b.  Not for events. */
enum err_code node_render(
    struct fs *f, const struct node *n, struct buf *b, struct err *err);

/* The exact size, of generated files by rendering them: then page, which is
 * empty, has what was rendered. */
enum err_code node_size(struct fs *f, struct node *n, const struct caller *c,
    struct buf *page, struct err *err);

/* Whether what it holds depends on the groups of who asks. */
bool node_by_view(const struct node *n);

/* Entries of a directory, with "." and "..".  Return false to stop. */
struct node_entry {
	const char *name;
	uint64_t ino;
	enum tree_kind kind;
	uint64_t cookie;
	/* Of directories that may be large, else NULL: for node_listed(). */
	const struct tree_row *row;
	uint32_t org;
	int64_t seconds;
	uint64_t size;
};
typedef bool node_entry_fn(void *arg, const struct node_entry *entry);
struct node_listing {
	uint64_t after; /* a cookie; 0: from the start */
	const struct caller *caller;
	node_entry_fn *fn;
	void *arg;
};
/* The whole node of an entry with a row. */
void node_listed(
    struct fs *f, const struct node_entry *entry, struct node *ret);
enum err_code node_list(struct fs *f, const struct node *dir,
    const struct node_listing *from, struct err *err);

/* Append the path for a message: orgs/acme/apns/push.p12; name may be NULL. */
void node_path_text(
    struct fs *f, const struct node *dir, const char *name, struct buf *b);

/* The last part of a stored file's path, unescaped.  False: out of memory, or
 * it is gone. */
bool node_name(struct fs *f, uint64_t ino, char ret[static 256]);

#endif
