#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pkcs7.h>

#include "engine/pki/cms.h"
#include "engine/pki/openssl.h"
#include "engine/scep/message_priv.h"
#include "engine/scep/scep.h"

/* The one value of a signed attribute, if it is of that ASN.1 type. */
static struct bytes
attribute(CMS_SignerInfo *si, const char *oid, int type)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	/* -3: exactly one attribute with exactly one value */
	const ASN1_STRING *s =
	    o == NULL ? NULL : CMS_signed_get0_data_by_OBJ(si, o, -3, type);

	ASN1_OBJECT_free(o);
	return s == NULL ? BYTES_NONE
	                 : bytes_of(ASN1_STRING_get0_data(s),
			       (size_t)ASN1_STRING_length(s));
}

/* RFC 8894 wants PrintableString; be lenient with other kinds of text. */
static struct bytes
attribute_text(CMS_SignerInfo *si, const char *oid)
{
	static const int types[] = { V_ASN1_PRINTABLESTRING, V_ASN1_UTF8STRING,
		V_ASN1_IA5STRING };
	struct bytes s = BYTES_NONE;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]) && s.len == 0; i++)
		s = attribute(si, oid, types[i]);
	return s;
}

static enum message_type
type_of(struct bytes text)
{
	static const enum message_type types[] = { MESSAGE_CERT_REP,
		MESSAGE_RENEWAL, MESSAGE_UPDATE, MESSAGE_ENROLL, MESSAGE_POLL,
		MESSAGE_GET_CERT, MESSAGE_GET_CRL };
	char s[12];
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(s, sizeof(s), "%d", (int)types[i]);
		if (bytes_equal(text, bytes_text(s)))
			return types[i];
	}
	return MESSAGE_UNKNOWN;
}

static CMS_SignerInfo *
signer_info(const struct message *m)
{
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(m->cms), 0);
}

static bool
digest_is_fine(int nid)
{
	return nid == NID_sha1 || nid == NID_sha256 || nid == NID_sha384 ||
	       nid == NID_sha512;
}

/* The digest that the signature is said to be over; *agrees: the signature's
 * algorithm says the same. */
static int
digest_of(CMS_SignerInfo *si, bool *agrees)
{
	X509_ALGOR *digest = NULL, *signature = NULL;
	int nid, other = NID_undef;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &digest, &signature);
	nid = OBJ_obj2nid(digest->algorithm);
	/* rsaEncryption and RSA-PSS name none */
	if (OBJ_find_sigid_algs(
		OBJ_obj2nid(signature->algorithm), &other, NULL) != 1)
		other = NID_undef;
	*agrees = other == NID_undef || other == nid;
	return nid;
}

static enum err_code
read_attributes(struct message *m, struct err *err)
{
	CMS_SignerInfo *si = signer_info(m);
	struct bytes id = attribute_text(si, OID_TRANSACTION);
	struct bytes nonce =
	    attribute(si, OID_SENDER_NONCE, V_ASN1_OCTET_STRING);
	bool agrees;

	if (id.len == 0 || id.len > sizeof(m->transaction))
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 3.2.1.1: the message has no transactionID of 1 "
		    "to %d bytes among its signed attributes",
		    MESSAGE_TRANSACTION_MAX);
	if (nonce.len == 0 || nonce.len > sizeof(m->nonce))
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 3.2.1.5: the message has no senderNonce of 1 to "
		    "%d bytes among its signed attributes",
		    MESSAGE_NONCE_MAX);
	memcpy(m->transaction, id.p, id.len);
	m->transaction_len = id.len;
	memcpy(m->nonce, nonce.p, nonce.len);
	m->nonce_len = nonce.len;
	m->type = type_of(attribute_text(si, OID_MESSAGE_TYPE));
	m->digest = digest_of(si, &agrees);
	if (!digest_is_fine(m->digest))
		m->digest = NID_sha256;
	return ERR_OK;
}

static enum err_code
parse(struct message *m, struct bytes bytes, struct err *err)
{
	const uint8_t *p = bytes.p;

	if (bytes.len > SCEP_MESSAGE_MAX)
		return err_set(err, ERR_UNDECODABLE,
		    "a message of %zu bytes is none: at most %u", bytes.len,
		    SCEP_MESSAGE_MAX);
	if (bytes.len > 0)
		m->cms = d2i_CMS_ContentInfo(NULL, &p, (long)bytes.len);
	if (m->cms == NULL || p != bytes.p + bytes.len)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 3: this is not a pkiMessage (a CMS SignedData): "
		    "damaged or cut short");
	if (OBJ_obj2nid(CMS_get0_type(m->cms)) != NID_pkcs7_signed ||
	    sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(m->cms)) != 1)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 3: a pkiMessage is a SignedData with one signer");
	return read_attributes(m, err);
}

enum err_code
message_parse(struct bytes bytes, struct message **ret, struct err *err)
{
	struct message *m = calloc(1, sizeof(*m));
	enum err_code rc;

	if (m == NULL)
		return err_set(err, ERR_NO_MEMORY, "message");
	if ((rc = parse(m, bytes, err)) == ERR_OK) {
		*ret = m;
		m = NULL;
	}
	ERR_clear_error();
	message_free(m);
	return rc;
}

void
message_free(struct message *m)
{
	if (m == NULL)
		return;
	CMS_ContentInfo_free(m->cms);
	cert_free(m->signer);
	buf_free(&m->envelope);
	free(m);
}

/* ---- the signature ------------------------------------------------------ */

static enum err_code
check_digest(CMS_SignerInfo *si, struct err *err)
{
	bool agrees;
	int nid = digest_of(si, &agrees);

	if (digest_is_fine(nid) && agrees)
		return ERR_OK;
	return err_set(err, ERR_UNSUPPORTED,
	    "RFC 8894 2.9: a signature over %s is not taken: SHA-1, SHA-256, "
	    "SHA-384 and SHA-512 are",
	    nid == NID_undef || agrees
		? nid == NID_undef ? "an unknown digest" : OBJ_nid2sn(nid)
		: "two digests at once");
}

/* What a signature may cost to verify is bounded by the key. */
static enum err_code
check_key(const struct keyspec *k, struct err *err)
{
	if ((k->kind == KEYSPEC_RSA && k->bits >= 1024 && k->bits <= 8192) ||
	    k->kind == KEYSPEC_P256 || k->kind == KEYSPEC_P384 ||
	    k->kind == KEYSPEC_P521)
		return ERR_OK;
	return err_set(err, ERR_UNSUPPORTED,
	    "the message was signed with a key (%s) that is not taken: RSA of "
	    "1024 to 8192 bits, P-256, P-384 and P-521 are",
	    k->name);
}

/* The certificate that the signer names, out of the message. */
static enum err_code
find_signer(struct message *m, struct cert **ret, struct err *err)
{
	STACK_OF(X509) *certs = CMS_get1_certs(m->cms);
	CMS_SignerInfo *si = signer_info(m);
	int i, n = sk_X509_num(certs);
	X509 *found = NULL;
	enum err_code rc;

	for (i = 0; i < n && n <= MESSAGE_MAX_CERTS; i++) {
		if (CMS_SignerInfo_cert_cmp(si, sk_X509_value(certs, i)) != 0)
			continue;
		found = sk_X509_value(certs, i);
		CMS_SignerInfo_set1_signer_cert(si, found);
		break;
	}
	if (n > MESSAGE_MAX_CERTS)
		rc = err_set(err, ERR_UNDECODABLE,
		    "the message has %d certificates: at most %d", n,
		    MESSAGE_MAX_CERTS);
	else if (found == NULL)
		rc = err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 3.1: the signer's certificate is not in the "
		    "message");
	else
		rc = cert_of_x509(found, ret, err);
	sk_X509_pop_free(certs, X509_free);
	return rc;
}

static enum err_code
verify(struct message *m, BIO *out, struct cert **signer, struct err *err)
{
	enum err_code rc = check_digest(signer_info(m), err);
	char *p = NULL;
	long len;

	if (rc != ERR_OK || (rc = find_signer(m, signer, err)) != ERR_OK ||
	    (rc = check_key(cert_keyspec(*signer), err)) != ERR_OK)
		return rc;
	if (CMS_verify(m->cms, NULL, NULL, NULL, out,
		CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN | CMS_BINARY) != 1)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 3.1: the message's signature does not hold: it "
		    "was changed on its way, or the key is not the "
		    "certificate's");
	len = BIO_get_mem_data(out, &p);
	if (len > 0)
		buf_put(&m->envelope, p, (size_t)len);
	return buf_error(&m->envelope, err);
}

enum err_code
message_verify(struct message *m, struct err *err)
{
	BIO *out = BIO_new(BIO_s_mem());
	struct cert *signer = NULL;
	enum err_code rc;

	if (out == NULL)
		return err_set(err, ERR_NO_MEMORY, "message");
	if ((rc = verify(m, out, &signer, err)) == ERR_OK) {
		m->signer = signer;
		signer = NULL;
	}
	ERR_clear_error();
	cert_free(signer);
	BIO_free(out);
	return rc;
}

/* ---- the content -------------------------------------------------------- */

/*
 * The cipher of an EnvelopedData, and whether it is meant for somebody else
 * is cms_decrypt()'s to say.  OpenSSL's CMS functions do not tell the cipher;
 * the older PKCS7 ones do, and they read BER as well.
 */
static enum err_code
find_cipher(struct bytes envelope, int *ret, struct err *err)
{
	const uint8_t *p = envelope.p;
	PKCS7 *p7 = NULL;
	int nid = NID_undef;

	if (envelope.len > 0)
		p7 = d2i_PKCS7(NULL, &p, (long)envelope.len);
	if (p7 == NULL || !PKCS7_type_is_enveloped(p7) ||
	    p7->d.enveloped->enc_data == NULL) {
		PKCS7_free(p7);
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 3.2.2: the message holds no EnvelopedData for "
		    "this CA's key");
	}
	nid = OBJ_obj2nid(p7->d.enveloped->enc_data->algorithm->algorithm);
	PKCS7_free(p7);
	switch (nid) {
	case NID_aes_128_cbc:
	case NID_aes_192_cbc:
	case NID_aes_256_cbc:
	case NID_des_ede3_cbc:
		*ret = nid;
		return ERR_OK;
	case NID_des_cbc: /* whoever has DES has 3DES */
		*ret = NID_des_ede3_cbc;
		return ERR_OK;
	default:
		return err_set(err, ERR_UNSUPPORTED,
		    "RFC 8894 2.9: the cipher %s is not taken: AES, 3DES and "
		    "DES in CBC mode are",
		    nid == NID_undef ? "of the message" : OBJ_nid2sn(nid));
	}
}

/* One SEQUENCE and nothing else: what RFC 8894 3.3 knows. */
static bool
is_sequence(struct bytes b)
{
	const uint8_t *p = b.p;
	long len = 0;
	int tag = 0, class = 0, flags = 0x80;

	if (b.len > 0 && b.len <= SCEP_MESSAGE_MAX)
		flags = ASN1_get_object(&p, &len, &tag, &class, (long)b.len);
	return flags == V_ASN1_CONSTRUCTED && tag == V_ASN1_SEQUENCE &&
	       class == V_ASN1_UNIVERSAL &&
	       (size_t)len == b.len - (size_t)(p - b.p);
}

/*
 * One answer to whatever was wrong with the encryption, also to what a wrong
 * key makes of it: the CA's key must not become an oracle (OpenSSL takes a
 * random key when the padding is wrong).
 */
enum err_code
message_decrypt(struct message *m, const struct identity *ca, struct buf *ret,
    struct err *err)
{
	struct buf content = { 0 };
	enum err_code rc = find_cipher(buf_view(&m->envelope), &m->cipher, err);

	ERR_clear_error();
	if (rc != ERR_OK)
		return rc;
	rc = cms_decrypt(ca, buf_view(&m->envelope), &content, err);
	if (rc == ERR_OK && !is_sequence(buf_view(&content)))
		rc = ERR_UNDECODABLE;
	if (rc == ERR_OK) {
		buf_bytes(ret, buf_view(&content));
		rc = buf_error(ret, err);
	}
	buf_wipe(&content);
	ERR_clear_error();
	if (rc == ERR_KEY_REJECTED || rc == ERR_UNDECODABLE)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 3.2.2: the message was not encrypted for %s: is "
		    "the CA certificate that the client has an old one?",
		    cert_label(identity_leaf(ca)));
	return rc;
}

enum message_type
message_type(const struct message *m)
{
	return m->type;
}

struct bytes
message_transaction(const struct message *m)
{
	return bytes_of(m->transaction, m->transaction_len);
}

struct cert *
message_signer(const struct message *m)
{
	return m->signer;
}
