/*
 * profile.h - the enrollment profile: what goes into it, and the document.
 */
#ifndef MDMFS_MDM_PROFILE_H
#define MDMFS_MDM_PROFILE_H

#include "engine/base/pl.h"
#include "engine/model/challenges.h"
#include "engine/model/orgs.h"
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
	struct identity *signer;    /* NULL: unsigned */
	char install[PROFILE_UUID]; /* of this server */
	uint8_t hash[32];           /* of all of the above */
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

/* The roots alone, of the chains that clients see who ask for host: for
 * /trust.mobileconfig, which the system signs. */
enum err_code profile_roots(struct txn *t, const struct engine *e,
    const char *host, struct profile_inputs *ret, struct err *err);

/* Append profile as XML, signed by signer unless that is NULL. */
enum err_code profile_sign(const struct pl *profile,
    const struct identity *signer, struct buf *ret, struct err *err);

/* Append the document, signed if there is a signer.  Not in a transaction. */
enum err_code profile_make(const struct profile_inputs *in,
    const char *challenge, struct buf *ret, struct err *err);
enum err_code profile_make_trust(
    const struct profile_inputs *in, struct buf *ret, struct err *err);

/* Make this server's UUID, once; profile_inputs() needs it. */
enum err_code profile_install_id(struct engine *e, struct err *err);

#endif
