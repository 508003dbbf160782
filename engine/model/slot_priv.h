/*
 * slot_priv.h - the files of an identity slot, between slot_files.c (a
 * certificate or key, a password), slot_load.c (what is stored of them) and
 * slot_pick.c (what is put into effect).
 */
#ifndef MDMFS_MODEL_SLOT_PRIV_H
#define MDMFS_MODEL_SLOT_PRIV_H

#include "engine/model/slot_keys.h"
#include "engine/model/slot_request.h"
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

/* The row of a slot: named, if it has a directory of its own. */
const struct slot_kind *slot_kind_of(struct slot_id id);

/* A file of the slot: what it holds, unlocked as far as passwords go. */
struct slot_file {
	uint64_t ino; /* 0: none, it is a key that the server made */
	uint64_t version;
	char name[NODE_NAME_MAX + 1];
	bool leaving;     /* it was removed, and that is not due yet */
	struct buf bytes; /* only of locked ones, to try a new password */
	struct bundle *bundle;
};

struct slot_files {
	const struct slot_kind *kind;
	struct slot_id id;
	bool with_leaving; /* load those, too, whose removal is not due yet */
	struct slot_file files[SLOT_FILES_MAX + SLOT_KEYS_MAX];
	size_t n;
};

void slot_files_fini(struct slot_files *x);

/* All files that the slot x->id of x->kind has now, the last written last, and
 * behind them the server's own keys that a certificate among them belongs
 * to. */
enum err_code slot_files_load(
    struct txn *t, struct slot_files *x, struct err *err);

/* What was unlocked from the file with that number (MATERIAL). */
enum err_code slot_material_put(
    struct txn *t, uint64_t ino, const struct bundle *bundle, struct err *err);
enum err_code slot_material_get(
    struct txn *t, uint64_t ino, struct bundle **ret, struct err *err);
enum err_code slot_material_drop(struct txn *t, uint64_t ino, struct err *err);

/*
 * A file that has just come: ERR_KEY_REJECTED if it is the answer to another
 * request than the one that the slot waits with.
 */
enum err_code slot_request_judge_answer(struct txn *t,
    const struct slot_kind *kind, struct slot_id id,
    const struct bundle *answer, struct err *err);
/* What the slot's files answer is answered. */
enum err_code slot_request_answered(struct txn *t, struct engine *e,
    const struct slot_files *x, struct err *err);

/*
 * Store the request r, with its bytes made unless they would be the same, and
 * say so and why in an event (NULL: its names are others now).  r->names and
 * r->der are set.
 */
enum err_code slot_request_store(struct txn *t, struct engine *e,
    struct slot_request *r, const char *why, struct err *err);
/* The request that the subject file of that number asked for.
 * ERR_NOT_FOUND. */
enum err_code slot_request_of_file(struct txn *t, uint32_t org, uint64_t file,
    struct slot_request *ret, struct err *err);
enum err_code slot_request_drop(
    struct txn *t, const struct slot_request *r, struct err *err);
/* The unanswered requests for TLS of the organization (0: of all), made again
 * where their names are others now. */
enum err_code slot_request_rename(
    struct txn *t, struct engine *e, uint32_t org, struct err *err);
/* The first 16 hex digits of a key's number, for people. */
void slot_request_fingerprint(
    const uint8_t key_id[static KEYSPEC_ID_LEN], char ret[static 17]);

/* slot_root.c: what clients of an HTTPS slot have seen until now (*ret NULL:
 * nothing that can be read); and an event if new, in effect in its place, has a
 * private root that enrolled devices did not get.  old may be NULL. */
enum err_code slot_served_before(
    struct txn *t, struct slot_id id, struct identity **ret, struct err *err);
enum err_code slot_tell_root(struct txn *t, struct engine *e, struct slot_id id,
    const struct identity *old, const struct identity *new, struct err *err);
/* An event if nothing is in effect in system/tls any more and devices are
 * enrolled. */
enum err_code slot_tell_gone(
    struct txn *t, struct engine *e, struct slot_id id, struct err *err);

/*
 * Pick again and put it into effect.  While files are being exchanged one by
 * one there may be no pair: then the old identity goes on, unless removing and
 * its file is gone.
 */
enum err_code slot_repick(struct txn *t, struct engine *e,
    const struct slot_kind *kind, struct slot_id id, bool removing,
    struct err *err);

#endif
