/*
 * slot_priv.h - the files of an identity slot, between slot_files.c (a
 * certificate or key, a password), slot_load.c (what is stored of them) and
 * slot_pick.c (what is put into effect).
 */
#ifndef MDMFS_MODEL_SLOT_PRIV_H
#define MDMFS_MODEL_SLOT_PRIV_H

#include "engine/model/slots.h"
#include "engine/pki/slot.h"

#define SLOT_FILES_MAX 64 /* in one slot */

/* One row a kind of slot: its directory, its files, what it is for. */
struct slot_kind {
	enum place dir;
	enum place file;
	const char *name;
	enum slot slot;
	enum slot_purpose purpose;
	bool named; /* several of them: a directory each (system/tls/NAME/) */
};

/* The row of a slot's directory or file; NULL: it is none. */
const struct slot_kind *slot_kind(enum place place);
/* The slot that a file directly in its directory belongs to. */
struct slot_id slot_id_of(
    const struct slot_kind *kind, const struct file_node *file);

/* A file of the slot: what it holds, unlocked as far as passwords go. */
struct slot_file {
	uint64_t ino;
	uint64_t version;
	char name[NODE_NAME_MAX + 1];
	struct buf bytes; /* only of locked ones, to try a new password */
	struct bundle *bundle;
};

struct slot_files {
	const struct slot_kind *kind;
	struct slot_id id;
	struct slot_file files[SLOT_FILES_MAX];
	size_t n;
};

void slot_files_fini(struct slot_files *x);

/* All files that the slot x->id of x->kind has now, the last written last. */
enum err_code slot_files_load(
    struct txn *t, struct slot_files *x, struct err *err);

/* What was unlocked from the file with that number (MATERIAL). */
enum err_code slot_material_put(
    struct txn *t, uint64_t ino, const struct bundle *bundle, struct err *err);
enum err_code slot_material_get(
    struct txn *t, uint64_t ino, struct bundle **ret, struct err *err);
enum err_code slot_material_drop(struct txn *t, uint64_t ino, struct err *err);

/*
 * Pick again and put it into effect.  While files are being exchanged one by
 * one there may be no pair: then the old identity goes on, unless removing and
 * its file is gone.
 */
enum err_code slot_repick(struct txn *t, struct engine *e,
    const struct slot_kind *kind, struct slot_id id, bool removing,
    struct err *err);

#endif
