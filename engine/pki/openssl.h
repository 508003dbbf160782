/*
 * openssl.h - the OpenSSL objects inside, for rooms whose protocol needs
 * OpenSSL's own calls (SCEP's attributes, TLS contexts).
 *
 * Borrowed: they live as long as the struct they come from, may be used from
 * several threads, and must not be changed.  Leave the thread's error queue
 * empty.
 */
#ifndef MDMFS_PKI_OPENSSL_H
#define MDMFS_PKI_OPENSSL_H

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "engine/pki/cert.h"
#include "engine/pki/pkey.h"

X509 *cert_x509(const struct cert *c);
/* cert_parse() of what OpenSSL has parsed already: counts x, whose key need not
 * be decoded once more.  x is of this thread alone, and is shared from now on:
 * it must not be changed any more. */
enum err_code cert_of_x509(X509 *x, struct cert **ret, struct err *err);
EVP_PKEY *pkey_evp(const struct pkey *k);

/* Append the message as DER. */
enum err_code cms_put(
    const CMS_ContentInfo *cms, struct buf *ret, struct err *err);

/*
 * A library context with the default and the legacy provider (single DES, RC2,
 * MD4), apart from everything else.  NULL: the legacy provider is not
 * installed.  Lives until the process ends.
 */
OSSL_LIB_CTX *openssl_legacy(void);

#endif
