/*
 * slots.h - the identities in effect: which key and certificate an
 * organization (0: the system) uses for what.
 *
 * A slot's files are kept as they were written; beside each the store keeps
 * what was unlocked from it (MATERIAL).  After every change the best pair is
 * picked anew (pki/slot.h) and, with its chain, put into effect (IDENTITY),
 * with its facts in a record of their own (SLOT) that costs no unsealing.
 */
#ifndef MDMFS_MODEL_SLOTS_H
#define MDMFS_MODEL_SLOTS_H

#include "engine/model/place.h"
#include "engine/pki/bundle.h"
#include "engine/pki/identity.h"

/* Stored: never change or reuse one. */
enum slot {
	SLOT_OF_APNS = 1,
	SLOT_OF_SIGNING = 2,
	SLOT_OF_TLS = 3,
	SLOT_OF_CA = 4,      /* the organization's own CA; no files */
	SLOT_OF_TLS_CA = 5,  /* the root of self-made TLS certificates */
	SLOT_OF_OWN_TLS = 6, /* the self-made TLS certificate */
	SLOT_OF_VENDOR = 7,  /* signs requests for push certificates */
	SLOT_OF_MDMCERT = 8, /* opens mdmcert.download's answers; no files */
};

/* Which slot: that of an organization (0: the system) or, where there may be
 * several of a kind (system/tls/NAME/), that of a directory. */
struct slot_id {
	uint32_t org;
	enum slot slot;
	uint64_t dir; /* ino of system/tls/NAME; 0: the kind's only one */
};

static inline struct slot_id
slot_of(uint32_t org, enum slot slot)
{
	return (struct slot_id){ org, slot, 0 };
}

struct slot_facts {
	uint64_t version; /* another one with each change; 0: no identity */
	uint8_t fingerprint[32];
	int64_t begins;  /* seconds since 1970 UTC */
	int64_t expires; /* the last second */
	char topic[256]; /* of a push certificate, else "" */
	char subject[512];
	char serial[80]; /* hex */
	/* pki/review.h, when it was put into effect: */
	unsigned flaws;
	int64_t chain_ends;
	char issuer[256];
	char missing[256]; /* issuer that the chain lacks; "" */
	char root[256];
	char
	    names[1024]; /* subject alternative names, "a.example, b.example" */
};

/* What is in effect; version 0 if nothing is. */
enum err_code slot_facts(
    struct txn *t, struct slot_id id, struct slot_facts *ret, struct err *err);

/* The identity in effect, the caller's (identity_free()).  ERR_NOT_FOUND. */
enum err_code slot_identity(
    struct txn *t, struct slot_id id, struct identity **ret, struct err *err);
/* The ends of its chain, without its key: identity_ends_fini() them. */
enum err_code slot_ends(struct txn *t, struct slot_id id,
    struct identity_ends *ret, struct err *err);

/* Put an identity that the server made itself into effect. */
enum err_code slot_install(struct txn *t, struct slot_id id,
    const struct identity *identity, struct err *err);
enum err_code slot_clear(struct txn *t, struct slot_id id, struct err *err);

/*
 * The organization's CA, made when it is first asked for (0.2 s).  *ret is
 * the caller's.  Not inside a transaction.
 */
enum err_code slot_ca(
    struct engine *e, uint32_t org, struct identity **ret, struct err *err);

/* What can be said of the beginning of a slot's file, in whatever place of a
 * slot. */
enum err_code slot_judge_early(
    enum place place, const struct bundle *b, int64_t now, struct err *err);

/* Rules for places: see place.c. */
enum err_code slot_file_gather(
    struct txn *t, struct change *c, struct err *err);
enum err_code slot_file_judge(struct change *c, struct err *err);
enum err_code slot_file_apply(struct txn *t, struct change *c, struct err *err);
enum err_code slot_file_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);
enum err_code slot_password_gather(
    struct txn *t, struct change *c, struct err *err);
enum err_code slot_password_judge(struct change *c, struct err *err);
enum err_code slot_password_apply(
    struct txn *t, struct change *c, struct err *err);
void slot_release(struct change *c);

#endif
