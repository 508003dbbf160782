#include "engine/pki/mdm_signature.h"

#include <pthread.h>

#include "engine/base/text.h"
#include "engine/pki/cms.h"
#include "tests/pki/material.h"

static struct buf body;

static void
make_material(void)
{
	material_begin();
	sh("printf '<plist>\\r\\nbody\\n</plist>' > body;"
	   "openssl req -x509 -newkey rsa:2048 -nodes -keyout r.key -out r.pem "
	   "-subj /CN=rsa -days 9;"
	   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout e.key -out e.pem -subj /CN=ec -days 9;"
	   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 "
	   "-nodes -keyout p384.key -out p384.pem -subj /CN=ec -days 9;"
	   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-521 "
	   "-nodes -keyout p521.key -out p521.pem -subj /CN=ec -days 9;"
	   "openssl ecparam -name P-256 -genkey -noout -conv_form compressed "
	   "-out c.key;"
	   "openssl req -x509 -new -key c.key -out c.pem -subj /CN=c -days 9");
}

/* openssl cms -sign with those options over the body, as a header. */
static struct buf
sign(const char *who, const char *options)
{
	struct buf der, header = { 0 };

	sh("openssl cms -sign -binary -in body -signer %s.pem -inkey %s.key "
	   "-outform der -out sig %s",
	    who, who, options);
	der = load("sig");
	text_base64(&header, buf_view(&der));
	buf_free(&der);
	return header;
}

static enum err_code
verify(struct buf *header, struct bytes text, struct err *err)
{
	struct cert *signer = NULL;
	struct buf der = { 0 };
	enum err_code rc;

	memset(err, 0, sizeof(*err));
	rc = mdm_signature_verify(buf_view(header), text, &der, err);
	if ((rc == ERR_OK) != (der.len > 0))
		rc = ERR_INTERNAL;
	/* whoever looks at the certificate parses it */
	if (rc == ERR_OK)
		rc = cert_parse(buf_view(&der), &signer, err);
	cert_free(signer);
	buf_free(&der);
	return rc;
}

static void
test_forms(void)
{
	/* clang-format off */
	static const struct { const char *who, *options; } forms[] = {
		{ "r", "" }, { "r", "-md sha1" }, { "r", "-md sha384" },
		{ "r", "-md sha512" }, { "r", "-noattr" },
		{ "r", "-nosmimecap" }, { "r", "-noattr -md sha1" },
		{ "r", "-keyopt rsa_padding_mode:pss" }, { "r", "-keyid" },
		{ "r", "-certfile e.pem" }, { "r", "-md sha224" },
		{ "e", "" }, { "e", "-md sha1" }, { "e", "-md sha384" },
		{ "e", "-md sha512" }, { "e", "-noattr" }, { "p384", "" },
		{ "p384", "-md sha384" }, { "p521", "" }, { "c", "" },
	};
	/* clang-format on */
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct buf h = sign(forms[i].who, forms[i].options);

		printf("# %s %s\n", forms[i].who, forms[i].options);
		ok(verify(&h, buf_view(&body), &err) == ERR_OK &&
			verify(&h, buf_view(&body), &err) == ERR_OK,
		    "a signature of this form holds, first and again");
		ok(verify(&h, bytes_text("other"), &err) == ERR_UNDECODABLE &&
			says(&err, "does not hold"),
		    "but not for another body");
		buf_free(&h);
	}
}

static void
test_refusals(void)
{
	struct buf h = sign("r", "-md md5"), in = sign("r", "-nodetach");
	struct buf no = sign("r", "-nocerts"), two, junk = { 0 };
	struct err err;

	ok(verify(&h, buf_view(&body), &err) == ERR_KEY_REJECTED &&
		says(&err, "MD5"),
	    "MD5 proves nothing");
	ok(verify(&in, buf_view(&body), &err) == ERR_UNDECODABLE &&
		says(&err, "detached"),
	    "a message with its content inside is refused");
	ok(verify(&no, buf_view(&body), &err) == ERR_UNDECODABLE,
	    "so is one without a certificate");
	two = sign("r", "-signer e.pem -inkey e.key");
	ok(verify(&two, buf_view(&body), &err) == ERR_UNDECODABLE &&
		says(&err, "2 signers"),
	    "and one of two signers");
	buf_text(&junk, "no base64!");
	ok(verify(&junk, buf_view(&body), &err) == ERR_UNDECODABLE &&
		says(&err, "base64"),
	    "and what is not base64");
	buf_reset(&junk);
	buf_text(&junk, "AAAA");
	ok(verify(&junk, buf_view(&body), &err) == ERR_UNDECODABLE,
	    "and what is no message");
	buf_reset(&junk);
	ok(verify(&junk, buf_view(&body), &err) == ERR_UNDECODABLE,
	    "and an empty header");
	buf_free(&h);
	buf_free(&in);
	buf_free(&no);
	buf_free(&two);
	buf_free(&junk);
}

/* Flip one bit of each message: what is taken here, CMS_verify() takes. */
static void
test_agreement(const char *who, const char *options, unsigned flips)
{
	struct buf h = sign(who, options), der = { 0 };
	unsigned i, seed = 7, taken = 0, disagreed = 0;
	struct err err;

	(void)!text_unbase64(buf_view(&h), &der, NULL);
	for (i = 0; i < flips; i++) {
		size_t bit = (size_t)rand_r(&seed) % (der.len * 8);
		struct cert *signer = NULL;
		struct buf bad = { 0 };
		bool fast, slow;

		der.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		text_base64(&bad, buf_view(&der));
		fast = verify(&bad, buf_view(&body), &err) == ERR_OK;
		slow = cms_verify_detached(buf_view(&der), buf_view(&body),
			   &signer, NULL) == ERR_OK;
		if (fast != slow)
			printf(
			    "# bit %zu: %d, CMS_verify %d\n", bit, fast, slow);
		taken += fast;
		disagreed += fast != slow;
		cert_free(signer);
		buf_free(&bad);
		der.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	printf("# %u of %u still hold\n", taken, flips);
	ok(disagreed == 0, "both ways agree on each flipped bit");
	ok(taken < flips / 2,
	    "and most of them break the message (the signature on "
	    "the certificate is not judged here)");
	buf_free(&h);
	buf_free(&der);
}

static void
test_empty_body(void)
{
	struct buf h;
	struct err err;

	sh("mv body full; : > body");
	h = sign("r", "");
	ok(verify(&h, BYTES_NONE, &err) == ERR_OK &&
		verify(&h, bytes_text("x"), &err) != ERR_OK,
	    "an empty body is signed, too");
	buf_free(&h);
	sh("mv full body");
}

static void *
hammer(void *arg)
{
	struct buf *headers = arg;
	struct err err;
	uintptr_t bad = 0;
	int i;

	for (i = 0; i < 200; i++)
		bad += verify(&headers[i % 3], buf_view(&body), &err) != ERR_OK;
	return (void *)bad;
}

static void
test_signer(void)
{
	struct buf headers[3] = { sign("r", ""), sign("e", ""),
		sign("r", "-md sha1") };
	struct buf file = load("r.pem"), der = { 0 }, pem = { 0 };
	struct cert *c = NULL;
	pthread_t threads[4];
	uintptr_t bad = 0;
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, hammer, headers);
	for (i = 0; i < 4; i++) {
		void *ret;

		pthread_join(threads[i], &ret);
		bad += (uintptr_t)ret;
	}
	ok(bad == 0, "four threads with two signers");
	ok(mdm_signature_verify(
	       buf_view(&headers[0]), buf_view(&body), &der, &err) == ERR_OK &&
		cert_parse(buf_view(&der), &c, &err) == ERR_OK,
	    "the signer's certificate comes out");
	cert_pem(c, &pem);
	ok(bytes_equal(buf_view(&pem), buf_view(&file)), "the very same");
	cert_free(c);
	for (i = 0; i < 3; i++)
		buf_free(&headers[i]);
	buf_free(&file);
	buf_free(&der);
	buf_free(&pem);
}

int
main(void)
{
	make_material();
	body = load("body");
	test_forms();
	test_refusals();
	test_agreement("r", "", 2000);
	test_agreement("r", "-noattr", 700);
	test_agreement("e", "", 2000);
	test_agreement("p384", "-md sha384", 700);
	test_empty_body();
	test_signer();
	ok(ERR_peek_error() == 0, "no OpenSSL error is left behind");
	buf_free(&body);
	return tap_done();
}
