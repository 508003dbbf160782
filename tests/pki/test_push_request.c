/* The file for Apple's portal, taken apart by python's plistlib and openssl. */
#include "engine/pki/push_request.h"

#include "engine/base/text.h"
#include "engine/pki/bundle.h"
#include "tests/pki/material.h"

/* A root, an intermediate and two vendors below it; requests. */
static void
make_material(void)
{
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out "
	   "root.pem -days 30 -subj '/C=US/O=Apple Inc./CN=Apple Root CA'");
	sh("openssl req -new -newkey rsa:2048 -nodes -keyout mid.key -out "
	   "mid.csr -subj '/CN=Apple Worldwide Developer Relations "
	   "Certification Authority/OU=G3/O=Apple Inc./C=US'; "
	   "echo basicConstraints=critical,CA:TRUE >ext; "
	   "openssl x509 -req -in mid.csr -CA root.pem -CAkey root.key -days "
	   "30 -extfile ext -out mid.pem");
	sh("openssl req -new -newkey rsa:2048 -nodes -keyout vendor.key -out "
	   "v.csr -subj '/UID=ABCDE/CN=MDM Vendor: Acme/O=Acme'; "
	   "openssl x509 -req -in v.csr -CA mid.pem -CAkey mid.key -days 30 "
	   "-out vendor.pem");
	sh("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout ec.key -out e.csr -subj '/CN=MDM Vendor: EC'; "
	   "openssl x509 -req -in e.csr -CA mid.pem -CAkey mid.key -days 30 "
	   "-out ec.pem");
	sh("openssl req -new -newkey rsa:2048 -nodes -keyout push.key -outform "
	   "der -out push.csr -subj '/CN=admin@acme.example/C=US'");
	sh("openssl req -new -newkey rsa:1024 -nodes -keyout weak.key -out "
	   "weak.csr -subj '/CN=weak'");
	sh("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout curve.key -out curve.csr -subj '/CN=curve'");
}

/* The vendor of the key and the first certificate; the rest is its pool. */
static struct identity *
identity(const char *key, const char *certs)
{
	struct identity *id = NULL;
	struct bundle *b = NULL;
	struct err err = { 0 };
	struct cert *pool[8];
	struct buf file;
	size_t i;

	sh("cat %s %s >all", certs, key);
	file = load("all");
	if (bundle_parse(buf_view(&file), NULL, 0, &b, &err) != ERR_OK)
		return NULL;
	for (i = 0; i < bundle_n_certs(b) && i < 8; i++)
		pool[i] = bundle_cert(b, i);
	ok(identity_new(bundle_key(b, 0), pool[0], pool, i, &id, &err) ==
		ERR_OK,
	    certs);
	bundle_free(b);
	buf_free(&file);
	return id;
}

static struct csr *
request(const char *name)
{
	struct csr *csr = NULL;
	struct err err = { 0 };
	struct buf b = load(name);

	ok(csr_parse(buf_view(&b), &csr, &err) == ERR_OK, name);
	buf_free(&b);
	return csr;
}

/* Take it apart without our code. */
static void
decode(struct bytes file)
{
	save("file", file);
	sh("base64 -d file >plist && head -n 1 plist | grep -q '^<?xml'");
	sh("cat >take.py <<'END'\n"
	   "import base64, plistlib\n"
	   "p = plistlib.load(open('plist', 'rb'))\n"
	   "assert sorted(p) == ['PushCertCertificateChain',\n"
	   "    'PushCertRequestCSR', 'PushCertSignature'], p\n"
	   "assert all(type(v) is str for v in p.values())\n"
	   "open('csr', 'wb').write(base64.b64decode(\n"
	   "    p['PushCertRequestCSR'], validate=True))\n"
	   "open('signature', 'wb').write(base64.b64decode(\n"
	   "    p['PushCertSignature'], validate=True))\n"
	   "chain = p['PushCertCertificateChain']\n"
	   "open('chain', 'w').write(chain)\n"
	   "blocks = chain.split('-----END CERTIFICATE-----\\n')\n"
	   "assert blocks.pop() == ''\n"
	   "for block in blocks:\n"
	   "    lines = block.splitlines()\n"
	   "    assert lines[0] == '-----BEGIN CERTIFICATE-----'\n"
	   "    assert all(len(l) == 64 for l in lines[1:-1])\n"
	   "    assert 0 < len(lines[-1]) <= 64\n"
	   "END\n"
	   "python3 take.py");
}

static void
test_make(void)
{
	struct identity *vendor =
	    identity("vendor.key", "vendor.pem root.pem mid.pem");
	struct csr *csr = request("push.csr");
	struct buf b = { 0 }, again = { 0 };
	struct err err = { 0 };

	ok(push_request_make(vendor, csr, &b, &err) == ERR_OK, "it is made");
	decode(buf_view(&b));
	ok(true, "python reads it: three strings, PEM lines of 64 characters");
	sh("cmp csr push.csr");
	ok(true, "the request is in it byte for byte");
	sh("openssl x509 -in vendor.pem -pubkey -noout >vendor.pub && openssl "
	   "dgst -sha256 -verify vendor.pub -signature signature push.csr");
	ok(true, "openssl verifies the vendor's signature over SHA-256");
	sh("cat vendor.pem mid.pem root.pem | openssl crl2pkcs7 -nocrl "
	   "-certfile /dev/stdin -out want && openssl crl2pkcs7 -nocrl "
	   "-certfile chain -out got && cmp want got");
	ok(true, "the chain: vendor, intermediate, root, in that order");
	ok(push_request_make(vendor, csr, &again, &err) == ERR_OK &&
		bytes_equal(buf_view(&b), buf_view(&again)),
	    "and the same bytes each time");
	buf_free(&b);
	buf_free(&again);
	csr_free(csr);
	identity_free(vendor);
}

static void
refused(struct identity *vendor, struct csr *csr, const char *part,
    const char *what)
{
	struct buf b = { 0 };
	struct err err = { 0 };

	ok(push_request_make(vendor, csr, &b, &err) == ERR_KEY_REJECTED &&
		says(&err, part) && b.len == 0,
	    what);
	buf_free(&b);
	identity_free(vendor);
	csr_free(csr);
}

static void
test_refusals(void)
{
	refused(identity("vendor.key", "vendor.pem"), request("push.csr"),
	    "AppleWWDRCAG3.cer", "a missing intermediate is named");
	refused(identity("vendor.key", "vendor.pem mid.pem"),
	    request("push.csr"), "AppleIncRootCertificate.cer",
	    "and so is a missing root");
	refused(identity("ec.key", "ec.pem mid.pem root.pem"),
	    request("push.csr"), "RSA alone", "the vendor's key is RSA");
	refused(identity("vendor.key", "vendor.pem mid.pem root.pem"),
	    request("weak.csr"), "RSA 1024 bits", "a weak key of the request");
	refused(identity("vendor.key", "vendor.pem mid.pem root.pem"),
	    request("curve.csr"), "P-256", "a key that is not RSA");
}

static void
read_fails(struct bytes file, const char *part, const char *what)
{
	struct csr *csr = NULL;
	struct err err = { 0 };

	ok(push_request_read(file, &csr, &err) == ERR_UNDECODABLE &&
		says(&err, part) && csr == NULL,
	    what);
}

static void
test_read(void)
{
	struct identity *vendor =
	    identity("vendor.key", "vendor.pem root.pem mid.pem");
	struct csr *csr = request("push.csr"), *got = NULL;
	struct buf b = { 0 }, other = { 0 };
	struct err err = { 0 };
	size_t i;
	bool bad = false;

	ok(push_request_make(vendor, csr, &b, &err) == ERR_OK &&
		push_request_read(buf_view(&b), &got, &err) == ERR_OK &&
		bytes_equal(csr_der(csr), csr_der(got)),
	    "the request is found in a file that was made");
	csr_free(got);
	for (i = 0; i < b.len; i += 61) {
		got = NULL;
		bad |=
		    push_request_read(bytes_of(b.p, i), &got, &err) == ERR_OK;
		csr_free(got);
	}
	ok(!bad, "a file that was cut short is refused");
	read_fails(bytes_text("not base64!"), "base64 of a property list",
	    "and what is no base64");
	read_fails(BYTES_NONE, "", "and an empty one");
	text_base64(&other,
	    bytes_text("<plist version=\"1.0\"><dict><key>PushCertRequestCSR"
		       "</key><string>AA==</string></dict></plist>"));
	read_fails(buf_view(&other), "PushCertCertificateChain",
	    "a property list without the chain");
	buf_reset(&other);
	text_base64(&other,
	    bytes_text("<plist version=\"1.0\"><dict><key>PushCertRequestCSR"
		       "</key><string>AA==</string>"
		       "<key>PushCertCertificateChain</key><string/>"
		       "<key>PushCertSignature</key><string/>"
		       "</dict></plist>"));
	read_fails(buf_view(&other), "PushCertRequestCSR",
	    "one whose request is none");
	buf_free(&other);
	buf_free(&b);
	csr_free(csr);
	identity_free(vendor);
}

int
main(void)
{
	material_begin();
	make_material();
	test_make();
	test_refusals();
	test_read();
	ok(ERR_peek_error() == 0, "OpenSSL's queue of errors is empty");
	return tap_done();
}
