/* The doctor on the push certificate: its topic, its account, what the push
 * service says of it, what waits. */
#include "tests/model/health.h"

#include "engine/model/probe.h"

static uint64_t acme_dir;

static void
test_waiting(void)
{
	struct file_node apns;

	apns = put(acme_dir, "apns", PLACE_APNS, "");
	put(apns.ino, "subject", PLACE_SLOT_SUBJECT, "CN=acme\n");
	expect("push.present", "acme", HEALTH_FAIL,
	    "sign status/orgs/acme/apns.csr",
	    "a request that waits for its answer is what to do next");
	take_away(apns.ino, "subject");
	take_away(acme_dir, "apns");
}

static enum err_code
probe_txn(struct txn *t, void *arg, struct err *err)
{
	struct probe *p = arg;
	struct slot_facts f;
	enum err_code rc = slot_facts(t, slot_of(acme, SLOT_OF_APNS), &f, err);

	p->org = acme;
	p->identity_version = f.version;
	return rc == ERR_OK ? probe_store(t, p, err) : rc;
}

static void
outcome(enum probe_outcome outcome, int64_t ago, const char *text)
{
	struct probe p = { .outcome = outcome,
		.tried_at = engine_now(rules) - ago };

	snprintf(p.text, sizeof(p.text), "%s", text);
	must(store_update(rules->store, probe_txn, &p, &rules_err));
}

static void
test_push(void)
{
	struct slot_id slot = slot_of(acme, SLOT_OF_APNS);
	struct leaf good = { .by = "Apple-sub",
		.ext = "push.ext",
		.subject = "/UID=" TOPIC "/CN=APSP:x",
		.days = 365 };
	struct leaf foreign = { .by = "own-sub",
		.ext = "push.ext",
		.subject = "/UID=com.apple.mgmt.External.2/CN=APSP:y",
		.days = 365 };
	struct file_node apns;

	expect("push.present", "acme", HEALTH_FAIL, "no device can enroll",
	    "without a push certificate no device can enroll");
	examine();
	ok(h.certs[0].role == HEALTH_PUSH && !h.certs[0].present &&
		h.certs[0].state == HEALTH_FAIL && h.certs[0].todo[0] != '\0',
	    "it stands first among the certificates, as missing");
	install(slot, &good);
	expect_pass("push.present", "acme", "a push certificate is there");
	expect_pass("push.issuer", "acme", "of Apple");
	expect_pass("push.end", "acme", "for a year");
	expect("push.account", "acme", HEALTH_WARN, "apple-account",
	    "an Apple Account that nobody wrote down is warned of");
	apns = put(acme_dir, "apns", PLACE_APNS, "");
	put(apns.ino, "apple-account", PLACE_APPLE_ACCOUNT, "it@acme.example");
	expect("push.account", "acme", HEALTH_PASS, "it@acme.example",
	    "once it stands there, it is told");
	expect_pass("push.topic", "acme", "any topic is good for no device");
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "H-1", "SERIAL"));
	must(token_update(acme, 1, "H-1", "", TOPIC));
	expect("push.topic", "acme", HEALTH_PASS, "devices (1) use",
	    "the one that devices use is good");
	examine();
	ok(h.n_devices == 2 && h.devices[0].enrolled == 1,
	    "devices are counted by organization");

	expect("push.live", "acme", HEALTH_WARN, "not asked yet",
	    "a certificate that was not tried");
	outcome(PROBE_ACCEPTED, 60, "");
	expect_pass("push.live", "acme", "one that was taken passes");
	install(slot, &foreign);
	expect("push.issuer", "acme", HEALTH_WARN, "is not Apple",
	    "an issuer that is not Apple is warned of");
	outcome(PROBE_ACCEPTED, 60, "");
	expect_pass("push.issuer", "acme",
	    "unless the push service takes the certificate");
	install(slot, &good);
	outcome(PROBE_ACCEPTED, 4 * 86400, "");
	expect(
	    "push.live", "acme", HEALTH_WARN, "last asked", "but not for ever");
	outcome(PROBE_REFUSED, 60, "403 BadCertificate: revoked");
	expect("push.live", "acme", HEALTH_FAIL, "403 BadCertificate",
	    "one that was refused fails, with Apple's reason");
	outcome(PROBE_UNREACHABLE, 60, "cannot connect");
	expect("push.live", "acme", HEALTH_WARN, "api.push.apple.com",
	    "a service that cannot be reached is warned of");
	install(slot, &foreign);
	expect("push.live", "acme", HEALTH_WARN, "not asked yet",
	    "the outcome counts for one certificate alone");
	expect("push.topic", "acme", HEALTH_FAIL,
	    "renew, don't create, the certificate of topic " TOPIC
	    " at identity.apple.com with Apple Account it@acme.example",
	    "another topic fails, with the way back");
	expect("push.topic", "acme", HEALTH_FAIL,
	    "com.apple.mgmt.External.2, but the enrolled devices (1)",
	    "and both topics and the number of devices");
	expect("push.issuer", "acme", HEALTH_WARN, "CN=own-sub",
	    "an issuer that is not Apple is named");
}

static void
test_outbox(void)
{
	expect_pass("push.outbox", "", "a push waits for a moment");
	must(device_push(
	    rules, device_number("H-1"), 0, &rules_root, &rules_err));
	pass(1000 * 1000);
	expect("push.outbox", "", HEALTH_WARN, "15 minutes",
	    "but not for 15 minutes");
}

int
main(void)
{
	health_begin("world.pem");
	acme_dir = org_dir("acme");
	test_waiting();
	test_push();
	test_outbox();
	return health_done();
}
