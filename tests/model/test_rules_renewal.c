/* A device that comes with a new certificate. */
#include "tests/model/rules.h"

static uint32_t acme;
static uint64_t commands;

static struct buf
idle(uint8_t cert)
{
	struct speaker s = speaker(acme, cert, "N-1", NULL);

	return connect_as(&s, REPORT_IDLE, NULL);
}

/* Whether that certificate speaks for the device. */
static bool
speaks(uint8_t cert)
{
	struct said x = { .what = CONNECT,
		.report = { .speaker = speaker(acme, cert, "N-1", NULL),
		    .status = REPORT_NOT_NOW } };
	bool yes =
	    store_update(rules->store, said_txn, &x, &rules_err) == ERR_OK;

	buf_free(&x.reply);
	return yes;
}

static bool
enrolled(void)
{
	struct device_view d = { 0 };

	must(device_find(rules, "N-1", &d, &rules_err));
	return d.state == DEVICE_ENROLLED;
}

static void
test_renewal(uint32_t d)
{
	struct buf sent;

	put(commands, "lock", PLACE_COMMAND, "DeviceLock\n");
	issue(acme, 2, d);
	must(authenticate(acme, 2, "N-1", "SERIAL"));
	ok(enrolled(), "a device that renews stays enrolled");
	ok(exists(commands, "lock"), "keeps its queue");
	ok(speaks(1) && speaks(2), "and both certificates are good");
	must(token_update(acme, 2, "N-1", "", TOPIC));
	ok(!speaks(1), "until the new one has come through");
	sent = idle(2);
	ok(strstr(buf_str(&sent), "DeviceLock") != NULL,
	    "then it goes on where it was");
	buf_free(&sent);
}

static void
test_failed(uint32_t d)
{
	issue(acme, 3, d);
	must(authenticate(acme, 3, "N-1", "SERIAL"));
	must(token_update(acme, 2, "N-1", "", TOPIC));
	ok(speaks(2), "a renewal that fails takes nothing away");
	issue(acme, 4, d);
	must(authenticate(acme, 4, "N-1", "SERIAL"));
	ok(!speaks(3) && speaks(2) && speaks(4),
	    "the next one takes the failed one's place");
	must(token_update(acme, 4, "N-1", "", TOPIC));
	ok(!speaks(2) && speaks(4), "and comes through");
}

static void
test_stranger(void)
{
	issue(acme, 5, 0);
	must(authenticate(acme, 5, "N-1", "SERIAL"));
	ok(!exists(commands, "lock") && !enrolled(),
	    "a certificate that anybody may have begins anew");
	ok(!speaks(4), "and ends the old one at once");
	ok(has_event("device=N-1 takeover: it was enrolled, and comes with a "
		     "certificate that is tied to no device") &&
		has_event("rmdir devices/N-1"),
	    "an event says so, and what to do");
	must(token_update(acme, 5, "N-1", "", TOPIC));
	must(device_remove(
	    rules, device_number("N-1"), &rules_root, &rules_err));
	ok(!speaks(5), "a device that was removed says nothing any more");
}

int
main(void)
{
	static const struct engine_options options;
	uint32_t d;

	rules_begin(&options);
	acme = org_number("acme");
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "N-1", "SERIAL"));
	must(token_update(acme, 1, "N-1", "", TOPIC));
	d = device_number("N-1");
	commands = file_device_dir(d, 0, FILE_DEVICE_COMMANDS);
	test_renewal(d);
	test_failed(d);
	ok(!has_event("takeover"), "a renewal is no takeover");
	test_stranger();
	engine_close(rules);
	return tap_done();
}
