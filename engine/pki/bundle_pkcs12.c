/*
 * PKCS#12 (RFC 7292).  PKCS12_parse() knows one key and one password, tells
 * nobody why it failed, and follows a hostile file's number of rounds; so the
 * parts are taken here.
 */
#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "engine/pki/bundle_priv.h"

#define BAG_DEPTH 4

struct reading {
	struct bundle *b;
	struct opener *o;
	size_t password; /* that the MAC fits; SIZE_MAX: not known */
};

static enum err_code read_bags(struct reading *r,
    const STACK_OF(PKCS12_SAFEBAG) * bags, int depth, struct err *err);

/* Find the password by the MAC.  *fits stays false if there is none. */
static enum err_code
check_mac(struct reading *r, PKCS12 *p12, bool *fits, struct err *err)
{
	const ASN1_INTEGER *iter = NULL;
	const ASN1_OCTET_STRING *salt = NULL;
	const X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *oid = NULL;
	uint64_t rounds = 1;
	enum err_code rc;
	size_t k;

	PKCS12_get0_mac(NULL, &algorithm, &salt, &iter, p12);
	X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
	if (EVP_get_digestbyobj(oid) == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "this PKCS#12 file is protected in a way that is not known "
		    "here (PBMAC1?): export it again, with openssl pkcs12 "
		    "-export -macalg sha256");
	if (iter != NULL && ASN1_INTEGER_get_uint64(&rounds, iter) != 1)
		rounds = UINT64_MAX;
	for (k = 0; k < r->o->n_forms; k++) {
		size_t i = opener_order(r->o, k);
		const char *text = r->o->forms[i].text;

		rc = opener_pay_rounds(
		    r->o, rounds, (size_t)ASN1_STRING_length(salt), err);
		if (rc != ERR_OK)
			return rc;
		if (PKCS12_verify_mac(
			p12, text, text == NULL ? 0 : (int)strlen(text)) == 1) {
			r->o->last = i;
			r->password = r->o->forms[i].password;
			*fits = true;
			return ERR_OK;
		}
	}
	return ERR_OK;
}

static enum err_code
read_cert(struct reading *r, const PKCS12_SAFEBAG *bag, struct err *err)
{
	X509 *x = PKCS12_SAFEBAG_get1_cert(bag);
	uint8_t *der = NULL;
	int len = x == NULL ? 0 : i2d_X509(x, &der);
	enum err_code rc;

	if (len <= 0) /* an SDSI certificate, or damaged */
		rc = err_set(err, ERR_UNDECODABLE,
		    "a certificate inside the PKCS#12 file is damaged");
	else
		rc = bundle_add_cert_der(r->b, bytes_of(der, (size_t)len), err);
	OPENSSL_free(der);
	X509_free(x);
	return rc;
}

static enum err_code
read_plain_key(struct reading *r, const PKCS12_SAFEBAG *bag, struct err *err)
{
	const PKCS8_PRIV_KEY_INFO *p8 = PKCS12_SAFEBAG_get0_p8inf(bag);
	uint8_t *der = NULL;
	int len = p8 == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	enum err_code rc;

	if (len <= 0)
		rc = err_set(err, ERR_UNDECODABLE,
		    "a key inside the PKCS#12 file is damaged");
	else
		rc = bundle_add_key_der(r->b, bytes_of(der, (size_t)len), err);
	if (len > 0)
		OPENSSL_clear_free(der, (size_t)len);
	return rc;
}

static enum err_code
read_bag(
    struct reading *r, const PKCS12_SAFEBAG *bag, int depth, struct err *err)
{
	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_certBag:
		if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
			return ERR_OK;
		return read_cert(r, bag, err);
	case NID_keyBag:
		return read_plain_key(r, bag, err);
	case NID_pkcs8ShroudedKeyBag:
		return bundle_open_sig(
		    r->b, PKCS12_SAFEBAG_get0_pkcs8(bag), r->o, err);
	case NID_safeContentsBag:
		return read_bags(
		    r, PKCS12_SAFEBAG_get0_safes(bag), depth + 1, err);
	default: /* a CRL, a secret */
		return ERR_OK;
	}
}

static enum err_code
read_bags(struct reading *r, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth,
    struct err *err)
{
	enum err_code rc = ERR_OK;
	int i;

	if (depth > BAG_DEPTH)
		return err_set(err, ERR_UNDECODABLE,
		    "the PKCS#12 file has bags in bags in bags");
	for (i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && rc == ERR_OK; i++)
		rc = read_bag(r, sk_PKCS12_SAFEBAG_value(bags, i), depth, err);
	return rc;
}

static enum err_code
read_encrypted(struct reading *r, PKCS7 *p7, struct err *err)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	enum err_code rc = ERR_OK;
	size_t k;

	if (p7->d.encrypted == NULL || p7->d.encrypted->enc_data == NULL ||
	    p7->d.encrypted->enc_data->algorithm == NULL)
		return err_set(
		    err, ERR_UNDECODABLE, "the PKCS#12 file is damaged");
	for (k = 0; k < r->o->n_forms && bags == NULL; k++) {
		size_t i = opener_order(r->o, k);
		const struct opener_form *f = &r->o->forms[i];

		if (r->password != SIZE_MAX && f->password != r->password)
			continue;
		rc =
		    opener_pay(r->o, p7->d.encrypted->enc_data->algorithm, err);
		if (rc != ERR_OK)
			return rc;
		bags = PKCS12_unpack_p7encdata(
		    p7, f->text, f->text == NULL ? 0 : (int)strlen(f->text));
		if (bags != NULL)
			r->o->last = i;
	}
	if (bags != NULL)
		rc = read_bags(r, bags, 0, err);
	else
		r->b->locked = true;
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return rc;
}

static enum err_code
read_safe(struct reading *r, PKCS7 *p7, struct err *err)
{
	STACK_OF(PKCS12_SAFEBAG) * bags;
	enum err_code rc;

	if (PKCS7_type_is_encrypted(p7))
		return read_encrypted(r, p7, err);
	if (!PKCS7_type_is_data(p7) || p7->d.data == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "the PKCS#12 file is encrypted for a certificate, not with "
		    "a password: export it again with a password");
	if ((bags = PKCS12_unpack_p7data(p7)) == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "the PKCS#12 file is damaged: %s", openssl_reason());
	rc = read_bags(r, bags, 0, err);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return rc;
}

static enum err_code
read_safes(struct reading *r, PKCS12 *p12, struct err *err)
{
	STACK_OF(PKCS7) * safes;
	enum err_code rc = ERR_OK;
	bool fits = false;
	int i;

	if (PKCS12_mac_present(p12)) {
		if ((rc = check_mac(r, p12, &fits, err)) != ERR_OK)
			return rc;
		if (!fits) {
			r->b->locked = true;
			return ERR_OK;
		}
	}
	if ((safes = PKCS12_unpack_authsafes(p12)) == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "the PKCS#12 file is signed or damaged inside (%s): export "
		    "it again with a password",
		    openssl_reason());
	for (i = 0; i < sk_PKCS7_num(safes) && rc == ERR_OK; i++)
		rc = read_safe(r, sk_PKCS7_value(safes, i), err);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return rc;
}

enum err_code
bundle_read_pkcs12(
    struct bundle *b, struct bytes der, struct opener *o, struct err *err)
{
	struct reading r = { .b = b, .o = o, .password = SIZE_MAX };
	OSSL_LIB_CTX *old = openssl_enter_legacy();
	const uint8_t *p = der.p;
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)der.len);
	enum err_code rc;

	if (p12 == NULL || p != der.p + der.len)
		rc = err_set(err, ERR_UNDECODABLE,
		    "the PKCS#12 file is damaged or cut short (%s)",
		    openssl_reason());
	else
		rc = read_safes(&r, p12, err);
	b->is_export = b->is_pkcs12 = true;
	PKCS12_free(p12);
	ERR_clear_error();
	openssl_leave_legacy(old);
	return rc;
}
