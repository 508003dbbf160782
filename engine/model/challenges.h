/*
 * challenges.h - SCEP challenges: strings that are good for one certificate.
 *
 * Kept by their SHA-256, so the store does not hold what a client must know.
 */
#ifndef MDMFS_MODEL_CHALLENGES_H
#define MDMFS_MODEL_CHALLENGES_H

#include "engine/model/record.h"

#define CHALLENGE_LEN  32                 /* characters of a new one */
#define CHALLENGE_LIFE INT64_C(7 * 86400) /* seconds: one in a profile file */
#define CHALLENGE_HTTP INT64_C(3600)      /* seconds: one handed out by HTTP */

struct challenge {
	uint8_t hash[32];
	uint32_t org;
	uint32_t meant;  /* for this device alone; 0: for anybody */
	int64_t expires; /* seconds; it is good before */
	int64_t used_at; /* 0: not yet */
	/* Who used it: the same key gets the same certificate again, when the
	 * answer was lost. */
	uint8_t key_id[32];
	uint8_t fingerprint[32]; /* of the certificate that it got */
};

/* A fresh one: CHALLENGE_LEN characters and a NUL. */
enum err_code challenge_make(
    char text[static CHALLENGE_LEN + 1], struct err *err);

/* Store a new one. */
enum err_code challenge_add(struct txn *t, const char *text, uint32_t org,
    uint32_t meant, int64_t expires, struct err *err);

/* ERR_NOT_FOUND.  Whether it is used or has expired is the caller's to see. */
enum err_code challenge_read(
    struct txn *t, const char *text, struct challenge *ret, struct err *err);
enum err_code challenge_store(
    struct txn *t, const struct challenge *c, struct err *err);

/* Forget those that ended a week ago, at most 100. */
enum err_code challenges_trim(struct txn *t, int64_t now, struct err *err);

#endif
