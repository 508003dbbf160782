/* What was being pushed when the server died; what counts as pushed. */
#include "engine/model/mass.h"
#include "engine/model/slots.h"
#include "engine/push/push_priv.h"
#include "tests/model/rules.h"

static uint32_t acme;
static struct channel_id id;
static uint64_t commands;
static struct batch batch;
static struct identity *identity;

/* The organization's push certificate: of its facts alone is asked. */
static enum err_code
certificate_txn(struct txn *t, void *arg, struct err *err)
{
	return slot_install(t, slot_of(acme, SLOT_OF_APNS), arg, err);
}

/* How many pushes may go out now. */
static size_t
lease(void)
{
	batch.engine = rules;
	batch.now = engine_now(rules);
	must(outbox_lease(&batch, &rules_err));
	return batch.n;
}

static void
settle_for(const struct outgoing *o, enum apns_outcome outcome)
{
	struct sending s = { .id = id,
		.lease = o->lease,
		.newest = o->newest,
		.org = o->org,
		.identity_version = o->identity_version };

	s.result.outcome = outcome;
	snprintf(s.result.text, sizeof(s.result.text), "%s",
	    apns_outcome_name(outcome));
	must(outbox_settle(rules, &s, &rules_err));
}

static void
settle(enum apns_outcome outcome)
{
	struct outgoing o = batch.out[0];

	settle_for(&o, outcome);
}

/* What the queue page says of a command. */
static bool
state_is(const char *name, const char *state)
{
	struct buf page = { 0 };
	char part[128];
	bool yes;

	must(device_queue_page(rules, id.device, 0, &page, &rules_err));
	snprintf(part, sizeof(part), "\t%s\tSettings\t%s\t", name, state);
	yes = strstr(buf_str(&page), part) != NULL;
	if (!yes)
		printf("# %s", buf_str(&page));
	buf_free(&page);
	return yes;
}

static void
test_pushed(void)
{
	put(commands, "a", PLACE_COMMAND,
	    "Settings Item=DeviceName DeviceName=a\n");
	ok(state_is("a", "queued"), "a command is queued");
	ok(lease() == 1, "and wants a push");
	ok(state_is("a", "queued"), "one under way is none yet");
	put(commands, "b", PLACE_COMMAND,
	    "Settings Item=DeviceName DeviceName=b\n");
	settle(APNS_ACCEPTED);
	ok(state_is("a", "pushed"), "one that was taken counts");
	ok(state_is("b", "queued"),
	    "but not for a command that came after it had begun");
	ok(lease() == 1, "which has its own");
	settle(APNS_TRY_LATER);
	ok(state_is("b", "queued"), "one that failed counts for nothing");
	pass(60000);
	ok(lease() == 1, "it is tried again");
	settle(APNS_ACCEPTED);
	ok(state_is("a", "pushed") && state_is("b", "pushed"),
	    "and then both are pushed");
	ok(lease() == 0, "nothing more is wanted");
}

/* Two pushes are under way; the second is answered first. */
static void
test_crossed(void)
{
	struct outgoing first, second;

	put(commands, "d", PLACE_COMMAND,
	    "Settings Item=DeviceName DeviceName=d\n");
	ok(lease() == 1, "one push");
	first = batch.out[0];
	put(commands, "e", PLACE_COMMAND,
	    "Settings Item=DeviceName DeviceName=e\n");
	ok(lease() == 1, "and another while it is under way");
	second = batch.out[0];
	settle_for(&second, APNS_ACCEPTED);
	settle_for(&first, APNS_ACCEPTED);
	ok(state_is("e", "pushed"),
	    "an answer that comes late takes nothing back");
}

static void
test_recover(void)
{
	put(commands, "c", PLACE_COMMAND,
	    "Settings Item=DeviceName DeviceName=c\n");
	ok(lease() == 1 && lease() == 0, "a push is leased once");
	must(outbox_recover(rules, &rules_err));
	ok(lease() == 1, "a server that starts sends what was leased");
	settle(APNS_ACCEPTED);
	must(outbox_recover(rules, &rules_err));
	ok(lease() == 0, "but not what was taken");
}

static enum err_code
no_certificate_txn(struct txn *t, void *arg, struct err *err)
{
	(void)arg;
	return slot_clear(t, slot_of(acme, SLOT_OF_APNS), err);
}

static void
remove_certificate(void)
{
	must(store_update(rules->store, no_certificate_txn, NULL, &rules_err));
}

static void
install_certificate(void)
{
	must(store_update(rules->store, certificate_txn, identity, &rules_err));
}

/* What the push page says of the last push. */
static bool
page_has(const char *part)
{
	struct buf page = { 0 };
	bool yes;

	must(device_push_page(rules, id.device, 0, &page, &rules_err));
	yes = strstr(buf_str(&page), part) != NULL;
	if (!yes)
		printf("# %s", buf_str(&page));
	buf_free(&page);
	return yes;
}

static void
test_certificates(void)
{
	struct outgoing o;

	remove_certificate();
	put(commands, "f", PLACE_COMMAND,
	    "Settings Item=DeviceName DeviceName=f\n");
	ok(lease() == 0 && page_has("no push certificate"),
	    "without a certificate nothing is sent, and the page says so");
	pass(1000);
	ok(lease() == 0, "nor is it tried at once");
	install_certificate();
	ok(lease() == 1, "when there is one it is sent at once");
	settle(APNS_BAD_CERTIFICATE);
	pass(1000);
	ok(lease() == 0, "one that is refused is not tried at once");
	install_certificate();
	ok(lease() == 1, "but another one is");
	o = batch.out[0];
	install_certificate();
	ok(lease() == 0, "while an answer is awaited there is no second push");
	settle_for(&o, APNS_BAD_CERTIFICATE);
	ok(lease() == 1,
	    "one that was replaced before its refusal came is followed by the "
	    "other");
	settle(APNS_TRY_LATER);
	install_certificate();
	ok(lease() == 0, "what waits for something else goes on waiting");
	pass(60000);
	ok(lease() == 1, "until its time");
	settle(APNS_WRONG_TOPIC);
	memset(&batch, 0, sizeof(batch));
	ok(lease() == 0, "a server that starts tries no certificate again");
	remove_certificate();
	ok(lease() == 0, "nor is one that is missing another one");
	pass(INT64_C(1800000));
	ok(lease() == 0 && page_has("no push certificate"),
	    "which is found out in time");
	install_certificate();
	memset(&batch, 0, sizeof(batch));
	ok(lease() == 1, "a server that starts finds one that came meanwhile");
	settle(APNS_ACCEPTED);
	ok(lease() == 0, "nothing more is wanted then");
}

/* Many that wait come at a pace. */
static void
test_pace(void)
{
	char udid[16];
	size_t i, first, second;

	remove_certificate();
	for (i = 0; i < MASS_PUSHES + 50; i++) {
		snprintf(udid, sizeof(udid), "M-%zu", i);
		issue(acme, (uint8_t)(2 + i), 0);
		must(authenticate(acme, (uint8_t)(2 + i), udid, udid));
		must(token_update(acme, (uint8_t)(2 + i), udid, "", TOPIC));
		must(device_push(
		    rules, device_number(udid), 0, &rules_root, &rules_err));
	}
	ok(lease() == 0 && lease() == 0, "nothing goes without a certificate");
	install_certificate();
	first = lease();
	pass(1000);
	second = lease();
	ok(first == MASS_PUSHES && second == 50,
	    "many that waited are pushed at a pace");
}

int
main(void)
{
	static const struct engine_options options;

	rules_begin(&options);
	acme = org_number("acme");
	must(slot_ca(rules, acme, &identity, &rules_err));
	install_certificate();
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "O-1", "SERIAL"));
	must(token_update(acme, 1, "O-1", "", TOPIC));
	id = (struct channel_id){ device_number("O-1"), 0 };
	commands = file_device_dir(id.device, 0, FILE_DEVICE_COMMANDS);
	test_pushed();
	test_crossed();
	test_recover();
	test_certificates();
	test_pace();
	identity_free(identity);
	engine_close(rules);
	return tap_done();
}
