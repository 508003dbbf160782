/*
 * bundle_priv.h - how the parsers of a bundle's forms fill it.
 */
#ifndef MDMFS_PKI_BUNDLE_PRIV_H
#define MDMFS_PKI_BUNDLE_PRIV_H

#include "engine/pki/bundle.h"
#include "engine/pki/openssl_priv.h"

struct bundle {
	struct cert **certs;
	size_t n_certs;
	struct pkey **keys;
	size_t n_keys;
	bool locked;
	bool wrong_password;
	bool is_export;
	bool is_pkcs12;
};

/* Both take the certificate or key over, also when they fail; what is there
 * already is dropped.  ERR_TOO_BIG. */
enum err_code bundle_add_cert(
    struct bundle *b, struct cert *c, struct err *err);
enum err_code bundle_add_key(struct bundle *b, struct pkey *k, struct err *err);

/* Parse and add. */
enum err_code bundle_add_cert_der(
    struct bundle *b, struct bytes der, struct err *err);
enum err_code bundle_add_key_der(
    struct bundle *b, struct bytes der, struct err *err);

/* One password as a program that encrypted the file may have read it. */
struct opener_form {
	char *text;      /* NULL: no password at all */
	size_t password; /* which of the given ones; the last: none was */
};

/* What may still be tried on encrypted things. */
struct opener {
	struct opener_form *forms;
	size_t n_forms;
	size_t n_given;
	/* Rounds of key derivation left; a hostile file shall not keep the
	 * server busy. */
	uint64_t rounds;
	size_t last; /* the form that fitted last: tried first */
};

enum err_code opener_init(struct opener *o, const char *const passwords[],
    size_t n_passwords, struct err *err);
void opener_fini(struct opener *o);

/* The k-th form to try, the one that fitted last before all others; k is
 * below n_forms. */
size_t opener_order(const struct opener *o, size_t k);

/* Whether an algorithm's key derivation may be computed once more, and pay
 * for it.  ERR_UNDECODABLE with the reason. */
enum err_code opener_pay(
    struct opener *o, const X509_ALGOR *algorithm, struct err *err);
enum err_code opener_pay_rounds(
    struct opener *o, uint64_t rounds, size_t salt_len, struct err *err);

/*
 * Decrypt an encrypted PKCS#8 key and add it; b->locked if nothing fits.
 * ERR_UNDECODABLE.
 */
enum err_code bundle_read_encrypted(
    struct bundle *b, struct bytes der, struct opener *o, struct err *err);
enum err_code bundle_open_sig(
    struct bundle *b, const X509_SIG *sig, struct opener *o, struct err *err);

enum err_code bundle_read_pkcs12(
    struct bundle *b, struct bytes der, struct opener *o, struct err *err);
enum err_code bundle_read_pkcs7(
    struct bundle *b, struct bytes der, struct err *err);
enum err_code bundle_read_pem(
    struct bundle *b, struct bytes text, struct opener *o, struct err *err);
struct pem_block;
enum err_code bundle_read_block(struct bundle *b, const struct pem_block *block,
    struct opener *o, struct err *err);
/* Anything that begins as DER does. */
enum err_code bundle_read_der(
    struct bundle *b, struct bytes der, struct opener *o, struct err *err);

/* What a DER (or BER) document is. */
enum der_kind {
	DER_KIND_UNKNOWN,
	DER_KIND_CERT,
	DER_KIND_CSR,
	DER_KIND_CRL,
	DER_KIND_KEY,
	DER_KIND_ENCRYPTED_KEY,
	DER_KIND_PUBLIC_KEY,
	DER_KIND_PKCS7,
	DER_KIND_ENVELOPE, /* CMS, but nothing that holds certificates */
	DER_KIND_PKCS12,
};
enum der_kind der_kind(struct bytes der);

/* Refuses a file by its first bytes: what it is and what to do.  ERR_OK if
 * nothing is known against it (also: too few bytes). */
enum err_code bundle_refuse_foreign(struct bytes file, struct err *err);

/* Refuses a PEM label that no bundle takes. */
enum err_code bundle_refuse_label(
    const char *label, size_t line, struct err *err);

/* What to say of a request where a certificate is wanted. */
enum err_code bundle_refuse_csr(struct err *err);

#endif
