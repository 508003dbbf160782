/*
 * third_party.h - another CA that issues the certificates of an organization's
 * devices (orgs/ORG/scep/url): what is known of it, and which certificates of
 * it may speak here.
 *
 * Such a CA has customers of its own.  So a certificate counts only if the
 * pinned CA issued it and it carries the random name (%ID%) that one of our
 * enrollment profiles asked for; each name is good once (it is kept as a
 * challenge: challenges.h).
 */
#ifndef MDMFS_MODEL_THIRD_PARTY_H
#define MDMFS_MODEL_THIRD_PARTY_H

#include "engine/model/enrollment.h"
#include "engine/model/scep_settings.h"

#define THIRD_PARTY_CERTS 16
#define THIRD_PARTY_CAPS  1024 /* bytes of GetCACaps */
#define THIRD_PARTY_FRESH                                                      \
	INT64_C(24 * 3600) /* seconds until it is asked again */

/* What it has shown. */
struct third_party {
	int64_t fetched_at;
	char caps[THIRD_PARTY_CAPS + 1]; /* lines, as they came */
	struct cert *certs[THIRD_PARTY_CERTS];
	size_t n_certs;
	/* the last asking of the CA, and of NDES for a challenge: when, and why
	 * it failed ("" if it did not) */
	struct third_party_outcome {
		int64_t at; /* seconds; 0: not yet */
		char failure[400];
	} ca, ndes;
};

/* Kept with the file scep/url; ERR_NOT_FOUND: it was not asked yet, or about
 * another address.  third_party_fini() it. */
enum err_code third_party_read(struct txn *t, const struct scep_settings *s,
    struct third_party *ret, struct err *err);
enum err_code third_party_store(struct txn *t, const struct scep_settings *s,
    const struct third_party *p, struct err *err);
void third_party_fini(struct third_party *p);

/* The certificate with the fingerprint of the settings; without one in them
 * the first CA.  NULL: there is none. */
struct cert *third_party_pinned(
    const struct third_party *p, const struct scep_settings *s);
/* Whether it issued cert, through others of its certificates if need be. */
bool third_party_issued(const struct third_party *p,
    const struct scep_settings *s, const struct cert *cert);

/*
 * At Authenticate, of a certificate that is not known here: judge it and make
 * its record.  ERR_DENIED: it may not speak here.
 */
enum err_code third_party_accept(struct txn *t, const struct speaker *s,
    struct issued *ret, struct err *err);

/* ---- asking it ----------------------------------------------------------- */

/* The network is the scep room's: it gives this to the engine. */
struct scep_source {
	void *ctx;
	/* Ask the CA for its certificates, unless that was done lately, and
	 * keep them.  ERR_DENIED: it has not the pinned one. */
	enum err_code (*prepare)(
	    void *ctx, const struct scep_settings *s, struct err *err);
	/* Append a challenge for one device, from NDES: a secret.  id: the name
	 * that its certificate will have. */
	enum err_code (*challenge)(void *ctx, const struct scep_settings *s,
	    const char *id, struct buf *ret, struct err *err);
	/* Ask all CAs, and all NDES for a challenge, now; returns at once. */
	void (*live)(void *ctx);
};

#endif
