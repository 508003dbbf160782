/* What a device may say, as exchanges: who is believed, what is answered. */
#include "engine/mdm/mdm.h"

#include "engine/base/arena.h"
#include "engine/base/text.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

#define UDID  "00008030-001A2B3C4D5E6F01"
#define PROXY "10.1.2.3"

static struct mdm *mdm;
static uint32_t acme;
static struct buf device_der, other_der;

/* A request and, after ask(), its answer. */
struct request {
	const char *org;
	const char *peer;
	struct bytes cert;     /* of TLS */
	const char *header[2]; /* name, value */
	int64_t later;         /* seconds from now */
};

static const struct request plain = { .org = "acme", .peer = "192.0.2.1" };
static int status;
static char type[64];
static struct buf reply;

static int
ask(const struct request *r, const char *body)
{
	struct exchange_header h = { r->header[0], BYTES_NONE };
	struct exchange x = { .method = "PUT",
		.path = "/mdm/acme",
		.host = "mdm.example.com",
		.body = bytes_text(body),
		.peer_cert = r->cert,
		.peer = r->peer,
		.params = { r->org },
		.now = engine_now(rules) + r->later,
		.arena = arena_new() };

	if (r->header[0] != NULL) {
		h.value = bytes_text(r->header[1]);
		x.headers = &h;
		x.n_headers = 1;
	}
	mdm_exchange(&x, mdm);
	status = x.status;
	snprintf(type, sizeof(type), "%s",
	    x.content_type == NULL ? "" : x.content_type);
	buf_reset(&reply);
	buf_bytes(&reply, buf_view(&x.reply));
	buf_free(&x.reply);
	arena_free(x.arena);
	return status;
}

static bool
answers(const char *part)
{
	bool yes = strstr(buf_str(&reply), part) != NULL;

	if (!yes)
		printf("# answers \"%s\", not \"%s\"\n", buf_str(&reply), part);
	return yes;
}

/* The device's own certificate in TLS. */
static int
say(const char *body)
{
	struct request r = plain;

	r.cert = buf_view(&device_der);
	return ask(&r, body);
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

	ok(ask(&plain, idle) == 400 && answers("Mdm-Signature") &&
		answers("client certificate"),
	    "without a certificate: 400, and what is missing");
	r.cert = buf_view(&device_der);
	ok(ask(&r, idle) == 400, "before Authenticate nothing is answered");
	r.cert = bytes_text("no certificate");
	ok(ask(&r, idle) == 400, "what is no certificate: 400");
	r.cert = buf_view(&device_der);
	r.org = "nowhere";
	ok(ask(&r, idle) == 404, "an organization that is not there: 404");
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
	ok(ask(&r, idle) == 200 && reply.len == 0,
	    "Idle with a signature: 200, no bytes");
	ok(ask(&r, DICT(STR("UDID", UDID) STR("Status", "Idle "))) == 400,
	    "the signature of another body");
	r.cert = buf_view(&other_der);
	ok(ask(&r, idle) == 200, "the signature goes before the certificate");
	r.cert = buf_view(&device_der);
	r.header[1] = buf_str(&theirs);
	ok(ask(&r, idle) == 400, "also when it is another's");
	r.header[1] = "!!!";
	ok(ask(&r, idle) == 400, "a signature that is no base64");
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
	ok(ask(&r, idle) == 400, "anybody may send Client-Cert: 400");
	r.peer = PROXY;
	ok(ask(&r, idle) == 200, "a trusted proxy's Client-Cert is believed");
	r.cert = buf_view(&device_der);
	r.header[1] = ":QUJD:";
	ok(ask(&r, idle) == 400, "but not rubbish in it");
	r.header[1] = buf_str(&v) + 1;
	ok(ask(&r, idle) == 400 && answers("RFC 9440"),
	    "nor another form of it, which is told");
	r.header[0] = NULL;
	ok(ask(&r, idle) == 400, "the proxy's own certificate is no device's");
	buf_free(&v);
}

static void
test_impostors(void)
{
	struct request r = plain;

	r.cert = buf_view(&other_der);
	ok(ask(&r, idle) == 400, "another organization's certificate");
	r.org = "umbrella";
	ok(ask(&r, idle) == 400, "a device of another organization");
	ok(ask(&r, authenticate_body) == 400 &&
		!strstr(buf_str(&reply), "acme"),
	    "a UDID that is enrolled elsewhere: who has it is not told");
	ok(ask(&r, DICT(TYPE("CheckOut"))) == 400, "CheckOut for another");
	r = plain;
	r.cert = buf_view(&device_der);
	r.later = INT64_C(400000000);
	ok(ask(&r, idle) == 400, "a certificate that has ended: 400");
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
		if (ask(&r, words[i].body) == 401 || status == 403 ||
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

/* ---- the profile over HTTPS --------------------------------------------- */

static char retry_after[16];

/* Of get(). */
static const char *get_peer = "192.0.2.1";
static const char *get_forwarded[2]; /* X-Forwarded-For, once or twice */

static int
get(void (*fn)(struct exchange *, struct mdm *), const char *org)
{
	struct exchange_header h[2] = { 0 };
	struct exchange x = { .method = "GET",
		.path = "/enroll/acme",
		.host = "mdm.example.com",
		.peer = get_peer,
		.headers = h,
		.params = { org },
		.now = engine_now(rules),
		.arena = arena_new() };

	while (x.n_headers < 2 && get_forwarded[x.n_headers] != NULL) {
		h[x.n_headers].name = "x-forwarded-for";
		h[x.n_headers].value = bytes_text(get_forwarded[x.n_headers]);
		x.n_headers++;
	}
	fn(&x, mdm);
	buf_reset(&reply);
	buf_bytes(&reply, buf_view(&x.reply));
	retry_after[0] = '\0';
	for (size_t i = 0; i < x.n_reply_headers; i++)
		if (strcmp(x.reply_headers[i].name, "retry-after") == 0)
			snprintf(retry_after, sizeof(retry_after), "%.*s",
			    (int)x.reply_headers[i].value.len,
			    (const char *)x.reply_headers[i].value.p);
	buf_free(&x.reply);
	arena_free(x.arena);
	return x.status;
}

static void
plain_enroll(struct exchange *x, struct mdm *m)
{
	mdm_enroll(x, m, NULL);
}

static void
test_profile(void)
{
	struct file_node org, dir;

	ok(get(plain_enroll, "acme") == 403 && answers("not open to everybody"),
	    "no profile for everybody unless enrollment/open says so");
	ok(get(plain_enroll, "nowhere") == 404, "nor for an organization "
						"that is not there");
	must(file_find(rules, FILE_INO_ORGS, "acme", &org, &rules_err));
	dir = put(org.ino, "enrollment", PLACE_ENROLLMENT, "");
	put(dir.ino, "open", PLACE_ENROLLMENT_OPEN, "");
	ok(get(plain_enroll, "acme") == 403 && answers("no push certificate"),
	    "nor without a push certificate");
}

static void
test_rate(void)
{
	int i, refused = 0;

	ok(get(mdm_trust, NULL) == 200 && answers("com.apple.security.root"),
	    "the roots are given to everybody");
	for (i = 0; i < 100; i++)
		refused += get(plain_enroll, "acme") == 429;
	ok(refused >= 40 && answers("try again in 10 seconds"),
	    "who asks for profiles too often is told to wait");
	ok(strcmp(retry_after, "10") == 0, "also in Retry-After");
	ok(get(mdm_trust, NULL) == 429, "this goes for the roots as well");
	pass(INT64_C(60000));
	ok(get(plain_enroll, "acme") == 403, "a minute later it is answered");
}

/* How many of n profiles are asked for too often. */
static int
refused_of(int n, const char *peer, const char *one, const char *two)
{
	int refused = 0;

	get_peer = peer;
	get_forwarded[0] = one;
	get_forwarded[1] = two;
	while (n-- > 0)
		refused += get(plain_enroll, "acme") == 429;
	get_peer = "192.0.2.1";
	get_forwarded[0] = get_forwarded[1] = NULL;
	return refused;
}

static void
test_forwarded_rate(void)
{
	const char *far = "192.0.2.50";

	pass(INT64_C(600000));
	ok(refused_of(70, PROXY, far, NULL) == 10,
	    "behind a proxy each address has a limit of its own");
	ok(refused_of(1, PROXY, "203.0.113.9, 192.0.2.50", NULL) == 1,
	    "what the client itself has written in front of it does not count");
	ok(refused_of(1, PROXY, "203.0.113.9", "192.0.2.50") == 1,
	    "nor in a header of its own");
	ok(refused_of(1, PROXY, "192.0.2.50, 10.9.9.9", NULL) == 1,
	    "a second proxy on the way is passed over");
	ok(refused_of(1, PROXY, "192.0.2.50:4711", NULL) == 1,
	    "a port makes no other address");
	ok(refused_of(5, PROXY, "192.0.2.51", NULL) == 0, "nobody else waits");
	ok(refused_of(70, PROXY, "[2001:db8::1]:443", NULL) == 10 &&
		refused_of(1, PROXY, "2001:db8::2", NULL) == 1,
	    "a network of IPv6 counts as one here, too");
	ok(refused_of(1, "127.0.0.1", far, NULL) == 0 &&
		refused_of(1, far, "192.0.2.52", NULL) == 1,
	    "nobody but a trusted proxy is believed");
	pass(INT64_C(600000));
	ok(refused_of(700, "127.0.0.1", NULL, NULL) == 0,
	    "this machine may always ask");
	ok(refused_of(700, "127.0.0.1", far, NULL) == 100,
	    "what speaks here for others shares the limit for all");
	pass(INT64_C(600000));
	ok(refused_of(700, PROXY, "127.0.0.1", NULL) == 100,
	    "so does who says that he is this machine");
	pass(INT64_C(600000));
	ok(refused_of(700, PROXY, NULL, NULL) == 100 &&
		refused_of(1, PROXY, "rubbish", NULL) == 1,
	    "and a proxy that does not say for whom");
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
	rules_begin(&options);
	acme = org_number("acme");
	must(mdm_open(rules, &mdm, &rules_err));
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
	test_profile();
	test_rate();
	test_forwarded_rate();
	ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");
	mdm_close(mdm);
	engine_close(rules);
	buf_free(&device_der);
	buf_free(&other_der);
	buf_free(&reply);
	return tap_done();
}
