#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "engine/pki/bundle_priv.h"

#define PASSWORD_MAX 1024
#define SALT_MAX     1024

/* Programs of before 2016 took each byte of a password for a Latin-1 character
 * (PKCS12_key_gen_asc): s as UTF-8 of its bytes. */
static char *
bytes_as_characters(const char *s)
{
	struct buf b = { 0 };
	char *ret = NULL;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x80) {
			buf_char(&b, *s);
		} else {
			buf_char(&b, (char)(0xc0 | c >> 6));
			buf_char(&b, (char)(0x80 | (c & 0x3f)));
		}
	}
	if (b.error == ERR_OK)
		ret = strdup(buf_str(&b));
	buf_wipe(&b);
	return ret;
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool
add_form(struct opener *o, char *text, size_t password)
{
	o->forms[o->n_forms].text = text;
	o->forms[o->n_forms++].password = password;
	return text != NULL;
}

enum err_code
opener_init(struct opener *o, const char *const passwords[], size_t n_passwords,
    struct err *err)
{
	bool fine = true;
	size_t i;

	memset(o, 0, sizeof(*o));
	if (n_passwords > BUNDLE_MAX_PASSWORDS)
		return err_set(err, ERR_TOO_BIG,
		    "more than %d passwords: keep those that are still needed",
		    BUNDLE_MAX_PASSWORDS);
	for (i = 0; i < n_passwords; i++)
		if (strlen(passwords[i]) > PASSWORD_MAX)
			return err_set(err, ERR_TOO_BIG,
			    "a password of more than %d bytes", PASSWORD_MAX);
	o->forms = calloc(2 * n_passwords + 2, sizeof(*o->forms));
	if (o->forms == NULL)
		return err_set(err, ERR_NO_MEMORY, "passwords");
	o->n_given = n_passwords;
	o->rounds = 5 * (uint64_t)BUNDLE_MAX_ROUNDS;
	for (i = 0; i < n_passwords; i++) {
		fine &= add_form(o, strdup(passwords[i]), i);
		if (!is_ascii(passwords[i]))
			fine &=
			    add_form(o, bytes_as_characters(passwords[i]), i);
	}
	(void)add_form(o, NULL, n_passwords);
	fine &= add_form(o, strdup(""), n_passwords);
	if (fine)
		return ERR_OK;
	opener_fini(o);
	return err_set(err, ERR_NO_MEMORY, "passwords");
}

void
opener_fini(struct opener *o)
{
	size_t i;

	for (i = 0; i < o->n_forms; i++) {
		if (o->forms[i].text == NULL)
			continue;
		OPENSSL_cleanse(o->forms[i].text, strlen(o->forms[i].text));
		free(o->forms[i].text);
	}
	free(o->forms);
	memset(o, 0, sizeof(*o));
}

size_t
opener_order(const struct opener *o, size_t k)
{
	if (k == 0)
		return o->last;
	return k <= o->last ? k - 1 : k;
}

enum err_code
opener_pay_rounds(
    struct opener *o, uint64_t rounds, size_t salt_len, struct err *err)
{
	if (rounds > BUNDLE_MAX_ROUNDS || salt_len > SALT_MAX)
		return err_set(err, ERR_UNDECODABLE,
		    "the file asks for %llu rounds of key derivation with a "
		    "salt of %zu bytes; at most %d and %d are taken: export it "
		    "again with fewer",
		    (unsigned long long)rounds, salt_len, BUNDLE_MAX_ROUNDS,
		    SALT_MAX);
	if (rounds > o->rounds)
		return err_set(err, ERR_UNDECODABLE,
		    "opening this file takes too long: export it again with "
		    "fewer rounds of key derivation (2048 to 600000 are "
		    "usual), or keep fewer passwords for it");
	o->rounds -= rounds;
	return ERR_OK;
}

static uint64_t
number(const ASN1_INTEGER *i)
{
	uint64_t v;

	if (i == NULL)
		return 1;
	if (ASN1_INTEGER_get_uint64(&v, i) != 1)
		return UINT64_MAX; /* negative or huge */
	return v;
}

static enum err_code
pay_pbkdf2(struct opener *o, const ASN1_TYPE *parameter, struct err *err)
{
	PBKDF2PARAM *p =
	    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
	size_t salt = 0;
	enum err_code rc;

	if (p == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "the parameters of the encryption are damaged (PBKDF2)");
	if (p->salt != NULL && p->salt->type == V_ASN1_OCTET_STRING)
		salt = (size_t)ASN1_STRING_length(p->salt->value.octet_string);
	rc = opener_pay_rounds(o, number(p->iter), salt, err);
	PBKDF2PARAM_free(p);
	return rc;
}

static enum err_code
pay_scrypt(struct opener *o, const ASN1_TYPE *parameter, struct err *err)
{
	SCRYPT_PARAMS *p =
	    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
	uint64_t n, r, c;
	size_t salt;

	if (p == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "the parameters of the encryption are damaged (scrypt)");
	n = number(p->costParameter);
	r = number(p->blockSize);
	c = number(p->parallelizationParameter);
	salt = (size_t)ASN1_STRING_length(p->salt);
	SCRYPT_PARAMS_free(p);
	if (n > BUNDLE_MAX_ROUNDS || r > 1024 || c > 1024 || r == 0 || c == 0)
		return opener_pay_rounds(o, UINT64_MAX, salt, err);
	return opener_pay_rounds(o, n * r * c, salt, err);
}

static enum err_code
pay_pbes2(struct opener *o, const ASN1_TYPE *parameter, struct err *err)
{
	PBE2PARAM *p = parameter == NULL
	                   ? NULL
	                   : ASN1_TYPE_unpack_sequence(
				 ASN1_ITEM_rptr(PBE2PARAM), parameter);
	enum err_code rc;

	if (p == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "the parameters of the encryption are damaged (PBES2)");
	if (p->keyfunc->parameter == NULL)
		rc = err_set(
		    err, ERR_UNDECODABLE, "the encryption has no parameters");
	else if (OBJ_obj2nid(p->keyfunc->algorithm) == NID_id_pbkdf2)
		rc = pay_pbkdf2(o, p->keyfunc->parameter, err);
	else if (OBJ_obj2nid(p->keyfunc->algorithm) == NID_id_scrypt)
		rc = pay_scrypt(o, p->keyfunc->parameter, err);
	else
		rc = err_set(err, ERR_UNDECODABLE,
		    "the file's key derivation is neither PBKDF2 nor scrypt");
	PBE2PARAM_free(p);
	return rc;
}

enum err_code
opener_pay(struct opener *o, const X509_ALGOR *algorithm, struct err *err)
{
	const ASN1_OBJECT *oid;
	const void *value;
	PBEPARAM *p = NULL;
	enum err_code rc;
	char name[80];
	int type;

	X509_ALGOR_get0(&oid, &type, &value, algorithm);
	if (OBJ_obj2nid(oid) == NID_pbes2)
		return pay_pbes2(o, algorithm->parameter, err);
	if (EVP_PBE_find(
		EVP_PBE_TYPE_OUTER, OBJ_obj2nid(oid), NULL, NULL, NULL) != 1) {
		OBJ_obj2txt(name, sizeof(name), oid, 0);
		return err_set(err, ERR_UNDECODABLE,
		    "encrypted in a way that is not known here (%s): export it "
		    "again with AES-256",
		    name);
	}
	if (algorithm->parameter != NULL)
		p = ASN1_TYPE_unpack_sequence(
		    ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
	if (p == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "the parameters of the encryption are damaged");
	rc = opener_pay_rounds(
	    o, number(p->iter), (size_t)ASN1_STRING_length(p->salt), err);
	PBEPARAM_free(p);
	return rc;
}

static enum err_code
add_p8(struct bundle *b, PKCS8_PRIV_KEY_INFO *p8, struct err *err)
{
	uint8_t *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	/* the key itself shall belong to the ordinary context */
	OSSL_LIB_CTX *now =
	    OSSL_LIB_CTX_set0_default(OSSL_LIB_CTX_get0_global_default());
	enum err_code rc;

	if (len <= 0)
		rc = err_set(err, ERR_UNDECODABLE, "the key is damaged");
	else
		rc = bundle_add_key_der(b, bytes_of(der, (size_t)len), err);
	OSSL_LIB_CTX_set0_default(now);
	if (len > 0)
		OPENSSL_clear_free(der, (size_t)len);
	return rc;
}

enum err_code
bundle_open_sig(
    struct bundle *b, const X509_SIG *sig, struct opener *o, struct err *err)
{
	const X509_ALGOR *algorithm;
	PKCS8_PRIV_KEY_INFO *p8 = NULL;
	OSSL_LIB_CTX *old;
	enum err_code rc = ERR_OK;
	size_t k;

	X509_SIG_get0(sig, &algorithm, NULL);
	old = openssl_enter_legacy();
	for (k = 0; k < o->n_forms && p8 == NULL; k++) {
		size_t i = opener_order(o, k);
		const char *text = o->forms[i].text;

		if ((rc = opener_pay(o, algorithm, err)) != ERR_OK)
			break;
		p8 = PKCS8_decrypt(
		    sig, text, text == NULL ? 0 : (int)strlen(text));
		if (p8 != NULL)
			o->last = i;
	}
	if (p8 != NULL)
		rc = add_p8(b, p8, err);
	else if (rc == ERR_OK)
		b->locked = true;
	openssl_leave_legacy(old);
	PKCS8_PRIV_KEY_INFO_free(p8);
	ERR_clear_error();
	return rc;
}

enum err_code
bundle_read_encrypted(
    struct bundle *b, struct bytes der, struct opener *o, struct err *err)
{
	const uint8_t *p = der.p;
	X509_SIG *sig = d2i_X509_SIG(NULL, &p, (long)der.len);
	enum err_code rc;

	if (sig == NULL || p != der.p + der.len)
		rc = err_set(err, ERR_UNDECODABLE,
		    "the encrypted key is damaged or cut short");
	else
		rc = bundle_open_sig(b, sig, o, err);
	X509_SIG_free(sig);
	ERR_clear_error();
	return rc;
}
