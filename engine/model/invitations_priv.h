/*
 * invitations_priv.h - what the server knows of an invitation.
 */
#ifndef MDMFS_MODEL_INVITATIONS_PRIV_H
#define MDMFS_MODEL_INVITATIONS_PRIV_H

#include "engine/model/devices.h"
#include "engine/model/invitations.h"

#define INVITATION_NOTES 60

/* It was used, or a device came with it. */
struct invitation_note {
	int64_t at;
	char from[48];                  /* the address; "" */
	char device[DEVICE_ID_MAX + 1]; /* "" */
};

struct invitation_state {
	char code[INVITATION_CODE + 1];
	int64_t written_at; /* its file, for the last time */
	uint32_t used;
	uint32_t n;
	struct invitation_note notes[INVITATION_NOTES]; /* the newest */
};

/* ERR_NOT_FOUND */
enum err_code invitation_state_read(
    struct txn *t, uint64_t ino, struct invitation_state *ret, struct err *err);
enum err_code invitation_state_store(struct txn *t, uint64_t ino,
    const struct invitation_state *s, struct err *err);
enum err_code invitation_terms_of(struct txn *t, const struct node *n,
    struct invitation_terms *ret, struct err *err);
/* It is good before. */
int64_t invitation_ends(
    const struct invitation_terms *terms, const struct invitation_state *s);

#endif
