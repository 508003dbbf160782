/* What a device may say of itself, and what others may see of it. */
#include "tests/model/rules.h"

static uint32_t acme, umbrella;

static void
enroll(uint32_t org, uint8_t cert, const char *udid, const char *serial)
{
	issue(org, cert, 0);
	must(authenticate(org, cert, udid, serial));
	must(token_update(org, cert, udid, "", TOPIC));
}

static uint32_t
holder(const char *serial)
{
	struct device_view d = { 0 };

	return device_by_serial(rules, serial, &d, NULL) == ERR_OK ? d.number
	                                                           : 0;
}

static void
test_serials(void)
{
	static char huge[100001];

	enroll(acme, 1, "A-1", "SERIAL-1");
	ok(holder("SERIAL-1") == device_number("A-1"),
	    "a device is found by its serial number");
	memset(huge, 'x', 600);
	must(authenticate(acme, 1, "A-1", huge));
	ok(holder("SERIAL-1") == 0,
	    "a serial number that is no file name takes the old one's place");
	must(authenticate(acme, 1, "A-1", "SERIAL-1"));
	ok(holder("SERIAL-1") == device_number("A-1"),
	    "and can be followed by a good one");
	memset(huge, 'x', 100000);
	must(authenticate(acme, 1, "A-1", huge));
	ok(holder("SERIAL-1") == device_number("A-1"),
	    "one that is above the limits is passed over");
	enroll(umbrella, 2, "U-1", "SERIAL-1");
	ok(holder("SERIAL-1") == device_number("A-1"),
	    "a device of another organization cannot take a serial number");
	enroll(acme, 3, "A-2", "SERIAL-1");
	ok(holder("SERIAL-1") == device_number("A-2"),
	    "within an organization the newest device has it");
}

struct count {
	size_t n;
};

static bool
count_info(void *arg, const char *key, struct bytes text)
{
	struct count *c = arg;

	(void)key;
	(void)text;
	c->n++;
	return true;
}

static bool
count_user(void *arg, const char *name, uint32_t user)
{
	struct count *c = arg;

	(void)name;
	(void)user;
	c->n++;
	return true;
}

static void
test_bounds(void)
{
	struct pl *message = pl_new_dict();
	struct said x = { .what = AUTHENTICATE };
	struct count c = { 0 };
	enum err_code rc = ERR_OK;
	char name[32];
	int i;

	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "Key%d", i);
		pl_set_int(message, name, i);
	}
	issue(acme, 10, 0);
	x.s = speaker(acme, 10, "B-1", message);
	must(store_update(rules->store, said_txn, &x, &rules_err));
	pl_free(message);
	must(device_infos(
	    rules, device_number("B-1"), count_info, &c, &rules_err));
	ok(c.n == FACTS_MAX, "a device has a bounded number of facts");
	for (i = 0; i < USERS_MAX + 5 && rc == ERR_OK; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		rc = token_update(acme, 10, "B-1", name, TOPIC);
	}
	ok(rc == ERR_QUOTA && i == USERS_MAX + 1,
	    "a device has a bounded number of users");
	must(token_update(acme, 10, "B-1", "user7", TOPIC));
	c.n = 0;
	must(device_users(
	    rules, device_number("B-1"), 0, count_user, &c, &rules_err));
	ok(c.n == USERS_MAX, "those that are known go on");
}

/* ---- tenants ------------------------------------------------------------ */

static bool
knows(uint32_t device, const char *fact)
{
	struct buf b = { 0 };
	bool yes = device_info(rules, device, fact, &b, NULL) == ERR_OK;

	buf_free(&b);
	return yes;
}

static void
test_move(void)
{
	uint64_t commands, results;
	uint32_t d;

	enroll(acme, 20, "M-1", "SERIAL-M");
	d = device_number("M-1");
	commands = file_device_dir(d, 0, FILE_DEVICE_COMMANDS);
	results = file_device_dir(d, 0, FILE_DEVICE_RESULTS);
	put(commands, "restart", PLACE_COMMAND, "RestartDevice");
	put(results, "old", PLACE_RESULT, "an answer");
	issue(umbrella, 21, d);
	ok(authenticate(umbrella, 21, "M-1", NULL) == ERR_NOT_UNIQUE,
	    "a device that is enrolled elsewhere is refused");
	take_away(FILE_INO_ORGS, "acme");
	ok(authenticate(umbrella, 21, "M-1", NULL) == ERR_NOT_UNIQUE,
	    "also while its organization is removed and may come back");
	put(FILE_INO_ORGS, "acme", PLACE_ORG, "");
	ok(token_update(acme, 20, "M-1", "", TOPIC) == ERR_OK &&
		exists(commands, "restart"),
	    "an organization that comes back has its devices and queues again");
	take_away(FILE_INO_ORGS, "acme");
	pass(INT64_C(1000) * (ORG_KEPT + 1));
	ok(authenticate(umbrella, 21, "M-1", NULL) == ERR_OK,
	    "after its time another organization may have the device");
	ok(!exists(commands, "restart"),
	    "but not its queue, even with a certificate meant for it");
	ok(!exists(results, "old"), "nor its results");
	ok(!knows(d, "SerialNumber"), "nor what it had told");
	put(FILE_INO_ORGS, "acme", PLACE_ORG, "");
}

static enum err_code
org_txn(struct txn *t, void *arg, struct err *err)
{
	struct org *o = arg;

	return org_read(t, o->number, o, err);
}

static void
test_topic(void)
{
	struct org o = { .number = umbrella };

	enroll(umbrella, 30, "T-1", NULL);
	issue(umbrella, 31, 0);
	must(authenticate(umbrella, 31, "T-2", NULL));
	must(token_update(umbrella, 31, "T-2", "", "com.apple.mgmt.evil"));
	must(store_view(rules->store, org_txn, &o, &rules_err));
	ok(strcmp(o.topic, TOPIC) == 0,
	    "one device cannot change the topic that guards the certificate");
}

/* ---- the queue ---------------------------------------------------------- */

static bool
is_sent(struct buf reply, const char *type)
{
	bool yes = type == NULL
	               ? reply.len == 0
	               : reply.len > 0 && strstr(buf_str(&reply), type) != NULL;

	buf_free(&reply);
	return yes;
}

static void
put_command(uint32_t d, const char *name, const char *type, const char *uuid)
{
	char text[600];

	snprintf(text, sizeof(text),
	    "<plist version=\"1.0\"><dict><key>Command</key><dict>"
	    "<key>RequestType</key><string>%s</string></dict>"
	    "<key>CommandUUID</key><string>%s</string></dict></plist>",
	    type, uuid);
	put(file_device_dir(d, 0, FILE_DEVICE_COMMANDS), name, PLACE_COMMAND,
	    text);
}

static void
test_queue(void)
{
	struct pl *message = pl_new_dict();
	struct speaker s;
	uint32_t d;

	enroll(acme, 40, "Q-1", NULL);
	d = device_number("Q-1");
	put_command(d, "first", "ProfileList", "q1");
	put_command(d, "second", "CertificateList", "q2");
	s = speaker(acme, 40, "Q-1", message);
	ok(is_sent(connect_as(&s, REPORT_IDLE, NULL), "ProfileList"),
	    "commands are sent in the order of writing");
	ok(is_sent(connect_as(&s, REPORT_NOT_NOW, "q1"), "CertificateList"),
	    "one that cannot be done now lets the next one pass");
	ok(is_sent(connect_as(&s, REPORT_ACKNOWLEDGED, "q2"), NULL),
	    "and is not offered again in the same session");
	ok(is_sent(connect_as(&s, REPORT_ACKNOWLEDGED, "q2"), NULL),
	    "an answer that comes twice changes nothing");
	ok(is_sent(connect_as(&s, REPORT_ACKNOWLEDGED, "unknown"), NULL),
	    "nor does one to an unknown command");
	ok(is_sent(connect_as(&s, REPORT_IDLE, NULL), "ProfileList"),
	    "the next session offers it again");
	ok(is_sent(connect_as(&s, REPORT_ERROR, "q1"), NULL),
	    "an error ends a command");
	pl_free(message);
}

static void
test_users(void)
{
	uint64_t results;
	uint32_t d;

	enroll(acme, 50, "C-1", NULL);
	d = device_number("C-1");
	must(token_update(acme, 50, "C-1", "anna", TOPIC));
	results = file_device_dir(d, 1, FILE_DEVICE_RESULTS);
	put(results, "answer", PLACE_RESULT, "hers");
	issue(acme, 51, 0);
	must(authenticate(acme, 51, "C-1", NULL));
	ok(!exists(results, "answer"),
	    "a user's results go when the device enrolls anew");
	ok(try(file_device_dir(d, 1, FILE_DEVICE_COMMANDS), "late",
	       PLACE_COMMAND, "ProfileList") == ERR_NOT_FOUND,
	    "a user that is gone takes no commands");
}

int
main(void)
{
	static const struct engine_options options;

	rules_begin(&options);
	acme = org_number("acme");
	umbrella = org_number("umbrella");
	test_serials();
	test_bounds();
	test_move();
	test_topic();
	test_queue();
	test_users();
	engine_close(rules);
	return tap_done();
}
