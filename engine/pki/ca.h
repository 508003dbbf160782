/*
 * ca.h - the built-in certificate authorities.
 *
 * Every certificate begins 10 minutes before now, for devices whose clocks
 * are behind.
 */
#ifndef MDMFS_PKI_CA_H
#define MDMFS_PKI_CA_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pki/cert.h"
#include "engine/pki/csr.h"
#include "engine/pki/identity.h"

#define CA_SERIAL_LEN      16
#define CA_SERVER_MAX_DAYS 825 /* Apple refuses longer ones (HT210176) */

/*
 * An organization's CA: RSA 2048, since SCEP decrypts with it, self-signed, 20
 * years; keyUsage also digitalSignature and keyEncipherment (RFC 8894 2.1.2).
 * common_name is UTF-8; at most 64 characters (RFC 5280 ub-common-name).
 */
enum err_code ca_create(const char *common_name, int64_t now,
    struct identity **ret, struct err *err);

/* The root of the self-made TLS certificates: P-256, 20 years. */
enum err_code tls_ca_create(const char *common_name, int64_t now,
    struct identity **ret, struct err *err);

/* What the CA says, whatever the request asks for. */
struct ca_profile {
	/* The subject: a DER Name, else text as in csr_make(), else that of
	 * the request. */
	struct bytes subject_der;
	const char *subject;
	int days;                /* of validity, from 1; cut at the CA's end */
	unsigned copy;           /* set of enum san_kind: copied from request */
	const struct san *names; /* further names */
	size_t n_names;
	bool client_auth;      /* extendedKeyUsage clientAuth */
	const char *crl_url;   /* cRLDistributionPoints; NULL: none */
	const char *ocsp_url;  /* authorityInfoAccess; NULL: none */
	const uint8_t *serial; /* CA_SERIAL_LEN bytes; NULL: random */
};

/*
 * A certificate for the key of request.  keyUsage digitalSignature, for RSA
 * keyEncipherment too; never a CA; no extension is copied but names.
 * ERR_KEY_REJECTED: the key is too weak.  ERR_INVALID: subject or names.
 */
enum err_code ca_issue(const struct identity *ca, const struct csr *request,
    const struct ca_profile *profile, int64_t now, struct cert **ret,
    struct err *err);

struct ca_server {
	const struct san *names; /* SAN_DNS, SAN_IP; the first is the CN */
	size_t n_names;
	int days; /* 1 to CA_SERVER_MAX_DAYS */
};

/* A certificate for a TLS server that has key. */
enum err_code ca_issue_server(const struct identity *ca, const struct pkey *key,
    const struct ca_server *server, int64_t now, struct cert **ret,
    struct err *err);

#endif
