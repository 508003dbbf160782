/*
 * invitations.h - links that let a device enroll, once, until they end:
 * orgs/ORG/enrollment/invitations/NAME.
 *
 * The file says the conditions (`key: value` lines, all optional); the server
 * makes the code.  The code and who has used it are sealed beside the file
 * (MATERIAL); TOKEN_BEARER finds the file by the hash of a code.  A file that
 * is written anew, also by another file that is renamed over it or within the
 * two seconds that a removal waits, keeps its code and its uses; one that is
 * gone or has another name ends at once.
 */
#ifndef MDMFS_MODEL_INVITATIONS_H
#define MDMFS_MODEL_INVITATIONS_H

#include "engine/model/admission.h"
#include "engine/model/place.h"
#include "mdmfs/invitation.h"

#define INVITATION_CODE     26 /* characters: 130 random bits */
#define INVITATION_DAYS     7
#define INVITATION_DAYS_MAX 3650
#define INVITATION_USES_MAX 1000
#define INVITATION_SHOWN    50 /* uses and devices that are remembered */

/* What the file says. */
struct invitation_terms {
	int64_t ends;  /* seconds since 1970 UTC; 0: by days */
	uint32_t days; /* from when it was written */
	uint32_t uses;
	char user[ADMISSION_NAME_MAX + 1];     /* whose device; "" */
	char serial[ADMISSION_SERIAL_MAX + 1]; /* for this one alone; "" */
	char note[512];                        /* for people; "" */
};

/* ERR_INVALID naming line and cause. */
enum err_code invitation_parse(
    struct bytes file, struct invitation_terms *ret, struct err *err);

/*
 * The invitation of that code (spaces, '-' and case do not matter), if it is
 * good now.  ERR_DENIED with a sentence for people: unknown, ended, used up.
 */
enum err_code invitation_check(struct txn *t, uint32_t org, const char *code,
    int64_t now, struct admission *ret, struct err *err);
/* The same, and it is used once more; from: the client's address. */
enum err_code invitation_use(struct txn *t, uint32_t org, const char *code,
    const char *from, int64_t now, struct admission *ret, struct err *err);
/* Note the device that it brought.  An invitation that has gone is no
 * failure. */
enum err_code invitation_bind(struct txn *t, uint64_t ino, const char *udid,
    int64_t now, struct err *err);

/* Whether the organization has any that could be good. */
bool invitations_any(struct txn *t, uint32_t org);

/* Rules for the place: see place.c. */
enum err_code invitation_judge(struct change *c, struct err *err);
enum err_code invitation_apply(
    struct txn *t, struct change *c, struct err *err);
enum err_code invitation_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);

#endif
