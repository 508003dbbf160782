/*
 * bundle.h - the keys and certificates of one file, in whatever form an
 * administrator has them.
 *
 * PKCS#12 (also what IIS and old Keychains export), PEM with any mixture of
 * blocks and with text around them, DER: a certificate, a key (plain or
 * encrypted PKCS#8), PKCS#7.
 */
#ifndef MDMFS_PKI_BUNDLE_H
#define MDMFS_PKI_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/pki/cert.h"
#include "engine/pki/pkey.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

#define BUNDLE_MAX           (1u << 20) /* bytes of a file */
#define BUNDLE_MAX_CERTS     256
#define BUNDLE_MAX_KEYS      64
#define BUNDLE_MAX_PASSWORDS 32
/* A key derivation with more rounds than this is refused, not computed. */
#define BUNDLE_MAX_ROUNDS 5000000

/* Never changes after it was made. */
struct bundle;

/*
 * Read file.  Each of the n_passwords passwords (UTF-8, no newline) is tried
 * on what is encrypted, and no password and the empty one as well.  What stays
 * encrypted is no failure: see bundle_is_locked().  *ret is the caller's.
 * ERR_UNDECODABLE with what is wrong with the file, ERR_TOO_BIG,
 * ERR_KEY_REJECTED (the halves of a key do not belong together),
 * ERR_NO_MEMORY.
 */
enum err_code bundle_parse(struct bytes file, const char *const passwords[],
    size_t n_passwords, struct bundle **ret, struct err *err);

/* A bundle of one key (certs may be empty: n_certs 0), counted, not copied:
 * for keys that the store made. */
enum err_code bundle_new(struct pkey *key, struct cert *const certs[],
    size_t n_certs, struct bundle **ret, struct err *err);

/* In the order of the file, the same one never twice.  Borrowed from b; take
 * cert_ref() or pkey_ref() to keep one. */
size_t bundle_n_certs(const struct bundle *b);
struct cert *bundle_cert(const struct bundle *b, size_t i);
size_t bundle_n_keys(const struct bundle *b);
struct pkey *bundle_key(const struct bundle *b, size_t i);

/* Something in it is encrypted and no password opened it. */
bool bundle_is_locked(const struct bundle *b);
/* Locked although passwords were given. */
bool bundle_wrong_password(const struct bundle *b);
/* PKCS#12 or PKCS#7: whole exports, that may hold more than is meant. */
bool bundle_is_export(const struct bundle *b);
/* A file that is meant to hold a key. */
bool bundle_is_pkcs12(const struct bundle *b);

void bundle_free(struct bundle *b);

/*
 * What was read, unlocked, as bytes of our own: the store keeps it, sealed.
 * Append to ret; give it to buf_wipe().
 */
enum err_code bundle_encode(
    const struct bundle *b, struct buf *ret, struct err *err);
/* ERR_DAMAGED. */
enum err_code bundle_decode(
    struct bytes bytes, struct bundle **ret, struct err *err);

/* How far a file that is being written was looked at.  Zeroed: nothing. */
struct bundle_check {
	/* for the caller */
	bool complete; /* one DER document, and it is all there */
	size_t whole;  /* bytes up to the end of the last complete PEM block:
			* bundle_parse() of that much can be judged */
	/* the check's own */
	size_t seen;
	size_t total;
	size_t line;
	size_t block;
	int state;
};

/*
 * Look at what has been written so far (from the file's first byte; all of
 * it, c remembers what it has seen).  ERR_OK: fine as yet, perhaps cut short.
 * Fails only with what no further bytes can mend, with bundle_parse()'s
 * errors.  The cost is that of the new bytes.
 */
enum err_code bundle_check_prefix(
    struct bundle_check *c, struct bytes so_far, struct err *err);

#endif
