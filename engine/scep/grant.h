/*
 * grant.h - whether an applicant may have a certificate, and for whom.
 */
#ifndef MDMFS_SCEP_GRANT_H
#define MDMFS_SCEP_GRANT_H

#include "engine/model/certs.h"
#include "engine/model/challenges.h"
#include "engine/scep/enroll.h"

/* What an applicant may have. */
struct grant {
	bool renewal; /* signed by a certificate that was issued here: */
	/* or for the enrollment of one, by a challenge: */
	bool succeeds;
	struct issued old;
	uint32_t meant; /* for this device alone; 0: for anybody */
	char name[DEVICE_ID_MAX + 1]; /* or for one that calls itself so */
	bool challenged;
	struct challenge challenge; /* with challenged */
	bool again;                 /* it had the certificate already: */
	struct buf der;
};

/*
 * Decide, by the challenge and the signer of the message.  Any failure whose
 * err_http() is below 500 is a refusal with its reason.  Frees nothing: g->der
 * is the caller's.
 */
enum err_code grant_decide(
    struct txn *t, const struct enroll *e, struct grant *g, struct err *err);

#endif
