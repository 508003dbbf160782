#include "engine/pki/cert.h"

#include "engine/pki/pem.h"
#include "engine/pki/pkey.h"
#include "tests/pki/material.h"

static struct cert *
parse(const char *name)
{
	struct buf f = load(name);
	struct cert *c = NULL;
	struct err err = { 0 };

	if (cert_parse(buf_view(&f), &c, &err) != ERR_OK) {
		printf("Bail out! %s: %s\n", name, err.msg);
		exit(1);
	}
	buf_free(&f);
	return c;
}

static void
make_material(void)
{
	material_begin();
	sh("cat > ext <<'E'\n[push]\nkeyUsage=digitalSignature\n"
	   "extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n"
	   "subjectAltName=DNS:*.example.com,IP:2001:db8::1,email:a@b.c\nE\n"
	   "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out "
	   "ca.pem -subj '/C=US/O=Acme, Inc./CN=Root' -days 30;"
	   "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca2.key -out "
	   "ca2.pem -subj '/C=US/O=Acme, Inc./CN=Root' -days 30;"
	   "openssl req -new -newkey rsa:2048 -nodes -keyout p.key -out p.csr "
	   "-utf8 -subj '/UID=com.apple.mgmt.External.7/CN=Büro\\nX/C=US';"
	   "openssl x509 -req -in p.csr -CA ca.pem -CAkey ca.key -days 365 "
	   "-set_serial 0x0abc -extfile ext -extensions push -outform der "
	   "-out p.der -sha1;"
	   "openssl x509 -in ca.pem -outform der -out ca.der;"
	   "openssl x509 -in ca2.pem -outform der -out ca2.der;"
	   "openssl pkey -in p.key -outform der -out pkey.der");
}

static void
test_facts(void)
{
	struct cert *c = parse("p.der"), *ca = parse("ca.der");
	struct cert *other = parse("ca2.der");
	struct buf f = load("p.der"), pem = { 0 };

	ok(strcmp(cert_topic(c), "com.apple.mgmt.External.7") == 0 &&
		cert_topic(ca) == NULL,
	    "the topic is the subject's UID");
	ok(strcmp(cert_issuer(c), "C=US, O=Acme\\, Inc., CN=Root") == 0,
	    "the issuer reads as one line");
	ok(strstr(cert_subject(c), "CN=Büro") != NULL, "UTF-8 stays readable");
	ok(strcmp(cert_serial(c), "0ABC") == 0 &&
		strstr(cert_label(c), "(serial 0ABC)") != NULL,
	    "serial numbers are hex");
	ok(cert_expires(c) - cert_begins(c) == 365 * 86400,
	    "the times are told");
	ok(bytes_equal(cert_der(c), buf_view(&f)), "the DER is kept");
	ok(cert_issued_by(c, ca) && !cert_issued_by(ca, c),
	    "who issued it is known by name and signature");
	ok(!cert_issued_by(c, other) &&
		bytes_equal(cert_issuer_der(c), cert_subject_der(other)),
	    "the name alone is not enough");
	ok(cert_is_ca(ca) && cert_is_self_signed(ca) && !cert_is_ca(c) &&
		!cert_is_self_signed(c),
	    "a root is told from a leaf");
	ok(cert_signature_is_weak(c) && !cert_signature_is_weak(ca) &&
		strcmp(cert_signature(ca), "sha256WithRSAEncryption") == 0,
	    "SHA-1 is weak");
	ok(cert_ext_usages(c) == CERT_EKU_CLIENT && cert_ext_usages(ca) == 0 &&
		cert_key_usages(c) == CERT_KU_SIGN,
	    "usages");
	ok(cert_n_names(c) == 3 && cert_name(c, 1)->kind == SAN_IP &&
		strcmp(cert_name(c, 1)->text, "2001:db8::1") == 0,
	    "alternative names");
	ok(cert_covers_host(c, "MDM.example.com") &&
		cert_covers_host(c, "2001:db8:0::1") &&
		!cert_covers_host(c, "example.com") &&
		!cert_covers_host(ca, "Root"),
	    "hosts are covered by alternative names alone");
	cert_pem(c, &pem);
	save("again.pem", buf_view(&pem));
	sh("openssl x509 -in again.pem -outform der | cmp - p.der");
	ok(true, "PEM that openssl reads as the same certificate");
	cert_free(c);
	cert_free(ca);
	cert_free(other);
	buf_free(&f);
	buf_free(&pem);
}

static void
test_refusals(void)
{
	struct buf f = load("p.der");
	struct cert *c = NULL;
	struct err err = { 0 };
	unsigned seed = 3, i, odd = 0;

	ok(cert_parse(bytes_of(f.p, f.len - 1), &c, &err) == ERR_UNDECODABLE &&
		says(&err, "cut short") && c == NULL,
	    "a cut certificate fails and says why");
	buf_char(&f, 'x');
	ok(cert_parse(buf_view(&f), &c, &err) == ERR_UNDECODABLE &&
		says(&err, "1 bytes of something else"),
	    "so does one with something behind it");
	ok(cert_parse(BYTES_NONE, &c, &err) == ERR_UNDECODABLE, "and nothing");
	f.len--;
	for (i = 0; i < 500; i++) {
		size_t at = (size_t)rand_r(&seed) % f.len;
		uint8_t flip = (uint8_t)(1 << rand_r(&seed) % 8);

		f.p[at] ^= flip;
		if (cert_parse(buf_view(&f), &c, &err) == ERR_OK)
			cert_covers_host(c, "a.example.com");
		odd += ERR_peek_error() != 0;
		cert_free(c);
		c = NULL;
		f.p[at] ^= flip;
	}
	ok(odd == 0, "no flipped bit leaves an OpenSSL error behind");
	buf_free(&f);
}

static void
test_pkey(void)
{
	struct buf f = load("pkey.der"), out = { 0 }, sig = { 0 };
	struct cert *c = parse("p.der");
	struct pkey *k = NULL, *again = NULL;
	struct err err = { 0 };

	ok(pkey_parse(buf_view(&f), &k, &err) == ERR_OK &&
		memcmp(pkey_id(k), cert_key_id(c), KEYSPEC_ID_LEN) == 0,
	    "a key has the id of its certificate");
	ok(strcmp(pkey_keyspec(k)->name, "RSA 2048 bits") == 0, "and a name");
	ok(pkey_encode(k, &out, &err) == ERR_OK &&
		pkey_parse(buf_view(&out), &again, &err) == ERR_OK &&
		memcmp(pkey_id(k), pkey_id(again), KEYSPEC_ID_LEN) == 0,
	    "and is the same after encoding and parsing");
	ok(pkey_sign(k, bytes_text("hello"), &sig, &err) == ERR_OK, "it signs");
	save("sig", buf_view(&sig));
	sh("printf hello > msg; openssl pkey -in p.key -pubout -out p.pub;"
	   "openssl dgst -sha256 -verify p.pub -signature sig msg");
	ok(true, "what openssl verifies");
	pkey_free(again);
	again = NULL;
	f.p[100] ^= 1; /* in the modulus */
	ok(pkey_parse(buf_view(&f), &again, &err) != ERR_OK && again == NULL,
	    "a damaged key is refused");
	f.len -= 7;
	ok(pkey_parse(buf_view(&f), &again, &err) == ERR_UNDECODABLE,
	    "so is one that is cut short");
	ok(pkey_generate_rsa(1024, &again, &err) == ERR_INVALID &&
		again == NULL,
	    "weak keys are not made");
	ok(pkey_generate_p256(&again, &err) == ERR_OK &&
		pkey_keyspec(again)->kind == KEYSPEC_P256,
	    "P-256 keys are");
	pkey_free(again);
	pkey_free(k);
	cert_free(c);
	buf_wipe(&f);
	buf_wipe(&out);
	buf_free(&sig);
}

int
main(void)
{
	make_material();
	test_facts();
	test_refusals();
	test_pkey();
	ok(ERR_peek_error() == 0, "no OpenSSL error is left behind");
	return tap_done();
}
