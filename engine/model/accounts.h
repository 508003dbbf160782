/*
 * accounts.h - people who may enroll devices: orgs/ORG/users/USER.
 *
 * A password is kept as the crypt(3) hash that mkpasswd(1) prints.  To compare
 * one takes up to a second of a core: never in a transaction.
 */
#ifndef MDMFS_MODEL_ACCOUNTS_H
#define MDMFS_MODEL_ACCOUNTS_H

#include "engine/model/place.h"

#define ACCOUNT_HASH_MAX 384

struct account {
	bool known; /* false: the hash is a decoy */
	char name[NODE_NAME_MAX + 1];
	char full_name[256];         /* "" if there is none */
	char hash[ACCOUNT_HASH_MAX]; /* a secret */
};

/*
 * The account that somebody means who types name: the one of that name or, if
 * it is an address in one of the organization's mail domains, the one that is
 * called by what stands before the @.  One that is not known looks the same,
 * with the hash of somebody else of the organization, so that it costs the
 * same to be refused.
 */
enum err_code account_find(struct txn *t, uint32_t org, const char *name,
    struct account *ret, struct err *err);

/* Whether the password is the account's.  Slow, the same for accounts that
 * are not known. */
bool account_proves(const struct account *a, const char *password);

/* Whether users/USER is there at all: who has signed in before may go on. */
bool account_exists(struct txn *t, uint32_t org, const char *name);

/* Whether the organization has users. */
bool accounts_any(struct txn *t, uint32_t org);

/* Rule for the place: see place.c. */
enum err_code password_judge(struct change *c, struct err *err);

#endif
