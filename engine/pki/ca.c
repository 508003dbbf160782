#include "engine/pki/ca.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "engine/pki/der_priv.h"
#include "engine/pki/openssl_priv.h"

#define BACK_DATE 600 /* seconds that a device's clock may be behind */
#define CA_DAYS   7305
#define CN_MAX    64 /* RFC 5280 ub-common-name, in characters */

/* What every certificate has. */
struct draft {
	EVP_PKEY *key;    /* NULL: an RSA key, as rsa has it */
	struct bytes rsa; /* RFC 3279 2.3.1: RSAPublicKey, DER */
	const X509_NAME *subject;
	const struct cert *issuer; /* NULL: itself */
	const uint8_t *serial;     /* CA_SERIAL_LEN; NULL: random */
	int64_t now;
	int days;
};

static enum err_code
out_of_luck(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "a certificate cannot be made (%s)",
	    openssl_reason());
}

static bool
set_serial(X509 *x, const uint8_t *given)
{
	uint8_t serial[CA_SERIAL_LEN];
	BIGNUM *n;
	bool fine;

	if (given != NULL)
		memcpy(serial, given, sizeof(serial));
	else if (RAND_bytes(serial, sizeof(serial)) != 1)
		return false;
	/* RFC 5280 4.1.2.2: positive, not zero, the same length for all */
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
	n = BN_bin2bn(serial, sizeof(serial), NULL);
	fine = n != NULL &&
	       BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return fine;
}

static bool
set_times(X509 *x, const struct draft *d)
{
	int64_t begins = d->now - BACK_DATE;
	int64_t ends = begins + (int64_t)d->days * 86400 - 1;

	/* what outlives its issuer would be refused anyway */
	if (d->issuer != NULL && ends > cert_expires(d->issuer))
		ends = cert_expires(d->issuer);
	return ASN1_TIME_set(X509_getm_notBefore(x), begins) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(x), ends) != NULL;
}

/*
 * OpenSSL encodes a key through its provider, and decodes it again, at 0.3 ms.
 * The usual one, RSA with its parameters NULL, needs only to be copied.
 */
static bool
take_rsa(struct bytes spki, struct bytes *ret)
{
	static const uint8_t algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86,
		0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0 };
	struct bytes in, bits;
	struct der d;

	if (!der_take(&spki, DER_SEQUENCE, &in) || spki.len != 0 ||
	    !der_next(&in, &d) ||
	    !bytes_equal(d.whole, bytes_of(algorithm, sizeof(algorithm))) ||
	    !der_take(&in, DER_BITS, &bits) || in.len != 0 || bits.len < 2 ||
	    bits.p[0] != 0)
		return false;
	*ret = bytes_of(bits.p + 1, bits.len - 1);
	return true;
}

static bool
set_key(X509 *x, const struct draft *d)
{
	uint8_t *copy;

	if (d->key != NULL)
		return X509_set_pubkey(x, d->key) == 1;
	if ((copy = OPENSSL_memdup(d->rsa.p, d->rsa.len)) == NULL)
		return false;
	if (X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x),
		OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL, copy,
		(int)d->rsa.len) == 1)
		return true;
	OPENSSL_free(copy);
	return false;
}

static enum err_code
begin(const struct draft *d, X509 **ret, struct err *err)
{
	X509 *x = X509_new();
	const X509_NAME *issuer =
	    d->issuer == NULL ? d->subject
			      : X509_get_subject_name(cert_x509(d->issuer));

	if (d->issuer != NULL && cert_expires(d->issuer) < d->now) {
		X509_free(x);
		return err_set(err, ERR_KEY_EXPIRED,
		    "the CA %s has ended: it can issue nothing more",
		    cert_label(d->issuer));
	}
	if (x == NULL || X509_set_version(x, 2) != 1 ||
	    !set_serial(x, d->serial) || !set_times(x, d) ||
	    X509_set_subject_name(x, d->subject) != 1 ||
	    X509_set_issuer_name(x, issuer) != 1 || !set_key(x, d)) {
		X509_free(x);
		return out_of_luck(err);
	}
	*ret = x;
	return ERR_OK;
}

/* One extension in openssl's text form; needs the keys in x and issuer. */
static bool
add_text(X509 *x, X509 *issuer, int nid, const char *text)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool fine;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, text);
	fine = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return fine;
}

static enum err_code
finish(X509 *x, EVP_PKEY *key, struct cert **ret, struct err *err)
{
	uint8_t *der = NULL;
	int len = -1;
	enum err_code rc;

	if (X509_sign(x, key, EVP_sha256()) > 0)
		len = i2d_X509(x, &der);
	if (len <= 0)
		rc = out_of_luck(err);
	else
		rc = cert_parse(bytes_of(der, (size_t)len), ret, err);
	OPENSSL_free(der);
	return rc;
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static enum err_code
name_of(const char *common_name, X509_NAME **ret, struct err *err)
{
	X509_NAME *name = X509_NAME_new();
	size_t len = strlen(common_name);

	if (len == 0 || characters(common_name) > CN_MAX || name == NULL ||
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		(const uint8_t *)common_name, (int)len, -1, 0) != 1) {
		X509_NAME_free(name);
		ERR_clear_error();
		return err_set(err, ERR_INVALID,
		    "a common name has 1 to %d characters of UTF-8", CN_MAX);
	}
	*ret = name;
	return ERR_OK;
}

static enum err_code
self_sign(struct pkey *key, const char *common_name, const char *key_usage,
    int64_t now, struct identity **ret, struct err *err)
{
	struct draft d = { .key = pkey_evp(key), .now = now, .days = CA_DAYS };
	X509_NAME *name = NULL;
	X509 *x = NULL;
	struct cert *c = NULL;
	enum err_code rc;

	if ((rc = name_of(common_name, &name, err)) != ERR_OK)
		goto out;
	d.subject = name;
	if ((rc = begin(&d, &x, err)) != ERR_OK)
		goto out;
	if (!add_text(x, x, NID_basic_constraints, "critical,CA:TRUE") ||
	    !add_text(x, x, NID_key_usage, key_usage) ||
	    !add_text(x, x, NID_subject_key_identifier, "hash")) {
		rc = out_of_luck(err);
		goto out;
	}
	if ((rc = finish(x, d.key, &c, err)) != ERR_OK)
		goto out;
	rc = identity_new(key, c, NULL, 0, ret, err);
out:
	ERR_clear_error();
	X509_NAME_free(name);
	X509_free(x);
	cert_free(c);
	return rc;
}

enum err_code
ca_create(const char *common_name, int64_t now, struct identity **ret,
    struct err *err)
{
	struct pkey *key = NULL;
	enum err_code rc = pkey_generate_rsa(2048, &key, err);

	if (rc == ERR_OK)
		rc = self_sign(key, common_name,
		    "critical,keyCertSign,cRLSign,digitalSignature,"
		    "keyEncipherment",
		    now, ret, err);
	pkey_free(key);
	return rc;
}

enum err_code
tls_ca_create(const char *common_name, int64_t now, struct identity **ret,
    struct err *err)
{
	struct pkey *key = NULL;
	enum err_code rc = pkey_generate_p256(&key, err);

	if (rc == ERR_OK)
		rc = self_sign(key, common_name, "critical,keyCertSign,cRLSign",
		    now, ret, err);
	pkey_free(key);
	return rc;
}

static enum err_code
subject_of(const struct csr *request, const struct ca_profile *p,
    X509_NAME **ret, struct err *err)
{
	struct bytes der = p->subject_der;
	const uint8_t *at;
	X509_NAME *name;

	if (der.len == 0 && p->subject != NULL)
		return name_parse(p->subject, ret, err);
	if (der.len == 0)
		der = csr_subject_der(request);
	at = der.p;
	name = d2i_X509_NAME(NULL, &at, (long)der.len);
	if (name == NULL || at != der.p + der.len) {
		X509_NAME_free(name);
		return err_set(err, ERR_INVALID,
		    "the subject for the certificate is damaged");
	}
	*ret = name;
	return ERR_OK;
}

static enum err_code
names_of(const struct csr *request, const struct ca_profile *p,
    GENERAL_NAMES **ret, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < csr_n_names(request) && rc == ERR_OK; i++)
		if ((csr_name(request, i)->kind & p->copy) != 0)
			rc = sans_append(csr_name(request, i), 1, ret, err);
	if (rc == ERR_OK && p->n_names > 0)
		rc = sans_append(p->names, p->n_names, ret, err);
	return rc;
}

/* The extensions of what is no CA. */
static enum err_code
add_leaf(X509 *x, const struct identity *ca, const GENERAL_NAMES *names,
    const char *ext_usage, struct err *err)
{
	X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *oid = NULL;
	bool rsa;
	/* RFC 5280 4.2.1.6: the names count where the subject is empty */
	int critical = X509_NAME_entry_count(X509_get_subject_name(x)) == 0;
	X509 *issuer = cert_x509(identity_leaf(ca));

	X509_PUBKEY_get0_param(
	    NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(x));
	X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
	rsa = OBJ_obj2nid(oid) == NID_rsaEncryption;
	if (!add_text(x, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_text(x, issuer, NID_key_usage,
		rsa ? "critical,digitalSignature,keyEncipherment"
		    : "critical,digitalSignature") ||
	    (ext_usage != NULL &&
		!add_text(x, issuer, NID_ext_key_usage, ext_usage)) ||
	    !add_text(x, issuer, NID_subject_key_identifier, "hash") ||
	    !add_text(x, issuer, NID_authority_key_identifier, "keyid"))
		return out_of_luck(err);
	if (sk_GENERAL_NAME_num(names) > 0 &&
	    X509_add1_ext_i2d(x, NID_subject_alt_name, (void *)(uintptr_t)names,
		critical, X509V3_ADD_DEFAULT) != 1)
		return out_of_luck(err);
	return ERR_OK;
}

/* RFC 5280 4.2.1.13, 4.2.2.1: one address. */
static enum err_code
add_url(X509 *x, int nid, const char *before, const char *url, struct err *err)
{
	struct buf text = { 0 };
	enum err_code rc = ERR_OK;

	if (url == NULL)
		return ERR_OK;
	/* the syntax of OpenSSL's configuration: commas part values */
	if (strpbrk(url, ",;@\n") != NULL)
		return err_set(err, ERR_INVALID,
		    "the address at which revocations are told");
	buf_printf(&text, "%s%s", before, url);
	if ((rc = buf_error(&text, err)) == ERR_OK &&
	    !add_text(x, x, nid, buf_str(&text)))
		rc = out_of_luck(err);
	buf_free(&text);
	return rc;
}

enum err_code
ca_issue(const struct identity *ca, const struct csr *request,
    const struct ca_profile *profile, int64_t now, struct cert **ret,
    struct err *err)
{
	struct bytes spki = csr_spki(request);
	const uint8_t *p = spki.p;
	struct draft d = { .issuer = identity_leaf(ca),
		.serial = profile->serial,
		.now = now,
		.days = profile->days };
	X509_NAME *subject = NULL;
	GENERAL_NAMES *names = NULL;
	X509 *x = NULL;
	enum err_code rc;

	if (profile->days < 1 || profile->days > 36525)
		return err_set(err, ERR_INVALID,
		    "a certificate is valid for 1 to 36525 days, not %d",
		    profile->days);
	if ((rc = keyspec_check(csr_keyspec(request), err)) != ERR_OK)
		return rc;
	if (!take_rsa(spki, &d.rsa) &&
	    (d.key = d2i_PUBKEY(NULL, &p, (long)spki.len)) == NULL) {
		rc = out_of_luck(err);
		goto out;
	}
	if ((rc = subject_of(request, profile, &subject, err)) != ERR_OK ||
	    (rc = names_of(request, profile, &names, err)) != ERR_OK)
		goto out;
	d.subject = subject;
	if ((rc = begin(&d, &x, err)) != ERR_OK ||
	    (rc = add_leaf(x, ca, names,
		 profile->client_auth ? "clientAuth" : NULL, err)) != ERR_OK ||
	    (rc = add_url(x, NID_crl_distribution_points,
		 "URI:", profile->crl_url, err)) != ERR_OK ||
	    (rc = add_url(x, NID_info_access, "OCSP;URI:", profile->ocsp_url,
		 err)) != ERR_OK)
		goto out;
	rc = finish(x, pkey_evp(identity_key(ca)), ret, err);
out:
	ERR_clear_error();
	EVP_PKEY_free(d.key);
	X509_NAME_free(subject);
	GENERAL_NAMES_free(names);
	X509_free(x);
	return rc;
}

enum err_code
ca_issue_server(const struct identity *ca, const struct pkey *key,
    const struct ca_server *server, int64_t now, struct cert **ret,
    struct err *err)
{
	struct draft d = { .key = pkey_evp(key),
		.issuer = identity_leaf(ca),
		.now = now,
		.days = server->days };
	X509_NAME *subject = NULL;
	GENERAL_NAMES *names = NULL;
	X509 *x = NULL;
	enum err_code rc;

	if (server->n_names == 0 || server->days < 1 ||
	    server->days > CA_SERVER_MAX_DAYS)
		return err_set(err, ERR_INVALID,
		    "a TLS certificate has a name and 1 to %d days",
		    CA_SERVER_MAX_DAYS);
	rc = sans_append(server->names, server->n_names, &names, err);
	if (rc != ERR_OK)
		goto out;
	/* a long host name is in the alternative names alone */
	rc = name_of(strlen(server->names[0].text) <= CN_MAX
			 ? server->names[0].text
			 : "mdmfs",
	    &subject, err);
	if (rc != ERR_OK)
		goto out;
	d.subject = subject;
	if ((rc = begin(&d, &x, err)) != ERR_OK ||
	    (rc = add_leaf(x, ca, names, "serverAuth", err)) != ERR_OK)
		goto out;
	rc = finish(x, pkey_evp(identity_key(ca)), ret, err);
out:
	ERR_clear_error();
	X509_NAME_free(subject);
	GENERAL_NAMES_free(names);
	X509_free(x);
	return rc;
}
