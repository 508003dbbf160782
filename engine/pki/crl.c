#include "engine/pki/crl.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "engine/pki/openssl_priv.h"

struct crl {
	const struct identity *ca;
	X509_CRL *x;
};

static enum err_code
out_of_luck(struct err *err)
{
	return err_set(err, ERR_INTERNAL,
	    "a list of revoked certificates cannot be made (%s)",
	    openssl_reason());
}

enum err_code
crl_new(const struct identity *ca, struct crl **ret, struct err *err)
{
	struct crl *c = calloc(1, sizeof(*c));
	X509 *issuer = cert_x509(identity_leaf(ca));
	enum err_code rc = ERR_OK;

	if (c == NULL || (c->x = X509_CRL_new()) == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "CRL");
	else if (X509_CRL_set_version(c->x, X509_CRL_VERSION_2) != 1 ||
		 X509_CRL_set_issuer_name(
		     c->x, X509_get_subject_name(issuer)) != 1)
		rc = out_of_luck(err);
	if (rc == ERR_OK) {
		c->ca = ca;
		*ret = c;
		c = NULL;
	}
	ERR_clear_error();
	crl_free(c);
	return rc;
}

void
crl_free(struct crl *c)
{
	if (c == NULL)
		return;
	X509_CRL_free(c->x);
	free(c);
}

/* unspecified is said by leaving it out (RFC 5280 5.3.1) */
static bool
set_reason(X509_REVOKED *r, enum crl_reason reason)
{
	ASN1_ENUMERATED *e;
	bool fine;

	if (reason == CRL_UNSPECIFIED)
		return true;
	e = ASN1_ENUMERATED_new();
	fine = e != NULL && ASN1_ENUMERATED_set(e, reason) == 1 &&
	       X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, e, 0, 0) == 1;
	ASN1_ENUMERATED_free(e);
	return fine;
}

enum err_code
crl_add(struct crl *crl, const struct cert *c, int64_t at,
    enum crl_reason reason, struct err *err)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *when = ASN1_TIME_set(NULL, at);
	enum err_code rc = ERR_OK;

	if (r == NULL || when == NULL ||
	    X509_REVOKED_set_serialNumber(
		r, X509_get_serialNumber(cert_x509(c))) != 1 ||
	    X509_REVOKED_set_revocationDate(r, when) != 1 ||
	    !set_reason(r, reason) || X509_CRL_add0_revoked(crl->x, r) != 1)
		rc = out_of_luck(err);
	else
		r = NULL; /* the list's */
	ERR_clear_error();
	X509_REVOKED_free(r);
	ASN1_TIME_free(when);
	return rc;
}

static bool
set_times(X509_CRL *x, int64_t now, int64_t next)
{
	ASN1_TIME *a = ASN1_TIME_set(NULL, now);
	ASN1_TIME *b = ASN1_TIME_set(NULL, next);
	bool fine = a != NULL && b != NULL &&
	            X509_CRL_set1_lastUpdate(x, a) == 1 &&
	            X509_CRL_set1_nextUpdate(x, b) == 1;

	ASN1_TIME_free(a);
	ASN1_TIME_free(b);
	return fine;
}

static bool
set_extensions(struct crl *c, uint64_t number)
{
	X509 *issuer = cert_x509(identity_leaf(c->ca));
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	bool fine;

	X509V3_set_ctx(&ctx, issuer, NULL, NULL, c->x, 0);
	e = X509V3_EXT_conf_nid(
	    NULL, &ctx, NID_authority_key_identifier, "keyid");
	fine = e != NULL && n != NULL && X509_CRL_add_ext(c->x, e, -1) == 1 &&
	       ASN1_INTEGER_set_uint64(n, number) == 1 &&
	       X509_CRL_add1_ext_i2d(c->x, NID_crl_number, n, 0, 0) == 1;
	X509_EXTENSION_free(e);
	ASN1_INTEGER_free(n);
	return fine;
}

enum err_code
crl_sign(struct crl *c, uint64_t number, int64_t now, int64_t next,
    struct buf *ret, struct err *err)
{
	uint8_t *der = NULL;
	enum err_code rc = ERR_OK;
	int len = 0;

	if (!set_times(c->x, now, next) || !set_extensions(c, number) ||
	    X509_CRL_sort(c->x) != 1 ||
	    X509_CRL_sign(c->x, pkey_evp(identity_key(c->ca)), EVP_sha256()) <=
		0 ||
	    (len = i2d_X509_CRL(c->x, &der)) <= 0) {
		rc = out_of_luck(err);
	} else {
		buf_put(ret, der, (size_t)len);
		rc = buf_error(ret, err);
	}
	ERR_clear_error();
	OPENSSL_free(der);
	return rc;
}
