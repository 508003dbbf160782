/*
 * CMS_verify() spends 200 to 300 us, nearly all of it on finding a decoder for
 * the key.  The messages of devices are all of one plain form; that one is
 * walked here down to the numbers of the key, from which OpenSSL makes one in
 * 10 us: nothing needs to be kept from one request to the next.  Whatever
 * deviates goes to CMS_verify(), so the walk may be as strict as it likes; it
 * must never take a signature that CMS_verify() would not.
 */
#include "engine/pki/mdm_signature.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "engine/base/text.h"
#include "engine/pki/cms.h"
#include "engine/pki/der_priv.h"
#include "engine/pki/openssl_priv.h"

#define HEADER_MAX 65536

#define OID(...)                                                               \
	{                                                                      \
		{ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })            \
	}

struct oid {
	uint8_t p[10];
	size_t len;
};

/* clang-format off */
static const struct oid
	signed_data    = OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,7,2),
	data           = OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,7,1),
	content_type   = OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,9,3),
	message_digest = OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,9,4),
	signing_time   = OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,9,5),
	capabilities   = OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,9,15),
	rsa            = OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,1,1),
	ec             = OID(0x2a,0x86,0x48,0xce,0x3d,2,1);

/* RFC 5480 2.1.1.1 */
static const struct curve {
	const char *name;
	struct oid oid;
} curves[] = {
	{ "P-256", OID(0x2a,0x86,0x48,0xce,0x3d,3,1,7) },
	{ "P-384", OID(0x2b,0x81,0x04,0,0x22) },
	{ "P-521", OID(0x2b,0x81,0x04,0,0x23) },
};

/* RFC 3370, 5754; RSASSA-PKCS1-v1_5 and ECDSA over that digest. */
static const struct digest {
	const EVP_MD *(*md)(void);
	struct oid oid, rsa, ecdsa;
} digests[] = {
	{ EVP_sha256, OID(0x60,0x86,0x48,1,0x65,3,4,2,1),
	  OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,1,11), OID(0x2a,0x86,0x48,0xce,0x3d,4,3,2) },
	{ EVP_sha1,   OID(0x2b,0x0e,3,2,0x1a),
	  OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,1,5),  OID(0x2a,0x86,0x48,0xce,0x3d,4,1) },
	{ EVP_sha384, OID(0x60,0x86,0x48,1,0x65,3,4,2,2),
	  OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,1,12), OID(0x2a,0x86,0x48,0xce,0x3d,4,3,3) },
	{ EVP_sha512, OID(0x60,0x86,0x48,1,0x65,3,4,2,3),
	  OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,1,13), OID(0x2a,0x86,0x48,0xce,0x3d,4,3,4) },
};
/* clang-format on */

/* A message of the plain form, borrowed from its bytes. */
struct plain {
	struct bytes cert; /* the only one */
	struct bytes spki; /* its key: the content of SubjectPublicKeyInfo */
	const struct digest *digest;
	struct bytes attributes; /* [0] with its header; p NULL: none */
	struct bytes claimed;    /* messageDigest, if there are attributes */
	struct bytes algorithm;  /* of the signature: OID */
	struct bytes signature;
};

static bool
is_oid(struct bytes b, const struct oid *oid)
{
	return bytes_equal(b, bytes_of(oid->p, oid->len));
}

/* AlgorithmIdentifier whose parameters are absent or NULL. */
static bool
take_algorithm(struct bytes *rest, struct bytes *oid)
{
	struct bytes in, null;

	if (!der_take(rest, DER_SEQUENCE, &in) || !der_take(&in, DER_OID, oid))
		return false;
	if (in.len == 0)
		return true;
	return der_take(&in, DER_NULL, &null) && null.len == 0 && in.len == 0;
}

static bool
take_version(struct bytes *rest)
{
	struct bytes v;

	return der_take(rest, DER_INTEGER, &v) && v.len == 1 && v.p[0] < 0x80;
}

/* One attribute with one value; its OID, and the value. */
static bool
take_attribute(struct bytes *rest, struct bytes *oid, struct der *value)
{
	struct bytes in, set;

	return der_take(rest, DER_SEQUENCE, &in) &&
	       der_take(&in, DER_OID, oid) && der_take(&in, DER_SET, &set) &&
	       in.len == 0 && der_next(&set, value) && set.len == 0;
}

/* RFC 5652 11: contentType id-data and messageDigest, once each. */
static bool
read_attributes(struct plain *m, struct bytes rest)
{
	struct bytes oid;
	unsigned types = 0, claims = 0, times = 0;
	struct der v;

	while (rest.len > 0) {
		if (!take_attribute(&rest, &oid, &v))
			return false;
		if (is_oid(oid, &content_type) && v.tag == DER_OID &&
		    is_oid(v.content, &data))
			types++;
		else if (is_oid(oid, &message_digest) && v.tag == DER_OCTETS)
			claims++, m->claimed = v.content;
		else if (is_oid(oid, &signing_time) &&
			 (v.tag == DER_UTC || v.tag == DER_TIME))
			times++;
		else if (!is_oid(oid, &capabilities) || v.tag != DER_SEQUENCE)
			return false;
	}
	return types == 1 && claims == 1 && times <= 1;
}

/* Whether sid (IssuerAndSerialNumber) is that certificate's, byte for byte;
 * then also its key to *spki. */
static bool
names_cert(struct bytes sid, struct bytes cert, struct bytes *spki)
{
	struct bytes all, tbs, skip;
	struct der serial, issuer, d;

	if (!der_take(&cert, DER_SEQUENCE, &all) ||
	    !der_take(&all, DER_SEQUENCE, &tbs))
		return false;
	(void)der_take(&tbs, DER_CONTEXT, &skip); /* the version */
	return der_next(&tbs, &serial) && serial.tag == DER_INTEGER &&
	       der_take(&tbs, DER_SEQUENCE, &skip) && der_next(&tbs, &issuer) &&
	       der_next(&sid, &d) && bytes_equal(d.whole, issuer.whole) &&
	       der_next(&sid, &d) && bytes_equal(d.whole, serial.whole) &&
	       sid.len == 0 && der_take(&tbs, DER_SEQUENCE, &skip) &&
	       der_take(&tbs, DER_SEQUENCE, &skip) &&
	       der_take(&tbs, DER_SEQUENCE, spki);
}

static bool
walk_signer(struct plain *m, struct bytes infos, struct bytes set_oid)
{
	struct bytes si, sid, oid;
	struct der d;
	size_t i;

	if (!der_take(&infos, DER_SEQUENCE, &si) || infos.len != 0 ||
	    !take_version(&si) || !der_take(&si, DER_SEQUENCE, &sid) ||
	    !names_cert(sid, m->cert, &m->spki) || !take_algorithm(&si, &oid) ||
	    !bytes_equal(oid, set_oid))
		return false;
	for (i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (is_oid(oid, &digests[i].oid))
			m->digest = &digests[i];
	if (m->digest == NULL)
		return false;
	if (si.len > 0 && si.p[0] == DER_CONTEXT) {
		if (!der_next(&si, &d) || !read_attributes(m, d.content))
			return false;
		m->attributes = d.whole;
	}
	return take_algorithm(&si, &m->algorithm) &&
	       der_take(&si, DER_OCTETS, &m->signature) && si.len == 0;
}

/* False: not of the plain form, which says nothing about its worth. */
static bool
walk(struct bytes der, struct plain *m)
{
	struct bytes info, in, sd, set, oid, set_oid, certs;
	struct der cert;

	memset(m, 0, sizeof(*m));
	if (!der_take(&der, DER_SEQUENCE, &info) || der.len != 0 ||
	    !der_take(&info, DER_OID, &oid) || !is_oid(oid, &signed_data) ||
	    !der_take(&info, DER_CONTEXT, &in) || info.len != 0 ||
	    !der_take(&in, DER_SEQUENCE, &sd) || in.len != 0)
		return false;
	if (!take_version(&sd) || !der_take(&sd, DER_SET, &set) ||
	    !take_algorithm(&set, &set_oid) || set.len != 0)
		return false;
	/* detached: the content's type and nothing else */
	if (!der_take(&sd, DER_SEQUENCE, &in) ||
	    !der_take(&in, DER_OID, &oid) || !is_oid(oid, &data) || in.len != 0)
		return false;
	if (!der_take(&sd, DER_CONTEXT, &certs) || !der_next(&certs, &cert) ||
	    cert.tag != DER_SEQUENCE || certs.len != 0)
		return false;
	m->cert = cert.whole;
	return der_take(&sd, DER_SET, &set) && sd.len == 0 &&
	       walk_signer(m, set, set_oid);
}

/* ---- the key -------------------------------------------------------------- */

/* The caller's; NULL: it is none. */
static EVP_PKEY *
key_make(const char *type, OSSL_PARAM_BLD *parts)
{
	OSSL_PARAM *all = OSSL_PARAM_BLD_to_param(parts);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (all != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, all);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(all);
	return key;
}

static bool
take_number(struct bytes *rest, BIGNUM **ret)
{
	struct bytes n;

	if (!der_take(rest, DER_INTEGER, &n) || n.len == 0 || n.p[0] >= 0x80)
		return false;
	*ret = BN_bin2bn(n.p, (int)n.len, NULL);
	return *ret != NULL;
}

/* RFC 3279 2.3.1 */
static EVP_PKEY *
key_rsa(struct bytes bits, OSSL_PARAM_BLD *parts)
{
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *key = NULL;
	struct bytes in;

	if (der_take(&bits, DER_SEQUENCE, &in) && bits.len == 0 &&
	    take_number(&in, &n) && take_number(&in, &e) && in.len == 0 &&
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_make("RSA", parts);
	BN_free(n);
	BN_free(e);
	return key;
}

/* RFC 5480 2.2, uncompressed; whether the point is one of the curve is checked
 * by OpenSSL. */
static EVP_PKEY *
key_ec(struct bytes bits, struct bytes curve, OSSL_PARAM_BLD *parts)
{
	size_t i;

	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (is_oid(curve, &curves[i].oid) && bits.p[0] == 4 &&
		    OSSL_PARAM_BLD_push_utf8_string(parts,
			OSSL_PKEY_PARAM_GROUP_NAME, curves[i].name, 0) == 1 &&
		    OSSL_PARAM_BLD_push_octet_string(
			parts, OSSL_PKEY_PARAM_PUB_KEY, bits.p, bits.len) == 1)
			return key_make("EC", parts);
	return NULL;
}

/* The certificate's key, if it is of the kind that the signature's algorithm
 * asks for; the caller's.  NULL: not of the plain form. */
static EVP_PKEY *
key_of_plain(const struct plain *m)
{
	struct bytes spki = m->spki, id, oid, bits, parameters;
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (parts == NULL || !der_take(&spki, DER_SEQUENCE, &id) ||
	    !der_take(&id, DER_OID, &oid) ||
	    !der_take(&spki, DER_BITS, &bits) || spki.len != 0 ||
	    bits.len < 2 || bits.p[0] != 0)
		goto out;
	bits = bytes_of(bits.p + 1, bits.len - 1);
	if (is_oid(oid, &rsa) && der_take(&id, DER_NULL, &parameters) &&
	    parameters.len == 0 && id.len == 0 &&
	    (is_oid(m->algorithm, &rsa) ||
		is_oid(m->algorithm, &m->digest->rsa)))
		key = key_rsa(bits, parts);
	else if (is_oid(oid, &ec) && der_take(&id, DER_OID, &parameters) &&
		 id.len == 0 && is_oid(m->algorithm, &m->digest->ecdsa))
		key = key_ec(bits, parameters, parts);
out:
	OSSL_PARAM_BLD_free(parts);
	return key;
}

/* ---- the signature -------------------------------------------------------- */

static bool
verify_bytes(const struct plain *m, EVP_PKEY *key, struct bytes text)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool yes;

	yes =
	    ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, m->digest->md(), NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, m->signature.p, m->signature.len,
		text.len > 0 ? text.p : (const uint8_t *)"", text.len) == 1;
	EVP_MD_CTX_free(ctx);
	return yes;
}

static bool
holds(const struct plain *m, EVP_PKEY *key, struct bytes body)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct buf set = { 0 };
	unsigned len = 0;
	bool yes;

	if (m->attributes.p == NULL)
		return verify_bytes(m, key, body);
	if (EVP_Digest(body.len > 0 ? (const void *)body.p : "", body.len,
		digest, &len, m->digest->md(), NULL) != 1 ||
	    !bytes_equal(m->claimed, bytes_of(digest, len)))
		return false;
	/* RFC 5652 5.4: signed as a SET OF, and stands here as [0]: the tag is
	 * the only difference */
	buf_bytes(&set, m->attributes);
	yes = set.error == ERR_OK;
	if (yes) {
		set.p[0] = DER_SET;
		yes = verify_bytes(m, key, buf_view(&set));
	}
	buf_free(&set);
	return yes;
}

/* *unusual: nothing was said about it. */
static enum err_code
verify_plain(const struct plain *m, struct bytes body, struct buf *signer,
    bool *unusual, struct err *err)
{
	EVP_PKEY *key = key_of_plain(m);
	enum err_code rc = ERR_OK;

	*unusual = key == NULL;
	if (key != NULL && !holds(m, key, body))
		rc = err_set(err, ERR_UNDECODABLE,
		    "Mdm-Signature: the signature does not hold for this body");
	else if (key != NULL)
		buf_bytes(signer, m->cert);
	if (rc == ERR_OK)
		rc = buf_error(signer, err);
	EVP_PKEY_free(key);
	return rc;
}

static enum err_code
verify_unusual(
    struct bytes der, struct bytes body, struct buf *signer, struct err *err)
{
	struct cert *cert = NULL;
	enum err_code rc = cms_verify_detached(der, body, &cert, err);

	if (rc != ERR_OK)
		return err == NULL ? rc : err_context(err, "Mdm-Signature");
	buf_bytes(signer, cert_der(cert));
	cert_free(cert);
	return buf_error(signer, err);
}

enum err_code
mdm_signature_verify(
    struct bytes header, struct bytes body, struct buf *signer, struct err *err)
{
	struct buf der = { 0 };
	struct plain m;
	bool unusual = true;
	enum err_code rc;

	if (header.len > HEADER_MAX)
		return err_set(err, ERR_UNDECODABLE,
		    "Mdm-Signature: %zu characters; at most %d", header.len,
		    HEADER_MAX);
	if (text_unbase64(header, &der, NULL) != ERR_OK || der.len == 0) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "Mdm-Signature: the header is not base64");
		goto out;
	}
	rc = ERR_OK;
	if (walk(buf_view(&der), &m))
		rc = verify_plain(&m, body, signer, &unusual, err);
	if (rc == ERR_OK && unusual)
		rc = verify_unusual(buf_view(&der), body, signer, err);
out:
	ERR_clear_error();
	buf_free(&der);
	return rc;
}
