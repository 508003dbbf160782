#include "engine/pki/cert.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/pki/openssl_priv.h"
#include "engine/pki/pem.h"

struct cert {
	atomic_uint refs;
	X509 *x;
	struct buf der;
	struct buf spki;
	struct buf subject_der, issuer_der;
	struct buf subject, issuer;
	uint8_t fingerprint[CERT_FINGERPRINT_LEN];
	struct keyspec key;
	uint8_t pair_id[KEYSPEC_ID_LEN];
	char *serial; /* hex */
	char *topic;
	char *common_name;
	char *label;
	int64_t begins, expires;
	struct sans names;
	unsigned ext_usages, key_usages;
	bool is_ca, is_self_signed, is_weak;
	char signature[64];
};

/* Append the DER that an i2d function writes. */
#define PUT_DER(b, i2d, x)                                                     \
	do {                                                                   \
		uint8_t *der_ = NULL;                                          \
		int len_ = i2d((x), &der_);                                    \
		if (len_ > 0)                                                  \
			buf_put((b), der_, (size_t)len_);                      \
		OPENSSL_free(der_);                                            \
	} while (0)

static enum err_code
read_time(const ASN1_TIME *t, const char *which, int64_t *ret, struct err *err)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 5280 4.1.2.5: the certificate's %s is not a time",
		    which);
	*ret = timegm(&tm);
	return ERR_OK;
}

static enum err_code
read_names(struct cert *c, struct err *err)
{
	const X509_NAME *subject = X509_get_subject_name(c->x);
	const X509_NAME *issuer = X509_get_issuer_name(c->x);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(c->x);
	struct buf b = { 0 };

	name_text(subject, &c->subject);
	name_text(issuer, &c->issuer);
	PUT_DER(&c->subject_der, i2d_X509_NAME, subject);
	PUT_DER(&c->issuer_der, i2d_X509_NAME, issuer);
	/* buf_str() may write: do it now, while nobody shares c */
	buf_str(&c->subject);
	buf_str(&c->issuer);
	c->topic = name_entry(subject, NID_userId);
	c->common_name = name_entry(subject, NID_commonName);
	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		buf_char(&b, '-');
	text_hex_upper(&b, cert_serial_bytes(c));
	c->serial = strdup(buf_str(&b));
	buf_reset(&b);
	if (c->common_name != NULL && c->common_name[0] != '\0')
		buf_text(&b, c->common_name);
	else
		buf_text(&b, buf_str(&c->subject));
	buf_printf(&b, " (serial %s)", c->serial != NULL ? c->serial : "");
	c->label = strdup(buf_str(&b));
	buf_free(&b);
	if (c->serial == NULL || c->label == NULL)
		return err_set(err, ERR_NO_MEMORY, "certificate");
	return ERR_OK;
}

static void
read_signature(struct cert *c)
{
	int nid = X509_get_signature_nid(c->x), digest = NID_undef;

	/* of RSA-PSS the digest is in the parameters */
	X509_get_signature_info(c->x, &digest, NULL, NULL, NULL);
	snprintf(c->signature, sizeof(c->signature), "%s",
	    nid == NID_undef ? "unknown" : OBJ_nid2ln(nid));
	c->is_weak = digest == NID_sha1 || digest == NID_md5 ||
	             digest == NID_md5_sha1 || digest == NID_md4 ||
	             digest == NID_md2;
}

static void
read_usages(struct cert *c)
{
	uint32_t eku = X509_get_extended_key_usage(c->x);
	uint32_t ku = X509_get_key_usage(c->x);
	/* clang-format off */
	static const struct { uint32_t theirs; unsigned ours; } ekus[] = {
		{ XKU_SSL_SERVER, CERT_EKU_SERVER },
		{ XKU_SSL_CLIENT, CERT_EKU_CLIENT },
		{ XKU_SMIME,      CERT_EKU_EMAIL },
		{ XKU_CODE_SIGN,  CERT_EKU_CODE },
		{ XKU_ANYEKU,     CERT_EKU_ANY },
		{ XKU_TIMESTAMP,  CERT_EKU_TIMESTAMP },
	}, kus[] = {
		{ KU_DIGITAL_SIGNATURE, CERT_KU_SIGN },
		{ KU_KEY_ENCIPHERMENT,  CERT_KU_ENCIPHER },
		{ KU_KEY_CERT_SIGN,     CERT_KU_CERT_SIGN },
		{ KU_CRL_SIGN,          CERT_KU_CRL_SIGN },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < sizeof(ekus) / sizeof(ekus[0]); i++)
		if (eku != UINT32_MAX && (eku & ekus[i].theirs) != 0)
			c->ext_usages |= ekus[i].ours;
	if (eku != UINT32_MAX && c->ext_usages == 0)
		c->ext_usages = CERT_EKU_OTHER;
	for (i = 0; i < sizeof(kus) / sizeof(kus[0]); i++)
		if (ku == UINT32_MAX || (ku & kus[i].theirs) != 0)
			c->key_usages |= kus[i].ours;
	c->is_ca = X509_check_ca(c->x) > 0;
	c->is_self_signed = X509_self_signed(c->x, 1) == 1;
}

/* The same key may be written in several ways (compressed points, parameters
 * left out); struct pkey writes it in one. */
static void
read_key(struct cert *c)
{
	EVP_PKEY *key = X509_get0_pubkey(c->x);
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(c->x);
	X509_ALGOR *algorithm = NULL;
	uint8_t *der = NULL;
	int type = V_ASN1_UNDEF, len;
	bool plain;

	keyspec_fill(&c->key, key, buf_view(&c->spki));
	memcpy(c->pair_id, c->key.id, sizeof(c->pair_id));
	X509_PUBKEY_get0_param(
	    NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(c->x));
	X509_ALGOR_get0(NULL, &type, NULL, algorithm);
	if (c->key.kind == KEYSPEC_RSA)
		plain = type == V_ASN1_NULL;
	else if (c->key.kind != KEYSPEC_OTHER)
		plain = ASN1_STRING_length(bits) > 0 &&
		        ASN1_STRING_get0_data(bits)[0] ==
		            POINT_CONVERSION_UNCOMPRESSED;
	else
		plain = true;
	if (plain)
		return;
	if (c->key.kind != KEYSPEC_RSA)
		EVP_PKEY_set_utf8_string_param(key,
		    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
	if ((len = i2d_PUBKEY(key, &der)) > 0)
		SHA256(der, (size_t)len, c->pair_id);
	OPENSSL_free(der);
}

static enum err_code
read_facts(struct cert *c, struct err *err)
{
	GENERAL_NAMES *names;
	enum err_code rc;

	if ((rc = read_time(X509_get0_notBefore(c->x), "notBefore", &c->begins,
		 err)) != ERR_OK ||
	    (rc = read_time(X509_get0_notAfter(c->x), "notAfter", &c->expires,
		 err)) != ERR_OK ||
	    (rc = read_names(c, err)) != ERR_OK)
		return rc;
	PUT_DER(&c->spki, i2d_X509_PUBKEY, X509_get_X509_PUBKEY(c->x));
	read_key(c);
	SHA256(c->der.p, c->der.len, c->fingerprint);
	read_signature(c);
	read_usages(c);
	names = X509_get_ext_d2i(c->x, NID_subject_alt_name, NULL, NULL);
	rc = sans_read(names, &c->names, err);
	GENERAL_NAMES_free(names);
	if (rc != ERR_OK)
		return rc;
	if (c->der.error != ERR_OK || c->spki.error != ERR_OK ||
	    c->subject_der.error != ERR_OK || c->issuer_der.error != ERR_OK ||
	    c->subject.error != ERR_OK || c->issuer.error != ERR_OK)
		return err_set(err, ERR_NO_MEMORY, "certificate");
	return ERR_OK;
}

/* x is counted, der copied. */
static enum err_code
cert_new(X509 *x, struct bytes der, struct cert **ret, struct err *err)
{
	struct cert *c = calloc(1, sizeof(*c));
	enum err_code rc;

	if (c == NULL)
		return err_set(err, ERR_NO_MEMORY, "certificate");
	atomic_init(&c->refs, 1);
	X509_up_ref(x);
	c->x = x;
	buf_bytes(&c->der, der);
	rc = read_facts(c, err);
	if (rc == ERR_OK) {
		*ret = c;
		c = NULL; /* now the caller's */
	}
	cert_free(c);
	return rc;
}

static enum err_code
check_length(struct bytes der, struct err *err)
{
	if (der.len == 0)
		return err_set(err, ERR_UNDECODABLE, "not a certificate");
	if (der.len > CERT_DER_MAX)
		return err_set(err, ERR_UNDECODABLE,
		    "a certificate of %zu bytes is none: at most %d", der.len,
		    CERT_DER_MAX);
	return ERR_OK;
}

enum err_code
cert_of_x509(X509 *x, struct cert **ret, struct err *err)
{
	struct buf der = { 0 };
	enum err_code rc;

	PUT_DER(&der, i2d_X509, x);
	if ((rc = check_length(buf_view(&der), err)) == ERR_OK)
		rc = cert_new(x, buf_view(&der), ret, err);
	ERR_clear_error();
	buf_free(&der);
	return rc;
}

enum err_code
cert_parse(struct bytes der, struct cert **ret, struct err *err)
{
	const uint8_t *p = der.p;
	enum err_code rc = check_length(der, err);
	X509 *x;

	if (rc != ERR_OK)
		return rc;
	x = d2i_X509(NULL, &p, (long)der.len);
	if (x == NULL)
		rc = err_set(err, ERR_UNDECODABLE,
		    "not a certificate: damaged or cut short (%s)",
		    openssl_reason());
	else if (p != der.p + der.len)
		rc = err_set(err, ERR_UNDECODABLE,
		    "%zu bytes of something else follow the certificate",
		    der.len - (size_t)(p - der.p));
	else
		rc = cert_new(x, der, ret, err);
	ERR_clear_error(); /* this thread's TLS reads the same queue */
	X509_free(x);
	return rc;
}

struct cert *
cert_ref(struct cert *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
cert_free(struct cert *c)
{
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	X509_free(c->x);
	buf_free(&c->der);
	buf_free(&c->spki);
	buf_free(&c->subject_der);
	buf_free(&c->issuer_der);
	buf_free(&c->subject);
	buf_free(&c->issuer);
	free(c->serial);
	free(c->topic);
	free(c->common_name);
	free(c->label);
	sans_free(&c->names);
	free(c);
}

struct bytes
cert_der(const struct cert *c)
{
	return buf_view(&c->der);
}

void
cert_pem(const struct cert *c, struct buf *b)
{
	pem_put(b, "CERTIFICATE", cert_der(c));
}

const uint8_t *
cert_fingerprint(const struct cert *c)
{
	return c->fingerprint;
}

const uint8_t *
cert_key_id(const struct cert *c)
{
	return c->key.id;
}

const struct keyspec *
cert_keyspec(const struct cert *c)
{
	return &c->key;
}

struct bytes
cert_spki(const struct cert *c)
{
	return buf_view(&c->spki);
}

const char *
cert_subject(const struct cert *c)
{
	return (const char *)c->subject.p;
}

const char *
cert_issuer(const struct cert *c)
{
	return (const char *)c->issuer.p;
}

struct bytes
cert_subject_der(const struct cert *c)
{
	return buf_view(&c->subject_der);
}

struct bytes
cert_issuer_der(const struct cert *c)
{
	return buf_view(&c->issuer_der);
}

const char *
cert_serial(const struct cert *c)
{
	return c->serial;
}

struct bytes
cert_serial_bytes(const struct cert *c)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(c->x);

	return bytes_of(
	    ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
}

int64_t
cert_begins(const struct cert *c)
{
	return c->begins;
}

int64_t
cert_expires(const struct cert *c)
{
	return c->expires;
}

const char *
cert_topic(const struct cert *c)
{
	return c->topic;
}

const char *
cert_common_name(const struct cert *c)
{
	return c->common_name;
}

const char *
cert_label(const struct cert *c)
{
	return c->label;
}

size_t
cert_n_names(const struct cert *c)
{
	return c->names.n;
}

const struct san *
cert_name(const struct cert *c, size_t i)
{
	return &c->names.v[i];
}

bool
cert_covers_host(const struct cert *c, const char *host)
{
	bool yes;

	if (san_kind_of_host(host) == SAN_IP)
		yes = X509_check_ip_asc(c->x, host, 0) == 1;
	else
		yes = X509_check_host(c->x, host, strlen(host),
			  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
			      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
			  NULL) == 1;
	ERR_clear_error();
	return yes;
}

bool
cert_is_ca(const struct cert *c)
{
	return c->is_ca;
}

bool
cert_is_self_signed(const struct cert *c)
{
	return c->is_self_signed;
}

bool
cert_issued_by(const struct cert *c, const struct cert *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer->x);
	bool yes = key != NULL &&
	           X509_NAME_cmp(X509_get_issuer_name(c->x),
		       X509_get_subject_name(issuer->x)) == 0 &&
	           X509_verify(c->x, key) == 1;

	ERR_clear_error();
	return yes;
}

bool
cert_signature_is_weak(const struct cert *c)
{
	return c->is_weak;
}

const char *
cert_signature(const struct cert *c)
{
	return c->signature;
}

unsigned
cert_ext_usages(const struct cert *c)
{
	return c->ext_usages;
}

unsigned
cert_key_usages(const struct cert *c)
{
	return c->key_usages;
}

const uint8_t *
cert_pair_id(const struct cert *c)
{
	return c->pair_id;
}

X509 *
cert_x509(const struct cert *c)
{
	return c->x;
}
