#include "engine/pki/cms.h"

#include "engine/pki/bundle.h"
#include "engine/pki/ca.h"
#include "tests/pki/material.h"

static struct identity *rsa, *ec, *other;
static struct cert *chain_leaf;

/* A signer below a CA, EC, so that there is a chain. */
static void
make_ec(void)
{
	static const struct san name = { SAN_DNS, "sign.example.com" };
	struct ca_server s = { &name, 1, 100 };
	struct identity *ca = NULL;
	struct pkey *key = NULL;
	struct cert *pool[1];
	struct err err = { 0 };

	if (tls_ca_create("Root", time(NULL), &ca, &err) != ERR_OK ||
	    pkey_generate_p256(&key, &err) != ERR_OK ||
	    ca_issue_server(ca, key, &s, time(NULL), &chain_leaf, &err) !=
		ERR_OK)
		exit(1);
	pool[0] = identity_leaf(ca);
	if (identity_new(key, chain_leaf, pool, 1, &ec, &err) != ERR_OK)
		exit(1);
	identity_free(ca);
	pkey_free(key);
}

static void
make_material(void)
{
	struct buf pem = { 0 }, key = { 0 };
	struct err err = { 0 };

	material_begin();
	material_scripts();
	if (ca_create("A", time(NULL), &rsa, &err) != ERR_OK ||
	    ca_create("B", time(NULL), &other, &err) != ERR_OK)
		exit(1);
	make_ec();
	cert_pem(identity_leaf(rsa), &pem);
	save("a.pem", buf_view(&pem));
	buf_reset(&pem);
	cert_pem(identity_cert(ec, 1), &pem);
	save("root.pem", buf_view(&pem));
	if (pkey_encode(identity_key(rsa), &key, &err) != ERR_OK)
		exit(1);
	save("a.key", buf_view(&key));
	buf_free(&pem);
	buf_wipe(&key);
}

static void
test_sign(void)
{
	struct bytes text = bytes_text("<plist>\nLF stays LF\n</plist>\n");
	struct identity *who[] = { rsa, ec };
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct buf der = { 0 }, content = { 0 };
		struct cert *signer = NULL;

		ok(cms_sign(who[i], text, &der, &err) == ERR_OK &&
			cms_verify_attached(buf_view(&der), &content, &signer,
			    &err) == ERR_OK &&
			bytes_equal(buf_view(&content), text) &&
			bytes_equal(
			    cert_der(signer), cert_der(identity_leaf(who[i]))),
		    "what is signed here is verified here");
		ok(der.p[0] == 0x30 && der.p[1] != 0x80, "it is DER");
		save("signed", buf_view(&der));
		cert_free(signer);
		signer = NULL;
		der.p[der.len - 1] ^= 1; /* of the signature */
		buf_reset(&content);
		ok(cms_verify_attached(
		       buf_view(&der), &content, &signer, &err) != ERR_OK &&
			content.len == 0 && signer == NULL,
		    "a flipped bit breaks it");
		buf_free(&der);
		buf_free(&content);
	}
	/* the second one: with its chain */
	sh("openssl cms -verify -inform der -in signed -CAfile root.pem "
	   "-purpose any -out text -binary && printf "
	   "'<plist>\\nLF stays LF\\n</plist>\\n' | cmp - text");
	ok(true, "openssl finds the content and the chain");
}

/* NAME.key, NAME.pem and the chain, in the order that they came in. */
static struct identity *
read_identity(const char *name)
{
	struct buf f;
	struct bundle *b = NULL;
	struct cert *pool[8];
	struct identity *id = NULL;
	struct err err = { 0 };
	size_t i;

	sh("cat root2.pem %s.key inter2.pem inter1.pem > x; "
	   "openssl x509 -in %s.pem | cat - x > all",
	    name, name);
	f = load("all");
	if (bundle_parse(buf_view(&f), NULL, 0, &b, &err) != ERR_OK)
		exit(1);
	for (i = 0; i < bundle_n_certs(b); i++)
		pool[i] = bundle_cert(b, i);
	if (identity_new(bundle_key(b, 0), pool[0], pool, i, &id, &err) !=
	    ERR_OK)
		exit(1);
	bundle_free(b);
	buf_wipe(&f);
	return id;
}

/* As devices do: they have the root, and all else out of the message. */
static void
test_sign_chain(void)
{
	static const char *const names[] = { "rsa-leaf", "ec-leaf" };
	struct buf text = { 0 };
	struct err err = { 0 };
	size_t i;

	sh("set -e\n"
	   "printf '[ca]\nbasicConstraints=critical,CA:TRUE\n[leaf]\n"
	   "keyUsage=digitalSignature\n' > ext\n"
	   "sh self root2 /CN=Root2 300; sh issue inter1 /CN=I1 ca 300 root2\n"
	   "sh issue inter2 /CN=I2 ca 300 inter1\n"
	   "openssl genrsa -out rsa-leaf.key 2048\n"
	   "sh issue rsa-leaf /CN=R leaf 100 inter2\n"
	   "sh issue ec-leaf /CN=E leaf 100 inter2\n");
	for (i = 0; i < 50000; i++)
		buf_printf(&text, "<key>%zu</key>\r\n", i);
	save("text", buf_view(&text));
	for (i = 0; i < 2; i++) {
		struct identity *id = read_identity(names[i]);
		struct buf der = { 0 };

		ok(identity_n_certs(id) == 4 &&
			cms_sign(id, buf_view(&text), &der, &err) == ERR_OK,
		    names[i]);
		save("signed", buf_view(&der));
		sh("openssl cms -verify -inform der -in signed -binary -CAfile "
		   "root2.pem -purpose any -out out2 && cmp text out2 && "
		   "! openssl cms -verify -inform der -in signed -binary "
		   "-CAfile root.pem -purpose any -out out2");
		ok(true, "openssl verifies it with the root alone");
		sh("openssl cms -cmsout -print -noout -inform der -in signed > "
		   "print; grep -q 'algorithm: sha256 ' print; "
		   "openssl pkcs7 -inform der -in signed -print_certs -noout | "
		   "grep -c ^subject | grep -qx 4");
		ok(true, "SHA-256, with both intermediates and the root");
		buf_free(&der);
		identity_free(id);
	}
	buf_free(&text);
}

static void
test_detached(void)
{
	struct cert *signer = NULL;
	struct err err = { 0 };
	struct buf sig;

	sh("printf body > body; openssl cms -sign -binary -in body -signer "
	   "a.pem -inkey a.key -keyform der -outform der -out sig");
	sig = load("sig");
	ok(cms_verify_detached(
	       buf_view(&sig), bytes_text("body"), &signer, &err) == ERR_OK &&
		bytes_equal(cert_der(signer), cert_der(identity_leaf(rsa))),
	    "a detached signature of openssl holds");
	cert_free(signer);
	signer = NULL;
	ok(cms_verify_detached(buf_view(&sig), bytes_text("bodY"), &signer,
	       &err) == ERR_UNDECODABLE &&
		signer == NULL && says(&err, "does not hold"),
	    "but not for another content");
	buf_free(&sig);
}

static void
test_envelope(void)
{
	static const enum cms_cipher ciphers[] = { CMS_CIPHER_AES256,
		CMS_CIPHER_AES128, CMS_CIPHER_3DES };
	struct bytes text = bytes_text("a secret\nof two lines");
	struct err err = { 0 };
	struct buf der = { 0 }, out = { 0 };
	size_t i;

	for (i = 0; i < 3; i++) {
		buf_reset(&der);
		buf_reset(&out);
		ok(cms_encrypt(identity_leaf(rsa), text, ciphers[i], &der,
		       &err) == ERR_OK &&
			cms_decrypt(rsa, buf_view(&der), &out, &err) ==
			    ERR_OK &&
			bytes_equal(buf_view(&out), text),
		    "what is encrypted for A, A can read");
		save("sealed", buf_view(&der));
		sh("openssl cms -decrypt -binary -inform der -in sealed -recip "
		   "a.pem -inkey a.key -keyform der -out opened && "
		   "printf 'a secret\nof two lines' | cmp - opened");
		ok(true, "and so can A's openssl");
	}
	buf_reset(&out);
	ok(cms_decrypt(other, buf_view(&der), &out, &err) == ERR_KEY_REJECTED &&
		out.len == 0 && says(&err, "for somebody else than B"),
	    "B cannot, and hears why");
	der.p[der.len - 3] ^= 1;
	ok(cms_decrypt(rsa, buf_view(&der), &out, &err) == ERR_UNDECODABLE &&
		out.len == 0,
	    "damaged, nobody can");
	ok(cms_encrypt(identity_leaf(ec), text, CMS_CIPHER_AES256, &der,
	       &err) == ERR_KEY_REJECTED,
	    "for an EC key nothing is encrypted");
	buf_free(&der);
	sh("printf hello > in; openssl cms -encrypt -binary -in in -des "
	   "-provider legacy -provider default -outform der -out des a.pem;"
	   "openssl cms -encrypt -binary -stream -indef -in in -aes128 "
	   "-outform der -out ber a.pem");
	der = load("des");
	ok(cms_decrypt(rsa, buf_view(&der), &out, &err) == ERR_OK &&
		bytes_equal(buf_view(&out), bytes_text("hello")),
	    "single DES of old clients is read");
	buf_free(&der);
	der = load("ber");
	buf_reset(&out);
	ok(cms_decrypt(rsa, buf_view(&der), &out, &err) == ERR_OK &&
		bytes_equal(buf_view(&out), bytes_text("hello")),
	    "so is BER");
	buf_free(&der);
	buf_wipe(&out);
}

static void
test_certs_only(void)
{
	struct cert *certs[] = { chain_leaf, identity_leaf(rsa) };
	struct buf der = { 0 };
	struct err err = { 0 };

	ok(cms_certs_only(certs, 2, &der, &err) == ERR_OK,
	    "certificates alone make a message");
	save("certs", buf_view(&der));
	sh("openssl pkcs7 -inform der -in certs -print_certs -noout | "
	   "grep -c subject | grep -q 2;"
	   "! openssl asn1parse -inform der -in certs | grep 'OCTET STRING' | "
	   "grep -q 'd=5'");
	ok(true, "openssl finds both");
	buf_free(&der);
}

static void
test_hostile(void)
{
	struct buf der = { 0 }, content = { 0 };
	struct err err = { 0 };
	unsigned i, seed = 5, odd = 0;

	if (cms_sign(rsa, bytes_text("text"), &der, &err) != ERR_OK)
		exit(1);
	for (i = 0; i < 1000; i++) {
		size_t at = (size_t)rand_r(&seed) % der.len;
		uint8_t flip = (uint8_t)(1 << rand_r(&seed) % 8);
		struct cert *signer = NULL;

		der.p[at] ^= flip;
		buf_reset(&content);
		if (cms_verify_attached(
			buf_view(&der), &content, &signer, &err) == ERR_OK)
			odd += !bytes_equal(
			    buf_view(&content), bytes_text("text"));
		odd += ERR_peek_error() != 0;
		cert_free(signer);
		der.p[at] ^= flip;
	}
	ok(odd == 0, "no flipped bit changes the content that is verified");
	buf_free(&der);
	buf_free(&content);
}

int
main(void)
{
	make_material();
	test_sign();
	test_sign_chain();
	test_detached();
	test_envelope();
	test_certs_only();
	test_hostile();
	ok(ERR_peek_error() == 0, "no OpenSSL error is left behind");
	identity_free(rsa);
	identity_free(ec);
	identity_free(other);
	cert_free(chain_leaf);
	return tap_done();
}
