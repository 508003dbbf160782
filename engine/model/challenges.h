/*
 * challenges.h - SCEP challenges: strings that are good for one certificate.
 *
 * Kept by their SHA-256, so the store does not hold what a client must know.
 */
#ifndef MDMFS_MODEL_CHALLENGES_H
#define MDMFS_MODEL_CHALLENGES_H

#include "engine/model/certs.h"
#include "engine/model/place.h"
#include "mdmfs/device.h"

#define CHALLENGE_LEN  32                 /* characters of a new one */
#define CHALLENGE_LIFE INT64_C(7 * 86400) /* seconds: one in a profile file */
#define CHALLENGE_HTTP INT64_C(3600)      /* seconds: one handed out by HTTP */
/* Seconds: one in scep/challenges, unless challenge-validity says less. */
#define CHALLENGE_FILE INT64_C(10 * 365 * 86400)
#define CHALLENGE_MIN  8   /* characters of one that an administrator writes */
#define CHALLENGE_MAX  128 /* bytes */

struct challenge {
	uint8_t hash[32];
	uint32_t org;
	uint32_t meant;  /* for this device alone; 0: for anybody */
	int64_t expires; /* seconds; it is good before */
	int64_t used_at; /* 0: not yet */
	/* Who used it: the same key gets the same certificate again, when the
	 * answer was lost. */
	uint8_t key_id[32];
	uint8_t fingerprint[32];    /* of the certificate that it got */
	struct admission admission; /* what let its device in */
	/* UDID or serial number of the only device that it is good for; "".
	 * Of a file in orgs/ORG/scep/challenges its name; and the file (else
	 * 0), which must still be what it was. */
	char name[DEVICE_ID_MAX + 1];
	uint64_t ino;
	uint64_t version;
	/* It renews the certificate of meant's enrollment that began then
	 * (enrolled_at), and no other; 0: it does not. */
	int64_t renews;
};

/* A fresh one: CHALLENGE_LEN characters and a NUL. */
enum err_code challenge_make(
    char text[static CHALLENGE_LEN + 1], struct err *err);

/* Store a new one, for whoever the administrator hands it to
 * (ADMISSION_FILE). */
enum err_code challenge_add(struct txn *t, const char *text, uint32_t org,
    uint32_t meant, int64_t expires, struct err *err);

/* The same, with the other fields as they are in c; sets c->hash. */
enum err_code challenge_put(
    struct txn *t, struct challenge *c, const char *text, struct err *err);

/* ERR_NOT_FOUND.  Whether it is used or has expired is the caller's to see. */
enum err_code challenge_read(
    struct txn *t, const char *text, struct challenge *ret, struct err *err);
enum err_code challenge_store(
    struct txn *t, const struct challenge *c, struct err *err);

/* Whether its file is still there and the same; ERR_OK if it has none.
 * ERR_GONE. */
enum err_code challenge_check_file(
    struct txn *t, const struct challenge *c, struct err *err);

/* What orgs/ORG/scep/challenges has for a device that is known by one of these
 * (serial may be NULL): append it; a secret.  ERR_NOT_FOUND: nothing, or what
 * was there is used. */
enum err_code challenge_of_device(struct txn *t, uint32_t org, const char *udid,
    const char *serial, struct buf *ret, struct err *err);

/* The device of that organization with that UDID or serial number; 0: it is
 * not known yet. */
uint32_t challenge_device(struct txn *t, uint32_t org, const char *name);

/* Whether a certificate that was issued for a name may be bound to a device
 * that calls itself so; serial may be NULL.  ERR_DENIED. */
enum err_code challenge_check_device(const struct issued *i, const char *udid,
    const char *serial, struct err *err);

/* Rules for the place SCEP_CHALLENGE: see place.c. */
enum err_code challenge_file_judge(struct change *c, struct err *err);
enum err_code challenge_file_apply(
    struct txn *t, struct change *c, struct err *err);
enum err_code challenge_file_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);

/* Forget those that ended a week ago, at most 100. */
enum err_code challenges_trim(struct txn *t, int64_t now, struct err *err);

#endif
