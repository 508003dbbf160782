/*
 * place.h - what the engine does with a file in each kind of place.
 *
 * One row a place.  A change passes three steps: gather() in a view collects
 * what the judgement needs, judge() works on bytes outside of any transaction
 * (it may take long), apply() runs in the update that stores the file.
 */
#ifndef MDMFS_MODEL_PLACE_H
#define MDMFS_MODEL_PLACE_H

#include "engine/model/model.h"
#include "engine/model/node.h"

struct change {
	struct engine *engine;
	const struct file_write *w;
	struct node node;   /* as it will be stored */
	struct node parent; /* of computed directories only ino and device */
	bool replaces;
	struct node old; /* with replaces: what has the name now */
	/* of a rename: */
	uint64_t source_version; /* of the bytes in w */
	bool no_replace;
	int64_t now; /* seconds */
	/* ino of the file that it follows, in place or removed a moment ago by
	 * a tool that unlinks first; 0 */
	uint64_t before;
	void *context;  /* of gather() or judge(); freed by release() */
	char note[512]; /* what apply() wants to say in the event */
};

struct place_rule {
	enum err_code (*gather)(
	    struct txn *t, struct change *c, struct err *err);
	enum err_code (*judge)(struct change *c, struct err *err);
	enum err_code (*apply)(
	    struct txn *t, struct change *c, struct err *err);
	/* The effects of a removal, when it is due. */
	enum err_code (*removed)(struct txn *t, struct engine *e,
	    const struct node *n, struct err *err);
	/* At once: whether it may be removed. */
	enum err_code (*may_remove)(
	    struct txn *t, const struct node *n, struct err *err);
	void (*release)(struct change *c);
	bool remove_now; /* the effects do not wait */
	bool again;      /* the same bytes written again mean something */
	bool quiet;      /* changes are no events */
};

/* The steps of a change, for those that are made together (batch.c).  w and
 * engine are set; judge also gathers, apply stores, fini frees the context. */
enum err_code change_judge(struct txn *t, struct change *c, struct err *err);
enum err_code change_apply(struct txn *t, struct change *c, struct err *err);
void change_fini(struct change *c);

/* The row; every place has one, if only an empty one. */
const struct place_rule *place_rule(enum place place);

#endif
