/* What a device may say, as exchanges: who is believed, what is answered. */
#include "tests/mdm/doors.h"

#include "engine/base/text.h"
#include "tests/pki/material.h"

#define UDID  "00008030-001A2B3C4D5E6F01"
#define PROXY "10.1.2.3"

static struct buf device_der, other_der;

static void
device_door(struct exchange *x, struct mdm *m, enroll_form_fn *draw)
{
	(void)draw;
	mdm_exchange(x, m);
}

static const struct request plain = {
	.method = "PUT", .path = "/mdm/acme", .peer = "192.0.2.1"
};

static int
put_message(const struct request *r, const char *body)
{
	struct request with_body = *r;

	with_body.body = bytes_text(body);
	return ask(device_door, &with_body);
}

/* The device's own certificate in TLS. */
static int
say(const char *body)
{
	struct request r = plain;

	r.cert = buf_view(&device_der);
	return put_message(&r, body);
}

#define DICT(s)    "<plist version=\"1.0\"><dict>" s "</dict></plist>"
#define STR(k, v)  "<key>" k "</key><string>" v "</string>"
#define DATA(k, v) "<key>" k "</key><data>" v "</data>"
#define ID         STR("UDID", UDID)
#define TYPE(t)    STR("MessageType", t) ID
#define TOKEN                                                                  \
	STR("Topic", TOPIC) STR("PushMagic", "magic") DATA("Token", "q80=")

static const char idle[] = DICT(ID STR("Status", "Idle"));
static const char authenticate_body[] =
    DICT(TYPE("Authenticate") STR("Topic", TOPIC) STR("SerialNumber", "S1"));

/* ---- who ---------------------------------------------------------------- */

static void
believe(const struct buf *der, uint32_t org, int64_t expires)
{
	struct issued i = {
		.org = org, .state = CERT_VALID, .expires = expires
	};
	struct cert *c = NULL;

	must(cert_parse(buf_view(der), &c, &rules_err));
	memcpy(i.fingerprint, cert_fingerprint(c), sizeof(i.fingerprint));
	cert_free(c);
	must(store_update(rules->store, issue_txn, &i, &rules_err));
}

/* body, signed: base64 of a detached CMS. */
static struct buf
sign(const char *name, const char *body)
{
	struct buf der, b64 = { 0 };

	save("body", bytes_text(body));
	sh("openssl cms -sign -binary -outform der -in body -signer %s.pem "
	   "-inkey %s.key -out sig",
	    name, name);
	der = load("sig");
	text_base64(&b64, buf_view(&der));
	buf_free(&der);
	return b64;
}

static void
test_nobody(void)
{
	struct request r = plain;

	ok(put_message(&plain, idle) == 400 && answers("Mdm-Signature") &&
		answers("client certificate"),
	    "without a certificate: 400, and what is missing");
	r.cert = buf_view(&device_der);
	ok(put_message(&r, idle) == 400,
	    "before Authenticate nothing is answered");
	r.cert = bytes_text("no certificate");
	ok(put_message(&r, idle) == 400, "what is no certificate: 400");
	r.cert = buf_view(&device_der);
	r.org = "nowhere";
	ok(put_message(&r, idle) == 404,
	    "an organization that is not there: 404");
}

static void
test_enrollment(void)
{
	struct buf page = { 0 };

	ok(say(authenticate_body) == 200 && reply.len == 0 && type[0] == '\0',
	    "Authenticate: 200, no bytes, no content type");
	ok(say(DICT(TYPE("TokenUpdate") STR("Topic", TOPIC)
		   STR("PushMagic", "m"))) == 400 &&
		answers("TokenUpdate without Token"),
	    "TokenUpdate without Token");
	ok(say(DICT(TYPE("TokenUpdate") STR("Topic", TOPIC)
		   DATA("Token", "q80="))) == 400 &&
		answers("without PushMagic"),
	    "TokenUpdate without PushMagic");
	ok(say(DICT(TYPE("TokenUpdate") STR("PushMagic", "m")
		   DATA("Token", "q80="))) == 400 &&
		answers("without Topic"),
	    "TokenUpdate without Topic");
	ok(say(DICT(TYPE("TokenUpdate") STR("Topic", TOPIC)
		   STR("PushMagic", "m") STR("Token", "text"))) == 400,
	    "a Token that is text is none");
	ok(say(DICT(TYPE("TokenUpdate") TOKEN)) == 200 && reply.len == 0,
	    "TokenUpdate: 200");
	must(device_status_page(
	    rules, device_number(UDID), 0, &page, &rules_err));
	ok(strstr(buf_str(&page), "state: enrolled\n") != NULL,
	    "then it is enrolled");
	buf_free(&page);
}

static void
test_signature(void)
{
	struct request r = plain;
	struct buf s = sign("device", idle);
	struct buf theirs = sign("other", idle);

	r.header[0] = "mdm-signature";
	r.header[1] = buf_str(&s);
	ok(put_message(&r, idle) == 200 && reply.len == 0,
	    "Idle with a signature: 200, no bytes");
	ok(put_message(&r, DICT(STR("UDID", UDID) STR("Status", "Idle "))) ==
		400,
	    "the signature of another body");
	r.cert = buf_view(&other_der);
	ok(put_message(&r, idle) == 200,
	    "the signature goes before the certificate");
	r.cert = buf_view(&device_der);
	r.header[1] = buf_str(&theirs);
	ok(put_message(&r, idle) == 400, "also when it is another's");
	r.header[1] = "!!!";
	ok(put_message(&r, idle) == 400, "a signature that is no base64");
	buf_free(&s);
	buf_free(&theirs);
}

static void
test_proxy(void)
{
	struct request r = plain;
	struct buf v = { 0 };

	buf_char(&v, ':');
	text_base64(&v, buf_view(&device_der));
	buf_char(&v, ':');
	r.header[0] = "client-cert";
	r.header[1] = buf_str(&v);
	ok(put_message(&r, idle) == 400, "anybody may send Client-Cert: 400");
	r.peer = PROXY;
	ok(put_message(&r, idle) == 200,
	    "a trusted proxy's Client-Cert is believed");
	r.cert = buf_view(&device_der);
	r.header[1] = ":QUJD:";
	ok(put_message(&r, idle) == 400, "but not rubbish in it");
	r.header[1] = buf_str(&v) + 1;
	ok(put_message(&r, idle) == 400 && answers("RFC 9440"),
	    "nor another form of it, which is told");
	r.header[0] = NULL;
	ok(put_message(&r, idle) == 400,
	    "the proxy's own certificate is no device's");
	buf_free(&v);
}

static void
test_impostors(void)
{
	struct request r = plain;

	r.cert = buf_view(&other_der);
	ok(put_message(&r, idle) == 400, "another organization's certificate");
	r.org = "umbrella";
	ok(put_message(&r, idle) == 400, "a device of another organization");
	ok(put_message(&r, authenticate_body) == 400 &&
		!strstr(buf_str(&reply), "acme"),
	    "a UDID that is enrolled elsewhere: who has it is not told");
	ok(put_message(&r, DICT(TYPE("CheckOut"))) == 400,
	    "CheckOut for another");
	r = plain;
	r.cert = buf_view(&device_der);
	r.later = INT64_C(400000000);
	ok(put_message(&r, idle) == 400, "a certificate that has ended: 400");
}

/* ---- what --------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *body; int status; const char *what; } words[] = {
	{ "",                                             400, "nothing at all" },
	{ "hello",                                        400, "no property list" },
	{ "<plist><dict><key>UDID",                       400, "a cut one" },
	{ "<plist version=\"1.0\"><array/></plist>",      400, "an array" },
	{ "<plist version=\"1.0\"><string>x</string></plist>", 400, "a string" },
	{ DICT(""),                                       400, "an empty dictionary" },
	{ DICT(ID),                                       400, "neither MessageType nor Status" },
	{ DICT(STR("Status", "Idle")),                    400, "nobody's Idle" },
	{ DICT("<key>UDID</key><integer>1</integer>" STR("Status", "Idle")), 400, "a UDID that is a number" },
	{ DICT(STR("UDID", "../../etc") STR("Status", "Idle")), 400, "a UDID that is a path" },
	{ DICT(STR("UDID", "") STR("Status", "Idle")),    400, "an empty UDID" },
	{ DICT(ID STR("Status", "Asleep")),               400, "an unknown Status" },
	{ DICT(ID STR("Status", "Acknowledged")),         400, "an answer without CommandUUID" },
	{ DICT(ID STR("Status", "NotNow")),               400, "NotNow without CommandUUID" },
	{ DICT(TYPE("Nonsense")),                         400, "an unknown MessageType" },
	{ DICT("<key>MessageType</key><integer>1</integer>" ID STR("Status", "Idle")), 200, "a MessageType that is a number is none" },
	{ DICT(TYPE("GetToken") STR("TokenServiceType", "com.apple.maid")), 400, "GetToken without such a service" },
	{ DICT(TYPE("UserAuthenticate") STR("UserID", "U")), 410, "UserAuthenticate: 410" },
	{ DICT(ID STR("UserID", "nobody") STR("Status", "Idle")), 400, "Idle of a user that is not known" },
	{ DICT(ID STR("CommandUUID", "never") STR("Status", "Acknowledged")), 200, "an answer to what was never asked" },
	{ DICT(ID STR("CommandUUID", "never") STR("Status", "Error")), 200, "an Error to what was never asked" },
	{ DICT(ID STR("CommandUUID", "never") STR("Status", "NotNow")), 200, "NotNow to what was never asked" },
	{ DICT(ID STR("Status", "Idle") STR("Further", "key")), 200, "keys that are not known do no harm" },
};
/* clang-format on */

static void
test_words(void)
{
	struct request r = plain;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		ok(say(words[i].body) == words[i].status, words[i].what);
		r.cert = buf_view(&other_der);
		if (put_message(&r, words[i].body) == 401 || status == 403 ||
		    status == 0 || status >= 500)
			ok(false, "401 and 403 would dismiss the device");
	}
}

static void
test_bootstrap_token(void)
{
	ok(say(DICT(TYPE("GetBootstrapToken"))) == 200 && reply.len == 0,
	    "no bootstrap token: 200, no bytes");
	ok(say(DICT(TYPE("SetBootstrapToken")
		   DATA("BootstrapToken", "wP/u"))) == 200 &&
		reply.len == 0,
	    "a bootstrap token is taken");
	ok(say(DICT(TYPE("GetBootstrapToken"))) == 200 && answers("wP/u") &&
		strcmp(type, "application/xml") == 0,
	    "and given back");
	ok(say(DICT(TYPE("SetBootstrapToken") DATA("BootstrapToken", ""))) ==
		    200 &&
		say(DICT(TYPE("GetBootstrapToken"))) == 200 && reply.len == 0,
	    "an empty one removes it");
}

static void
test_command(void)
{
	uint64_t dir =
	    file_device_dir(device_number(UDID), 0, FILE_DEVICE_COMMANDS);
	uint64_t results =
	    file_device_dir(device_number(UDID), 0, FILE_DEVICE_RESULTS);
	char answer[512];
	struct buf kept = { 0 };
	struct file_node n;
	struct pl *p = NULL;

	put(dir, "lock", PLACE_COMMAND, "DeviceLock PIN=123456\n");
	ok(say(idle) == 200 && answers("DeviceLock") &&
		strcmp(type, "application/xml; charset=UTF-8") == 0,
	    "Idle gets the command that waits");
	must(pl_parse(buf_view(&reply), &p, &rules_err));
	ok(pl_get_dict(p, "Command") != NULL &&
		pl_get_string(p, "CommandUUID") != NULL,
	    "in its envelope");
	snprintf(answer, sizeof(answer),
	    DICT(ID STR("Status", "Acknowledged") STR("CommandUUID", "%s")),
	    pl_get_string(p, "CommandUUID"));
	ok(say(answer) == 200 && reply.len == 0, "the answer ends it");
	must(file_find(rules, results, "lock", &n, &rules_err));
	must(file_read(rules, n.ino, &kept, &rules_err));
	ok(strcmp(buf_str(&kept), answer) == 0, "and is kept byte for byte");
	ok(!exists(dir, "lock"), "commands/ is empty again");
	buf_free(&kept);
	pl_free(p);
}

static void
test_check_out(void)
{
	ok(say(DICT(TYPE("CheckOut"))) == 200, "CheckOut: 200");
	ok(say(idle) == 400, "who has left must enroll again");
	ok(say(authenticate_body) == 400,
	    "not with the certificate that it had");
}

int
main(void)
{
	const struct engine_options options = { .proxies = { "10.0.0.0/8" } };

	material_begin();
	sh("for n in device other; do openssl req -x509 -newkey ec -pkeyopt "
	   "ec_paramgen_curve:P-256 -nodes -keyout $n.key -out $n.pem -days "
	   "30 -subj /CN=$n; openssl x509 -in $n.pem -outform der -out "
	   "$n.der; done");
	device_der = load("device.der");
	other_der = load("other.der");
	rules_ns = (int64_t)time(NULL) * 1000000000;
	doors_begin(&options);
	test_nobody();
	believe(&device_der, acme, engine_now(rules) + INT64_C(300000000));
	believe(&other_der, org_number("umbrella"), INT64_C(9990000000));
	test_enrollment();
	test_signature();
	test_proxy();
	test_impostors();
	test_words();
	test_bootstrap_token();
	test_command();
	test_check_out();
	ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");
	buf_free(&device_der);
	buf_free(&other_der);
	return doors_done();
}
