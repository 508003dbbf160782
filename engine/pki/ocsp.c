#include "engine/pki/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "engine/pki/openssl_priv.h"

struct answer {
	const struct identity *ca;
	OCSP_REQUEST *request;
	OCSP_BASICRESP *reply;
	ASN1_TIME *from, *until;
	ocsp_fn *fn;
	void *arg;
};

static enum err_code
out_of_luck(struct err *err)
{
	return err_set(err, ERR_INTERNAL,
	    "the state of a certificate cannot be told (%s)", openssl_reason());
}

/* A client that needs something of us that we do not know (4.4), beside a
 * nonce. */
static bool
is_strange(X509_EXTENSION *e)
{
	return X509_EXTENSION_get_critical(e) != 0 &&
	       OBJ_obj2nid(X509_EXTENSION_get_object(e)) !=
	           NID_id_pkix_OCSP_Nonce;
}

static bool
asks_strange(OCSP_REQUEST *r)
{
	int i, k, n = OCSP_REQUEST_get_ext_count(r);

	for (i = 0; i < n; i++)
		if (is_strange(OCSP_REQUEST_get_ext(r, i)))
			return true;
	for (k = 0; k < OCSP_request_onereq_count(r); k++) {
		OCSP_ONEREQ *one = OCSP_request_onereq_get0(r, k);

		n = OCSP_ONEREQ_get_ext_count(one);
		for (i = 0; i < n; i++)
			if (is_strange(OCSP_ONEREQ_get_ext(one, i)))
				return true;
	}
	return false;
}

/* RFC 9654 2.1: an OCTET STRING, of 1 to OCSP_NONCE_MAX bytes: what a stranger
 * has signed is short. */
static bool
nonce_fits(OCSP_REQUEST *r)
{
	int i = OCSP_REQUEST_get_ext_by_NID(r, NID_id_pkix_OCSP_Nonce, -1);
	ASN1_OCTET_STRING *whole, *inner;
	const uint8_t *p;
	bool fits;
	long len;

	if (i < 0)
		return true;
	if (OCSP_REQUEST_get_ext_by_NID(r, NID_id_pkix_OCSP_Nonce, i) >= 0)
		return false;
	whole = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(r, i));
	p = ASN1_STRING_get0_data(whole);
	len = ASN1_STRING_length(whole);
	inner = d2i_ASN1_OCTET_STRING(NULL, &p, len);
	fits = inner != NULL && p == ASN1_STRING_get0_data(whole) + len &&
	       ASN1_STRING_length(inner) >= 1 &&
	       ASN1_STRING_length(inner) <= OCSP_NONCE_MAX;
	ASN1_OCTET_STRING_free(inner);
	return fits;
}

static enum err_code
parse(struct bytes der, OCSP_REQUEST **ret, struct err *err)
{
	const uint8_t *p = der.p;
	OCSP_REQUEST *r = der.len > OCSP_REQUEST_MAX
	                      ? NULL
	                      : d2i_OCSP_REQUEST(NULL, &p, (long)der.len);
	int n;

	if (r == NULL || p != der.p + der.len ||
	    (n = OCSP_request_onereq_count(r)) < 1) {
		OCSP_REQUEST_free(r);
		return err_set(
		    err, ERR_INVALID, "this is no OCSP request (RFC 6960)");
	}
	if (n > OCSP_ASKED_MAX) {
		OCSP_REQUEST_free(r);
		return err_set(err, ERR_INVALID,
		    "it asks for %d certificates, and at most %d are answered "
		    "at once",
		    n, OCSP_ASKED_MAX);
	}
	if (!nonce_fits(r) || asks_strange(r)) {
		OCSP_REQUEST_free(r);
		return err_set(err, ERR_INVALID,
		    "its nonce has not 1 to %d bytes, or it needs an extension "
		    "that is not known here",
		    OCSP_NONCE_MAX);
	}
	*ret = r;
	return ERR_OK;
}

/* RFC 6960 4.1.1: hashes of the issuer's name and key, by whatever digest. */
static bool
names_ca(OCSP_CERTID *id, const struct identity *ca)
{
	X509 *issuer = cert_x509(identity_leaf(ca));
	ASN1_OBJECT *algorithm = NULL;
	const EVP_MD *md;
	OCSP_CERTID *ours;
	bool yes;

	if (OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, id) != 1 ||
	    (md = EVP_get_digestbyobj(algorithm)) == NULL)
		return false;
	ours = OCSP_cert_to_id(md, NULL, issuer);
	yes = ours != NULL && OCSP_id_issuer_cmp(id, ours) == 0;
	OCSP_CERTID_free(ours);
	return yes;
}

static enum err_code
ask(const struct answer *a, OCSP_CERTID *id, struct ocsp_status *ret,
    struct err *err)
{
	ASN1_INTEGER *serial = NULL;

	if (!names_ca(id, a->ca) ||
	    OCSP_id_get0_info(NULL, NULL, NULL, &serial, id) != 1 ||
	    ASN1_STRING_type(serial) != V_ASN1_INTEGER)
		return ERR_OK;
	return a->fn(a->arg,
	    bytes_of(ASN1_STRING_get0_data(serial),
		(size_t)ASN1_STRING_length(serial)),
	    ret, err);
}

static enum err_code
add(const struct answer *a, int i, struct err *err)
{
	OCSP_CERTID *id =
	    OCSP_onereq_get0_id(OCSP_request_onereq_get0(a->request, i));
	struct ocsp_status s = { .known = false };
	ASN1_TIME *at = NULL;
	enum err_code rc = ask(a, id, &s, err);
	int status = V_OCSP_CERTSTATUS_UNKNOWN,
	    reason = OCSP_REVOKED_STATUS_NOSTATUS;

	if (rc != ERR_OK)
		return rc;
	if (s.known)
		status = s.revoked ? V_OCSP_CERTSTATUS_REVOKED
		                   : V_OCSP_CERTSTATUS_GOOD;
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		at = ASN1_TIME_set(NULL, s.revoked_at);
		/* unspecified is said by leaving it out (RFC 5280 5.3.1) */
		if (s.reason != CRL_UNSPECIFIED)
			reason = (int)s.reason;
	}
	if (OCSP_basic_add1_status(
		a->reply, id, status, reason, at, a->from, a->until) == NULL)
		rc = out_of_luck(err);
	ASN1_TIME_free(at);
	return rc;
}

static enum err_code
finish(const struct answer *a, struct buf *ret, struct err *err)
{
	OCSP_RESPONSE *whole = NULL;
	enum err_code rc = ERR_OK;
	uint8_t *der = NULL;
	int len = 0;

	/* the CA's certificate goes along: some clients look nowhere else */
	if (OCSP_basic_sign(a->reply, cert_x509(identity_leaf(a->ca)),
		pkey_evp(identity_key(a->ca)), EVP_sha256(), NULL,
		OCSP_RESPID_KEY) == 1)
		whole = OCSP_response_create(
		    OCSP_RESPONSE_STATUS_SUCCESSFUL, a->reply);
	if (whole != NULL)
		len = i2d_OCSP_RESPONSE(whole, &der);
	if (len > 0) {
		buf_put(ret, der, (size_t)len);
		rc = buf_error(ret, err);
	} else {
		rc = out_of_luck(err);
	}
	OCSP_RESPONSE_free(whole);
	OPENSSL_free(der);
	return rc;
}

enum err_code
ocsp_answer(const struct identity *ca, struct bytes request, int64_t now,
    int64_t next, ocsp_fn *fn, void *arg, bool *nonce, struct buf *ret,
    struct err *err)
{
	struct answer a = { .ca = ca, .fn = fn, .arg = arg };
	enum err_code rc = parse(request, &a.request, err);
	int i, n;

	if (rc != ERR_OK) {
		ERR_clear_error();
		return rc;
	}
	a.reply = OCSP_BASICRESP_new();
	a.from = ASN1_TIME_set(NULL, now);
	a.until = ASN1_TIME_set(NULL, next);
	if (a.reply == NULL || a.from == NULL || a.until == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "OCSP");
	n = OCSP_request_onereq_count(a.request);
	for (i = 0; i < n && rc == ERR_OK; i++)
		rc = add(&a, i, err);
	/* 2: the client sent none */
	if (rc == ERR_OK && (i = OCSP_copy_nonce(a.reply, a.request)) <= 0)
		rc = out_of_luck(err);
	*nonce = rc == ERR_OK && i != 2;
	if (rc == ERR_OK)
		rc = finish(&a, ret, err);
	ERR_clear_error();
	OCSP_REQUEST_free(a.request);
	OCSP_BASICRESP_free(a.reply);
	ASN1_TIME_free(a.from);
	ASN1_TIME_free(a.until);
	return rc;
}

void
ocsp_fail(enum ocsp_failure why, struct buf *ret)
{
	/* SEQUENCE { ENUMERATED } */
	const uint8_t der[] = { 0x30, 3, 0x0a, 1, (uint8_t)why };

	buf_put(ret, der, sizeof(der));
}
