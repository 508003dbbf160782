#include "engine/pki/pkey.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "engine/pki/openssl_priv.h"

#define PKEY_MAX_DER 65536

struct pkey {
	atomic_uint refs;
	EVP_PKEY *evp;
	struct keyspec spec;
};

/* Takes evp over, also when it fails. */
static enum err_code
wrap(EVP_PKEY *evp, struct pkey **ret, struct err *err)
{
	struct pkey *k = calloc(1, sizeof(*k));
	uint8_t *spki = NULL;
	int len;
	enum err_code rc = ERR_OK;

	if (k == NULL) {
		EVP_PKEY_free(evp);
		return err_set(err, ERR_NO_MEMORY, "key");
	}
	atomic_init(&k->refs, 1);
	k->evp = evp;
	/* certificates hold uncompressed points: so that the ids agree */
	if (EVP_PKEY_is_a(evp, "EC"))
		EVP_PKEY_set_utf8_string_param(evp,
		    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
	if ((len = i2d_PUBKEY(evp, &spki)) <= 0) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "the key has no public half (%s)", openssl_reason());
		goto out;
	}
	keyspec_fill(&k->spec, evp, bytes_of(spki, (size_t)len));
	*ret = k;
	k = NULL;
out:
	OPENSSL_free(spki);
	pkey_free(k);
	ERR_clear_error();
	return rc;
}

enum err_code
pkey_generate_rsa(int bits, struct pkey **ret, struct err *err)
{
	EVP_PKEY *evp;

	if (bits < 2048 || bits > 8192)
		return err_set(err, ERR_INVALID,
		    "an RSA key has 2048 to 8192 bits, not %d", bits);
	evp = EVP_RSA_gen((unsigned)bits);
	if (evp == NULL) {
		ERR_clear_error();
		return err_set(
		    err, ERR_INTERNAL, "an RSA key could not be made");
	}
	return wrap(evp, ret, err);
}

enum err_code
pkey_generate_p256(struct pkey **ret, struct err *err)
{
	EVP_PKEY *evp = EVP_EC_gen("P-256");

	if (evp == NULL) {
		ERR_clear_error();
		return err_set(
		    err, ERR_INTERNAL, "a P-256 key could not be made");
	}
	return wrap(evp, ret, err);
}

/* Signs with one half and verifies with the other. */
static bool
halves_fit(EVP_PKEY *evp)
{
	static const uint8_t text[] = "both halves";
	bool plain =
	    EVP_PKEY_is_a(evp, "ED25519") || EVP_PKEY_is_a(evp, "ED448");
	const EVP_MD *md = plain ? NULL : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[1024 + 16];
	size_t len = sizeof(sig);
	bool yes;

	yes = ctx != NULL &&
	      EVP_DigestSignInit(ctx, NULL, md, NULL, evp) == 1 &&
	      EVP_DigestSign(ctx, sig, &len, text, sizeof(text)) == 1 &&
	      EVP_MD_CTX_reset(ctx) == 1 &&
	      EVP_DigestVerifyInit(ctx, NULL, md, NULL, evp) == 1 &&
	      EVP_DigestVerify(ctx, sig, len, text, sizeof(text)) == 1;
	EVP_MD_CTX_free(ctx);
	return yes;
}

static enum err_code
judge(EVP_PKEY *evp, struct err *err)
{
	bool signs = EVP_PKEY_is_a(evp, "RSA") || EVP_PKEY_is_a(evp, "EC") ||
	             EVP_PKEY_is_a(evp, "ED25519") ||
	             EVP_PKEY_is_a(evp, "ED448");

	/* one operation with more would take a second */
	if (EVP_PKEY_get_bits(evp) > 8192)
		return err_set(err, ERR_KEY_REJECTED,
		    "a key of %d bits is more than devices take; use RSA of "
		    "2048 to 8192 bits, or P-256",
		    EVP_PKEY_get_bits(evp));
	if (signs && !halves_fit(evp))
		return err_set(err, ERR_KEY_REJECTED,
		    "the key is damaged: its private and its public half do "
		    "not belong together");
	return ERR_OK;
}

enum err_code
pkey_parse(struct bytes der, struct pkey **ret, struct err *err)
{
	const uint8_t *p = der.p;
	EVP_PKEY *evp = NULL;
	enum err_code rc;

	if (der.len > 0 && der.len <= PKEY_MAX_DER)
		evp = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
	if (evp == NULL) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "not a private key: damaged or cut short");
		goto out;
	}
	if (p != der.p + der.len) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "%zu bytes of something else follow the private key",
		    der.len - (size_t)(p - der.p));
		goto out;
	}
	if ((rc = judge(evp, err)) != ERR_OK)
		goto out;
	rc = wrap(evp, ret, err);
	evp = NULL;
out:
	ERR_clear_error();
	EVP_PKEY_free(evp);
	return rc;
}

enum err_code
pkey_encode(const struct pkey *k, struct buf *ret, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(k->evp);
	uint8_t *der = NULL;
	int len = p8 == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	enum err_code rc;

	if (len <= 0) {
		rc = err_set(err, ERR_INTERNAL, "a key cannot be written (%s)",
		    openssl_reason());
	} else {
		buf_put(ret, der, (size_t)len);
		rc = buf_error(ret, err);
		OPENSSL_cleanse(der, (size_t)len);
	}
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(p8);
	ERR_clear_error();
	return rc;
}

struct pkey *
pkey_ref(struct pkey *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

void
pkey_free(struct pkey *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	EVP_PKEY_free(k->evp); /* wipes the numbers */
	free(k);
}

const struct keyspec *
pkey_keyspec(const struct pkey *k)
{
	return &k->spec;
}

const uint8_t *
pkey_id(const struct pkey *k)
{
	return k->spec.id;
}

EVP_PKEY *
pkey_evp(const struct pkey *k)
{
	return k->evp;
}

enum err_code
pkey_sign(const struct pkey *k, struct bytes message, struct buf *ret,
    struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[1024 + 16];
	size_t len = sizeof(sig);
	enum err_code rc;

	if (ctx == NULL ||
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->evp) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, message.p, message.len) != 1) {
		rc = err_set(err, ERR_INTERNAL,
		    "a key of the kind %s cannot sign (%s)", k->spec.name,
		    openssl_reason());
	} else {
		buf_put(ret, sig, len);
		rc = buf_error(ret, err);
	}
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}
