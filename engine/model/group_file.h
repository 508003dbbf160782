/*
 * group_file.h - what a group's members file says, parsed.
 */
#ifndef MDMFS_MODEL_GROUP_FILE_H
#define MDMFS_MODEL_GROUP_FILE_H

#include "engine/model/groups_priv.h"

struct words {
	struct bytes *p; /* sorted, each once */
	size_t n;
	size_t cap;
};

struct group_file {
	struct buf bytes; /* the words point into it */
	struct words lines;
	struct words globs;
};

bool words_have(const struct words *w, struct bytes word);

/* f is zeroed; bytes are copied.  group_file_fini() also after a failure. */
enum err_code group_file_parse(
    struct group_file *f, struct bytes bytes, struct err *err);
void group_file_fini(struct group_file *f);

/* Whether it names that device of the organization. */
bool group_file_names(struct txn *t, const struct group_file *f, uint32_t org,
    const struct device *d);
/* Everybody it names, in the order of numbers, from above after. */
enum err_code group_file_each(struct txn *t, const struct group_file *f,
    uint32_t org, uint32_t after, group_member_fn *fn, void *arg,
    struct err *err);

#endif
