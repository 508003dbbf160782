/*
 * ota_sessions.h - enrollments over the air and by ADE's web view that are
 * under way: what the server must know of them from one request to the next.
 *
 * Known by the SHA-256 of a random challenge, sealed; each ends after an hour.
 */
#ifndef MDMFS_MODEL_OTA_SESSIONS_H
#define MDMFS_MODEL_OTA_SESSIONS_H

#include "engine/model/admission.h"
#include "engine/model/challenges.h"

#define OTA_LIFE INT64_C(3600) /* seconds */

/* Stored: never change or reuse one. */
enum ota_state {
	OTA_BEGUN = 1,    /* the profile service payload was handed out */
	OTA_IDENTITY = 2, /* a device has answered, and may get its identity */
	OTA_DONE = 3,     /* it has got the enrollment profile */
	OTA_WEB = 4,      /* a device that shows ADE's web view */
	OTA_WEB_GENUINE = 5, /* the same; Apple's CA stands behind it */
};

struct ota {
	uint8_t hash[32]; /* of the challenge */
	uint32_t org;
	enum ota_state state;
	int64_t expires; /* seconds; it is good before */
	/* way NONE: the gate decides when the device tells its serial number */
	struct admission admission;
	/* from OTA_IDENTITY on, and of the web view: */
	char udid[DEVICE_ID_MAX + 1];
	char serial[DEVICE_ID_MAX + 1];
	uint8_t signer[32]; /* fingerprint of Apple's certificate */
	char identity[CHALLENGE_LEN + 1]; /* SCEP challenge of that phase */
	/* from OTA_DONE on: */
	uint8_t fingerprint[32];       /* of the certificate that it had got */
	char final[CHALLENGE_LEN + 1]; /* SCEP challenge of the profile */
};

/* ERR_NOT_FOUND: no such one, or of another organization; one that has ended is
 * found.  Wipe *ret (ota_wipe()). */
enum err_code ota_read(struct txn *t, uint32_t org, const char *challenge,
    struct ota *ret, struct err *err);
void ota_wipe(struct ota *o);

/* A new one; sets o->hash and, from now, o->expires.  Takes old ones away. */
enum err_code ota_add(struct txn *t, struct ota *o, const char *challenge,
    int64_t now, struct err *err);
enum err_code ota_store(struct txn *t, const struct ota *o, struct err *err);

/* Forget those that have ended, at most 100. */
enum err_code ota_trim(struct txn *t, int64_t now, struct err *err);

#endif
