#include <openssl/cms.h>
#include <openssl/err.h>

#include "engine/pki/cms.h"
#include "engine/pki/cms_priv.h"
#include "engine/pki/openssl_priv.h"

enum err_code
cms_encrypt(const struct cert *recipient, struct bytes content,
    enum cms_cipher cipher, struct buf *ret, struct err *err)
{
	const EVP_CIPHER *ciphers[] = {
		[CMS_CIPHER_AES256] = EVP_aes_256_cbc(),
		[CMS_CIPHER_AES128] = EVP_aes_128_cbc(),
		[CMS_CIPHER_3DES] = EVP_des_ede3_cbc(),
	};
	STACK_OF(X509) *list = sk_X509_new_null();
	BIO *in = openssl_reader(content);
	CMS_ContentInfo *cms = NULL;
	enum err_code rc;

	if (cert_keyspec(recipient)->kind != KEYSPEC_RSA) {
		rc = err_set(err, ERR_KEY_REJECTED,
		    "only for RSA keys can be encrypted: %s has %s",
		    cert_label(recipient), cert_keyspec(recipient)->name);
		goto out;
	}
	if (in != NULL && list != NULL &&
	    sk_X509_push(list, cert_x509(recipient)) > 0)
		cms = CMS_encrypt(list, in, ciphers[cipher], CMS_BINARY);
	if (cms == NULL)
		rc = err_set(err, ERR_INTERNAL,
		    "a message for %s cannot be encrypted (%s)",
		    cert_label(recipient), openssl_reason());
	else
		rc = cms_put(cms, ret, err);
out:
	ERR_clear_error();
	CMS_ContentInfo_free(cms);
	sk_X509_free(list);
	BIO_free(in);
	return rc;
}

static bool
is_recipient(CMS_ContentInfo *cms, X509 *x)
{
	STACK_OF(CMS_RecipientInfo) *list = CMS_get0_RecipientInfos(cms);
	int i;

	for (i = 0; i < sk_CMS_RecipientInfo_num(list); i++) {
		CMS_RecipientInfo *r = sk_CMS_RecipientInfo_value(list, i);

		if (CMS_RecipientInfo_type(r) == CMS_RECIPINFO_TRANS &&
		    CMS_RecipientInfo_ktri_cert_cmp(r, x) == 0)
			return true;
	}
	return false;
}

/* 0: fine; else what went wrong, as OpenSSL's reason. */
static enum err_code
decrypt(CMS_ContentInfo *cms, EVP_PKEY *key, X509 *x, BIO *out, struct err *err)
{
	int reason;

	if (CMS_decrypt(cms, key, x, NULL, out, CMS_BINARY) == 1)
		return ERR_OK;
	reason = ERR_GET_REASON(ERR_peek_error());
	if (reason == CMS_R_UNKNOWN_CIPHER ||
	    reason == CMS_R_UNSUPPORTED_CONTENT_ENCRYPTION_ALGORITHM ||
	    reason == ERR_R_UNSUPPORTED)
		return err_set(err, ERR_UNSUPPORTED,
		    "the message's cipher is not known here: AES, 3DES and DES "
		    "are");
	return err_set(err, ERR_UNDECODABLE,
	    "RFC 5652 6: the encrypted message is damaged");
}

/*
 * OpenSSL binds a message to the context that it was parsed in, and a key to
 * the one it was made in; single DES is in the legacy one alone.  So both are
 * made there anew.
 */
static enum err_code
decrypt_all(
    const struct identity *id, struct bytes der, BIO *out, struct err *err)
{
	X509 *x = cert_x509(identity_leaf(id));
	OSSL_LIB_CTX *old = openssl_enter_legacy();
	CMS_ContentInfo *cms = NULL;
	enum err_code rc = cms_parse(der, &cms, err);

	if (rc != ERR_OK)
		goto out;
	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_enveloped) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "RFC 5652 6.1: the message is not an EnvelopedData");
		goto out;
	}
	if (!is_recipient(cms, x)) {
		rc = err_set(err, ERR_KEY_REJECTED,
		    "RFC 5652 6.2: the message was encrypted for somebody "
		    "else than %s",
		    cert_label(identity_leaf(id)));
		goto out;
	}
	rc = decrypt(cms, pkey_evp(identity_key(id)), x, out, err);
out:
	openssl_leave_legacy(old);
	CMS_ContentInfo_free(cms);
	return rc;
}

enum err_code
cms_decrypt(const struct identity *id, struct bytes der, struct buf *ret,
    struct err *err)
{
	BIO *out = BIO_new(BIO_s_secmem());
	enum err_code rc;

	if (out == NULL)
		return err_set(err, ERR_NO_MEMORY, "decryption");
	if ((rc = decrypt_all(id, der, out, err)) == ERR_OK) {
		openssl_drain(out, ret);
		rc = buf_error(ret, err);
	}
	ERR_clear_error();
	BIO_free(out);
	return rc;
}
