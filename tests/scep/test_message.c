#include "engine/scep/message.h"

#include <time.h>

#include "engine/pki/ca.h"
#include "engine/pki/openssl.h"
#include "tests/scep/client.h"
#include "tests/tap.h"

#define OCTETS(s)                                                              \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

static struct identity *ca, *other_ca;
static EVP_PKEY *key, *ec_key;
static X509 *cert, *ec_cert;
static struct buf content;
static struct err err;

static struct ask
plain(void)
{
	return (struct ask){ .type = "19",
		.transaction = "0F1E2D",
		.nonce = "0123456789abcdef",
		.key = key,
		.cert = cert,
		.ca = cert_x509(identity_leaf(ca)),
		.content = buf_view(&content) };
}

/* How far a message gets: "parse", "verify", "decrypt" fail, or "fine". */
static const char *
judge(struct bytes der, enum err_code *rc)
{
	struct message *m = NULL;
	struct buf inside = { 0 };
	const char *where = "fine";

	if ((*rc = message_parse(der, &m, &err)) != ERR_OK)
		where = "parse";
	else if ((*rc = message_verify(m, &err)) != ERR_OK)
		where = "verify";
	else if ((*rc = message_decrypt(m, ca, &inside, &err)) != ERR_OK)
		where = "decrypt";
	else if (!bytes_equal(buf_view(&inside), buf_view(&content)))
		where = "other";
	buf_wipe(&inside);
	message_free(m);
	return where;
}

static bool
gets(const struct ask *a, const char *where, enum err_code code)
{
	struct buf der = client_message(a);
	enum err_code rc;
	const char *got = judge(buf_view(&der), &rc);
	bool fine =
	    strcmp(got, where) == 0 && rc == code && ERR_peek_error() == 0;

	if (!fine)
		printf("# %s, %s: %s\n", got, err_name(rc), err.msg);
	buf_free(&der);
	return fine;
}

/* ---- what is read ------------------------------------------------------- */

static void
test_types(void)
{
	/* clang-format off */
	static const struct { const char *text; enum message_type type; }
	types[] = {
		{ "3", MESSAGE_CERT_REP },  { "17", MESSAGE_RENEWAL },
		{ "18", MESSAGE_UPDATE },   { "19", MESSAGE_ENROLL },
		{ "20", MESSAGE_POLL },     { "21", MESSAGE_GET_CERT },
		{ "22", MESSAGE_GET_CRL },  { "4", MESSAGE_UNKNOWN },
		{ "019", MESSAGE_UNKNOWN }, { "", MESSAGE_UNKNOWN },
		{ "19 ", MESSAGE_UNKNOWN }, { NULL, MESSAGE_UNKNOWN },
	};
	/* clang-format on */
	bool fine = true;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct ask a = plain();
		struct message *m = NULL;
		struct buf der;

		a.type = types[i].text;
		der = client_message(&a);
		fine = fine &&
		       message_parse(buf_view(&der), &m, &err) == ERR_OK &&
		       message_type(m) == types[i].type;
		message_free(m);
		buf_free(&der);
	}
	ok(fine, "the messageType is told, and any other one is unknown");
}

static void
test_attributes(void)
{
	char long_text[200];
	struct ask a = plain();

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	ok(gets(&a, "fine", ERR_OK), "a PKCSReq is verified and decrypted");
	a.transaction = "+/= \xc3\xa4 _";
	ok(gets(&a, "fine", ERR_OK), "a transactionID may be any bytes");
	a.text_type = V_ASN1_UTF8STRING;
	ok(gets(&a, "fine", ERR_OK), "and of another kind of text");
	a = plain();
	a.transaction = NULL;
	ok(gets(&a, "parse", ERR_UNDECODABLE), "but it must be there");
	ok(strstr(err.msg, "transactionID") != NULL, "which is said");
	a.transaction = "";
	ok(gets(&a, "parse", ERR_UNDECODABLE), "and not be empty");
	a.transaction = long_text;
	ok(gets(&a, "parse", ERR_UNDECODABLE), "and not too long");
	a = plain();
	a.text_type = V_ASN1_OCTET_STRING;
	ok(gets(&a, "parse", ERR_UNDECODABLE), "and text");
	a = plain();
	a.nonce = NULL;
	ok(gets(&a, "parse", ERR_UNDECODABLE), "senderNonce must be there");
	a.nonce = long_text;
	ok(gets(&a, "parse", ERR_UNDECODABLE), "and not too long");
	a.nonce = "1";
	ok(gets(&a, "fine", ERR_OK), "any other length will do");
}

static void
test_digests(void)
{
	struct ask a = plain();

	a.digest = EVP_sha1();
	ok(gets(&a, "fine", ERR_OK), "SHA-1 is taken");
	a.digest = EVP_sha384();
	ok(gets(&a, "fine", ERR_OK), "SHA-384 is taken");
	a.digest = EVP_sha512();
	ok(gets(&a, "fine", ERR_OK), "SHA-512 is taken");
	a.digest = EVP_md5();
	ok(gets(&a, "verify", ERR_UNSUPPORTED), "MD5 is not");
	ok(strstr(err.msg, "MD5") != NULL, "which is said");
	a.digest = EVP_sha224();
	ok(gets(&a, "verify", ERR_UNSUPPORTED), "nor is SHA-224");
}

static void
test_ciphers(void)
{
	struct ask a = plain();

	a.cipher = EVP_aes_192_cbc();
	ok(gets(&a, "fine", ERR_OK), "AES-192 is decrypted");
	a.cipher = EVP_aes_256_cbc();
	ok(gets(&a, "fine", ERR_OK), "AES-256 is decrypted");
	a.cipher = EVP_des_ede3_cbc();
	ok(gets(&a, "fine", ERR_OK), "3DES is decrypted");
	a.cipher = EVP_camellia_128_cbc();
	ok(gets(&a, "decrypt", ERR_UNSUPPORTED), "Camellia is not");
	a.legacy = true;
	a.cipher = EVP_des_cbc();
	ok(gets(&a, "fine", ERR_OK), "single DES is decrypted");
	a.cipher = EVP_rc2_cbc();
	ok(gets(&a, "decrypt", ERR_UNSUPPORTED), "RC2 is not");
}

/* ---- what is refused ---------------------------------------------------- */

static void
test_hostile(void)
{
	static const struct bytes junk[] = { { NULL, 0 }, OCTETS("\x30"),
		OCTETS("\x30\x80"), OCTETS("\x30\x84\xff\xff\xff\xff"),
		OCTETS("hello"), OCTETS("\x30\x00"),
		/* signedData without anything */
		OCTETS("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"),
		/* pkcs7-data */
		OCTETS("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
		       "\x01") };
	struct ask a = plain();
	struct buf der;
	enum err_code rc;
	bool fine = true;
	size_t i;

	for (i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
		fine = fine && strcmp(judge(junk[i], &rc), "parse") == 0 &&
		       rc == ERR_UNDECODABLE && ERR_peek_error() == 0;
	ok(fine, "junk is no message");

	der = client_message(&a);
	for (i = 0, fine = true; i < der.len; i++)
		fine = fine &&
		       strcmp(judge(bytes_of(der.p, i), &rc), "parse") == 0;
	ok(fine, "nor is one that is cut short anywhere");
	buf_put(&der, "x", 1);
	ok(strcmp(judge(buf_view(&der), &rc), "parse") == 0,
	    "nor one with something behind it");
	der.len--;
	for (i = 0, fine = true; i < der.len; i++) {
		der.p[i] ^= 0x41;
		fine = fine && strcmp(judge(buf_view(&der), &rc), "other") != 0;
		fine = fine && ERR_peek_error() == 0;
		der.p[i] ^= 0x41;
	}
	ok(fine, "a changed byte never changes what is read");
	buf_free(&der);
}

static void
test_signer(void)
{
	struct ask a = plain();

	a.no_certs = true;
	ok(gets(&a, "verify", ERR_UNDECODABLE),
	    "without the signer's certificate nothing holds");
	a = plain();
	a.more_certs = MESSAGE_MAX_CERTS - 1;
	ok(gets(&a, "fine", ERR_OK), "other certificates may be there");
	a.more_certs = MESSAGE_MAX_CERTS;
	ok(gets(&a, "verify", ERR_UNDECODABLE), "but not any number of them");

	a = plain();
	a.key = ec_key;
	a.cert = ec_cert;
	ok(gets(&a, "fine", ERR_OK), "a P-256 key may sign");
}

/* The signer's name and serial number on another key's certificate. */
static void
test_impostor(void)
{
	struct ask a = plain();
	EVP_PKEY *wrong = client_key(2048);
	X509 *impostor = client_self_sign(wrong, "client");
	struct buf der;
	enum err_code rc;

	a.cert = impostor;
	a.key = wrong;
	der = client_message(&a);
	{
		const uint8_t *p = der.p;
		CMS_ContentInfo *cms =
		    d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
		struct buf both;
		uint8_t *out = NULL;

		NEED(CMS_add1_cert(cms, cert) == 1);
		both = client_take_der(&out, i2d_CMS_ContentInfo(cms, &out));
		CMS_ContentInfo_free(cms);
		(void)judge(buf_view(&both), &rc);
		ok((rc == ERR_OK || rc == ERR_UNDECODABLE) &&
			ERR_peek_error() == 0,
		    "two certificates of one name do no harm");
		buf_free(&both);
	}
	buf_free(&der);
	X509_free(impostor);
	EVP_PKEY_free(wrong);
}

static void
test_content(void)
{
	struct ask a = plain();
	struct buf other = { 0 };

	a.ca = cert_x509(identity_leaf(other_ca));
	ok(gets(&a, "decrypt", ERR_UNDECODABLE),
	    "a message for another CA is not decrypted");
	a = plain();
	a.bare = true;
	ok(gets(&a, "decrypt", ERR_UNDECODABLE),
	    "nor is one that is not encrypted");
	a.content = BYTES_NONE;
	ok(gets(&a, "decrypt", ERR_UNDECODABLE), "nor an empty one");
	a = plain();
	a.content = bytes_text("not DER at all");
	ok(gets(&a, "decrypt", ERR_UNDECODABLE),
	    "what is no SEQUENCE counts as not decrypted");
	buf_bytes(&other, buf_view(&content));
	buf_char(&other, 'x');
	a.content = buf_view(&other);
	ok(gets(&a, "decrypt", ERR_UNDECODABLE),
	    "and so does one with something behind it");
	buf_free(&other);
}

/* ---- answers ------------------------------------------------------------ */

struct talk {
	struct message *m;
	struct cert *issued;
	struct buf reply;
};

static struct talk
talk(const struct ask *a)
{
	struct talk t = { 0 };
	struct buf der = client_message(a), csr = { 0 };
	struct ca_profile profile = { .days = 10 };
	struct csr *request = NULL;

	NEED(message_parse(buf_view(&der), &t.m, &err) == ERR_OK);
	NEED(message_verify(t.m, &err) == ERR_OK);
	NEED(message_decrypt(t.m, ca, &csr, &err) == ERR_OK);
	NEED(csr_parse(buf_view(&csr), &request, &err) == ERR_OK);
	NEED(ca_issue(ca, request, &profile, time(NULL), &t.issued, &err) ==
	     ERR_OK);
	csr_free(request);
	buf_wipe(&csr);
	buf_free(&der);
	return t;
}

static void
talk_free(struct talk *t)
{
	message_free(t->m);
	cert_free(t->issued);
	buf_free(&t->reply);
}

static void
test_grant(
    const EVP_MD *digest, const EVP_CIPHER *cipher, bool legacy, int cipher_nid)
{
	struct ask a = plain();
	struct talk t;
	struct answer r;

	a.digest = digest;
	a.cipher = cipher;
	a.legacy = legacy;
	t = talk(&a);
	ok(message_grant(t.m, ca, t.issued, NULL, &t.reply, &err) == ERR_OK,
	    "a certificate is granted");
	r = client_read(buf_view(&t.reply), a.ca, key, cert, NULL);
	ok(r.signed_by_ca && strcmp(r.type, "3") == 0 &&
		strcmp(r.status, "0") == 0 && r.fault[0] == '\0',
	    "by a CertRep SUCCESS that the CA signed");
	ok(strcmp(r.transaction, a.transaction) == 0 &&
		strcmp(r.recipient_nonce, a.nonce) == 0 &&
		r.sender_nonce_len == 16,
	    "with transactionID, recipientNonce and a senderNonce");
	ok(r.digest == EVP_MD_get_type(digest) &&
		r.signature == NID_rsaEncryption,
	    "over the digest of the request, as rsaEncryption");
	ok(r.cipher == cipher_nid, "encrypted as the request was");
	ok(r.n_certs == 1 && X509_cmp(r.cert, cert_x509(t.issued)) == 0,
	    "and in it is the certificate alone");
	ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");
	answer_free(&r);
	talk_free(&t);
}

static void
test_refuse(void)
{
	struct ask a = plain();
	struct talk t = talk(&a);
	struct answer r;

	ok(message_refuse(t.m, ca, MESSAGE_BAD_CERT_ID,
	       "nothing is pending\nnot for clients", &t.reply, &err) == ERR_OK,
	    "a request is refused");
	r = client_read(buf_view(&t.reply), a.ca, key, cert, NULL);
	ok(r.signed_by_ca && strcmp(r.type, "3") == 0 &&
		strcmp(r.status, "2") == 0 && strcmp(r.fault, "4") == 0,
	    "by a signed CertRep FAILURE with its failInfo");
	ok(strcmp(r.text, "nothing is pending") == 0,
	    "with the first line of the reason");
	ok(r.has_content && r.cert == NULL,
	    "and an empty content, as certmonger needs it");
	ok(strcmp(r.transaction, a.transaction) == 0 &&
		strcmp(r.recipient_nonce, a.nonce) == 0,
	    "with transactionID and recipientNonce");
	answer_free(&r);
	talk_free(&t);
}

static void
test_ec(void)
{
	struct ask a = plain();
	struct talk t;
	struct answer r;

	a.key = ec_key;
	a.cert = ec_cert;
	t = talk(&a);
	ok(message_can_grant(t.m, NULL, &err) == ERR_UNSUPPORTED &&
		message_can_grant(t.m, "", &err) == ERR_UNSUPPORTED,
	    "an EC key without a challenge cannot be answered");
	ok(message_can_grant(t.m, "secret", &err) == ERR_OK, "with one it can");
	ok(message_grant(t.m, ca, t.issued, "secret", &t.reply, &err) == ERR_OK,
	    "and is");
	r = client_read(buf_view(&t.reply), a.ca, NULL, NULL, "secret");
	ok(r.n_certs == 1 && X509_cmp(r.cert, cert_x509(t.issued)) == 0,
	    "the challenge opens it (RFC 8894 3.1)");
	answer_free(&r);
	talk_free(&t);
}

int
main(void)
{
	int64_t now = time(NULL);

	NEED(ca_create("Device CA", now, &ca, &err) == ERR_OK);
	NEED(ca_create("Other CA", now, &other_ca, &err) == ERR_OK);
	key = client_key(2048);
	cert = client_self_sign(key, "client");
	ec_key = client_key(0);
	ec_cert = client_self_sign(ec_key, "client");
	content = client_csr(key, "client", "secret", NULL);

	test_types();
	test_attributes();
	test_digests();
	test_ciphers();
	test_hostile();
	test_signer();
	test_impostor();
	test_content();
	test_grant(EVP_sha256(), EVP_aes_128_cbc(), false, NID_aes_128_cbc);
	test_grant(EVP_sha512(), EVP_aes_256_cbc(), false, NID_aes_256_cbc);
	test_grant(EVP_sha384(), EVP_aes_192_cbc(), false, NID_aes_192_cbc);
	test_grant(EVP_sha1(), EVP_des_cbc(), true, NID_des_ede3_cbc);
	test_refuse();
	test_ec();

	buf_free(&content);
	X509_free(cert);
	X509_free(ec_cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ec_key);
	identity_free(ca);
	identity_free(other_ca);
	return tap_done();
}
