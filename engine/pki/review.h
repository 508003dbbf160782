/*
 * review.h - what is weak or wrong with an identity that can be used
 * nevertheless, as devices or Apple see it.  Not what slot.h refuses.
 */
#ifndef MDMFS_PKI_REVIEW_H
#define MDMFS_PKI_REVIEW_H

#include "engine/pki/identity.h"
#include "engine/pki/roots.h"
#include "engine/pki/slot.h"

/* Stored: never change or reuse one. */
enum flaw {
	/* an intermediate is missing: review.missing names the issuer */
	FLAW_CHAIN_INCOMPLETE = 1u << 0,
	/* the chain ends in a root that devices do not know by themselves */
	FLAW_ROOT_PRIVATE = 1u << 1,
	/* the leaf is its own root: self-signed */
	FLAW_SELF_SIGNED = 1u << 2,
	FLAW_NO_NAMES = 1u << 3, /* TLS: no subject alternative name */
	FLAW_TOO_LONG =
	    1u << 4, /* TLS: valid for more than 825 days, HT210176 */
	FLAW_WEAK_KEY = 1u << 5,       /* of any in the chain */
	FLAW_WEAK_DIGEST = 1u << 6,    /* of any but a root: SHA-1, MD5 */
	FLAW_NO_SERVER_AUTH = 1u << 7, /* TLS: extendedKeyUsage lacks it */
	FLAW_NOT_APPLE = 1u << 8, /* push, vendor: the issuer is not Apple's */
	FLAW_SHORT_LIVED = 1u << 9,    /* signing: less than 100 days in all */
	FLAW_CHAIN_ENDS = 1u << 10,    /* an intermediate ends before the leaf:
					   * review.chain_ends */
	FLAW_ROOTS_UNKNOWN = 1u << 11, /* this machine has no list of roots */
};

struct identity_review {
	unsigned flaws;     /* set of enum flaw */
	int64_t chain_ends; /* the first notAfter among leaf and issuers, root
			      * included (seconds since 1970 UTC) */
	char missing[256];  /* issuer text, escaped, cut; "" */
	char root[256];     /* subject of the chain's last certificate */
};

/* roots may be NULL: FLAW_ROOTS_UNKNOWN unless the chain is self-signed. */
void identity_review(const struct identity *id, enum slot_purpose purpose,
    const struct roots *roots, struct identity_review *ret);

#endif
