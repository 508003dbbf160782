/*
 * profile.h - the enrollment profile: what goes into it, and the document.
 */
#ifndef MDMFS_MDM_PROFILE_H
#define MDMFS_MDM_PROFILE_H

#include "engine/base/pl.h"
#include "engine/model/challenges.h"
#include "engine/model/orgs.h"
#include "engine/model/scep_settings.h"
#include "engine/model/settings.h"
#include "engine/pki/identity.h"

#define PROFILE_MAX_ROOTS 32
#define PROFILE_UUID      37 /* 8-4-4-4-12 and a NUL */

/* Everything that the document is made of, but the challenge. */
struct profile_inputs {
	struct org org;
	char display[256]; /* orgs/ORG/name, or the directory's name */
	struct system_url url;
	char topic[256];
	int64_t access_rights;
	struct cert *roots[PROFILE_MAX_ROOTS]; /* to be trusted, counted */
	size_t n_roots;
	enum admission_mode mode; /* account-driven; see profile_admission() */
	char apple_id[256];       /* with a mode: AssignedManagedAppleID */
	struct identity *signer;  /* NULL: unsigned */
	char install[PROFILE_UUID]; /* of this server */
	struct scep_settings scep;
	uint8_t hash[32]; /* of all of the above */
	/* For whom, as profile_for() was told; "" for anybody. */
	char udid[DEVICE_ID_MAX + 1];
	char serial[DEVICE_ID_MAX + 1];
	char own_challenge[CHALLENGE_MAX + 1]; /* of scep/challenges; "" */
	bool unfit; /* leave a challenge out that would have to be fetched */
	/* The payloads are encrypted for it; NULL: they are not.  Borrowed. */
	const struct cert *reader;
	const struct engine *engine;
};

/*
 * Gather them.  Fails with the reason for which no profile may be handed out
 * now: no or an ended push certificate, no system/url nor orgs/ORG/url, a name
 * that the HTTPS certificate served for it does not carry.  Free with
 * profile_inputs_fini().
 */
enum err_code profile_inputs(struct txn *t, const struct engine *e,
    uint32_t org, struct profile_inputs *ret, struct err *err);
void profile_inputs_fini(struct profile_inputs *in);

/* After profile_inputs(): the profile is for this device alone; either may be
 * NULL.  Its certificate is named after it, and a string in scep/challenges is
 * told to another CA.  In the same transaction. */
enum err_code profile_for(struct txn *t, struct profile_inputs *in,
    const char *udid, const char *serial, struct err *err);

/* Whether its challenge must be fetched, and lives for SCEP_NDES_LIFE then. */
bool profile_fetches(const struct profile_inputs *in);

/* What the profile says of how the device was let in. */
void profile_admission(struct profile_inputs *in, const struct admission *a);

/* The roots alone, of the chains that clients see who ask for host: for
 * /trust.mobileconfig, which the system signs. */
enum err_code profile_roots(struct txn *t, const struct engine *e,
    const char *host, struct profile_inputs *ret, struct err *err);

/* Append profile as XML, signed by signer unless that is NULL. */
enum err_code profile_sign(const struct pl *profile,
    const struct identity *signer, struct buf *ret, struct err *err);

/*
 * Append the document, signed if there is a signer.  Not in a transaction:
 * another CA is asked for its certificate and, if that is NDES, for a
 * challenge.  challenge is what the built-in CA shall hear; for another one it
 * is the name that the certificate must carry (third_party.h).  So store it
 * either way, for scep_challenge_life(&in->scep) seconds.
 */
enum err_code profile_make(const struct profile_inputs *in,
    const char *challenge, struct buf *ret, struct err *err);
enum err_code profile_make_trust(
    const struct profile_inputs *in, struct buf *ret, struct err *err);

/* The same for the first two steps of an enrollment over the air: the profile
 * service payload with its challenge, and a profile that gets the device a
 * certificate named after it. */
enum err_code profile_make_service(const struct profile_inputs *in,
    const char *challenge, struct buf *ret, struct err *err);
enum err_code profile_make_identity(const struct profile_inputs *in,
    const char *challenge, struct buf *ret, struct err *err);

/* Make this server's UUID, once; profile_inputs() needs it. */
enum err_code profile_install_id(struct engine *e, struct err *err);

#endif
