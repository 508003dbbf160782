/*
 * csr.h - certificate signing requests (PKCS#10, RFC 2986).
 */
#ifndef MDMFS_PKI_CSR_H
#define MDMFS_PKI_CSR_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/pki/keyspec.h"
#include "engine/pki/pkey.h"
#include "engine/pki/san.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

#define CSR_MAX 65536 /* bytes of a request */

/* Never changes after it was parsed; what an accessor returns is its own. */
struct csr;

/*
 * Parse one request, DER or PEM, and verify that its own key signed it.
 * ERR_UNDECODABLE (also: the signature does not hold), ERR_NO_MEMORY.
 */
enum err_code csr_parse(struct bytes bytes, struct csr **ret, struct err *err);
void csr_free(struct csr *r);

struct bytes csr_der(const struct csr *r);
/* One line for people, as cert_subject(). */
const char *csr_subject(const struct csr *r);
struct bytes csr_subject_der(const struct csr *r);
/* The last CN, escaped; NULL: none. */
const char *csr_common_name(const struct csr *r);
/* PKCS#9 challengePassword as UTF-8; NULL: none.  A secret. */
const char *csr_challenge(const struct csr *r);
const struct keyspec *csr_keyspec(const struct csr *r);
/* SHA-256 of the SubjectPublicKeyInfo, KEYSPEC_ID_LEN bytes. */
const uint8_t *csr_key_id(const struct csr *r);
struct bytes csr_spki(const struct csr *r);

/* Names asked for (PKCS#9 extensionRequest). */
size_t csr_n_names(const struct csr *r);
const struct san *csr_name(const struct csr *r, size_t i);
/* The DER value of the subjectAltName extension asked for, with the kinds of
 * names that struct san has not (otherName); len 0: none. */
struct bytes csr_san_der(const struct csr *r);

/*
 * Append a DER request for key, signed with SHA-256.  subject is text like
 * "CN=apple-id@example.com, O=Acme"; a comma inside a value is written "\,".
 * pem_put(ret, "CERTIFICATE REQUEST", der) makes the text.
 * ERR_INVALID: what is wrong with subject or a name.
 */
struct csr_wanted {
	const char *subject;
	const struct san *names;
	size_t n_names;
	const char *challenge; /* NULL: none */
};
enum err_code csr_make(const struct pkey *key, const struct csr_wanted *wanted,
    struct buf *ret, struct err *err);

/* Whether text is a subject that csr_make() takes.  ERR_INVALID. */
enum err_code csr_check_subject(const char *text, struct err *err);
/* Whether it takes that name.  ERR_INVALID. */
enum err_code csr_check_name(const struct san *name, struct err *err);

#endif
