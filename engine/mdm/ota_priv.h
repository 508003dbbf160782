/*
 * ota_priv.h - between ota.c (the request, and what the steps share) and the
 * steps in which the device posts.
 */
#ifndef MDMFS_MDM_OTA_PRIV_H
#define MDMFS_MDM_OTA_PRIV_H

#include "engine/mdm/apple_device.h"
#include "engine/mdm/ota.h"
#include "engine/mdm/profile.h"
#include "engine/model/orgs.h"
#include "engine/model/ota_sessions.h"

struct ota_post {
	struct exchange *x;
	struct engine *engine;
	struct mdm *m;
	struct org org;
	struct device_message message;
	const char *challenge;
	const char *serial; /* never NULL */
	struct admission_ask ask;
	struct ota session;
	bool third; /* step 3 */
	bool other; /* its signer comes from another CA: third_party.h */
	bool ours;  /* what fails now is not the device's fault */
	struct profile_inputs in;
	char fresh[CHALLENGE_LEN + 1];
	struct buf reply;
};

/* The session as it is now, if it is still good. */
enum err_code ota_session(struct txn *t, struct ota_post *p, struct err *err);
/* Whether it is let in; take: and that counts. */
enum err_code ota_gate(
    struct txn *t, struct ota_post *p, bool take, struct err *err);
/* What profiles for this device are made of, in p->in. */
enum err_code ota_inputs(struct txn *t, struct ota_post *p, struct err *err);
/* Store a challenge that gets this device a certificate, and no other. */
enum err_code ota_challenge(
    struct txn *t, const struct ota_post *p, const char *text, struct err *err);

/* The steps: append the answer to p->reply.  Not in a transaction. */
enum err_code ota_second(struct ota_post *p, struct err *err);
enum err_code ota_third(struct ota_post *p, struct err *err);

#endif
