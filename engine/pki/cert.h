/*
 * cert.h - the facts of one X.509 certificate.
 *
 * A struct cert never changes after cert_parse(), so threads may share one.
 * It is counted: cert_ref() and cert_free() may be called from any thread.
 * What an accessor returns is the certificate's own and lives as long as it.
 */
#ifndef MDMFS_PKI_CERT_H
#define MDMFS_PKI_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pki/keyspec.h"
#include "engine/pki/san.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

#define CERT_FINGERPRINT_LEN 32
#define CERT_DER_MAX         65536 /* bytes of one certificate */

struct cert;

/*
 * Parse der, which must be exactly one DER certificate; borrowed for the call.
 * *ret is the caller's, until cert_free().  About 120 us: parse once, keep it.
 * ERR_UNDECODABLE, ERR_NO_MEMORY.
 */
enum err_code cert_parse(struct bytes der, struct cert **ret, struct err *err);

/* c once more; each needs its cert_free(). */
struct cert *cert_ref(struct cert *c);
void cert_free(struct cert *c);

struct bytes cert_der(const struct cert *c);
/* Append it as PEM text. */
void cert_pem(const struct cert *c, struct buf *b);

/* SHA-256 of the DER, CERT_FINGERPRINT_LEN bytes. */
const uint8_t *cert_fingerprint(const struct cert *c);
/* SHA-256 of the SubjectPublicKeyInfo, KEYSPEC_ID_LEN bytes. */
const uint8_t *cert_key_id(const struct cert *c);
const struct keyspec *cert_keyspec(const struct cert *c);
/* DER SubjectPublicKeyInfo. */
struct bytes cert_spki(const struct cert *c);

/* One line for people, in the certificate's order: "C=US, O=Acme, CN=a".
 * UTF-8, escaped as by text_escape(), a comma in a value as "\,". */
const char *cert_subject(const struct cert *c);
const char *cert_issuer(const struct cert *c);
/* The DER Name; compare these, never the text. */
struct bytes cert_subject_der(const struct cert *c);
struct bytes cert_issuer_der(const struct cert *c);

/* Upper-case hex digits, as openssl x509 -serial prints. */
const char *cert_serial(const struct cert *c);
/* The content bytes of the serial number's INTEGER, big-endian. */
struct bytes cert_serial_bytes(const struct cert *c);

/* First and last second of validity, in seconds since 1970 UTC. */
int64_t cert_begins(const struct cert *c);
int64_t cert_expires(const struct cert *c);

/* The subject's UID (0.9.2342.19200300.100.1.1): the APNs topic of a push
 * certificate.  Clean UTF-8; NULL: none. */
const char *cert_topic(const struct cert *c);
/* The subject's last CN, escaped; NULL: none. */
const char *cert_common_name(const struct cert *c);
/* What to call it in a message: "push.example.com (serial 0A1B)". */
const char *cert_label(const struct cert *c);

/* Subject alternative names that a text can hold, in order. */
size_t cert_n_names(const struct cert *c);
const struct san *cert_name(const struct cert *c, size_t i);

/* RFC 6125: host is a DNS name (wildcards of the certificate match one label)
 * or an IP address.  The CN does not count, as no client of today reads it. */
bool cert_covers_host(const struct cert *c, const char *host);

/* May issue certificates: basicConstraints CA, or an old v1 root. */
bool cert_is_ca(const struct cert *c);
/* Subject and issuer are one, and its own key made the signature. */
bool cert_is_self_signed(const struct cert *c);
/* Names fit and issuer's key made the signature; costs a verification. */
bool cert_issued_by(const struct cert *c, const struct cert *issuer);

/* The signature is over SHA-1, MD5 or older. */
bool cert_signature_is_weak(const struct cert *c);
/* "sha256WithRSAEncryption" */
const char *cert_signature(const struct cert *c);

/* extendedKeyUsage: a set of these; 0: no such extension (any use). */
#define CERT_EKU_SERVER    1u
#define CERT_EKU_CLIENT    2u
#define CERT_EKU_EMAIL     4u
#define CERT_EKU_CODE      8u
#define CERT_EKU_ANY       16u
#define CERT_EKU_TIMESTAMP 32u
#define CERT_EKU_OTHER     64u /* some other one is named */
unsigned cert_ext_usages(const struct cert *c);

/* keyUsage: a set of these; all of them if there is no such extension. */
#define CERT_KU_SIGN      1u /* digitalSignature */
#define CERT_KU_ENCIPHER  2u /* keyEncipherment */
#define CERT_KU_CERT_SIGN 4u
#define CERT_KU_CRL_SIGN  8u
unsigned cert_key_usages(const struct cert *c);

#endif
