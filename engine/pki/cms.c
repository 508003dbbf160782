#include "engine/pki/cms.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#include "engine/pki/cms_priv.h"
#include "engine/pki/openssl_priv.h"

enum err_code
cms_put(const CMS_ContentInfo *cms, struct buf *ret, struct err *err)
{
	uint8_t *der = NULL;
	int len = i2d_CMS_ContentInfo(cms, &der);
	enum err_code rc;

	if (len <= 0) {
		rc = err_set(err, ERR_INTERNAL, "a message cannot be made (%s)",
		    openssl_reason());
	} else {
		buf_put(ret, der, (size_t)len);
		rc = buf_error(ret, err);
	}
	OPENSSL_free(der);
	return rc;
}

enum err_code
cms_parse(struct bytes der, CMS_ContentInfo **ret, struct err *err)
{
	const uint8_t *p = der.p;
	CMS_ContentInfo *cms = NULL;

	if (der.len > CMS_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "a message of %zu bytes: at most %u", der.len, CMS_MAX);
	if (der.len > 0)
		cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	if (cms == NULL || p != der.p + der.len) {
		CMS_ContentInfo_free(cms);
		ERR_clear_error();
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 5652: not a signed or encrypted message, damaged or "
		    "cut short");
	}
	*ret = cms;
	return ERR_OK;
}

enum err_code
cms_sign(const struct identity *id, struct bytes content, struct buf *ret,
    struct err *err)
{
	BIO *in = openssl_reader(content);
	STACK_OF(X509) *chain = sk_X509_new_null();
	CMS_ContentInfo *cms = NULL;
	enum err_code rc = ERR_OK;
	size_t i;

	if (in == NULL || chain == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "signing");
		goto out;
	}
	for (i = 1; i < identity_n_certs(id); i++)
		if (sk_X509_push(chain, cert_x509(identity_cert(id, i))) <= 0)
			rc = err_set(err, ERR_NO_MEMORY, "signing");
	if (rc != ERR_OK)
		goto out;
	cms = CMS_sign(
	    NULL, NULL, chain, in, CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP);
	if (cms == NULL ||
	    CMS_add1_signer(cms, cert_x509(identity_leaf(id)),
		pkey_evp(identity_key(id)), EVP_sha256(),
		CMS_BINARY | CMS_NOSMIMECAP) == NULL ||
	    CMS_final(cms, in, NULL, CMS_BINARY) != 1) {
		rc = err_set(err, ERR_INTERNAL, "%s cannot sign (%s)",
		    cert_label(identity_leaf(id)), openssl_reason());
		goto out;
	}
	rc = cms_put(cms, ret, err);
out:
	ERR_clear_error();
	CMS_ContentInfo_free(cms);
	sk_X509_free(chain);
	BIO_free(in);
	return rc;
}

bool
cms_digest_is_fine(int nid)
{
	return nid == NID_sha1 || nid == NID_sha224 || nid == NID_sha256 ||
	       nid == NID_sha384 || nid == NID_sha512;
}

/* One signer, and a digest that proves something. */
static enum err_code
check_signer(CMS_ContentInfo *cms, struct err *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	X509_ALGOR *digest = NULL, *signature = NULL;
	int d = NID_undef, k = NID_undef;

	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 5652 5.1: the message is not a SignedData");
	if (sk_CMS_SignerInfo_num(signers) != 1)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 5652 5.1: the message has %d signers, not one",
		    sk_CMS_SignerInfo_num(signers) < 0
			? 0
			: sk_CMS_SignerInfo_num(signers));
	CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(signers, 0), NULL,
	    NULL, &digest, &signature);
	d = OBJ_obj2nid(digest->algorithm);
	if (!cms_digest_is_fine(d) ||
	    (OBJ_find_sigid_algs(OBJ_obj2nid(signature->algorithm), &k, NULL) ==
		    1 &&
		k != NID_undef && k != d))
		return err_set(err, ERR_KEY_REJECTED,
		    "RFC 5652 5.3: a signature over %s is not taken; SHA-1 and "
		    "SHA-2 are",
		    d == NID_undef ? "an unknown digest" : OBJ_nid2sn(d));
	return ERR_OK;
}

static enum err_code
verify(CMS_ContentInfo *cms, BIO *detached, BIO *out, struct cert **signer,
    struct err *err)
{
	STACK_OF(X509) *signers = NULL;
	enum err_code rc;

	if ((rc = check_signer(cms, err)) != ERR_OK)
		return rc;
	if (CMS_verify(cms, NULL, NULL, detached, out,
		CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) != 1)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 5652 5.6: the signature does not hold (%s)",
		    openssl_reason());
	signers = CMS_get0_signers(cms);
	if (sk_X509_num(signers) != 1)
		rc = err_set(err, ERR_UNDECODABLE,
		    "RFC 5652 5.3: the signer's certificate is missing");
	else
		rc = cert_of_x509(sk_X509_value(signers, 0), signer, err);
	sk_X509_free(signers);
	return rc;
}

enum err_code
cms_verify_attached(struct bytes der, struct buf *content, struct cert **signer,
    struct err *err)
{
	CMS_ContentInfo *cms = NULL;
	struct cert *c = NULL;
	BIO *out = BIO_new(BIO_s_mem());
	enum err_code rc;

	if (out == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "signature");
		goto out;
	}
	if ((rc = cms_parse(der, &cms, err)) != ERR_OK ||
	    (rc = verify(cms, NULL, out, &c, err)) != ERR_OK)
		goto out;
	openssl_drain(out, content);
	if ((rc = buf_error(content, err)) != ERR_OK)
		goto out;
	*signer = c;
	c = NULL;
out:
	ERR_clear_error();
	cert_free(c);
	CMS_ContentInfo_free(cms);
	BIO_free(out);
	return rc;
}

/*
 * What is verified, read through a buffer.  Of a BIO in memory CMS_verify()
 * makes another one, and loses that (OpenSSL 3.0) when the message is so wrong
 * that it does not come to read: strangers could eat memory.
 */
static BIO *
detached_reader(struct bytes content)
{
	BIO *in = openssl_reader(content), *buffered = BIO_new(BIO_f_buffer());

	if (in == NULL || buffered == NULL) {
		BIO_free(in);
		BIO_free(buffered);
		return NULL;
	}
	return BIO_push(buffered, in);
}

enum err_code
cms_verify_detached(struct bytes der, struct bytes content,
    struct cert **signer, struct err *err)
{
	CMS_ContentInfo *cms = NULL;
	BIO *in = detached_reader(content);
	ASN1_OCTET_STRING **inside;
	enum err_code rc;

	if (in == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "signature");
		goto out;
	}
	if ((rc = cms_parse(der, &cms, err)) != ERR_OK)
		goto out;
	/* else what is inside would be verified, not what we were given */
	inside = CMS_get0_content(cms);
	if (inside != NULL && *inside != NULL) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "RFC 5652 5.2: the signature carries a content of its own, "
		    "but shall be detached");
		goto out;
	}
	rc = verify(cms, in, NULL, signer, err);
out:
	ERR_clear_error();
	CMS_ContentInfo_free(cms);
	BIO_free_all(in);
	return rc;
}

enum err_code
cms_certs_only(
    struct cert *const certs[], size_t n, struct buf *ret, struct err *err)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	CMS_ContentInfo *cms = NULL;
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < n && list != NULL; i++)
		if (sk_X509_push(list, cert_x509(certs[i])) <= 0)
			rc = err_set(err, ERR_NO_MEMORY, "certificates");
	/* without DETACHED an empty content would stand there: RFC 8894 3.4
	 * wants none */
	if (rc == ERR_OK && list != NULL)
		cms = CMS_sign(NULL, NULL, list, NULL,
		    CMS_PARTIAL | CMS_BINARY | CMS_DETACHED);
	if (cms == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "certificates");
	else
		rc = cms_put(cms, ret, err);
	ERR_clear_error();
	CMS_ContentInfo_free(cms);
	sk_X509_free(list);
	return rc;
}
