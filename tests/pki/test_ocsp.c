#include "engine/pki/ocsp.h"

#include <openssl/ocsp.h>

#include "engine/pki/ca.h"
#include "tests/pki/material.h"

#define NOW INT64_C(1800000000)

static struct identity *ca, *other;
static struct err err;
static unsigned asked;

/* Serial numbers that begin with 1 are good, with 2 revoked. */
static enum err_code
tell(void *arg, struct bytes serial, struct ocsp_status *ret, struct err *e)
{
	const int64_t *when = arg;

	(void)e;
	asked++;
	ret->known = serial.len > 0 && (serial.p[0] == 1 || serial.p[0] == 2);
	ret->revoked = ret->known && serial.p[0] == 2;
	ret->revoked_at = ret->revoked ? *when : 0;
	ret->reason = CRL_CEASED;
	return ERR_OK;
}

static void
add(OCSP_REQUEST *r, const struct identity *of, const EVP_MD *md, long serial)
{
	const uint8_t *p = cert_der(identity_leaf(of)).p;
	X509 *issuer =
	    d2i_X509(NULL, &p, (long)cert_der(identity_leaf(of)).len);
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	ASN1_INTEGER_set(n, serial);
	OCSP_request_add0_id(
	    r, OCSP_cert_id_new(md, X509_get_subject_name(issuer),
		   X509_get0_pubkey_bitstr(issuer), n));
	ASN1_INTEGER_free(n);
	X509_free(issuer);
}

struct told {
	enum err_code rc;
	bool nonce;
	OCSP_BASICRESP *reply;
};

/* Frees r. */
static struct told
answer(OCSP_REQUEST *r)
{
	int64_t when = NOW - 100;
	struct told t = { .reply = NULL };
	struct buf reply = { 0 };
	uint8_t *der = NULL;
	const uint8_t *p;
	int len = i2d_OCSP_REQUEST(r, &der);
	OCSP_RESPONSE *whole;

	t.rc = ocsp_answer(ca, bytes_of(der, (size_t)len), NOW, NOW + 3600,
	    tell, &when, &t.nonce, &reply, &err);
	p = reply.p;
	whole = t.rc == ERR_OK ? d2i_OCSP_RESPONSE(NULL, &p, (long)reply.len)
	                       : NULL;
	if (whole != NULL && OCSP_response_status(whole) == 0)
		t.reply = OCSP_response_get1_basic(whole);
	OCSP_RESPONSE_free(whole);
	OPENSSL_free(der);
	OCSP_REQUEST_free(r);
	buf_free(&reply);
	return t;
}

/* "good", "revoked 5 -100", "unknown": of the i-th; the time is from NOW. */
static const char *
status(const struct told *t, int i)
{
	static char text[64];
	OCSP_SINGLERESP *one =
	    t->reply == NULL ? NULL : OCSP_resp_get0(t->reply, i);
	ASN1_GENERALIZEDTIME *at = NULL;
	struct tm tm;
	int reason = -1, state;

	if (one == NULL)
		return "";
	state = OCSP_single_get0_status(one, &reason, &at, NULL, NULL);
	if (state != V_OCSP_CERTSTATUS_REVOKED)
		return state == V_OCSP_CERTSTATUS_GOOD ? "good" : "unknown";
	ASN1_TIME_to_tm(at, &tm);
	snprintf(text, sizeof(text), "revoked %d %ld", reason,
	    (long)(timegm(&tm) - NOW));
	return text;
}

static void
test_states(void)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	struct told t;

	add(r, ca, EVP_sha1(), 0x0102);
	add(r, ca, EVP_sha256(), 0x0203);
	add(r, ca, EVP_sha384(), 0x0304);
	add(r, other, EVP_sha1(), 0x0102);
	asked = 0;
	t = answer(r);
	ok(t.rc == ERR_OK && t.reply != NULL && OCSP_resp_count(t.reply) == 4 &&
		!t.nonce,
	    "all in one request are answered");
	ok(strcmp(status(&t, 0), "good") == 0, "a good one");
	ok(strcmp(status(&t, 1), "revoked 5 -100") == 0,
	    "a revoked one, when and why, by another digest");
	ok(strcmp(status(&t, 2), "unknown") == 0, "one that nobody issued");
	ok(strcmp(status(&t, 3), "unknown") == 0 && asked == 3,
	    "one of another CA, for which nobody is asked");
	OCSP_BASICRESP_free(t.reply);
}

static void
test_signed(void)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new(), *again;
	X509_STORE *trust = X509_STORE_new();
	const uint8_t *p = cert_der(identity_leaf(ca)).p;
	X509 *root = d2i_X509(NULL, &p, (long)cert_der(identity_leaf(ca)).len);
	struct told t;

	add(r, ca, EVP_sha1(), 0x0102);
	OCSP_request_add1_nonce(r, NULL, 16);
	again = ASN1_dup((i2d_of_void *)i2d_OCSP_REQUEST,
	    (d2i_of_void *)d2i_OCSP_REQUEST, r);
	t = answer(r);
	ok(t.nonce && t.reply != NULL && OCSP_check_nonce(again, t.reply) == 1,
	    "the client's nonce comes back");
	X509_STORE_add_cert(trust, root);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(trust), NOW);
	ok(t.reply != NULL && OCSP_basic_verify(t.reply, NULL, trust, 0) == 1,
	    "it is signed by the CA");
	OCSP_BASICRESP_free(t.reply);
	OCSP_REQUEST_free(again);
	X509_STORE_free(trust);
	X509_free(root);
}

/* What becomes of a request with this nonce, as it stands in the extension. */
static enum err_code
nonce(const void *der, size_t len)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;
	struct told t;

	ASN1_OCTET_STRING_set(s, der, (int)len);
	e = X509_EXTENSION_create_by_NID(NULL, NID_id_pkix_OCSP_Nonce, 0, s);
	OCSP_REQUEST_add_ext(r, e, -1);
	add(r, ca, EVP_sha1(), 0x0102);
	t = answer(r);
	OCSP_BASICRESP_free(t.reply);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	return t.rc;
}

static void
test_nonces(void)
{
	uint8_t longest[131] = { 4, 0x81, 128 };
	uint8_t longer[132] = { 4, 0x81, 129 };

	ok(nonce("\4\1x", 3) == ERR_OK &&
		nonce(longest, sizeof(longest)) == ERR_OK,
	    "a nonce of 1 to 128 bytes");
	ok(nonce("\4\0", 2) == ERR_INVALID &&
		nonce(longer, sizeof(longer)) == ERR_INVALID &&
		nonce("", 0) == ERR_INVALID && nonce("x", 1) == ERR_INVALID &&
		nonce("\4\1xy", 4) == ERR_INVALID &&
		nonce("\2\1x", 3) == ERR_INVALID,
	    "no other");
}

/* What becomes of a request that has CrlID, of all or of one certificate. */
static enum err_code
extension(bool critical, bool of_one)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;
	struct told t;

	ASN1_OCTET_STRING_set(s, (const uint8_t *)"\x30", 2);
	e = X509_EXTENSION_create_by_NID(
	    NULL, NID_id_pkix_OCSP_CrlID, critical, s);
	add(r, ca, EVP_sha1(), 0x0102);
	if (of_one)
		OCSP_ONEREQ_add_ext(OCSP_request_onereq_get0(r, 0), e, -1);
	else
		OCSP_REQUEST_add_ext(r, e, -1);
	t = answer(r);
	OCSP_BASICRESP_free(t.reply);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	return t.rc;
}

static void
test_extensions(void)
{
	ok(extension(false, false) == ERR_OK &&
		extension(false, true) == ERR_OK,
	    "an extension that is not known does not matter");
	ok(extension(true, false) == ERR_INVALID &&
		extension(true, true) == ERR_INVALID,
	    "unless it is critical");
}

static void
test_refused(void)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	struct buf reply = { 0 };
	uint8_t big[OCSP_REQUEST_MAX + 1] = { 0x30, 0x82, 0x0f, 0xfd };
	bool nonce;
	int i;

	ok(answer(r).rc == ERR_INVALID, "a request for nothing");
	r = OCSP_REQUEST_new();
	for (i = 0; i <= OCSP_ASKED_MAX; i++)
		add(r, ca, EVP_sha1(), 0x0102);
	ok(answer(r).rc == ERR_INVALID && strstr(err.msg, "17") != NULL,
	    "one for too many");
	ok(ocsp_answer(ca, bytes_text("hello"), NOW, NOW + 1, tell, NULL,
	       &nonce, &reply, &err) == ERR_INVALID &&
		ocsp_answer(ca, BYTES_NONE, NOW, NOW + 1, tell, NULL, &nonce,
		    &reply, &err) == ERR_INVALID &&
		ocsp_answer(ca, bytes_of(big, sizeof(big)), NOW, NOW + 1, tell,
		    NULL, &nonce, &reply, &err) == ERR_INVALID &&
		reply.len == 0,
	    "and what is none");
	ocsp_fail(OCSP_MALFORMED, &reply);
	ok(reply.len == 5 && reply.p[4] == 1, "what such a client is told");
	buf_free(&reply);
}

int
main(void)
{
	if (ca_create("Acme", NOW - 86400, &ca, &err) != ERR_OK ||
	    ca_create("Acme", NOW - 86400, &other, &err) != ERR_OK)
		return 1;
	test_states();
	test_signed();
	test_nonces();
	test_extensions();
	test_refused();
	ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");
	identity_free(ca);
	identity_free(other);
	return tap_done();
}
