/*
 * staging_items.h - the lists that staging.c works with.
 */
#ifndef MDMFS_FS_STAGING_ITEMS_H
#define MDMFS_FS_STAGING_ITEMS_H

#include "mdmfs/file.h"

/* Items for the engine, each with its path; w.name points into that. */
struct staging_items {
	struct file_item *items;
	char **paths;
	size_t n;
	size_t cap;
};
enum err_code staging_add(struct staging_items *l, const struct file_item *item,
    const char *path, struct err *err);
void staging_items_free(struct staging_items *l);

/* The entries of a directory. */
struct staging_entry {
	char *name;
	struct file_node node;
};
struct staging_entries {
	struct staging_entry *p;
	size_t n;
	size_t cap;
	bool failed; /* no memory */
};
enum err_code staging_list(struct engine *e, uint64_t dir,
    struct staging_entries *ret, struct err *err);
void staging_entries_free(struct staging_entries *l);

#endif
