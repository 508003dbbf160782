/*
 * CMS_verify() spends 200 to 300 us, nearly all of it on decoding keys that it
 * has seen a hundred times.  The messages of devices are all of one plain
 * form; that one is walked here, and the certificate's key is kept.  Whatever
 * deviates goes to CMS_verify(), so the walk may be as strict as it likes; it
 * must only never take what CMS_verify() would not.
 */
#include "engine/pki/mdm_signature.h"

#include <openssl/err.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/pki/cms.h"
#include "engine/pki/der_priv.h"
#include "engine/pki/openssl_priv.h"
#include "engine/pki/signature_cache_priv.h"

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
	rsa            = OID(0x2a,0x86,0x48,0x86,0xf7,0x0d,1,1,1);

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
	return der_take(&in, 0x05, &null) && null.len == 0 && in.len == 0;
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

/* Whether sid (IssuerAndSerialNumber) is that certificate's, byte for byte. */
static bool
names_cert(struct bytes sid, struct bytes cert)
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
	       sid.len == 0;
}

static bool
walk_signer(struct plain *m, struct bytes infos, struct bytes set_oid)
{
	struct bytes si, sid, oid;
	struct der d;
	size_t i;

	if (!der_take(&infos, DER_SEQUENCE, &si) || infos.len != 0 ||
	    !take_version(&si) || !der_take(&si, DER_SEQUENCE, &sid) ||
	    !names_cert(sid, m->cert) || !take_algorithm(&si, &oid) ||
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

/* Whether key is of the kind that the signature's algorithm asks for. */
static bool
fits_algorithm(const struct plain *m, const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA"))
		return is_oid(m->algorithm, &rsa) ||
		       is_oid(m->algorithm, &m->digest->rsa);
	return EVP_PKEY_is_a(key, "EC") &&
	       is_oid(m->algorithm, &m->digest->ecdsa);
}

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

static enum err_code
verify_plain(struct signature_cache *c, const struct plain *m,
    struct bytes body, int64_t now, struct cert **signer, bool *unusual,
    struct err *err)
{
	uint8_t fingerprint[CERT_FINGERPRINT_LEN];
	struct cert *cert;
	EVP_PKEY *key;
	bool known;
	enum err_code rc;

	SHA256(m->cert.p, m->cert.len, fingerprint);
	cert = signature_cache_find(c, fingerprint, now);
	known = cert != NULL;
	if (!known && (rc = cert_parse(m->cert, &cert, err)) != ERR_OK)
		return rc;
	key = X509_get0_pubkey(cert_x509(cert));
	if (key == NULL || !fits_algorithm(m, key)) {
		*unusual = true;
		cert_free(cert);
		return ERR_OK;
	}
	if (!holds(m, key, body)) {
		cert_free(cert);
		return err_set(err, ERR_UNDECODABLE,
		    "Mdm-Signature: the signature does not hold for this body");
	}
	/* strangers, whose signature does not hold, fill no cache */
	if (!known)
		signature_cache_keep(c, cert, now);
	*signer = cert;
	return ERR_OK;
}

enum err_code
mdm_signature_verify(struct signature_cache *c, struct bytes header,
    struct bytes body, int64_t now, struct cert **signer, struct err *err)
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
	if (walk(buf_view(&der), &m)) {
		unusual = false;
		rc = verify_plain(c, &m, body, now, signer, &unusual, err);
	}
	if (rc == ERR_OK && unusual &&
	    (rc = cms_verify_detached(buf_view(&der), body, signer, err)) !=
		ERR_OK &&
	    err != NULL)
		rc = err_context(err, "Mdm-Signature");
out:
	ERR_clear_error();
	buf_free(&der);
	return rc;
}
