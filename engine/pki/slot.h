/*
 * slot.h - what an identity slot makes of the files in it.
 */
#ifndef MDMFS_PKI_SLOT_H
#define MDMFS_PKI_SLOT_H

#include "engine/pki/bundle.h"
#include "engine/pki/identity.h"

enum slot_purpose {
	SLOT_TLS,     /* the HTTPS certificate */
	SLOT_SIGNING, /* signs profiles */
	SLOT_APNS,    /* MDM push certificate */
	SLOT_VENDOR,  /* signs requests for push certificates */
};

/* Clocks differ: a certificate may begin this many seconds from now. */
#define SLOT_SKEW 600

/* A word for it: "tls", "signing", "apns", "vendor". */
const char *slot_purpose_name(enum slot_purpose purpose);

/*
 * Whether c can serve as the slot's own certificate at the time now (seconds
 * since 1970 UTC).  ERR_KEY_EXPIRED: ended, or not valid yet.
 * ERR_KEY_REJECTED: purpose, key or signature.  An unknown issuer is never a
 * reason.
 */
enum err_code slot_judge_cert(enum slot_purpose purpose, const struct cert *c,
    int64_t now, struct err *err);
/* The same without the clock. */
enum err_code slot_judge_fit(
    enum slot_purpose purpose, const struct cert *c, struct err *err);

/*
 * What can be said of one file alone.  Certificates of CAs are material for
 * chains and not judged; every other one must serve the slot (of an export one
 * is enough); a key must be strong; a key and a certificate that came together
 * must belong together.  A locked file whose passwords do not fit is
 * ERR_KEY_REJECTED; one for which there is no password yet is fine.
 */
enum err_code slot_judge_file(enum slot_purpose purpose, const struct bundle *b,
    int64_t now, struct err *err);

/* The same for the part of a file that is there as yet: nothing that further
 * certificates or keys could mend. */
enum err_code slot_judge_prefix(enum slot_purpose purpose,
    const struct bundle *b, int64_t now, struct err *err);

/*
 * The best identity that the files of a slot make, oldest file first: one that
 * is valid now before one that is not, then the latest notAfter, the latest
 * notBefore, the last written.  It may have expired: see slot_judge_cert().
 * Its chain is built from all the files.  *ret is the caller's.
 * ERR_NOT_FOUND: no pair, with what each certificate, key and file waits for.
 */
enum err_code slot_pick(enum slot_purpose purpose,
    const struct bundle *const bundles[], size_t n, int64_t now,
    struct identity **ret, struct err *err);

/*
 * Append one line for each thing in the slot that is not in use and why:
 * "certificate X has no key yet ...".  in_use may be NULL.
 */
void slot_waiting(enum slot_purpose purpose,
    const struct bundle *const bundles[], size_t n,
    const struct identity *in_use, struct buf *ret);

/* The same for things in bundles[i] alone. */
void slot_waiting_of(enum slot_purpose purpose,
    const struct bundle *const bundles[], size_t n, size_t i,
    const struct identity *in_use, struct buf *ret);

#endif
