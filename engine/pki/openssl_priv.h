/*
 * openssl_priv.h - small helpers around OpenSSL's types, for this room.
 */
#ifndef MDMFS_PKI_OPENSSL_PRIV_H
#define MDMFS_PKI_OPENSSL_PRIV_H

#include <stdbool.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "engine/pki/keyspec.h"
#include "engine/pki/openssl.h"
#include "engine/pki/san.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

/* The newest reason in the queue, for a person; static. */
const char *openssl_reason(void);

/* A read-only BIO over b, which must outlive it; NULL: no memory. */
BIO *openssl_reader(struct bytes b);
/* Append what a memory BIO holds. */
void openssl_drain(BIO *bio, struct buf *ret);

/*
 * Make the legacy context this thread's default; give the result to
 * openssl_leave_legacy().  Old files need it: RC2-40, single DES.
 */
OSSL_LIB_CTX *openssl_enter_legacy(void);
void openssl_leave_legacy(OSSL_LIB_CTX *old);

/* Say what key is; spki is its DER SubjectPublicKeyInfo; key may be NULL. */
void keyspec_fill(struct keyspec *k, const EVP_PKEY *key, struct bytes spki);

/* Append a name as cert_subject() tells it. */
void name_text(const X509_NAME *name, struct buf *ret);
/* "CN=a, O=b" as a name; the caller frees it.  ERR_INVALID. */
enum err_code name_parse(const char *text, X509_NAME **ret, struct err *err);
/* The last entry of that kind, as clean UTF-8 (escaped if need be), malloc'd;
 * NULL: none. */
char *name_entry(const X509_NAME *name, int nid);

/* Equals pkey_id() of the certificate's key, however the certificate writes
 * it; KEYSPEC_ID_LEN. */
const uint8_t *cert_pair_id(const struct cert *c);
/* Whether key is the private half of the certificate's key. */
bool identity_pair_fits(const struct pkey *key, const struct cert *c);

struct sans {
	struct san *v; /* texts are malloc'd */
	size_t n;
};

/* Those names that a text can hold; the rest is left out. */
enum err_code sans_read(
    const GENERAL_NAMES *names, struct sans *ret, struct err *err);
void sans_free(struct sans *s);
/* Append names to *ret (made if NULL).  ERR_INVALID. */
enum err_code sans_append(
    const struct san *names, size_t n, GENERAL_NAMES **ret, struct err *err);

#endif
