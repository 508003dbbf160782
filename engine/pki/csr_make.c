#include <openssl/err.h>

#include "engine/pki/csr.h"
#include "engine/pki/openssl_priv.h"

static enum err_code
add_names(X509_REQ *x, const struct csr_wanted *w, struct err *err)
{
	STACK_OF(X509_EXTENSION) *list = NULL;
	GENERAL_NAMES *names = NULL;
	enum err_code rc;

	if (w->n_names == 0)
		return ERR_OK;
	if ((rc = sans_append(w->names, w->n_names, &names, err)) != ERR_OK)
		goto out;
	if (X509V3_add1_i2d(&list, NID_subject_alt_name, names, 0,
		X509V3_ADD_DEFAULT) != 1 ||
	    X509_REQ_add_extensions(x, list) != 1)
		rc = err_set(err, ERR_NO_MEMORY, "request");
out:
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	GENERAL_NAMES_free(names);
	return rc;
}

static enum err_code
add_challenge(X509_REQ *x, const struct csr_wanted *w, struct err *err)
{
	if (w->challenge == NULL)
		return ERR_OK;
	if (X509_REQ_add1_attr_by_NID(x, NID_pkcs9_challengePassword,
		MBSTRING_UTF8, (const uint8_t *)w->challenge,
		(int)strlen(w->challenge)) != 1)
		return err_set(
		    err, ERR_INVALID, "the challenge is too long or not UTF-8");
	return ERR_OK;
}

enum err_code
csr_make(const struct pkey *key, const struct csr_wanted *wanted,
    struct buf *ret, struct err *err)
{
	X509_REQ *x = X509_REQ_new();
	X509_NAME *subject = NULL;
	uint8_t *der = NULL;
	enum err_code rc;
	int len;

	if (x == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "request");
		goto out;
	}
	if ((rc = name_parse(wanted->subject, &subject, err)) != ERR_OK ||
	    (rc = add_names(x, wanted, err)) != ERR_OK ||
	    (rc = add_challenge(x, wanted, err)) != ERR_OK)
		goto out;
	if (X509_REQ_set_version(x, 0) != 1 ||
	    X509_REQ_set_subject_name(x, subject) != 1 ||
	    X509_REQ_set_pubkey(x, pkey_evp(key)) != 1 ||
	    X509_REQ_sign(x, pkey_evp(key), EVP_sha256()) <= 0 ||
	    (len = i2d_X509_REQ(x, &der)) <= 0) {
		rc = err_set(err, ERR_INTERNAL,
		    "a request cannot be made for this key (%s)",
		    openssl_reason());
		goto out;
	}
	buf_put(ret, der, (size_t)len);
	rc = buf_error(ret, err);
out:
	ERR_clear_error();
	OPENSSL_free(der);
	X509_NAME_free(subject);
	X509_REQ_free(x);
	return rc;
}

enum err_code
csr_check_subject(const char *text, struct err *err)
{
	X509_NAME *name = NULL;
	enum err_code rc = name_parse(text, &name, err);

	X509_NAME_free(name);
	return rc;
}

enum err_code
csr_check_name(const struct san *name, struct err *err)
{
	GENERAL_NAMES *names = NULL;
	enum err_code rc = sans_append(name, 1, &names, err);

	GENERAL_NAMES_free(names);
	return rc;
}
