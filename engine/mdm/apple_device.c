#include "engine/mdm/apple_device.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "engine/base/text.h"
#include "engine/model/admission.h"
#include "engine/model/devices.h"
#include "engine/model/orgs.h"
#include "engine/model/trust.h"
#include "engine/pki/cms.h"
#include "engine/pki/openssl.h"

#define ANCHORS_MAX 32
#define DEPTH_MAX   4 /* certificates between the signer and an anchor */
#define RSA_LEAST   1024
#define EC_LEAST    224

/* ---- the message -------------------------------------------------------- */

void
device_message_fini(struct device_message *m)
{
	size_t i;

	pl_free(m->content);
	cert_free(m->signer);
	for (i = 0; i < m->n_certs; i++)
		cert_free(m->certs[i]);
	*m = (struct device_message){ .content = NULL };
}

static enum err_code
keep_cert(struct device_message *m, X509 *x, struct err *err)
{
	struct cert *c = NULL;
	enum err_code rc = cert_of_x509(x, &c, err);

	if (rc == ERR_NO_MEMORY)
		return rc;
	/* one that cannot be read helps nobody */
	if (rc == ERR_OK)
		m->certs[m->n_certs++] = c;
	return ERR_OK;
}

/* What came along beside the signer. */
static enum err_code
keep_certs(struct device_message *m, struct bytes der, struct err *err)
{
	const uint8_t *p = der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	STACK_OF(X509) *list = cms == NULL ? NULL : CMS_get1_certs(cms);
	enum err_code rc = ERR_OK;
	int i;

	if (sk_X509_num(list) > DEVICE_MESSAGE_CERTS)
		rc = err_set(err, ERR_INVALID,
		    "%d certificates came with the message: a device sends at "
		    "most %d",
		    sk_X509_num(list), DEVICE_MESSAGE_CERTS);
	for (i = 0; rc == ERR_OK && i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), cert_x509(m->signer)) != 0)
			rc = keep_cert(m, sk_X509_value(list, i), err);
	sk_X509_pop_free(list, X509_free);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return rc;
}

static enum err_code
read_names(struct device_message *m, struct err *err)
{
	const char *udid = pl_get_string(m->content, "UDID");
	const char *serial = pl_get_string(m->content, "SERIAL");

	if (udid != NULL && udid[0] != '\0') {
		if (!device_id_valid(udid))
			return err_set(err, ERR_INVALID,
			    "the message names no UDID of 1 to 64 letters, "
			    "digits and '-'");
		m->udid = udid;
	}
	if (serial != NULL && serial[0] != '\0') {
		if (strlen(serial) > ADMISSION_SERIAL_MAX ||
		    !text_is_clean(bytes_text(serial)))
			return err_set(
			    err, ERR_INVALID, "SERIAL is no serial number");
		m->serial = serial;
	}
	return ERR_OK;
}

enum err_code
device_message_parse(
    struct bytes cms, struct device_message *ret, struct err *err)
{
	struct device_message m = { .content = NULL };
	struct buf content = { 0 };
	enum err_code rc;

	if (cms.len > DEVICE_MESSAGE_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "a message of %zu bytes: a device sends at most %u",
		    cms.len, DEVICE_MESSAGE_MAX);
	if ((rc = cms_verify_attached(cms, &content, &m.signer, err)) !=
		ERR_OK ||
	    (rc = keep_certs(&m, cms, err)) != ERR_OK ||
	    (rc = pl_parse(buf_view(&content), &m.content, err)) != ERR_OK)
		goto out;
	if (pl_type(m.content) != PL_DICT) {
		rc = err_set(err, ERR_INVALID,
		    "the signed property list is no dictionary");
		goto out;
	}
	if ((rc = read_names(&m, err)) != ERR_OK)
		goto out;
	*ret = m;
	m = (struct device_message){ .content = NULL };
out:
	buf_free(&content);
	device_message_fini(&m);
	return rc;
}

enum err_code
device_message_parse_text(
    struct bytes base64, struct device_message *ret, struct err *err)
{
	struct buf der = { 0 };
	enum err_code rc = text_unbase64(base64, &der, err);

	if (rc == ERR_OK)
		rc = device_message_parse(buf_view(&der), ret, err);
	buf_free(&der);
	return rc;
}

/* ---- the anchors -------------------------------------------------------- */

struct anchors {
	struct cert *v[ANCHORS_MAX];
	size_t n;
	bool files; /* there is at least one, whatever it holds */
};

static void
anchors_fini(struct anchors *a)
{
	while (a->n > 0)
		cert_free(a->v[--a->n]);
}

static enum err_code
add_anchor(void *arg, const struct node *n, struct cert *c, struct err *err)
{
	struct anchors *a = arg;

	(void)n;
	(void)err;
	if (a->n < ANCHORS_MAX)
		a->v[a->n++] = cert_ref(c);
	return ERR_OK;
}

static enum err_code
anchors_txn(struct txn *t, void *arg, struct err *err)
{
	struct anchors *a = arg;

	anchors_fini(a);
	a->files =
	    org_holds(t, 0, "trust", "apple-device", PLACE_APPLE_DEVICE_FILE);
	return apple_trust_each(t, add_anchor, a, err);
}

/* ---- the chain ---------------------------------------------------------- */

static X509_STORE *
store_of(const struct anchors *a)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param;
	size_t i;

	if (store == NULL)
		return NULL;
	param = X509_STORE_get0_param(store);
	/* Apple iPhone Device CA: an intermediate, ended, 1024 bits, SHA-1 */
	X509_VERIFY_PARAM_set_flags(
	    param, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_auth_level(param, 0);
	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	for (i = 0; i < a->n; i++)
		if (X509_STORE_add_cert(store, cert_x509(a->v[i])) != 1) {
			X509_STORE_free(store);
			return NULL;
		}
	return store;
}

/* Level 0 lets everything pass: MD5, 512 bits. */
static bool
is_sound(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int digest = NID_undef, bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);

	X509_get_signature_info(x, &digest, NULL, NULL, NULL);
	if (key == NULL)
		return false;
	if (EVP_PKEY_is_a(key, "RSA"))
		return bits >= RSA_LEAST &&
		       (digest == NID_sha1 || digest == NID_sha256 ||
			   digest == NID_sha384 || digest == NID_sha512);
	return bits >= EC_LEAST &&
	       (digest == NID_sha1 || digest == NID_sha256 ||
		   digest == NID_sha384 || digest == NID_sha512);
}

/* A CA that was put there by itself, and is not the root of everything. */
static bool
is_anchor(const struct anchors *a, const X509 *x)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (X509_cmp(cert_x509(a->v[i]), x) == 0)
			return !cert_is_self_signed(a->v[i]);
	return false;
}

/* "Apple iPhone Device CA": the names below an anchor are Apple's own. */
static bool
is_device_ca(const X509 *x)
{
	char name[256] = "";

	X509_NAME_get_text_by_NID(
	    X509_get_subject_name(x), NID_commonName, name, (int)sizeof(name));
	return strstr(name, "Device CA") != NULL;
}

static enum err_code
judge_chain(const struct anchors *a, STACK_OF(X509) * chain,
    const struct cert *signer, struct err *err)
{
	int i, n = sk_X509_num(chain);

	for (i = 0; i < n; i++)
		if (!is_sound(sk_X509_value(chain, i)))
			return err_set(err, ERR_DENIED,
			    "a certificate above %s is too weak even for this: "
			    "less than 1024 bits, or an older digest than "
			    "SHA-1",
			    cert_label(signer));
	/* else every certificate of Apple's would do: its push certificates,
	 * its developers' */
	if (n < 2 || (!is_anchor(a, sk_X509_value(chain, 1)) &&
			 !is_device_ca(sk_X509_value(chain, 1))))
		return err_set(err, ERR_DENIED,
		    "%s was not issued by a CA for devices, but by %s: if "
		    "devices have such certificates, put that CA into "
		    "system/trust/apple-device/",
		    cert_label(signer), cert_issuer(signer));
	return ERR_OK;
}

static enum err_code
verify(const struct anchors *a, const struct device_message *m, struct err *err)
{
	X509_STORE *store = store_of(a);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *others = sk_X509_new_null();
	enum err_code rc = ERR_OK;
	size_t i;

	if (store == NULL || ctx == NULL || others == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "signature of a device");
	for (i = 0; rc == ERR_OK && i < m->n_certs; i++)
		if (sk_X509_push(others, cert_x509(m->certs[i])) <= 0)
			rc = err_set(err, ERR_NO_MEMORY, "chain");
	if (rc == ERR_OK &&
	    X509_STORE_CTX_init(ctx, store, cert_x509(m->signer), others) != 1)
		rc = err_set(err, ERR_NO_MEMORY, "chain");
	if (rc == ERR_OK && X509_verify_cert(ctx) != 1)
		rc = err_set(err, ERR_DENIED,
		    "%s, issued by %s, does not hang on a certificate in "
		    "system/trust/apple-device (%s)",
		    cert_label(m->signer), cert_issuer(m->signer),
		    X509_verify_cert_error_string(
			X509_STORE_CTX_get_error(ctx)));
	if (rc == ERR_OK)
		rc = judge_chain(
		    a, X509_STORE_CTX_get0_chain(ctx), m->signer, err);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(others);
	ERR_clear_error();
	return rc;
}

enum err_code
apple_device_check(struct engine *e, const struct device_message *m,
    enum apple_device *ret, struct err *err)
{
	struct anchors a = { .n = 0 };
	enum err_code rc = store_view(e->store, anchors_txn, &a, err);

	if (rc == ERR_OK && a.files)
		rc = verify(&a, m, err);
	if (rc == ERR_OK)
		*ret = a.files ? APPLE_DEVICE_VERIFIED : APPLE_DEVICE_UNCHECKED;
	anchors_fini(&a);
	return rc;
}

const char *
apple_device_words(enum apple_device how)
{
	return how == APPLE_DEVICE_VERIFIED
	           ? "signed by an Apple device"
	           : "that it is an Apple device was not checked, as "
	             "system/trust/apple-device is empty";
}
