/*
 * slot_keys.h - keys that the server made for requests of a slot (OWN_KEY).
 *
 * They never leave the store, and no removal of a file or directory takes
 * them: an answer may be under way.  They belong to the slot's name, so that
 * they are there again when its directory is.
 */
#ifndef MDMFS_MODEL_SLOT_KEYS_H
#define MDMFS_MODEL_SLOT_KEYS_H

#include "engine/model/slots.h"
#include "engine/pki/slot.h"

#define SLOT_KEYS_MAX 16 /* in one slot */

/* Stored: never change or reuse one. */
enum slot_key_type {
	SLOT_KEY_RSA2048 = 1,
	SLOT_KEY_RSA3072 = 2,
	SLOT_KEY_RSA4096 = 3,
	SLOT_KEY_P256 = 4,
};

/* "rsa2048" */
const char *slot_key_type_name(enum slot_key_type type);
/* The type that the text of a key-type file means, in whatever spelling people
 * use.  ERR_INVALID. */
enum err_code slot_key_type_parse(
    struct bytes text, enum slot_key_type *ret, struct err *err);
/* Whether who signs requests for the purpose takes such a key.
 * ERR_KEY_REJECTED with the reason. */
enum err_code slot_key_type_fits(
    enum slot_key_type type, enum slot_purpose purpose, struct err *err);

/* Takes 0.1 s and more: never inside a transaction. */
enum err_code slot_key_generate(
    enum slot_key_type type, struct pkey **ret, struct err *err);

/* Which slot, by what stays the same when its directory is made anew: dir is
 * taken from the directory's name.  ERR_NOT_FOUND: the directory is gone. */
enum err_code slot_lasting_id(
    struct txn *t, struct slot_id id, struct slot_id *ret, struct err *err);

struct slot_own_key {
	uint8_t id[KEYSPEC_ID_LEN]; /* pkey_id() */
	enum slot_key_type type;
	int64_t made;  /* seconds */
	bool answered; /* a certificate for it has been here */
};

struct slot_own_keys {
	struct slot_own_key v[SLOT_KEYS_MAX];
	size_t n;
};

/* What keys the slot has, the oldest first.  Costs no reading of keys. */
enum err_code slot_keys_list(struct txn *t, struct slot_id id,
    struct slot_own_keys *ret, struct err *err);
/* The newest unanswered one of that type; NULL: none. */
const struct slot_own_key *slot_keys_unanswered(
    const struct slot_own_keys *keys, enum slot_key_type type);

/* The key itself, the caller's.  ERR_NOT_FOUND. */
enum err_code slot_key_read(struct txn *t, struct slot_id id,
    const uint8_t key_id[static KEYSPEC_ID_LEN], struct pkey **ret,
    struct err *err);
/* Keep a new one.  There must be room: see slot_key_drop(). */
enum err_code slot_key_put(struct txn *t, struct slot_id id,
    const struct pkey *key, const struct slot_own_key *facts, struct err *err);
/* A certificate for it has come. */
enum err_code slot_key_answered(struct txn *t, struct slot_id id,
    const uint8_t key_id[static KEYSPEC_ID_LEN], struct err *err);
enum err_code slot_key_drop(struct txn *t, struct slot_id id,
    const uint8_t key_id[static KEYSPEC_ID_LEN], struct err *err);

#endif
