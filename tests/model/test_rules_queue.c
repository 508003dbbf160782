/*
 * The life of a queue: order, the front, merging, expiry, cancelling.  Repeated
 * reports, NotNow and unknown answers: test_rules_devices.c; retention:
 * test_rules_results.c.
 */
#include "engine/model/queue.h"
#include "engine/model/queue_expiry.h"
#include "tests/model/rules.h"

static uint32_t acme;

/* One device; its certificate has the same number. */
struct phone {
	uint32_t number;
	uint8_t cert;
	char udid[16];
	uint64_t commands, first, results;
};

static struct phone
phone(uint8_t cert)
{
	struct phone p = { .cert = cert };

	snprintf(p.udid, sizeof(p.udid), "Q-%u", cert);
	issue(acme, cert, 0);
	must(authenticate(acme, cert, p.udid, NULL));
	must(token_update(acme, cert, p.udid, "", TOPIC));
	p.number = device_number(p.udid);
	p.commands = file_device_dir(p.number, 0, FILE_DEVICE_COMMANDS);
	p.first = file_device_dir(p.number, 0, FILE_DEVICE_FIRST);
	p.results = file_device_dir(p.number, 0, FILE_DEVICE_RESULTS);
	return p;
}

/* The device says something; what it is sent is "TYPE", "" for nothing, and
 * its UUID stays in uuid. */
static char uuid[256];

static const char *
says(const struct phone *p, enum report_status status, const char *of)
{
	static char type[64];
	struct pl *message = pl_new_dict(), *command = NULL;
	struct speaker s = speaker(acme, p->cert, p->udid, message);
	struct buf reply = connect_as(&s, status, of);

	type[0] = uuid[0] = '\0';
	if (reply.len > 0) {
		must(pl_parse(buf_view(&reply), &command, &rules_err));
		snprintf(uuid, sizeof(uuid), "%s",
		    pl_get_string(command, "CommandUUID"));
		snprintf(type, sizeof(type), "%s",
		    pl_get_string(
			pl_get_dict(command, "Command"), "RequestType"));
	}
	pl_free(command);
	pl_free(message);
	buf_free(&reply);
	return type;
}

static bool
is_asked(const char *got, const char *wanted)
{
	if (strcmp(got, wanted) == 0)
		return true;
	printf("# got %s\n", got);
	return false;
}

static const char *
answers(const struct phone *p)
{
	char of[256];

	memcpy(of, uuid, sizeof(of));
	return says(p, REPORT_ACKNOWLEDGED, of);
}

static void
ask(const struct phone *p, const char *name, const char *text)
{
	put(p->commands, name, PLACE_COMMAND, text);
}

static bool
page_has(const struct phone *p, const char *part)
{
	struct buf b = { 0 };
	bool yes;

	must(device_queue_page(rules, p->number, 0, &b, &rules_err));
	yes = strstr(buf_str(&b), part) != NULL;
	buf_free(&b);
	return yes;
}

/* ---- order -------------------------------------------------------------- */

static void
test_first(void)
{
	struct phone p = phone(1);
	struct file_node n;
	struct file_write to = { .parent = p.first,
		.name = "c",
		.place = PLACE_COMMAND,
		.mode = 0644,
		.actor = rules_root };

	ask(&p, "a", "ProfileList\n");
	ask(&p, "b", "CertificateList\n");
	ask(&p, "c", "SecurityInfo\n");
	ok(try(p.first, "a", PLACE_COMMAND, "SecurityInfo\n") == ERR_EXISTS,
	    "a name that waits in commands/ is none for commands/first");
	must(file_find(rules, p.commands, "c", &n, &rules_err));
	to.ino = n.ino;
	must(file_rename(rules, &to, false, &rules_err));
	ok(!exists(p.commands, "c") && exists(p.first, "c"),
	    "a command that is moved to first/ stands there");
	ok(has_event("commands/first/c"), "and its event says so");
	put(p.first, "d", PLACE_COMMAND, "UserList\n");
	ok(try(p.commands, "d", PLACE_COMMAND, "ProfileList\n") == ERR_EXISTS,
	    "a name that waits in first/ is none for commands/");
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "SecurityInfo"),
	    "what is in first/ goes before all others");
	ok(try_remove(p.first, "c") == ERR_CHANGED,
	    "what was sent from there cannot be taken back, either");
	ok(is_asked(answers(&p), "UserList"),
	    "in the order in which it came there");
	ok(exists(p.results, "c") && !exists(p.first, "c"),
	    "the answer stands in results/");
	ok(is_asked(answers(&p), "ProfileList") &&
		is_asked(answers(&p), "CertificateList") &&
		is_asked(answers(&p), ""),
	    "then the others in the order of writing");
}

static void
test_file(void)
{
	struct phone p = phone(2);
	unsigned i;
	char name[16], text[64];

	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%03u", i);
		snprintf(text, sizeof(text),
		    "Settings Item=DeviceName DeviceName=n%u\n", i);
		ask(&p, name, text);
	}
	ok(try_remove(p.commands, "n150") == ERR_OK &&
		!page_has(&p, "\tn150\t"),
	    "rm cancels a command in the middle of a long queue");
	ask(&p, "n007", "ProfileList\n");
	ok(page_has(&p, "199\tn007\tProfileList\tqueued"),
	    "what is written anew stands at the end");
}

/* ---- merging ------------------------------------------------------------ */

static void
test_merge(void)
{
	struct phone p = phone(3);
	unsigned i;
	char name[16];

	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "lock%02u", i);
		ask(&p, name, "DeviceLock Message=found\n");
	}
	ok(page_has(&p, "20\tlock19\tDeviceLock\tmerged"),
	    "the same command again waits merged with the first");
	ok(has_event("DeviceLock is asked already and shares the answer to"),
	    "and its event says so");
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "DeviceLock"),
	    "20 locks for a device that was away");
	ok(is_asked(answers(&p), ""), "are one");
	ok(exists(p.results, "lock00") && exists(p.results, "lock19") &&
		!exists(p.commands, "lock00") && !exists(p.commands, "lock19"),
	    "whose answer stands under each name");

	ask(&p, "a", "DeviceInformation Queries=OSVersion,DeviceName\n");
	ask(&p, "b", "SecurityInfo\n");
	ask(&p, "c", "DeviceInformation Queries=OSVersion,DeviceName\n");
	ask(&p, "d", "DeviceInformation Queries=OSVersion\n");
	ok(page_has(&p, "c\tDeviceInformation\tmerged"),
	    "questions are merged also with another one between them");
	ok(page_has(&p, "d\tDeviceInformation\tqueued"),
	    "but not with those that ask for something else");
	must(try_remove(p.commands, "a"));
	ok(page_has(&p, "c\tDeviceInformation\tqueued"),
	    "when the first is cancelled the other takes its place");
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "SecurityInfo") &&
		is_asked(answers(&p), "DeviceInformation"),
	    "where it was written");
}

static void
test_no_merge(void)
{
	struct phone p = phone(4);
	static const char on[] = "Settings Item=Bluetooth Enabled=true\n";
	static const char off[] = "Settings Item=Bluetooth Enabled=false\n";

	ask(&p, "on", on);
	ask(&p, "off", off);
	ask(&p, "on-again", on);
	ok(page_has(&p, "on-again\tSettings\tqueued"),
	    "on, off, on are three commands");
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "Settings"),
	    "the first is sent");
	ask(&p, "ask", "ProfileList\n");
	ok(try_remove(p.commands, "off") == ERR_OK, "one can be cancelled");
	ok(is_asked(answers(&p), "Settings"), "the third is sent");
	ask(&p, "on-more", on);
	ok(page_has(&p, "on-more\tSettings\tqueued"),
	    "one that was sent may be done already: nothing is merged with it");
	ok(try(p.commands, "u1", PLACE_COMMAND,
	       "<plist version=\"1.0\"><dict><key>Command</key><dict>"
	       "<key>RequestType</key><string>ProfileList</string></dict>"
	       "<key>CommandUUID</key><string>mine</string></dict></plist>") ==
		    ERR_OK &&
		page_has(&p, "u1\tProfileList\tqueued\tmine"),
	    "a CommandUUID of its own is kept, so nothing is merged");
}

static void
test_followers(void)
{
	struct phone p = phone(5);
	unsigned i;
	char name[16], sent[256];

	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "l%u", i);
		ask(&p, name, "ProfileList\n");
	}
	must(try_remove(p.commands, "l1"));
	must(try_remove(p.commands, "l0"));
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "ProfileList"),
	    "after the first of four was cancelled it is sent");
	memcpy(sent, uuid, sizeof(sent));
	ok(is_asked(says(&p, REPORT_NOT_NOW, sent), ""),
	    "NotNow puts all of them off");
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "ProfileList") &&
		strcmp(uuid, sent) == 0,
	    "until the next session");
	ok(try_remove(p.commands, "l3") == ERR_OK,
	    "one that shares an answer can be cancelled even then");
	ok(is_asked(answers(&p), "") && exists(p.results, "l2") &&
		!exists(p.results, "l0") && !exists(p.results, "l1") &&
		!exists(p.results, "l3"),
	    "what was cancelled has no answer");
	ok(is_asked(says(&p, REPORT_ACKNOWLEDGED, sent), ""),
	    "and a repeated one changes nothing");
}

/* No push certificate, no token: the command is taken, and can be written
 * again. */
static void
test_no_push(void)
{
	static const char lock[] = "DeviceLock Message=x\n";
	struct phone p = { .cert = 9, .udid = "Q-9" };
	struct file_node n;
	struct file_write w = { .name = "lock",
		.place = PLACE_COMMAND,
		.mode = 0644,
		.bytes = bytes_text(lock),
		.actor = rules_root };

	issue(acme, 9, 0);
	must(authenticate(acme, 9, p.udid, NULL));
	p.number = device_number(p.udid);
	p.commands = file_device_dir(p.number, 0, FILE_DEVICE_COMMANDS);
	ask(&p, "lock", lock);
	ok(has_event("no push yet: the device has sent no push token"),
	    "without a push token a command is taken, and the event says so");
	must(file_find(rules, p.commands, "lock", &n, &rules_err));
	w.parent = p.commands;
	w.ino = n.ino;
	ok(file_write(rules, &w, NULL, &rules_err) == ERR_OK &&
		page_has(&p, "1\tlock\tDeviceLock\tqueued") &&
		!page_has(&p, "\n2\t"),
	    "the same written again is no error and no second command");
}

/* ---- expiry ------------------------------------------------------------- */

static void
run_expiry(void)
{
	int64_t next;

	must(queue_expire(rules, &next, &rules_err));
}

static bool
result_says(const struct phone *p, const char *name, const char *part)
{
	struct file_node n;
	struct buf b = { 0 };
	bool yes;

	if (file_find(rules, p->results, name, &n, NULL) != ERR_OK)
		return false;
	must(file_read(rules, n.ino, &b, &rules_err));
	yes = strstr(buf_str(&b), part) != NULL;
	buf_free(&b);
	return yes;
}

static void
test_expiry(void)
{
	struct phone p = phone(6);
	uint64_t org = org_dir("acme");

	ask(&p, "short", "ProfileList Expires=1h\n");
	ask(&p, "long", "CertificateList Expires=7d\n");
	ask(&p, "ever", "UserList\n");
	ok(try(p.commands, "x", PLACE_COMMAND, "ProfileList Expires=soon\n") ==
		    ERR_INVALID &&
		strstr(rules_err.msg, "7d") != NULL,
	    "a wrong Expires= is refused with examples");
	ok(try(p.commands, "x", PLACE_COMMAND,
	       "ProfileList Expires=2001-01-01T00:00:00Z\n") == ERR_INVALID,
	    "and one in the past");
	pass(3601 * 1000);
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "CertificateList"),
	    "what has expired is not sent");
	run_expiry();
	ok(!exists(p.commands, "short") &&
		result_says(&p, "short", "<string>Expired</string>"),
	    "its result says Expired");
	ok(has_event("ProfileList short expired"), "and so does an event");
	pass(INT64_C(8) * 86400 * 1000);
	run_expiry();
	ok(exists(p.commands, "long"),
	    "one that was sent waits for its answer");
	ok(is_asked(says(&p, REPORT_NOT_NOW, uuid), "UserList"),
	    "if that is NotNow");
	pass(3601 * 1000);
	run_expiry();
	ok(result_says(&p, "long", "Expired"), "it is over");
	put(org, "command-expiry", PLACE_COMMAND_EXPIRY, "2\n");
	ask(&p, "by-default", "ProfileList\n");
	ask(&p, "own", "SecurityInfo Expires=4d\n");
	pass(INT64_C(86400) * 2000 + 1000);
	run_expiry();
	ok(!exists(p.commands, "by-default") && exists(p.commands, "own"),
	    "command-expiry counts for those that do not say it themselves");
	must(try_remove(org, "command-expiry"));
}

static void
test_expiry_merged(void)
{
	struct phone p = phone(7);

	ask(&p, "short", "ProfileList Expires=1h\n");
	ask(&p, "long", "ProfileList Expires=1d\n");
	pass(3601 * 1000);
	run_expiry();
	ok(result_says(&p, "short", "Expired") &&
		page_has(&p, "1\tlong\tProfileList\tqueued"),
	    "of two that were merged the one that lives longer stays");
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "ProfileList") &&
		is_asked(answers(&p), ""),
	    "and is answered");
	ok(exists(p.results, "long") && !result_says(&p, "long", "Expired"),
	    "under its name");
}

/* ---- enrolling again ---------------------------------------------------- */

static void
test_stale(void)
{
	struct phone p = phone(8);
	char sent[256];

	ask(&p, "erase", "EraseDevice\n");
	ok(is_asked(says(&p, REPORT_IDLE, NULL), "EraseDevice"),
	    "an erase goes out");
	memcpy(sent, uuid, sizeof(sent));
	issue(acme, 90, 0);
	must(authenticate(acme, 90, p.udid, NULL));
	must(token_update(acme, 90, p.udid, "", TOPIC));
	p.cert = 90;
	ok(has_event("it enrolls anew; 1 commands of its old enrollment were "
		     "dropped"),
	    "an erase that was sent and never answered is dropped, and said");
	ok(is_asked(says(&p, REPORT_IDLE, NULL), ""),
	    "a device that enrolls anew does not meet it again");
	ok(is_asked(says(&p, REPORT_ACKNOWLEDGED, sent), ""),
	    "a late answer to it does no harm");
}

/* ---- many drops --------------------------------------------------------- */

static void
test_glob(void)
{
	struct phone p[13];
	char text[64];
	unsigned i, taken = 0;

	pass(120 * 1000);
	for (i = 0; i < 13; i++)
		p[i] = phone((uint8_t)(20 + i));
	for (i = 0; i < 12; i++)
		taken += try(p[i].commands, "erase", PLACE_COMMAND,
			     "EraseDevice\n") == ERR_OK;
	ok(taken == 10, "a glob over devices/ wipes no more than mass-limit");
	ok(strstr(rules_err.msg, "confirm=Q-31") != NULL &&
		strstr(rules_err.msg, "system/mass-limit") != NULL,
	    "the refusal says the ways out");
	ok(try(p[10].commands, "erase", PLACE_COMMAND,
	       "EraseDevice confirm=1\n") == ERR_INVALID,
	    "confirm=1 is no way out of a glob");
	snprintf(text, sizeof(text), "EraseDevice confirm=%s\n", p[10].udid);
	ok(try(p[10].commands, "erase", PLACE_COMMAND, text) == ERR_OK,
	    "the device's UDID is");
	ok(try(p[11].commands, "erase.confirm=Q-31", PLACE_COMMAND,
	       "EraseDevice\n") == ERR_OK,
	    "also in the file's name");
	ok(try(p[12].commands, "erase", PLACE_COMMAND, text) == ERR_INVALID,
	    "another device's is none");
	ok(try(p[12].commands, "restart", PLACE_COMMAND, "RestartDevice\n") ==
		ERR_OK,
	    "what can be undone is not counted");
	pass(61 * 1000);
	ok(try(p[12].commands, "erase", PLACE_COMMAND, "EraseDevice\n") ==
		ERR_OK,
	    "after a minute the count begins anew");
}

int
main(void)
{
	static const struct engine_options options;

	rules_begin(&options);
	acme = org_number("acme");
	test_first();
	test_file();
	test_merge();
	test_no_merge();
	test_followers();
	test_no_push();
	test_expiry();
	test_expiry_merged();
	test_stale();
	test_glob();
	engine_close(rules);
	return tap_done();
}
