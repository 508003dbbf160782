#include "engine/pki/ca.h"

#include "tests/pki/material.h"

#define NOW INT64_C(1800000000)

static struct csr *
request(const char *openssl)
{
	struct csr *r = NULL;
	struct err err = { 0 };
	struct buf f;

	sh("%s", openssl);
	f = load("x");
	if (csr_parse(buf_view(&f), &r, &err) != ERR_OK)
		printf("# %s\n", err.msg);
	buf_free(&f);
	return r;
}

static void
test_parse(void)
{
	struct csr *r = request(
	    "cat > c.cnf <<'E'\n[req]\nprompt=no\ndistinguished_name=d\n"
	    "attributes=a\nreq_extensions=x\n[d]\nO=Acme\\, Inc.\nCN=phone\n"
	    "[a]\nchallengePassword=s3cret\n[x]\nbasicConstraints=CA:TRUE\n"
	    "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:a.example.com,"
	    "email:u@example.com,URI:urn:x,IP:192.0.2.1,"
	    "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u@x\nE\n"
	    "openssl req -new -newkey rsa:2048 -nodes -keyout d.key "
	    "-config c.cnf -out x && cp x phone.csr");
	struct buf f;
	struct err err = { 0 };
	struct csr *bad = NULL;

	ok(r != NULL && strcmp(csr_subject(r), "O=Acme\\, Inc., CN=phone") == 0,
	    "the subject reads as one line");
	ok(strcmp(csr_challenge(r), "s3cret") == 0, "the challenge is text");
	ok(csr_n_names(r) == 4 && csr_name(r, 0)->kind == SAN_DNS &&
		strcmp(csr_name(r, 3)->text, "192.0.2.1") == 0,
	    "names of four kinds are listed");
	ok(csr_san_der(r).len > 60, "the others are in the raw extension");
	ok(csr_keyspec(r)->kind == KEYSPEC_RSA && csr_keyspec(r)->bits == 2048,
	    "the key is told");
	csr_free(r);

	sh("openssl req -in phone.csr -outform der -out x.der");
	f = load("x.der");
	f.p[f.len - 9] ^= 1;
	ok(csr_parse(buf_view(&f), &bad, &err) == ERR_UNDECODABLE &&
		says(&err, "not signed by its own key") && bad == NULL,
	    "a request with a broken signature is refused");
	f.len -= 3;
	ok(csr_parse(buf_view(&f), &bad, &err) == ERR_UNDECODABLE,
	    "so is one that is cut short");
	buf_free(&f);
	ok(csr_parse(bytes_text("hello"), &bad, &err) == ERR_UNDECODABLE &&
		csr_parse(BYTES_NONE, &bad, &err) == ERR_UNDECODABLE,
	    "and what is no request");
}

static void
issue_phone(const struct identity *ca)
{
	static const uint8_t serial[CA_SERIAL_LEN] = { 0xff, 1, 2, 3 };
	struct ca_profile p = { .days = 365,
		.copy = SAN_DNS | SAN_EMAIL,
		.client_auth = true,
		.serial = serial };
	struct csr *r = request("cp phone.csr x");
	struct cert *c = NULL, *c2 = NULL;
	struct err err = { 0 };

	ok(ca_issue(ca, r, &p, NOW, &c, &err) == ERR_OK,
	    "a request gets its certificate");
	ok(cert_issued_by(c, identity_leaf(ca)) && !cert_is_ca(c),
	    "issued by the CA, no CA itself, whatever the request says");
	ok(cert_ext_usages(c) == CERT_EKU_CLIENT &&
		cert_key_usages(c) == (CERT_KU_SIGN | CERT_KU_ENCIPHER),
	    "for clients alone, whatever the request says");
	ok(strcmp(cert_serial(c), "7F010203000000000000000000000000") == 0,
	    "with the serial number that was given, made positive");
	ok(cert_begins(c) == NOW - 600 &&
		cert_expires(c) == NOW - 600 + 365 * 86400 - 1,
	    "from ten minutes ago");
	ok(cert_n_names(c) == 2 &&
		bytes_equal(cert_subject_der(c), csr_subject_der(r)) &&
		memcmp(cert_key_id(c), csr_key_id(r), 32) == 0,
	    "with the subject and those names that the profile lets through");
	p = (struct ca_profile){ .days = 99999999, .subject = "CN=other" };
	ok(ca_issue(ca, r, &p, NOW, &c2, &err) == ERR_INVALID, "not for ever");
	p.days = 36500;
	ok(ca_issue(ca, r, &p, NOW, &c2, &err) == ERR_OK &&
		cert_expires(c2) == cert_expires(identity_leaf(ca)) &&
		strcmp(cert_subject(c2), "CN=other") == 0 &&
		cert_n_names(c2) == 0,
	    "not longer than the CA; with another subject; without names");
	cert_free(c2);
	c2 = NULL;
	p.subject_der = cert_subject_der(identity_leaf(ca));
	ok(ca_issue(ca, r, &p, NOW, &c2, &err) == ERR_OK &&
		bytes_equal(cert_subject_der(c2), p.subject_der),
	    "or with a DER subject");
	cert_free(c2);
	cert_free(c);
	c = NULL;
	ok(ca_issue(ca, r, &p, NOW + INT64_C(800000000), &c, &err) ==
		    ERR_KEY_EXPIRED &&
		c == NULL,
	    "a CA that has ended issues nothing");
	csr_free(r);
	r = request("openssl req -new -newkey rsa:1024 -nodes -keyout w.key "
		    "-subj /CN=w -out x");
	ok(ca_issue(ca, r, &p, NOW, &c, &err) == ERR_KEY_REJECTED && c == NULL,
	    "a weak key gets no certificate");
	csr_free(r);
	r = request("openssl req -new -newkey ec -pkeyopt "
		    "ec_paramgen_curve:P-384 -nodes -keyout w.key -subj /CN=w "
		    "-out x");
	ok(ca_issue(ca, r, &p, NOW, &c, &err) == ERR_OK &&
		bytes_equal(cert_spki(c), csr_spki(r)) &&
		cert_key_usages(c) == CERT_KU_SIGN,
	    "a key of a curve gets one, to sign with");
	cert_free(c);
	csr_free(r);
}

static void
test_ca(void)
{
	struct identity *ca = NULL;
	struct cert *c;
	struct err err = { 0 };
	struct buf pem = { 0 };

	ok(ca_create("Acme Device CA", NOW, &ca, &err) == ERR_OK,
	    "a CA is made");
	c = identity_leaf(ca);
	ok(cert_is_ca(c) && cert_is_self_signed(c) &&
		cert_keyspec(c)->bits == 2048 &&
		cert_key_usages(c) ==
		    (CERT_KU_SIGN | CERT_KU_ENCIPHER | CERT_KU_CERT_SIGN |
			CERT_KU_CRL_SIGN) &&
		cert_expires(c) > NOW + INT64_C(7300) * 86400,
	    "as SCEP clients want it, for 20 years");
	issue_phone(ca);
	cert_pem(c, &pem);
	save("ca.pem", buf_view(&pem));
	sh("openssl x509 -in ca.pem -noout -text | grep -q 'CA:TRUE'");
	identity_free(ca);
	ca = NULL;
	ok(ca_create("", NOW, &ca, &err) == ERR_INVALID && ca == NULL,
	    "a CA has a name");
	buf_free(&pem);
}

static void
test_server(void)
{
	static const struct san names[] = { { SAN_DNS, "mdm.example.com" },
		{ SAN_IP, "192.0.2.7" }, { SAN_DNS, "*.example.org" } };
	struct ca_server s = { names, 3, 825 };
	struct identity *ca = NULL;
	struct pkey *key = NULL;
	struct cert *c = NULL, *none = NULL;
	struct err err = { 0 };
	struct buf a = { 0 }, b = { 0 };

	ok(tls_ca_create("mdmfs TLS root", time(NULL), &ca, &err) == ERR_OK &&
		pkey_generate_p256(&key, &err) == ERR_OK &&
		ca_issue_server(ca, key, &s, time(NULL), &c, &err) == ERR_OK,
	    "a TLS certificate is made under a root of its own");
	ok(cert_covers_host(c, "mdm.example.com") &&
		cert_covers_host(c, "192.0.2.7") &&
		cert_covers_host(c, "a.example.org") &&
		!cert_covers_host(c, "a.b.example.org") &&
		!cert_covers_host(c, "example.org") &&
		!cert_covers_host(c, "192.0.2.8") && !cert_covers_host(c, ""),
	    "for its names, a wildcard for one label");
	ok(cert_ext_usages(c) == CERT_EKU_SERVER &&
		cert_key_usages(c) == CERT_KU_SIGN,
	    "for servers; an EC key enciphers nothing");
	cert_pem(c, &a);
	cert_pem(identity_leaf(ca), &b);
	save("leaf.pem", buf_view(&a));
	save("root.pem", buf_view(&b));
	sh("openssl verify -x509_strict -purpose sslserver -CAfile root.pem "
	   "leaf.pem");
	ok(true, "openssl verify -x509_strict takes it");
	s.days = 826;
	ok(ca_issue_server(ca, key, &s, NOW, &none, &err) == ERR_INVALID &&
		none == NULL,
	    "not for more days than Apple takes");
	cert_free(c);
	pkey_free(key);
	identity_free(ca);
	buf_free(&a);
	buf_free(&b);
}

int
main(void)
{
	material_begin();
	test_parse();
	test_ca();
	test_server();
	ok(ERR_peek_error() == 0, "no OpenSSL error is left behind");
	return tap_done();
}
