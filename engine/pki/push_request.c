#include "engine/pki/push_request.h"

#include <string.h>

#include "engine/base/pl.h"
#include "engine/base/text.h"

#define APPLE_CERTIFICATES "https://www.apple.com/certificateauthority/"

static const char key_csr[] = "PushCertRequestCSR";
static const char key_chain[] = "PushCertCertificateChain";
static const char key_signature[] = "PushCertSignature";

enum err_code
push_request_check_csr(const struct csr *csr, struct err *err)
{
	const struct keyspec *k = csr_keyspec(csr);

	if (k->kind != KEYSPEC_RSA || k->bits < 2048)
		return err_set(err, ERR_KEY_REJECTED,
		    "the request of %s is for a key of the kind %s; Apple "
		    "makes push certificates for RSA keys of 2048 bits: make "
		    "a new key and a request for it",
		    csr_subject(csr), k->name);
	return keyspec_check(k, err);
}

/* Where to get it: the names are those of Apple's own files. */
static const char *
where_from(const char *missing)
{
	if (strstr(missing, "Developer Relations") != NULL)
		return strstr(missing, "OU=G3") != NULL
		           ? "AppleWWDRCAG3.cer from " APPLE_CERTIFICATES
		           : "the AppleWWDRCA file of that generation (OU) "
		             "from " APPLE_CERTIFICATES;
	if (strstr(missing, "Apple Root CA") != NULL)
		return "AppleIncRootCertificate.cer "
		       "from " APPLE_CERTIFICATES;
	return "Apple's, such as AppleWWDRCAG3.cer and "
	       "AppleIncRootCertificate.cer, are "
	       "at " APPLE_CERTIFICATES;
}

enum err_code
push_request_check_vendor(const struct identity *vendor, struct err *err)
{
	const struct cert *leaf = identity_leaf(vendor);
	const char *missing = NULL;

	if (cert_keyspec(leaf)->kind != KEYSPEC_RSA)
		return err_set(err, ERR_KEY_REJECTED,
		    "the vendor certificate %s has a key of the kind %s; push "
		    "certificate requests are signed with RSA alone",
		    cert_label(leaf), cert_keyspec(leaf)->name);
	if (identity_chain_complete(vendor, &missing))
		return ERR_OK;
	return err_set(err, ERR_KEY_REJECTED,
	    "the chain of the vendor certificate %s does not reach its root: "
	    "the certificate \"%s\" is missing. Put it beside the others (%s)",
	    cert_label(leaf), missing, where_from(missing));
}

static void
set_base64(struct pl *dict, const char *key, struct bytes der, struct buf *b)
{
	buf_reset(b);
	text_base64(b, der);
	pl_set_string(dict, key, buf_str(b));
}

static void
set_chain(struct pl *dict, const struct identity *vendor, struct buf *b)
{
	size_t i;

	buf_reset(b);
	for (i = 0; i < identity_n_certs(vendor); i++)
		cert_pem(identity_cert(vendor, i), b);
	pl_set_string(dict, key_chain, buf_str(b));
}

enum err_code
push_request_make(const struct identity *vendor, const struct csr *csr,
    struct buf *ret, struct err *err)
{
	struct pl *dict = NULL;
	struct buf signature = { 0 }, text = { 0 }, xml = { 0 };
	enum err_code rc;

	if ((rc = push_request_check_csr(csr, err)) != ERR_OK ||
	    (rc = push_request_check_vendor(vendor, err)) != ERR_OK)
		return rc;
	rc = pkey_sign(identity_key(vendor), csr_der(csr), &signature, err);
	if (rc != ERR_OK)
		goto out;
	dict = pl_new_dict();
	set_base64(dict, key_csr, csr_der(csr), &text);
	if (text.error == ERR_OK)
		set_chain(dict, vendor, &text);
	if (text.error == ERR_OK)
		set_base64(dict, key_signature, buf_view(&signature), &text);
	if ((rc = buf_error(&text, err)) != ERR_OK)
		goto out;
	pl_write_xml(dict, &xml);
	if ((rc = buf_error(&xml, err)) != ERR_OK)
		goto out;
	buf_reserve(ret, xml.len / 3 * 4 + 8);
	if ((rc = buf_error(ret, err)) == ERR_OK) {
		text_base64(ret, buf_view(&xml));
		buf_char(ret, '\n');
		rc = buf_error(ret, err);
	}
out:
	pl_free(dict);
	buf_free(&signature);
	buf_free(&text);
	buf_free(&xml);
	return rc;
}

static enum err_code
read_dict(const struct pl *dict, struct csr **ret, struct err *err)
{
	static const char *const keys[] = { key_csr, key_chain, key_signature };
	struct buf der = { 0 };
	enum err_code rc;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (pl_get_string(dict, keys[i]) == NULL)
			return err_set(err, ERR_UNDECODABLE,
			    "it is a property list without the string %s: no "
			    "signed request for a push certificate",
			    keys[i]);
	rc = text_unbase64(bytes_text(pl_get_string(dict, key_csr)), &der, err);
	if (rc == ERR_OK)
		rc = csr_parse(buf_view(&der), ret, err);
	buf_wipe(&der);
	return rc == ERR_OK ? rc : err_context(err, "%s", key_csr);
}

enum err_code
push_request_read(struct bytes file, struct csr **ret, struct err *err)
{
	struct buf xml = { 0 };
	struct pl *dict = NULL;
	enum err_code rc;

	if (file.len > PUSH_REQUEST_MAX)
		return err_set(err, ERR_UNDECODABLE,
		    "%zu bytes are too many for a signed request", file.len);
	rc = text_unbase64(text_trim(file), &xml, err);
	if (rc != ERR_OK) {
		(void)!err_context(err,
		    "a signed request for a push certificate is base64 of a "
		    "property list");
		goto out;
	}
	if ((rc = pl_parse(buf_view(&xml), &dict, err)) == ERR_OK)
		rc = read_dict(dict, ret, err);
out:
	pl_free(dict);
	buf_free(&xml);
	return rc == ERR_TOO_BIG
	           ? err_set(err, ERR_UNDECODABLE,
			 "no signed request for a push certificate is that big")
	           : rc;
}
