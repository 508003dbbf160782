/* Enrollments over the air that are under way: how long, whose, what a device
 * may post.  Whole ones are in tests/system/ota.t. */
#include "engine/mdm/ota.h"

#include "engine/model/ota_sessions.h"
#include "tests/mdm/doors.h"
#include "tests/pki/material.h"

/* ---- sessions ----------------------------------------------------------- */

struct session {
	const char *challenge;
	uint32_t org;
	int64_t now;
	struct ota o;
};

static enum err_code
add_txn(struct txn *t, void *arg, struct err *err)
{
	struct session *s = arg;

	return ota_add(t, &s->o, s->challenge, s->now, err);
}

static enum err_code
read_txn(struct txn *t, void *arg, struct err *err)
{
	struct session *s = arg;

	return ota_read(t, s->org, s->challenge, &s->o, err);
}

static void
add(const char *challenge, enum ota_state state)
{
	struct session s = { .challenge = challenge,
		.now = engine_now(rules),
		.o = { .org = acme, .state = state } };

	snprintf(s.o.udid, sizeof(s.o.udid), "U1");
	snprintf(s.o.final, sizeof(s.o.final), "%032d", 7);
	must(store_update(rules->store, add_txn, &s, &rules_err));
}

static enum err_code
find(const char *challenge, uint32_t org, struct ota *ret)
{
	struct session s = { .challenge = challenge, .org = org };
	enum err_code rc = store_view(rules->store, read_txn, &s, &rules_err);

	if (rc == ERR_OK)
		*ret = s.o;
	return rc;
}

static void
test_sessions(void)
{
	struct ota o = { .org = 0 };
	int64_t now = engine_now(rules);

	add("first", OTA_BEGUN);
	ok(find("first", acme, &o) == ERR_OK && o.state == OTA_BEGUN &&
		o.org == acme && strcmp(o.udid, "U1") == 0 &&
		strlen(o.final) == CHALLENGE_LEN,
	    "what is kept comes back");
	ok(o.expires == now + OTA_LIFE, "it is good for an hour");
	ok(find("First", acme, &o) == ERR_NOT_FOUND, "by its challenge alone");
	ok(find("first", org_number("umbrella"), &o) == ERR_NOT_FOUND,
	    "in its organization alone");
	pass(OTA_LIFE * 1000 - 1);
	add("second", OTA_BEGUN);
	ok(find("first", acme, &o) == ERR_OK, "to the last second");
	pass(1000);
	add("third", OTA_BEGUN);
	ok(find("first", acme, &o) == ERR_NOT_FOUND,
	    "then the next one takes it away");
	ok(find("second", acme, &o) == ERR_OK, "but no other");
}

/* ---- messages ----------------------------------------------------------- */

static int
post(struct bytes body)
{
	return ask(
	    mdm_ota, &(struct request){ .path = "/ota/acme", .body = body });
}

/* Signed by key, with that challenge. */
static struct buf
message(const char *key, const char *udid, const char *challenge)
{
	struct buf says = { 0 };

	buf_printf(&says,
	    "<plist version=\"1.0\"><dict><key>UDID</key><string>%s</string>"
	    "<key>SERIAL</key><string>S1</string>%s%s%s</dict></plist>",
	    udid, challenge == NULL ? "" : "<key>CHALLENGE</key><string>",
	    challenge == NULL ? "" : challenge,
	    challenge == NULL ? "" : "</string>");
	save("says", buf_view(&says));
	buf_free(&says);
	sh("openssl cms -sign -binary -nodetach -outform der -in says -signer "
	   "%s.pem -inkey %s.key -out cms",
	    key, key);
	return load("cms");
}

static int
say(const char *key, const char *udid, const char *challenge)
{
	struct buf b = message(key, udid, challenge);
	int got = post(buf_view(&b));

	buf_free(&b);
	return got;
}

static bool
tells_nothing(void)
{
	return strstr(buf_str(&reply), "the enrollment cannot go on") != NULL;
}

static void
test_refusals(void)
{
	add("begun", OTA_BEGUN);
	add("page", OTA_WEB);
	add("done", OTA_DONE);
	ok(say("device", "U1", "nobody's") == 403 && tells_nothing(),
	    "a challenge that nobody made");
	ok(say("device", "U1", "page") == 403 && tells_nothing() &&
		has_event("UDID U1: the challenge is that of a page"),
	    "that of ADE's page");
	ok(say("device", "U1", "done") == 403 && tells_nothing() &&
		has_event("used already, by the device with UDID U1"),
	    "one that was used");
	ok(say("device", "U1", NULL) == 400 && has_event("no CHALLENGE"),
	    "none");
	ok(say("device", "", "begun") == 400 &&
		say("device", "a b", "begun") == 400,
	    "a UDID that is none");
	ok(say("device", "U1", "begun") == 403 && tells_nothing() &&
		has_event("not open to everybody"),
	    "a device that the gate does not let in");
	pass(OTA_LIFE * 1000);
	ok(say("device", "U1", "begun") == 403 && tells_nothing() &&
		has_event("UDID U1: the challenge has expired"),
	    "one that is an hour old");
}

static void
test_certificates(void)
{
	struct issued i = {
		.org = acme, .state = CERT_VALID, .expires = INT64_C(9990000000)
	};
	struct buf der = load("device.der");
	struct cert *c = NULL;

	must(cert_parse(buf_view(&der), &c, &rules_err));
	memcpy(i.fingerprint, cert_fingerprint(c), sizeof(i.fingerprint));
	must(store_update(rules->store, issue_txn, &i, &rules_err));
	add("fresh", OTA_BEGUN);
	ok(say("device", "U1", "fresh") == 403 && tells_nothing() &&
		has_event("issued for another device or enrollment"),
	    "a certificate of ours, before there is one for this enrollment");
	i.org = org_number("umbrella");
	must(store_update(rules->store, issue_txn, &i, &rules_err));
	ok(say("device", "U1", "fresh") == 403 && tells_nothing() &&
		has_event("a certificate of another organization"),
	    "one of another organization");
	cert_free(c);
	buf_free(&der);
}

/* Whatever is changed in a message, it is refused, and nothing breaks. */
static void
test_altered(void)
{
	struct buf b = message("other", "U1", "fresh");
	size_t i, refused = 0, n = 0;

	for (i = 0; i < b.len; i += 7, n++) {
		b.p[i] ^= 0x41;
		refused += post(buf_view(&b)) >= 400;
		b.p[i] ^= 0x41;
	}
	ok(refused == n, "altered messages");
	for (i = n = refused = 0; i < b.len; i += 61, n++)
		refused += post(bytes_of(b.p, i)) == 400;
	ok(refused == n, "messages that are cut short");
	buf_free(&b);
}

int
main(void)
{
	const struct engine_options options = { .state_dir = NULL };

	material_begin();
	sh("for n in device other; do openssl req -x509 -newkey rsa:2048 "
	   "-nodes -keyout $n.key -out $n.pem -days 30 -subj /CN=$n; openssl "
	   "x509 -in $n.pem -outform der -out $n.der; done");
	doors_begin(&options);
	test_sessions();
	test_refusals();
	test_certificates();
	test_altered();
	ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");
	return doors_done();
}
