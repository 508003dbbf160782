/*
 * names.h - which names may be made where, and what moving a name means.
 */
#ifndef MDMFS_FS_NAMES_H
#define MDMFS_FS_NAMES_H

#include "fs/node.h"

/* What a name that is about to be made in dir would be. */
enum name_kind { NAME_SCRATCH, NAME_REAL };
struct name_is {
	enum name_kind kind;
	const struct tree_row *row; /* of a real one */
};

/*
 * For a file, a directory or (emacs) a link.  Fails with the way out:
 * ERR_NOT_HERE: not a name for this place; ERR_DENIED: nothing is made there.
 */
enum err_code name_check(const struct node *dir, const char *name,
    enum tree_kind kind, struct name_is *ret, struct err *err);

/* Owner, group and mode of something new in dir: setgid directories hand
 * their group on. */
struct name_owner {
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
};
struct name_owner name_owner(const struct node *dir, const struct actor *actor,
    uint32_t mode, bool is_dir);

/*
 * Give a node another name: a real file is judged by its new place before
 * anything changes; a scratch file becomes real, or a real one scratch (which
 * removes it, as vim does before it writes the name again).
 */
struct move {
	const struct node *node;
	const char *name; /* its old one */
	const struct node *from;
	const struct node *to;
	const char *to_name;
	bool no_replace;
	struct actor actor;
};
enum err_code name_move(struct fs *f, const struct move *m, struct err *err);

#endif
