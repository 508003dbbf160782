/*
 * client.h - a SCEP client and a small world for it, for tests and the
 * benchmark.  It speaks through OpenSSL's own calls, not through the room.
 */
#ifndef MDMFS_TESTS_SCEP_CLIENT_H
#define MDMFS_TESTS_SCEP_CLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "engine/pki/openssl.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"

/* A client without what it needs cannot go on. */
#define NEED(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			printf("Bail out! %s:%d: %s\n", __FILE__, __LINE__,    \
			    #cond);                                            \
			ERR_print_errors_fp(stdout);                           \
			exit(1);                                               \
		}                                                              \
	} while (0)

static inline struct buf
client_take_der(uint8_t **der, int len)
{
	struct buf b = { 0 };

	NEED(len > 0);
	buf_put(&b, *der, (size_t)len);
	OPENSSL_free(*der);
	return b;
}

static inline EVP_PKEY *
client_key(unsigned bits)
{
	EVP_PKEY *k = bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(bits);

	NEED(k != NULL);
	return k;
}

static inline X509_NAME *
client_name(const char *cn)
{
	X509_NAME *n = X509_NAME_new();

	NEED(X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8,
		 (const uint8_t *)"Example", -1, -1, 0) == 1);
	NEED(X509_NAME_add_entry_by_txt(
		 n, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0) == 1);
	return n;
}

/* A throw-away certificate, as Apple's client makes one; its clock may be far
 * off. */
static inline X509 *
client_self_sign(EVP_PKEY *key, const char *cn)
{
	X509_NAME *name = client_name(cn);
	X509 *x = X509_new();

	NEED(x != NULL);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -7200);
	X509_gmtime_adj(X509_getm_notAfter(x), -3600);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	NEED(X509_sign(x, key, EVP_sha256()) > 0);
	X509_NAME_free(name);
	return x;
}

/* A request; challenge and san ("DNS:a,email:b") may be NULL. */
static inline struct buf
client_csr(
    EVP_PKEY *key, const char *cn, const char *challenge, const char *san)
{
	X509_NAME *name = client_name(cn);
	X509_REQ *r = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	uint8_t *der = NULL;
	struct buf b;

	X509_REQ_set_subject_name(r, name);
	X509_REQ_set_pubkey(r, key);
	if (challenge != NULL)
		/* not MBSTRING_UTF8, which refuses an empty one */
		NEED(X509_REQ_add1_attr_by_NID(r, NID_pkcs9_challengePassword,
			 V_ASN1_UTF8STRING, (const uint8_t *)challenge,
			 (int)strlen(challenge)) == 1);
	if (san != NULL) {
		sk_X509_EXTENSION_push(exts,
		    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san));
		/* what a client must not get */
		sk_X509_EXTENSION_push(
		    exts, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
			      "critical,CA:TRUE"));
		NEED(X509_REQ_add_extensions(r, exts) == 1);
	}
	NEED(X509_REQ_sign(r, key, EVP_sha256()) > 0);
	b = client_take_der(&der, i2d_X509_REQ(r, &der));
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(r);
	X509_NAME_free(name);
	return b;
}

struct ask {
	const char *type;         /* "19" */
	const char *transaction;  /* NULL: without */
	const char *nonce;        /* NULL: without */
	int text_type;            /* 0: PrintableString */
	const EVP_MD *digest;     /* NULL: SHA-256 */
	const EVP_CIPHER *cipher; /* NULL: AES-128-CBC */
	bool legacy;              /* the cipher is of the legacy provider */
	EVP_PKEY *key;
	X509 *cert;
	X509 *ca;             /* to whom it is encrypted */
	struct bytes content; /* the request */
	bool bare;            /* content is not encrypted */
	bool no_certs;
	int more_certs; /* copies of cert beside it */
};

static inline void
client_attr(CMS_SignerInfo *si, const char *oid, int type, const char *v)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

	if (v != NULL)
		NEED(CMS_signed_add1_attr_by_OBJ(
			 si, o, type, v, (int)strlen(v)) == 1);
	ASN1_OBJECT_free(o);
}

static inline struct buf
client_encrypt(const struct ask *a)
{
	OSSL_LIB_CTX *old = NULL;
	STACK_OF(X509) *to = sk_X509_new_null();
	BIO *in = BIO_new_mem_buf(a->content.p, (int)a->content.len);
	CMS_ContentInfo *cms;
	uint8_t *der = NULL;
	struct buf b;

	if (a->legacy) {
		NEED(openssl_legacy() != NULL);
		old = OSSL_LIB_CTX_set0_default(openssl_legacy());
	}
	sk_X509_push(to, a->ca);
	cms = CMS_encrypt(to, in,
	    a->cipher == NULL ? EVP_aes_128_cbc() : a->cipher, CMS_BINARY);
	NEED(cms != NULL);
	b = client_take_der(&der, i2d_CMS_ContentInfo(cms, &der));
	CMS_ContentInfo_free(cms);
	sk_X509_free(to);
	BIO_free(in);
	if (a->legacy)
		OSSL_LIB_CTX_set0_default(old);
	return b;
}

static inline struct buf
client_message(const struct ask *a)
{
	int text = a->text_type == 0 ? V_ASN1_PRINTABLESTRING : a->text_type;
	struct buf envelope = { 0 }, b;
	CMS_ContentInfo *cms;
	CMS_SignerInfo *si;
	uint8_t *der = NULL;
	BIO *in;
	int i;

	if (a->bare)
		buf_bytes(&envelope, a->content);
	else
		envelope = client_encrypt(a);
	in = BIO_new_mem_buf(envelope.p, (int)envelope.len);
	cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
	NEED(cms != NULL);
	si = CMS_add1_signer(cms, a->cert, a->key,
	    a->digest == NULL ? EVP_sha256() : a->digest,
	    CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP |
		(a->no_certs ? CMS_NOCERTS : 0));
	NEED(si != NULL);
	for (i = 0; i < a->more_certs; i++) {
		char cn[32];
		X509 *x;

		snprintf(cn, sizeof(cn), "more %d", i);
		x = client_self_sign(a->key, cn);
		NEED(CMS_add0_cert(cms, x) == 1);
	}
	client_attr(si, "2.16.840.1.113733.1.9.2", text, a->type);
	client_attr(si, "2.16.840.1.113733.1.9.7", text, a->transaction);
	client_attr(
	    si, "2.16.840.1.113733.1.9.5", V_ASN1_OCTET_STRING, a->nonce);
	NEED(CMS_final(cms, in, NULL, CMS_BINARY) == 1);
	b = client_take_der(&der, i2d_CMS_ContentInfo(cms, &der));
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	buf_free(&envelope);
	return b;
}

/* ---- the answer --------------------------------------------------------- */

struct answer {
	bool signed_by_ca;
	char type[8], status[8], fault[8];
	char text[1024];
	char transaction[256], recipient_nonce[256];
	size_t sender_nonce_len;
	bool has_content; /* perhaps an empty one */
	int digest;       /* NID */
	int signature;    /* NID of the signatureAlgorithm */
	int cipher;       /* NID of the envelope */
	X509 *cert;       /* NULL: none */
	int n_certs;      /* in the innermost message */
};

static inline void
client_get(CMS_SignerInfo *si, const char *oid, int type, char *ret,
    size_t size, size_t *len)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	const ASN1_STRING *s = CMS_signed_get0_data_by_OBJ(si, o, -3, type);
	size_t n = s == NULL ? 0 : (size_t)ASN1_STRING_length(s);

	NEED(n < size);
	if (n > 0)
		memcpy(ret, ASN1_STRING_get0_data(s), n);
	ret[n] = '\0';
	if (len != NULL)
		*len = n;
	ASN1_OBJECT_free(o);
}

static inline void
client_read_attributes(CMS_ContentInfo *cms, struct answer *a)
{
	CMS_SignerInfo *si =
	    sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	X509_ALGOR *digest, *signature;
	char nonce[256];

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &digest, &signature);
	a->digest = OBJ_obj2nid(digest->algorithm);
	a->signature = OBJ_obj2nid(signature->algorithm);
#define TEXT(oid, field)                                                       \
	client_get(si, "2.16.840.1.113733.1.9." oid, V_ASN1_PRINTABLESTRING,   \
	    a->field, sizeof(a->field), NULL)
	TEXT("2", type);
	TEXT("3", status);
	TEXT("4", fault);
	TEXT("7", transaction);
#undef TEXT
	client_get(si, "2.16.840.1.113733.1.9.6", V_ASN1_OCTET_STRING,
	    a->recipient_nonce, sizeof(a->recipient_nonce), NULL);
	client_get(si, "2.16.840.1.113733.1.9.5", V_ASN1_OCTET_STRING, nonce,
	    sizeof(nonce), &a->sender_nonce_len);
	client_get(si, "1.3.6.1.5.5.7.24.1", V_ASN1_UTF8STRING, a->text,
	    sizeof(a->text), NULL);
}

/* The certificates inside; key opens it, or the password if key is NULL. */
static inline void
client_open(struct answer *a, BIO *envelope, EVP_PKEY *key, X509 *cert,
    const char *password)
{
	char *p;
	long len = BIO_get_mem_data(envelope, &p);
	const uint8_t *at = (const uint8_t *)p;
	PKCS7 *p7 = password == NULL ? d2i_PKCS7(NULL, &at, len) : NULL;
	CMS_ContentInfo *cms = d2i_CMS_bio(envelope, NULL), *inner;
	BIO *out = BIO_new(BIO_s_mem());
	STACK_OF(X509) * certs;

	NEED(cms != NULL);
	if (p7 != NULL)
		a->cipher = OBJ_obj2nid(
		    p7->d.enveloped->enc_data->algorithm->algorithm);
	PKCS7_free(p7);
	if (password != NULL)
		NEED(CMS_decrypt_set1_password(
			 cms, (uint8_t *)(uintptr_t)password, -1) == 1);
	NEED(CMS_decrypt(cms, password == NULL ? key : NULL,
		 password == NULL ? cert : NULL, NULL, out, CMS_BINARY) == 1);
	inner = d2i_CMS_bio(out, NULL);
	NEED(inner != NULL);
	certs = CMS_get1_certs(inner);
	a->n_certs = sk_X509_num(certs);
	if (a->n_certs > 0) {
		a->cert = sk_X509_value(certs, 0);
		X509_up_ref(a->cert);
	}
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(inner);
	CMS_ContentInfo_free(cms);
	BIO_free(out);
}

static inline void
answer_free(struct answer *a)
{
	X509_free(a->cert);
	a->cert = NULL;
}

/* Read a CertRep as a strict client does. */
static inline struct answer
client_read(struct bytes reply, X509 *ca, EVP_PKEY *key, X509 *cert,
    const char *password)
{
	struct answer a = { 0 };
	BIO *in = BIO_new_mem_buf(reply.p, (int)reply.len);
	BIO *out = BIO_new(BIO_s_mem()), *none = NULL;
	CMS_ContentInfo *cms = d2i_CMS_bio(in, NULL);
	STACK_OF(X509) *trusted = sk_X509_new_null();
	ASN1_OCTET_STRING **content;

	sk_X509_push(trusted, ca);
	if (cms != NULL) {
		content = CMS_get0_content(cms);
		a.has_content = content != NULL && *content != NULL;
		if (!a.has_content)
			none = BIO_new_mem_buf("", 0);
		/* the signer is the certificate that the client has */
		a.signed_by_ca = CMS_verify(cms, trusted, NULL, none, out,
				     CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN |
					 CMS_BINARY) == 1;
		client_read_attributes(cms, &a);
		if (BIO_pending(out) > 0 && a.signed_by_ca)
			client_open(&a, out, key, cert, password);
	}
	ERR_clear_error();
	sk_X509_free(trusted);
	CMS_ContentInfo_free(cms);
	BIO_free(none);
	BIO_free(in);
	BIO_free(out);
	return a;
}

#endif
