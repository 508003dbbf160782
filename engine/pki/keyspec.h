/*
 * keyspec.h - what a public key is: its kind, its size, its identity.
 */
#ifndef MDMFS_PKI_KEYSPEC_H
#define MDMFS_PKI_KEYSPEC_H

#include <stdint.h>

#include "mdmfs/buf.h"
#include "mdmfs/err.h"

#define KEYSPEC_ID_LEN 32

enum keyspec_kind {
	KEYSPEC_OTHER = 0, /* DSA, Ed25519, an unusual curve, unreadable, ... */
	KEYSPEC_RSA = 1,
	KEYSPEC_P256 = 2,
	KEYSPEC_P384 = 3,
	KEYSPEC_P521 = 4,
};

struct keyspec {
	enum keyspec_kind kind;
	int bits;
	/* SHA-256 of the DER SubjectPublicKeyInfo: the same for a key, its
	 * certificate and its request. */
	uint8_t id[KEYSPEC_ID_LEN];
	char name[32]; /* "RSA 2048 bits", "P-256", "ED25519" */
};

/*
 * Whether devices and TLS peers of today take such a key: RSA of 2048 to 8192
 * bits, P-256, P-384, P-521.  ERR_KEY_REJECTED with the remedy.
 */
enum err_code keyspec_check(const struct keyspec *k, struct err *err);

#endif
