/* Signed requests for push certificates: the vendor's side, mdmcert.download,
 * and which of them an organization's page shows. */
#include "engine/base/text.h"
#include "engine/model/slot_request.h"
#include "engine/model/vendor.h"
#include "engine/pki/push_request.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

static uint32_t acme;
static uint64_t apns, vendor, sign;

static void
make_material(void)
{
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out "
	   "root.pem -days 9 -subj '/CN=Root'; "
	   "openssl req -new -newkey rsa:2048 -nodes -keyout vendor.key -out "
	   "v.csr -subj '/CN=MDM Vendor: Acme'; "
	   "openssl x509 -req -in v.csr -CA root.pem -CAkey root.key -days 9 "
	   "-out vendor.pem; cat vendor.pem vendor.key >both.pem; "
	   "openssl x509 -in vendor.pem -pubkey -noout >vendor.pub");
	sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout k -out c -subj /CN=curve -days 9 -addext "
	   "basicConstraints=CA:FALSE; cat c k >ec.pem");
	sh("openssl req -new -newkey rsa:2048 -nodes -keyout a.key -out a.csr "
	   "-subj /CN=other; openssl req -in a.csr -outform der -out a.der; "
	   "xxd -p a.der >a.hex; cat a.csr a.csr >two.csr; cat a.csr a.key "
	   ">key.csr; "
	   "sed 's/A/B/5' a.csr >broken.csr; "
	   "openssl req -new -newkey rsa:1024 -nodes -keyout k -out weak.csr "
	   "-subj /CN=weak; "
	   "openssl pkcs12 -export -in vendor.pem -inkey vendor.key -passout "
	   "pass:x -out v.p12");
}

/* ---- files -------------------------------------------------------------- */

static enum err_code
copy_in(uint64_t dir, const char *name, enum place place, const char *from)
{
	struct buf b = load(from);
	enum err_code rc = try_bytes(dir, name, place, buf_view(&b));

	buf_free(&b);
	return rc;
}

/* ---- pages -------------------------------------------------------------- */

static enum err_code
page(struct buf *b)
{
	buf_reset(b);
	memset(&rules_err, 0, sizeof(rules_err));
	return vendor_push_request(rules, acme, b, &rules_err);
}

static enum err_code
signed_page(const char *stem, struct buf *b)
{
	uint32_t number;
	enum err_code rc;

	buf_reset(b);
	memset(&rules_err, 0, sizeof(rules_err));
	rc = vendor_request_find(rules, stem, &number, &rules_err);
	return rc == ERR_OK ? vendor_request_page(rules, number, b, &rules_err)
	                    : rc;
}

/* openssl and python say that file is der, signed by the vendor. */
static void
check_signed(struct bytes file, const char *der)
{
	save("file", file);
	sh("base64 -d file >plist && python3 -c 'import plistlib, base64\n"
	   "p = plistlib.load(open(\"plist\", \"rb\"))\n"
	   "open(\"csr\", \"wb\").write(base64.b64decode("
	   "p[\"PushCertRequestCSR\"]))\n"
	   "open(\"sig\", \"wb\").write(base64.b64decode("
	   "p[\"PushCertSignature\"]))' && cmp csr %s && openssl dgst -sha256 "
	   "-verify vendor.pub -signature sig csr",
	    der);
	ok(true, "python and openssl agree");
}

/* ---- system/vendor/sign ------------------------------------------------- */

static bool
refused(const char *from, enum err_code code, const char *part)
{
	enum err_code rc = copy_in(sign, "x.csr", PLACE_VENDOR_REQUEST, from);

	if (rc != code)
		printf("# %s: %s\n", from, err_name(rc));
	return rc == code && says(&rules_err, part) && !exists(sign, "x.csr");
}

static void
test_request_judged(void)
{
	char name[256];

	ok(refused("key.csr", ERR_KEY_REJECTED, "private key"),
	    "a key beside the request is refused");
	ok(refused("a.key", ERR_KEY_REJECTED, "private key"),
	    "a key by mistake");
	ok(refused("v.p12", ERR_KEY_REJECTED, "private key"),
	    "a locked export by mistake");
	ok(refused("vendor.pem", ERR_INVALID, "this is a certificate"),
	    "a certificate by mistake");
	ok(refused("two.csr", ERR_INVALID, "2 requests"), "two in one file");
	ok(refused("broken.csr", ERR_UNDECODABLE, ""), "a damaged one");
	ok(refused("weak.csr", ERR_KEY_REJECTED, "RSA 1024"), "a weak key");
	ok(refused("root.key", ERR_KEY_REJECTED, "made anew"),
	    "with the way out");
	memset(name, 'n', 251);
	strcpy(name + 251, ".csr");
	ok(copy_in(sign, name, PLACE_VENDOR_REQUEST, "a.csr") ==
		ERR_NAME_TOO_LONG,
	    "a name that would be too long when signed");
}

static bool
count(void *arg, const char *stem, uint32_t number)
{
	unsigned *n = arg;

	(void)number;
	*n += strcmp(stem, "pem") == 0 ? 1 : strcmp(stem, "der") == 0 ? 16 : 0;
	return true;
}

static void
test_vendor(void)
{
	struct buf b = { 0 };
	unsigned n = 0;

	ok(signed_page("pem", &b) == ERR_NOT_FOUND, "no request, no page");
	must(copy_in(sign, "pem.csr", PLACE_VENDOR_REQUEST, "a.csr"));
	ok(has_event("CN=other waits: there is no vendor identity"),
	    "without an identity it is taken and waits");
	ok(signed_page("pem", &b) == ERR_INVALID &&
		says(&rules_err, "there is no vendor identity"),
	    "and the page says why");
	ok(copy_in(vendor, "ec.pem", PLACE_VENDOR_FILE, "ec.pem") ==
		    ERR_KEY_REJECTED &&
		says(&rules_err, "RSA alone"),
	    "a vendor certificate with a key that is not RSA is refused");
	must(copy_in(vendor, "both.pem", PLACE_VENDOR_FILE, "both.pem"));
	ok(has_event("vendor: nothing can be signed: the chain") &&
		signed_page("pem", &b) == ERR_KEY_REJECTED &&
		says(&rules_err, "\"CN=Root\" is missing"),
	    "a chain that is not whole signs nothing");
	must(copy_in(vendor, "root.pem", PLACE_VENDOR_FILE, "root.pem"));
	ok(has_event("vendor: the requests in system/vendor/sign/ (1) are "
		     "signed by MDM Vendor: Acme"),
	    "with the root it does, and an event says so");
	must(signed_page("pem", &b));
	check_signed(buf_view(&b), "a.der");
	must(copy_in(sign, "der.csr", PLACE_VENDOR_REQUEST, "a.der"));
	ok(has_event("vendor: the request of CN=other for the key RSA 2048 "
		     "bits (sha256 ") &&
		has_event("status/system/vendor/der.push-request"),
	    "an event for a request that is signed: for whom, which key");
	must(signed_page("der", &b));
	check_signed(buf_view(&b), "a.der");
	must(vendor_request_list(rules, 0, count, &n, &rules_err));
	ok(n == 17, "both are listed");
	save("signed", buf_view(&b));
	ok(refused("signed", ERR_INVALID, "signed already"),
	    "what is signed already is refused");
	take_away(sign, "der.csr");
	ok(signed_page("der", &b) == ERR_NOT_FOUND, "a removed one is gone");
	pass(10 * 86400 * 1000LL);
	ok(signed_page("pem", &b) == ERR_KEY_EXPIRED &&
		says(&rules_err, "ended on"),
	    "a vendor certificate that has ended signs nothing");
	pass(-10 * 86400 * 1000LL);
	buf_free(&b);
}

/* ---- the organization's own --------------------------------------------- */

static enum err_code
request_txn(struct txn *t, void *arg, struct err *err)
{
	struct slot_request r = { .dir = 0 };
	enum err_code rc =
	    slot_request_get(t, slot_of(acme, SLOT_OF_APNS), &r, err);

	if (rc == ERR_OK)
		buf_bytes(arg, buf_view(&r.der));
	slot_request_fini(&r);
	return rc;
}

/* Write subject, and save the request as pending.der. */
static void
ask(const char *subject)
{
	struct buf der = { 0 };

	must(try(apns, "subject", PLACE_SLOT_SUBJECT, subject));
	must(store_view(rules->store, request_txn, &der, &rules_err));
	save("pending.der", buf_view(&der));
	buf_free(&der);
}

static void
test_push_request(void)
{
	struct buf b = { 0 };

	ok(page(&b) == ERR_INVALID && says(&rules_err, "apns/subject"),
	    "without a request the page says how to make one");
	ask("CN=admin@acme.example, C=US");
	must(page(&b));
	check_signed(buf_view(&b), "pending.der");
	take_away(vendor, "both.pem");
	ok(page(&b) == ERR_INVALID && says(&rules_err, "system/vendor/") &&
		says(&rules_err, "mdmcert.download") &&
		says(&rules_err, "status/orgs/acme/apns.csr"),
	    "without a vendor it names the three ways");
	buf_free(&b);
}

/* ---- mdmcert.download --------------------------------------------------- */

static bool
account_refused(const char *text, const char *part)
{
	return try(apns, "mdmcert", PLACE_MDMCERT, text) == ERR_INVALID &&
	       says(&rules_err, part);
}

static void
test_account(void)
{
	struct buf b = { 0 };

	ok(vendor_mdmcert_request(rules, acme, &b, &rules_err) == ERR_NOT_FOUND,
	    "without apns/mdmcert there is no request for the service");
	ok(account_refused("", "email"), "an empty account");
	ok(account_refused("email: a@b.example\n", "\"key: SERVICEKEY\""),
	    "no key");
	ok(account_refused("key: 12\n", "\"email: ADDRESS\""), "no address");
	ok(account_refused("email: a\nkey: 1\n", "line 1: email"),
	    "what is no address");
	ok(account_refused("email: a@b\nemail: c@d\nkey: 1\n", "twice"),
	    "two addresses");
	ok(account_refused("email: a@b\nkye: 1\n", "line 2"), "a typo");
	ok(account_refused("email: a@b\nkey: a\"b\n", "quotes"),
	    "no quote gets into JSON");
	ok(mdmcert_judge_lines(bytes_text("email: a@b\n"), NULL) == ERR_OK &&
		mdmcert_judge_lines(bytes_text("what\n"), NULL) == ERR_INVALID,
	    "lines are judged before the file is whole");
	must(try(apns, "mdmcert", PLACE_MDMCERT,
	    "# the service's\nemail: a@b.example\n\nkey: 0123-abc\r\n"));
	buf_free(&b);
}

/* The service: takes the JSON apart, signs, encrypts for the certificate. */
static void
service_signs(void)
{
	struct buf b = { 0 };

	must(vendor_mdmcert_request(rules, acme, &b, &rules_err));
	save("json", buf_view(&b));
	sh("python3 -c 'import json, base64\n"
	   "j = json.load(open(\"json\"))\n"
	   "assert sorted(j) == [\"csr\", \"email\", \"encrypt\", \"key\"]\n"
	   "assert j[\"email\"] == \"a@b.example\"\n"
	   "assert j[\"key\"] == \"0123-abc\"\n"
	   "for k in \"csr\", \"encrypt\":\n"
	   "    open(k + \".pem\", \"wb\").write(base64.b64decode(j[k], "
	   "validate=True))' && openssl req -verify -in csr.pem -outform der "
	   "-out asked.der");
	sh("openssl dgst -sha256 -sign vendor.key -out s asked.der && "
	   "cat vendor.pem root.pem >chain && python3 -c 'import plistlib, "
	   "base64\n"
	   "b = lambda n: base64.b64encode(open(n, \"rb\").read()).decode()\n"
	   "print(base64.b64encode(plistlib.dumps({\n"
	   "    \"PushCertRequestCSR\": b(\"asked.der\"),\n"
	   "    \"PushCertCertificateChain\": open(\"chain\").read(),\n"
	   "    \"PushCertSignature\": b(\"s\")})).decode())' >service.b64");
	sh("openssl cms -encrypt -binary -aes256 -in service.b64 -outform der "
	   "-out p7 encrypt.pem && xxd -p p7 >answer && xxd -p p7 | tr -d "
	   "'\\n' >line; openssl cms -encrypt -binary -in service.b64 -outform "
	   "der vendor.pem | xxd -p >foreign; echo hello | openssl cms "
	   "-encrypt -binary -outform der encrypt.pem | xxd -p >hello");
	buf_free(&b);
}

static enum err_code
answer(const char *from)
{
	return copy_in(apns, "mdmcert-answer", PLACE_MDMCERT_ANSWER, from);
}

static bool
shows(const char *file)
{
	struct buf b = { 0 }, want = load(file);
	bool same =
	    page(&b) == ERR_OK && bytes_equal(buf_view(&b), buf_view(&want));

	buf_free(&b);
	buf_free(&want);
	return same;
}

static void
test_answer(void)
{
	struct buf first = { 0 }, second = { 0 };

	must(answer("a.hex"));
	ok(answer("a.csr") == ERR_UNDECODABLE,
	    "without a server's keys (mdmfs check) the form alone is judged");
	take_away(apns, "mdmcert-answer");
	service_signs();
	sh("cmp asked.der pending.der");
	ok(true, "the JSON holds the pending request, twice in base64");
	must(vendor_mdmcert_request(rules, acme, &first, &rules_err));
	must(vendor_mdmcert_request(rules, acme, &second, &rules_err));
	ok(bytes_equal(buf_view(&first), buf_view(&second)),
	    "the certificate for the answer is made once");
	ok(has_event("has a key for the answers of mdmcert.download"),
	    "with an event");
	ok(answer("a.csr") == ERR_UNDECODABLE && says(&rules_err, "line 1"),
	    "what is no hexadecimal text is refused");
	ok(answer("foreign") == ERR_KEY_REJECTED &&
		says(&rules_err, "somebody else"),
	    "what was encrypted for somebody else");
	ok(answer("hello") == ERR_UNDECODABLE, "what holds no signed request");
	must(answer("p7"));
	ok(shows("service.b64"), "the DER itself is taken");
	must(answer("line"));
	ok(shows("service.b64"), "hexadecimal digits in one line");
	must(answer("answer"));
	ok(shows("service.b64") && has_event("apns.push-request: upload it"),
	    "or in lines: the page shows what was in it, unchanged");
	must(copy_in(vendor, "both.pem", PLACE_VENDOR_FILE, "both.pem"));
	ok(shows("service.b64"),
	    "also when there is a vendor identity of our own");
	buf_wipe(&first);
	buf_wipe(&second);
}

static void
test_other_answer(void)
{
	struct buf b = { 0 };

	ask("CN=somebody else, C=US");
	must(page(&b));
	check_signed(buf_view(&b), "pending.der");
	take_away(vendor, "both.pem");
	ok(page(&b) == ERR_INVALID && says(&rules_err, "an older request"),
	    "with another request pending the old answer counts no more");
	take_away(apns, "mdmcert-answer");
	ok(answer("answer") == ERR_KEY_REJECTED &&
		says(&rules_err, "CN=admin@acme.example") &&
		says(&rules_err, "CN=somebody else"),
	    "an answer to another request is refused, by both names");
	service_signs();
	must(answer("answer"));
	ok(shows("service.b64"), "the answer to the new one is taken");
	take_away(apns, "mdmcert");
	ok(vendor_mdmcert_request(rules, acme, &b, &rules_err) == ERR_NOT_FOUND,
	    "without an account there is no request for the service");
	buf_free(&b);
}

int
main(void)
{
	static const struct engine_options options;

	material_begin();
	make_material();
	rules_ns = (int64_t)time(NULL) * 1000000000;
	rules_begin(&options);
	acme = org_number("acme");
	apns = put(org_dir("acme"), "apns", PLACE_APNS, "").ino;
	vendor = put(FILE_INO_SYSTEM, "vendor", PLACE_VENDOR, "").ino;
	sign = put(vendor, "sign", PLACE_VENDOR_SIGN, "").ino;
	test_request_judged();
	test_vendor();
	test_push_request();
	test_account();
	test_answer();
	test_other_answer();
	ok(ERR_peek_error() == 0, "OpenSSL's queue of errors is empty");
	engine_close(rules);
	return tap_done();
}
