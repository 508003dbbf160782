#include "engine/pki/csr.h"

#include "engine/pki/pem.h"
#include "tests/pki/material.h"

static void
test_both_ways(void)
{
	static const struct san names[] = { { SAN_DNS, "mdm.example.com" },
		{ SAN_IP, "2001:db8::1" } };
	static const struct san odd[] = { { SAN_DNS, "a b,email:x" } };
	struct csr_wanted w = { "CN=ä@example.com, O=Acme\\, Inc., c=DE", names,
		2, "grün" };
	struct pkey *key = NULL;
	struct csr *r = NULL;
	struct buf der = { 0 }, pem = { 0 };
	struct err err = { 0 };

	ok(pkey_generate_p256(&key, &err) == ERR_OK &&
		csr_make(key, &w, &der, &err) == ERR_OK &&
		csr_parse(buf_view(&der), &r, &err) == ERR_OK,
	    "a request that is made here can be read here");
	ok(strcmp(csr_subject(r), "CN=ä@example.com, O=Acme\\, Inc., C=DE") ==
		    0 &&
		strcmp(csr_challenge(r), "grün") == 0 && csr_n_names(r) == 2 &&
		strcmp(csr_name(r, 1)->text, "2001:db8::1") == 0,
	    "and says what was asked for");
	ok(memcmp(csr_key_id(r), pkey_id(key), KEYSPEC_ID_LEN) == 0,
	    "the request has its key's id");
	csr_free(r);
	save("made.der", buf_view(&der));
	sh("openssl req -in made.der -inform der -verify -noout");
	w.names = odd;
	w.n_names = 1;
	ok(csr_make(key, &w, &pem, &err) == ERR_INVALID && pem.len == 0 &&
		says(&err, "is not a DNS name"),
	    "a name that is none is refused");
	ok(csr_check_subject("CN=a, O=b", &err) == ERR_OK &&
		csr_check_subject("CN", &err) == ERR_INVALID &&
		csr_check_subject("", &err) == ERR_INVALID &&
		csr_check_subject("CN=a, FOO=b", &err) == ERR_INVALID &&
		says(&err, "\"FOO\" is not known") &&
		csr_check_subject("C=Germany", &err) == ERR_INVALID &&
		csr_check_subject("CN=a\nO=b", &err) == ERR_INVALID,
	    "subjects are judged");
	pkey_free(key);
	buf_free(&der);
	buf_free(&pem);
}

/* What openssl req finds in the request that was made. */
struct wanted {
	const char *what;
	const char *subject;
	struct san names[3];
	const char *finds[4]; /* lines of openssl req -text, as grep -F */
};

/* clang-format off */
static const struct wanted all[] = {
	{ "a subject alone",
	  "CN=mdm.example.com, O=Acme", { { 0 } },
	  { "Subject: CN=mdm.example.com,O=Acme" } },
	{ "an Apple Account",
	  "CN=Push, emailAddress=it@example.com, C=de", { { 0 } },
	  { "Subject: CN=Push,emailAddress=it@example.com,C=de" } },
	{ "UTF-8",
	  "CN=B\xc3\xbcro \xe5\x8c\x97\xe4\xba\xac, O=M\xc3\xbcller\\, S\xc3\xb6hne", { { 0 } },
	  { "CN=B\xc3\xbcro \xe5\x8c\x97\xe4\xba\xac,O=M\xc3\xbcller\\, S\xc3\xb6hne" } },
	{ "DNS names",
	  "CN=mdm.example.com",
	  { { SAN_DNS, "mdm.example.com" }, { SAN_DNS, "*.mdm.example.com" } },
	  { "DNS:mdm.example.com, DNS:*.mdm.example.com" } },
	{ "addresses",
	  "CN=192.0.2.1", { { SAN_IP, "192.0.2.1" }, { SAN_IP, "2001:db8::1" } },
	  { "IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1" } },
	{ "all kinds of names",
	  "CN=a", { { SAN_DNS, "a" }, { SAN_EMAIL, "a@b.example" }, { SAN_URI, "https://a.example/" } },
	  { "DNS:a, email:a@b.example, URI:https://a.example/" } },
};
/* clang-format on */

static void
check(const struct wanted *w, const struct pkey *key, const char *algorithm)
{
	struct csr_wanted wanted = { .subject = w->subject, .names = w->names };
	struct buf der = { 0 }, pem = { 0 };
	struct err err = { 0 };
	char what[128];
	size_t i;

	while (wanted.n_names < 3 && w->names[wanted.n_names].text != NULL)
		wanted.n_names++;
	snprintf(what, sizeof(what), "%s: a request with %s",
	    pkey_keyspec(key)->name, w->what);
	ok(csr_make(key, &wanted, &der, &err) == ERR_OK, what);
	pem_put(&pem, "CERTIFICATE REQUEST", buf_view(&der));
	save("made.pem", buf_view(&pem));
	sh("openssl req -in made.pem -verify -text -noout -nameopt "
	   "sep_comma_plus,utf8,esc_2253 > text 2>&1 && "
	   "grep -q 'self-signature verify OK' text && "
	   "grep -q 'Signature Algorithm: %s' text",
	    algorithm);
	for (i = 0; i < 4 && w->finds[i] != NULL; i++)
		sh("cat text; grep -qF '%s' text", w->finds[i]);
	ok(true, "openssl verifies it and reads the same");
	buf_free(&der);
	buf_free(&pem);
}

static void
test_matrix(void)
{
	struct pkey *rsa = NULL, *ec = NULL;
	size_t i;

	if (pkey_generate_rsa(2048, &rsa, NULL) != ERR_OK ||
	    pkey_generate_p256(&ec, NULL) != ERR_OK)
		exit(1);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		check(&all[i], rsa, "sha256WithRSAEncryption");
		check(&all[i], ec, "ecdsa-with-SHA256");
	}
	pkey_free(rsa);
	pkey_free(ec);
}

static void
test_refusals(void)
{
	/* clang-format off */
	static const struct { const char *subject; struct san name; const char *says; } bad[] = {
		{ "CN=a", { SAN_DNS, "https://mdm.example.com" }, "without https://" },
		{ "CN=a", { SAN_DNS, "m\xc3\xbcller.example" }, "xn--" },
		{ "CN=a", { SAN_DNS, "" }, "is not a DNS name" },
		{ "CN=a", { SAN_IP, "192.0.2.256" }, "is not an IP address" },
		{ "CN=a", { SAN_EMAIL, "a b" }, "is not a mail address" },
		{ "CN=a, C=Germany", { 0 }, "two letters" },
		{ "CN=a, emailAddress=\xc3\xa4@b.example", { 0 }, "does not fit" },
		{ "Acme", { 0 }, "is no part of a subject" },
		{ "CN=", { 0 }, "has no value" },
	};
	/* clang-format on */
	struct pkey *key = NULL;
	struct buf der = { 0 };
	size_t i;

	if (pkey_generate_p256(&key, NULL) != ERR_OK)
		exit(1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct csr_wanted w = { bad[i].subject, &bad[i].name,
			bad[i].name.text != NULL, NULL };
		struct err err = { 0 };

		ok(csr_make(key, &w, &der, &err) == ERR_INVALID &&
			der.len == 0 && says(&err, bad[i].says),
		    bad[i].says);
		printf("# %s\n", err.msg);
	}
	pkey_free(key);
	buf_free(&der);
}

int
main(void)
{
	material_begin();
	test_both_ways();
	test_matrix();
	test_refusals();
	ok(ERR_peek_error() == 0, "no OpenSSL error is left behind");
	return tap_done();
}
