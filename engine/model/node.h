/*
 * node.h - files and directories in the store: their records and names.
 *
 * A node has a record (NODE), a name in its parent (ENTRY, and CHILD for the
 * order of a listing) and, if it is a file, CONTENT.  A node whose removal is
 * pending has lost its name, but keeps record and content until it is due.
 */
#ifndef MDMFS_MODEL_NODE_H
#define MDMFS_MODEL_NODE_H

#include "engine/model/record.h"
#include "mdmfs/file.h"

#define NODE_NAME_MAX 255

struct node {
	struct file_node n;
	char name[NODE_NAME_MAX + 1];
	int64_t removal_due; /* seconds; 0: it is not removed */
	uint64_t queued;     /* of commands: queue.h; 0: not known */
	bool shared; /* a command for many in a device's directory: mass.h; it
		      * is not stored, and writing its record does nothing */
};

/* ERR_NOT_FOUND.  node_get() also finds nodes whose removal is pending. */
enum err_code node_get(
    struct txn *t, uint64_t ino, struct node *ret, struct err *err);
enum err_code node_find(struct txn *t, uint64_t parent, const char *name,
    struct node *ret, struct err *err);

/* Write the record alone. */
enum err_code node_put(struct txn *t, const struct node *n, struct err *err);

/* Give the node its name in its parent. */
enum err_code node_link(struct txn *t, const struct node *n, struct err *err);
enum err_code node_unlink(struct txn *t, const struct node *n, struct err *err);

/* Record, content and, with it, everything that node.c knows of. */
enum err_code node_drop(struct txn *t, const struct node *n, struct err *err);

enum err_code node_put_content(
    struct txn *t, const struct node *n, struct bytes bytes, struct err *err);
/* Appends. */
enum err_code node_get_content(
    struct txn *t, const struct node *n, struct buf *ret, struct err *err);

/* Called with each child, in the order of the listing; *stop as in each_fn. */
typedef enum err_code node_fn(void *arg, struct txn *t, const struct node *n,
    bool *stop, struct err *err);
enum err_code node_each(struct txn *t, uint64_t parent, uint64_t after,
    node_fn *fn, void *arg, struct err *err);

/* Set the mtime of a directory that people made; computed ones have none. */
enum err_code node_touch(
    struct txn *t, uint64_t ino, int64_t now_ns, struct err *err);

/* Append "orgs/acme/apns/push.p12"; "devices/UDID/..." for a device's. */
void node_path(struct txn *t, const struct node *n, struct buf *ret);

#endif
