#include "engine/pki/bundle.h"

#include "tests/pki/material.h"

static const char *const right[] = { "nonsense", "geheim" };
static const char *const wrong[] = { "falsch", "auch falsch" };

static void
make_material(void)
{
	material_begin();
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem "
	   "-subj /CN=one.example.com -days 30 -sha256;"
	   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout ek.pem -out ec.pem -subj /CN=two -days 30;"
	   "openssl x509 -in c.pem -outform der -out c.der;"
	   "openssl rsa -in k.pem -outform der -out k1.der -traditional;"
	   "openssl pkcs8 -topk8 -nocrypt -in k.pem -outform der -out k8.der;"
	   "openssl pkcs8 -topk8 -in k.pem -outform der -out ke.der "
	   "-passout pass:geheim;"
	   "openssl pkcs8 -topk8 -in k.pem -out ke.pem -passout pass:geheim;"
	   "openssl pkcs8 -topk8 -in k.pem -out ks.pem -passout pass:geheim "
	   "-scrypt;"
	   "openssl rsa -in k.pem -out kd.pem -traditional -aes128 "
	   "-passout pass:geheim;"
	   "openssl rsa -in k.pem -out kdes.pem -traditional -des "
	   "-provider legacy -provider default -passout pass:geheim;"
	   "openssl ec -in ek.pem -out eks.pem -param_enc named_curve;"
	   "openssl ec -in ek.pem -outform der -out eks.der;"
	   "openssl ec -in ek.pem -out ekd.pem -des3 -passout pass:geheim");
	sh("openssl crl2pkcs7 -nocrl -certfile c.pem -certfile ec.pem "
	   "-outform der -out two.p7b;"
	   "openssl crl2pkcs7 -nocrl -certfile c.pem -out one.p7.pem;"
	   "openssl x509 -in c.pem -trustout -addtrust serverAuth -out t.pem;"
	   "openssl req -new -key k.pem -subj /CN=req -out r.pem;"
	   "openssl req -in r.pem -outform der -out r.der;"
	   "openssl pkey -in k.pem -pubout -outform der -out pub.der;"
	   "openssl pkey -in k.pem -pubout -out pub.pem;"
	   "echo hello | openssl cms -sign -signer c.pem -inkey k.pem "
	   "-nodetach -outform der -out signed.der");
	sh("E='openssl pkcs12 -export -in c.pem -inkey k.pem -certfile ec.pem';"
	   "$E -out new.p12 -passout pass:geheim;"
	   "$E -out iis.p12 -passout pass:geheim -legacy "
	   "-certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1;"
	   "$E -out triple.p12 -passout pass:geheim -certpbe PBE-SHA1-3DES "
	   "-keypbe PBE-SHA1-3DES -macalg sha1;"
	   "$E -out empty.p12 -passout pass:;"
	   "$E -out nomac.p12 -passout pass:geheim -nomac;"
	   "$E -out open.p12 -passout pass:geheim -certpbe NONE -keypbe NONE;"
	   "$E -out umlaut.p12 -passout 'pass:gr\xc3\xbc\xc3\x9f' -legacy;"
	   "$E -out rounds.p12 -passout pass:geheim -iter 6000000 "
	   "-macalg sha1 & "
	   "openssl pkcs12 -export -in c.pem -nokeys -out certs.p12 "
	   "-passout pass:geheim;"
	   "openssl pkcs12 -in new.p12 -passin pass:geheim -nodes -out bag.pem;"
	   "wait");
}

/* The numbers of certificates and keys, C * 10 + K; -1: refused, + 100:
 * locked. */
static int
count(
    struct bytes file, const char *const *passwords, size_t n, struct err *err)
{
	struct bundle *b = NULL;
	int ret;

	memset(err, 0, sizeof(*err));
	if (bundle_parse(file, passwords, n, &b, err) != ERR_OK)
		return b == NULL ? -1 : -2;
	ret = (int)(bundle_n_certs(b) * 10 + bundle_n_keys(b)) +
	      (bundle_is_locked(b) ? 100 : 0) +
	      (bundle_wrong_password(b) ? 1000 : 0);
	bundle_free(b);
	if (ERR_peek_error() != 0)
		return -3;
	return ret;
}

static int
count_file(const char *name, const char *const *passwords, size_t n)
{
	struct buf f = load(name);
	struct err err;
	int ret = count(buf_view(&f), passwords, n, &err);

	if (ret < 0)
		printf("# %s: %s\n", name, err.msg);
	buf_free(&f);
	return ret;
}

static void
test_pkcs12(void)
{
	/* clang-format off */
	static const struct { const char *name, *what; } files[] = {
		{ "new.p12",    "AES and SHA-256, as OpenSSL 3 makes it" },
		{ "iis.p12",    "RC2-40 and 3DES, as IIS makes it" },
		{ "triple.p12", "3DES throughout" },
	};
	/* clang-format on */
	static const char *const umlaut[] = { "gr\xc3\xbc\xc3\x9f" };
	static const char *const latin1[] = { "gr\xfc\xdf" };
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		printf("# %s\n", files[i].what);
		ok(count_file(files[i].name, right, 2) == 21,
		    "PKCS#12 opens with one of two passwords");
		ok(count_file(files[i].name, NULL, 0) == 100,
		    "without a password it is locked, not refused");
		ok(count_file(files[i].name, wrong, 2) == 1100,
		    "with wrong ones it is locked, and says so");
	}
	ok(count_file("empty.p12", NULL, 0) == 21,
	    "an empty password needs none");
	ok(count_file("empty.p12", wrong, 2) == 21,
	    "and is tried beside those that are given");
	ok(count_file("nomac.p12", right, 2) == 21, "PKCS#12 without a MAC");
	ok(count_file("nomac.p12", NULL, 0) == 120 &&
		count_file("nomac.p12", wrong, 2) == 1120,
	    "without its password the certificates that are plain are read");
	ok(count_file("open.p12", right, 2) == 21, "nothing encrypted in it");
	ok(count_file("certs.p12", right, 2) == 10, "certificates alone");
	ok(count_file("umlaut.p12", umlaut, 1) == 21, "a UTF-8 password");
	ok(count_file("umlaut.p12", latin1, 1) == 21,
	    "the same password in Latin-1");
}

static void
test_forms(void)
{
	/* clang-format off */
	static const struct { const char *name; int found; } files[] = {
		{ "c.pem", 10 }, { "c.der", 10 }, { "k.pem", 1 },
		{ "k1.der", 1 }, { "k8.der", 1 }, { "ke.der", 1 },
		{ "ke.pem", 1 }, { "ks.pem", 1 }, { "kd.pem", 1 },
		{ "kdes.pem", 1 }, { "eks.pem", 1 }, { "eks.der", 1 },
		{ "ekd.pem", 1 }, { "two.p7b", 20 }, { "one.p7.pem", 10 },
		{ "t.pem", 10 }, { "bag.pem", 21 },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		printf("# %s\n", files[i].name);
		ok(count_file(files[i].name, right, 2) == files[i].found,
		    "this form is read");
	}
	sh("cat c.pem k.pem ec.pem c.pem > all.pem;"
	   "printf '\\357\\273\\277' > bom.pem; sed 's/$/\\r/' all.pem "
	   ">> bom.pem; cat c.pem ke.pem > half.pem;"
	   "grep -v -- --- c.pem > bare.cer; base64 new.p12 > p12.b64");
	ok(count_file("all.pem", NULL, 0) == 21, "PEM joined, one twice");
	ok(count_file("bom.pem", NULL, 0) == 21, "with BOM and CRLF");
	ok(count_file("half.pem", NULL, 0) == 110,
	    "a locked key keeps the certificate beside it readable");
	ok(count_file("half.pem", wrong, 2) == 1110, "also with wrong ones");
	ok(count_file("bare.cer", NULL, 0) == 10, "base64 without BEGIN");
	ok(count_file("p12.b64", right, 2) == 21, "base64 of PKCS#12");
	ok(count_file("kd.pem", wrong, 2) == 1100, "DEK-Info, wrong password");
}

static void
test_refusals(void)
{
	/* clang-format off */
	static const struct { const char *make, *says; } bad[] = {
		{ ": > x", "the file is empty" },
		{ "echo > x", "the file is empty" },
		{ "cp r.pem x", "signing request, not a certificate" },
		{ "cp r.der x", "signing request, not a certificate" },
		{ "cp pub.der x", "public key alone" },
		{ "cp pub.pem x", "public key alone" },
		{ "cp signed.der x", "signed message" },
		{ "head -c 500 c.der > x", "cut short: 500 of" },
		{ "head -c 500 new.p12 > x", "cut short: 500 of" },
		{ "cp c.der x; echo more >> x", "5 bytes of something else follow" },
		{ "head -n 5 c.pem > x", "has no END line" },
		{ "head -n 5 c.pem > x; cat k.pem >> x", "has no END line of its own" },
		{ "sed '4s/..../!!!!/' c.pem > x", "is damaged" },
		{ "sed '4d' c.pem > x", "in line 1: not a certificate" },
		{ "ssh-keygen -q -t ed25519 -N '' -f s && mv s x", "SSH key" },
		{ "echo 'ssh-rsa AAAA a@b' > x", "SSH key" },
		{ "echo '<!DOCTYPE html><html>' > x", "web page" },
		{ "printf '\\n <HTML>' > x", "web page" },
		{ "echo '<?xml version=\"1.0\"?><plist/>' > x", "XML" },
		{ "iconv -f UTF-8 -t UTF-16 c.pem > x", "UTF-16" },
		{ "iconv -f UTF-8 -t UTF-16LE c.pem > x", "UTF-16" },
		{ "printf 'PK\\003\\004abc' > x", "ZIP" },
		{ "printf '\\001\\002\\003' > x", "neither text (PEM) nor DER" },
		{ "printf 'a\\000b' > x", "neither text (PEM) nor DER" },
		{ "echo hello > x", "no certificate and no key" },
		{ "printf -- '-----BEGIN FOO-----\\nAAAA\\n-----END FOO-----\\n' > x", "a block \"FOO\"" },
		{ "cp rounds.p12 x", "6000000 rounds" },
		{ "printf '\\060\\003\\002\\001\\001' > x", "neither a certificate nor a key" },
		{ "head -c 2000000 /dev/zero | tr '\\0' a > x", "too many" },
	};
	/* clang-format on */
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf f;

		sh("%s", bad[i].make);
		f = load("x");
		printf("# %s\n", bad[i].make);
		ok(count(buf_view(&f), right, 2, &err) == -1 &&
			says(&err, bad[i].says),
		    bad[i].says);
		buf_free(&f);
	}
}

/* Feed a file byte by byte; the length at which it was refused, 0: never. */
static size_t
refused_at(struct bytes f, struct bundle_check *c, struct err *err)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	memset(err, 0, sizeof(*err));
	for (i = 1; i <= f.len; i++)
		if (bundle_check_prefix(c, bytes_of(f.p, i), err) != ERR_OK)
			return i;
	return 0;
}

static void
test_prefix(void)
{
	static const char *const fine[] = { "c.pem", "c.der", "k.pem",
		"new.p12", "all.pem", "bom.pem", "bag.pem", "t.pem", "two.p7b",
		"half.pem", "bare.cer", "kd.pem", "p12.b64", "ek.pem" };
	struct bundle_check c;
	struct err err;
	struct buf f;
	size_t i;

	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		f = load(fine[i]);
		printf("# %s\n", fine[i]);
		ok(refused_at(buf_view(&f), &c, &err) == 0,
		    "no prefix of a good file is refused");
		buf_free(&f);
	}
	f = load("c.der");
	refused_at(buf_view(&f), &c, &err);
	ok(c.complete, "a whole DER document is seen to be complete");
	buf_char(&f, '\n');
	ok(refused_at(buf_view(&f), &c, &err) == f.len,
	    "what follows a DER document is refused at once");
	buf_free(&f);
	f = load("c.pem");
	refused_at(buf_view(&f), &c, &err);
	ok(c.whole == f.len, "the end of the last whole PEM block is told");
	f.p[200] = '!';
	ok(refused_at(buf_view(&f), &c, &err) == f.len &&
		says(&err, "is damaged"),
	    "a damaged block is refused with its END line");
	buf_free(&f);
	f = load("r.pem");
	ok(refused_at(buf_view(&f), &c, &err) == 36 &&
		says(&err, "signing request"),
	    "a request is refused with its BEGIN line");
	buf_free(&f);
}

static void
test_record(void)
{
	struct buf f = load("all.pem"), bytes = { 0 }, again = { 0 };
	struct bundle *b = NULL, *c = NULL;
	struct err err = { 0 };

	ok(bundle_parse(buf_view(&f), NULL, 0, &b, &err) == ERR_OK &&
		bundle_encode(b, &bytes, &err) == ERR_OK &&
		bundle_decode(buf_view(&bytes), &c, &err) == ERR_OK &&
		bundle_encode(c, &again, &err) == ERR_OK &&
		bytes_equal(buf_view(&bytes), buf_view(&again)),
	    "a bundle is the same after encoding and decoding");
	bundle_free(c);
	c = NULL;
	bytes.len--;
	ok(bundle_decode(buf_view(&bytes), &c, &err) == ERR_DAMAGED &&
		c == NULL,
	    "a cut record is damaged");
	bundle_free(b);
	buf_wipe(&bytes);
	buf_wipe(&again);
	buf_free(&f);
}

/* Nothing to expect but that the sanitizers stay silent. */
static void
test_mutations(void)
{
	static const char *const names[] = { "new.p12", "iis.p12", "c.der",
		"ke.der", "two.p7b", "bag.pem", "kd.pem" };
	unsigned seed = 1, bad = 0, n = 0;
	struct err err;
	size_t i, k;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (k = 0; k < 60; k++) {
			struct buf f = load(names[i]);
			size_t at = (size_t)rand_r(&seed) % f.len;

			f.p[at] ^= (uint8_t)(1 << rand_r(&seed) % 8);
			bad += count(buf_view(&f), right, 2, &err) == -3 ||
			       (err.code != ERR_OK && err.msg[0] == '\0');
			n++;
			buf_free(&f);
		}
	}
	ok(n > 0 && bad == 0,
	    "each damaged file is read or refused with a reason, and leaves no "
	    "OpenSSL error behind");
}

int
main(void)
{
	make_material();
	test_pkcs12();
	test_forms();
	test_refusals();
	test_prefix();
	test_record();
	test_mutations();
	return tap_done();
}
