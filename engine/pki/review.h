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
	/* An issuer is missing that devices do not know either: missing names
	 * it.  Vendor: Apple's portal wants the root, too. */
	FLAW_CHAIN_INCOMPLETE = 1u << 0,
	/* the chain ends in a root that devices do not know by themselves */
	FLAW_ROOT_PRIVATE = 1u << 1,
	/* the leaf is its own root, which devices do not know; then without
	 * FLAW_ROOT_PRIVATE */
	FLAW_SELF_SIGNED = 1u << 2,
	/* TLS: no DNS name and no address as subject alternative name */
	FLAW_NO_NAMES = 1u << 3,
	/* TLS: valid for more than 825 days (HT210176) */
	FLAW_TOO_LONG = 1u << 4,
	FLAW_WEAK_KEY = 1u << 5, /* of any in the chain */
	/* TLS, signing: SHA-1 or MD5 under any but the root */
	FLAW_WEAK_DIGEST = 1u << 6,
	/* TLS: no extendedKeyUsage with serverAuth (HT210176) */
	FLAW_NO_SERVER_AUTH = 1u << 7,
	FLAW_NOT_APPLE = 1u << 8, /* push, vendor: the issuer is not Apple's */
	FLAW_SHORT_LIVED = 1u << 9, /* signing: less than 100 days in all */
	/* an issuer ends before the leaf: chain_ends */
	FLAW_CHAIN_ENDS = 1u << 10,
	/* TLS, signing: this machine has no list of roots, so nothing is said
	 * of the chain's end */
	FLAW_ROOTS_UNKNOWN = 1u << 11,
};

struct identity_review {
	unsigned flaws;     /* set of enum flaw */
	int64_t chain_ends; /* the first notAfter among leaf and issuers, root
			      * included (seconds since 1970 UTC) */
	char missing[256];  /* issuer text, escaped, cut; "" */
	char root[256];     /* subject of the root, or of the last issuer that
			     * is there; escaped, cut */
};

/*
 * The chain is followed up to the first certificate that roots know; what
 * stands behind it (a cross-signed root) no device needs.  roots may be NULL.
 * Of a push certificate the chain is not judged: Apple has it.
 */
void identity_review(const struct identity *id, enum slot_purpose purpose,
    const struct roots *roots, struct identity_review *ret);

#endif
