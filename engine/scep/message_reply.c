#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "engine/pki/cms.h"
#include "engine/pki/openssl.h"
#include "engine/scep/message_priv.h"

#define NONCE 16 /* RFC 8894 3.2.1.5 */

#define STATUS_SUCCESS "0"
#define STATUS_FAILURE "2"

struct reply {
	const struct message *message;
	const struct identity *ca;
	const char *status;
	enum message_fault fault; /* with STATUS_FAILURE */
	struct bytes text;        /* failInfoText; may be empty */
	struct bytes envelope;    /* with STATUS_SUCCESS */
};

static enum err_code
trouble(struct err *err)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	return err_set(err, ERR_INTERNAL, "a SCEP answer cannot be made (%s)",
	    why != NULL ? why : "no reason given");
}

static BIO *
reader(struct bytes b)
{
	return BIO_new_mem_buf(b.len > 0 ? (const void *)b.p : "", (int)b.len);
}

static bool
put_attribute(CMS_SignerInfo *si, const char *oid, int type, struct bytes v)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	/* a length of -1 would make OpenSSL take v.p for an ASN1_STRING */
	bool fine = o != NULL && CMS_signed_add1_attr_by_OBJ(
				     si, o, type, v.p, (int)v.len) == 1;

	ASN1_OBJECT_free(o);
	return fine;
}

static bool
put_text(CMS_SignerInfo *si, const char *oid, const char *text)
{
	return put_attribute(si, oid, V_ASN1_PRINTABLESTRING, bytes_text(text));
}

/* RFC 8894 3.2.1; each of a kind that Apple's client compares. */
static bool
put_attributes(CMS_SignerInfo *si, const struct reply *r)
{
	const struct message *m = r->message;
	uint8_t nonce[NONCE];
	char number[12];

	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return false;
	snprintf(number, sizeof(number), "%d", (int)MESSAGE_CERT_REP);
	if (!put_text(si, OID_MESSAGE_TYPE, number) ||
	    !put_text(si, OID_STATUS, r->status) ||
	    !put_attribute(si, OID_TRANSACTION, V_ASN1_PRINTABLESTRING,
		message_transaction(m)) ||
	    !put_attribute(si, OID_RECIPIENT_NONCE, V_ASN1_OCTET_STRING,
		bytes_of(m->nonce, m->nonce_len)) ||
	    !put_attribute(si, OID_SENDER_NONCE, V_ASN1_OCTET_STRING,
		bytes_of(nonce, sizeof(nonce))))
		return false;
	if (strcmp(r->status, STATUS_FAILURE) != 0)
		return true;
	snprintf(number, sizeof(number), "%d", (int)r->fault);
	return put_text(si, OID_FAIL_INFO, number) &&
	       (r->text.len == 0 || put_attribute(si, OID_FAIL_INFO_TEXT,
					V_ASN1_UTF8STRING, r->text));
}

/*
 * Without an envelope the content is there, but empty.  RFC 8894 3.3.2 would
 * have it absent; then certmonger reads "no content" and calls the server
 * unreachable, instead of telling why it was refused.
 */
static enum err_code
sign(const struct reply *r, struct buf *ret, struct err *err)
{
	const EVP_MD *digest = EVP_get_digestbynid(r->message->digest);
	BIO *in = reader(r->envelope);
	CMS_ContentInfo *cms = NULL;
	CMS_SignerInfo *si = NULL;
	enum err_code rc;

	if (in != NULL && digest != NULL)
		cms =
		    CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
	if (cms != NULL)
		si = CMS_add1_signer(cms, cert_x509(identity_leaf(r->ca)),
		    pkey_evp(identity_key(r->ca)), digest,
		    CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP);
	if (si == NULL || !put_attributes(si, r) ||
	    CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		rc = trouble(err);
	else
		rc = cms_put(cms, ret, err);
	ERR_clear_error();
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return rc;
}

/* Say for whom: the key of the signer, or whoever knows the challenge. */
static bool
put_recipient(
    CMS_ContentInfo *cms, const struct message *m, const char *challenge)
{
	size_t len;
	uint8_t *copy;

	if (cert_keyspec(m->signer)->kind == KEYSPEC_RSA)
		return CMS_add1_recipient_cert(cms, cert_x509(m->signer), 0) !=
		       NULL;
	len = strlen(challenge);
	copy = OPENSSL_memdup(challenge, len);
	if (copy == NULL)
		return false;
	if (CMS_add0_recipient_password(cms, -1, NID_undef, NID_undef, copy,
		(ossl_ssize_t)len, NULL) != NULL)
		return true;
	OPENSSL_clear_free(copy, len);
	return false;
}

static enum err_code
encrypt(const struct message *m, struct bytes content, const char *challenge,
    struct buf *ret, struct err *err)
{
	const EVP_CIPHER *cipher = EVP_get_cipherbynid(m->cipher);
	BIO *in = reader(content);
	CMS_ContentInfo *cms = NULL;
	enum err_code rc;

	if (in != NULL && cipher != NULL)
		cms = CMS_encrypt(NULL, NULL, cipher, CMS_BINARY | CMS_PARTIAL);
	if (cms == NULL || !put_recipient(cms, m, challenge) ||
	    CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		rc = trouble(err);
	else
		rc = cms_put(cms, ret, err);
	ERR_clear_error();
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return rc;
}

enum err_code
message_can_grant(
    const struct message *m, const char *challenge, struct err *err)
{
	const struct keyspec *k = cert_keyspec(m->signer);

	if (k->kind == KEYSPEC_RSA ||
	    (challenge != NULL && challenge[0] != '\0'))
		return ERR_OK;
	return err_set(err, ERR_UNSUPPORTED,
	    "RFC 8894 3.1: a certificate cannot be encrypted for a key %s "
	    "without a challenge: use an RSA key, or a challenge",
	    k->name);
}

enum err_code
message_grant(const struct message *m, const struct identity *ca,
    struct cert *issued, const char *challenge, struct buf *ret,
    struct err *err)
{
	struct reply r = {
		.message = m,
		.ca = ca,
		.status = STATUS_SUCCESS,
	};
	struct buf certs = { 0 }, envelope = { 0 };
	enum err_code rc;

	/* only this one: clients take the first that they find */
	if ((rc = cms_certs_only(&issued, 1, &certs, err)) != ERR_OK ||
	    (rc = encrypt(m, buf_view(&certs), challenge, &envelope, err)) !=
		ERR_OK)
		goto out;
	r.envelope = buf_view(&envelope);
	rc = sign(&r, ret, err);
out:
	buf_free(&certs);
	buf_free(&envelope);
	return rc;
}

enum err_code
message_refuse(const struct message *m, const struct identity *ca,
    enum message_fault fault, const char *text, struct buf *ret,
    struct err *err)
{
	struct reply r = {
		.message = m,
		.ca = ca,
		.status = STATUS_FAILURE,
		.fault = fault,
		.text = bytes_of(text, strcspn(text, "\n")),
	};

	return sign(&r, ret, err);
}
