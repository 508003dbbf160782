#include "engine/pki/csr.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "engine/base/text.h"
#include "engine/pki/bundle_priv.h"
#include "engine/pki/der_priv.h"
#include "engine/pki/pem.h"

struct csr {
	X509_REQ *x;
	struct buf der, spki, subject_der, subject, san_der;
	char *common_name;
	char *challenge; /* a secret */
	struct keyspec key;
	struct sans names;
};

/* Put what an i2d function wrote into b, and free it. */
static void
put_der(struct buf *b, uint8_t *der, int len)
{
	if (len > 0)
		buf_put(b, der, (size_t)len);
	OPENSSL_free(der);
}

static enum err_code
read_challenge(struct csr *r, struct err *err)
{
	int i = X509_REQ_get_attr_by_NID(r->x, NID_pkcs9_challengePassword, -1);
	X509_ATTRIBUTE *a = i < 0 ? NULL : X509_REQ_get_attr(r->x, i);
	ASN1_TYPE *type = a == NULL ? NULL : X509_ATTRIBUTE_get0_type(a, 0);
	uint8_t *utf8 = NULL;
	enum err_code rc = ERR_OK;
	int len = -1;

	if (a == NULL)
		return ERR_OK;
	/* of other types (an INTEGER) value.asn1_string is no string */
	if (type != NULL && type->type != V_ASN1_BOOLEAN &&
	    type->type != V_ASN1_NULL && type->type != V_ASN1_OBJECT &&
	    type->type != V_ASN1_SEQUENCE && type->type != V_ASN1_SET)
		len = ASN1_STRING_to_UTF8(&utf8, type->value.asn1_string);
	if (len < 0)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 2985 5.4.1: the request's challengePassword is not "
		    "text");
	if (memchr(utf8, '\0', (size_t)len) != NULL)
		rc = err_set(err, ERR_UNDECODABLE,
		    "RFC 2985 5.4.1: a NUL in the request's "
		    "challengePassword");
	else if ((r->challenge = strndup((char *)utf8, (size_t)len)) == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "request");
	OPENSSL_clear_free(utf8, (size_t)len);
	return rc;
}

static enum err_code
read_extensions(struct csr *r, struct err *err)
{
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(r->x);
	int i = X509v3_get_ext_by_NID(list, NID_subject_alt_name, -1);
	GENERAL_NAMES *names = NULL;
	const ASN1_OCTET_STRING *value;
	enum err_code rc = ERR_OK;

	if (i >= 0) {
		X509_EXTENSION *e = X509v3_get_ext(list, i);

		value = X509_EXTENSION_get_data(e);
		if ((names = X509V3_EXT_d2i(e)) == NULL) {
			rc = err_set(err, ERR_UNDECODABLE,
			    "RFC 5280 4.2.1.6: the names that the request asks "
			    "for are damaged");
			goto out;
		}
		buf_put(&r->san_der, ASN1_STRING_get0_data(value),
		    (size_t)ASN1_STRING_length(value));
		rc = sans_read(names, &r->names, err);
	}
out:
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return rc;
}

static enum err_code
read_facts(struct csr *r, struct err *err)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(r->x);
	EVP_PKEY *key = X509_REQ_get0_pubkey(r->x);
	uint8_t *p = NULL;
	int len;
	enum err_code rc;

	if (key == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "the request's key is damaged or of an unknown kind");
	if (EVP_PKEY_get_bits(key) > 16384 || X509_REQ_verify(r->x, key) != 1)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 2986 4.2: the request is not signed by its own key");
	len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(r->x), &p);
	put_der(&r->spki, p, len);
	keyspec_fill(&r->key, key, buf_view(&r->spki));
	p = NULL;
	len = i2d_X509_NAME(subject, &p);
	put_der(&r->subject_der, p, len);
	name_text(subject, &r->subject);
	buf_str(&r->subject);
	r->common_name = name_entry(subject, NID_commonName);
	if ((rc = read_challenge(r, err)) != ERR_OK ||
	    (rc = read_extensions(r, err)) != ERR_OK ||
	    (rc = buf_error(&r->der, err)) != ERR_OK ||
	    (rc = buf_error(&r->spki, err)) != ERR_OK ||
	    (rc = buf_error(&r->subject_der, err)) != ERR_OK ||
	    (rc = buf_error(&r->san_der, err)) != ERR_OK)
		return rc;
	return buf_error(&r->subject, err);
}

/* Put the request's DER into r->der, whatever form it has. */
static enum err_code
unwrap(struct csr *r, struct bytes bytes, struct err *err)
{
	struct pem_reader reader;
	struct pem_block block;
	enum err_code rc;

	if (bytes.len > 0 && bytes.p[0] == DER_SEQUENCE) {
		buf_bytes(&r->der, bytes);
		return buf_error(&r->der, err);
	}
	pem_open(&reader, bytes);
	while ((rc = pem_next(&reader, &block, err)) == ERR_OK)
		if (strcmp(block.label, "CERTIFICATE REQUEST") == 0 ||
		    strcmp(block.label, "NEW CERTIFICATE REQUEST") == 0)
			return pem_decode(&block, &r->der, err);
	if (rc == ERR_NOT_FOUND)
		rc = err_set(err, ERR_UNDECODABLE,
		    "there is no certificate signing request in this: it has a "
		    "line \"-----BEGIN CERTIFICATE REQUEST-----\"");
	return rc;
}

enum err_code
csr_parse(struct bytes bytes, struct csr **ret, struct err *err)
{
	struct csr *r = calloc(1, sizeof(*r));
	const uint8_t *p;
	enum err_code rc;

	if (r == NULL)
		return err_set(err, ERR_NO_MEMORY, "request");
	if (bytes.len > CSR_MAX) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "a request of %zu bytes is none: at most %d", bytes.len,
		    CSR_MAX);
		goto out;
	}
	if ((rc = unwrap(r, bytes, err)) != ERR_OK)
		goto out;
	p = r->der.p;
	r->x = d2i_X509_REQ(NULL, &p, (long)r->der.len);
	if (r->x == NULL || p != r->der.p + r->der.len) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "not a certificate signing request: damaged or cut short");
		goto out;
	}
	if ((rc = read_facts(r, err)) != ERR_OK)
		goto out;
	*ret = r;
	r = NULL;
out:
	ERR_clear_error();
	csr_free(r);
	return rc;
}

void
csr_free(struct csr *r)
{
	if (r == NULL)
		return;
	X509_REQ_free(r->x);
	buf_wipe(&r->der); /* the challenge is in it, too */
	buf_free(&r->spki);
	buf_free(&r->subject_der);
	buf_free(&r->subject);
	buf_free(&r->san_der);
	free(r->common_name);
	if (r->challenge != NULL)
		OPENSSL_cleanse(r->challenge, strlen(r->challenge));
	free(r->challenge);
	sans_free(&r->names);
	free(r);
}

struct bytes
csr_der(const struct csr *r)
{
	return buf_view(&r->der);
}

const char *
csr_subject(const struct csr *r)
{
	return (const char *)r->subject.p;
}

struct bytes
csr_subject_der(const struct csr *r)
{
	return buf_view(&r->subject_der);
}

const char *
csr_common_name(const struct csr *r)
{
	return r->common_name;
}

const char *
csr_challenge(const struct csr *r)
{
	return r->challenge;
}

const struct keyspec *
csr_keyspec(const struct csr *r)
{
	return &r->key;
}

const uint8_t *
csr_key_id(const struct csr *r)
{
	return r->key.id;
}

struct bytes
csr_spki(const struct csr *r)
{
	return buf_view(&r->spki);
}

size_t
csr_n_names(const struct csr *r)
{
	return r->names.n;
}

const struct san *
csr_name(const struct csr *r, size_t i)
{
	return &r->names.v[i];
}

struct bytes
csr_san_der(const struct csr *r)
{
	return buf_view(&r->san_der);
}
