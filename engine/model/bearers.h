/*
 * bearers.h - secrets that somebody shows, by their hashes: access tokens of
 * users (account-driven enrollment) and the codes of invitations.
 */
#ifndef MDMFS_MODEL_BEARERS_H
#define MDMFS_MODEL_BEARERS_H

#include "engine/model/model.h"
#include "engine/model/record.h"

#define BEARER_TOKEN 64 /* characters of an access token */
#define BEARER_UNUSED                                                          \
	INT64_C(86400) /* seconds: then one that no device has
                                           goes */
#define BEARER_HASH 32

/* An access token. */
struct bearer {
	uint8_t hash[BEARER_HASH];
	uint32_t device; /* that has enrolled with it; 0: none yet */
	int64_t made_at;
	char user[256];     /* orgs/ORG/users/USER */
	char apple_id[256]; /* AssignedManagedAppleID */
};

/* A fresh one: BEARER_TOKEN characters and a NUL. */
enum err_code bearer_make(char text[static BEARER_TOKEN + 1], struct err *err);

/* Store it (hash is set from text), and forget those of the organization that
 * are longer without a device than BEARER_UNUSED. */
enum err_code bearer_add(struct txn *t, uint32_t org, const char *text,
    const struct bearer *b, struct err *err);
/* ERR_NOT_FOUND: no such token; also one that no device has, and that is older
 * than BEARER_UNUSED at now. */
enum err_code bearer_find(struct txn *t, uint32_t org, struct bytes text,
    int64_t now, struct bearer *ret, struct err *err);
/* The device that has it now.  One that is not known is no failure. */
enum err_code bearer_bind(struct txn *t, uint32_t org,
    const uint8_t hash[static BEARER_HASH], uint32_t device, struct err *err);
enum err_code bearer_forget(struct txn *t, uint32_t org,
    const uint8_t hash[static BEARER_HASH], struct err *err);

/* The file of an invitation, by its code. */
enum err_code bearer_put_invitation(struct txn *t, uint32_t org,
    const char *code, uint64_t ino, struct err *err);
/* ERR_NOT_FOUND */
enum err_code bearer_invitation(struct txn *t, uint32_t org, const char *code,
    uint64_t *ret, struct err *err);
/* Either kind. */
enum err_code bearer_drop(
    struct txn *t, uint32_t org, struct bytes text, struct err *err);

#endif
