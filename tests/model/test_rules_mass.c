/* Commands for many devices: who is sent them, what is counted, how they end. */
#include "engine/model/groups.h"
#include "engine/model/mass.h"
#include "engine/model/queue_expiry.h"
#include "tests/model/rules.h"

#define PHONES 20

static uint32_t acme;
static uint64_t org_dir, org_commands, group, group_commands_dir;
static uint32_t numbers[PHONES + 1];

static const char *
udid(unsigned i)
{
	static char name[4][16];
	static unsigned at;

	at = (at + 1) % 4;
	snprintf(name[at], sizeof(name[at]), "P-%02u", i);
	return name[at];
}

static uint64_t
dir(unsigned i, enum file_device_part part)
{
	return file_device_dir(numbers[i], 0, part);
}

static void
enroll(unsigned i, const char *product)
{
	struct pl *message = pl_new_dict();
	struct said x = { .what = AUTHENTICATE };
	char serial[16];

	snprintf(serial, sizeof(serial), "SN%02u", i);
	pl_set_string(message, "SerialNumber", serial);
	pl_set_string(message, "ProductName", product);
	pl_set_string(message, "OSVersion", "18.1");
	issue(acme, (uint8_t)i, 0);
	x.s = speaker(acme, (uint8_t)i, udid(i), message);
	must(store_update(rules->store, said_txn, &x, &rules_err));
	must(token_update(acme, (uint8_t)i, udid(i), "", TOPIC));
	numbers[i] = device_number(udid(i));
	pl_free(message);
}

static enum err_code
try(uint64_t parent, const char *name, enum place place, const char *text)
{
	struct file_write w = { .parent = parent,
		.name = name,
		.place = place,
		.mode = 0644,
		.bytes = bytes_text(text),
		.actor = rules_root };

	rules_err.msg[0] = '\0';
	must(file_reserve(rules, 1, &w.ino, &rules_err));
	return file_write(rules, &w, NULL, &rules_err);
}

static void
to_group(const char *name, const char *text)
{
	put(group_commands_dir, name, PLACE_GROUP_COMMAND, text);
}

static void
run(void)
{
	int64_t next;

	must(queue_expire(rules, &next, &rules_err));
	must(mass_run(rules, &next, &rules_err));
}

static enum err_code
take_away(uint64_t parent, const char *name)
{
	struct file_node n;

	must(file_find(rules, parent, name, &n, &rules_err));
	return file_remove(rules, n.ino, &rules_root, &rules_err);
}

/* Whether the page of progress has that line, or part of one. */
static bool
page_has(uint64_t of_group, const char *name, const char *part)
{
	struct group_commands_of of = { acme, of_group, 0 };
	struct buf b = { 0 };
	uint32_t command;
	bool yes;

	if (group_command_find(rules, &of, name, &command, &rules_err) !=
	    ERR_OK)
		return false;
	must(group_command_page(rules, command, &b, &rules_err));
	yes = strstr(buf_str(&b), part) != NULL;
	if (!yes)
		printf("# no %s in:\n# %s\n", part, buf_str(&b));
	buf_free(&b);
	return yes;
}

static char uuid[256];

/* The device says something; the type of what it is sent. */
static const char *
says(unsigned i, enum report_status status, const char *of)
{
	static char type[64];
	struct pl *message = pl_new_dict(), *command = NULL;
	struct speaker s = speaker(acme, (uint8_t)i, udid(i), message);
	struct buf reply;

	if (status == REPORT_ERROR) {
		struct pl *chain = pl_new_array(), *link = pl_new_dict();

		pl_set_string(link, "USEnglishDescription", "no room");
		pl_array_add(chain, link);
		pl_dict_set(message, "ErrorChain", chain);
	}
	reply = connect_as(&s, status, of);
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

static const char *
answers(unsigned i, enum report_status status)
{
	char of[256];

	memcpy(of, uuid, sizeof(of));
	return says(i, status, of);
}

/* ---- */

static void
test_all_is_well(void)
{
	char first[256];
	unsigned i;
	struct file_node n;
	struct buf b = { 0 };

	to_group("ask", "ProfileList\n");
	ok(has_event("ProfileList for 4 devices"), "the event counts devices");
	ok(exists(dir(1, FILE_DEVICE_COMMANDS), "ask") &&
		exists(dir(4, FILE_DEVICE_COMMANDS), "ask") &&
		!exists(dir(5, FILE_DEVICE_COMMANDS), "ask"),
	    "the file stands in each member's directory");
	must(file_find(
	    rules, dir(2, FILE_DEVICE_COMMANDS), "ask", &n, &rules_err));
	must(file_read(rules, n.ino, &b, &rules_err));
	ok(strcmp(buf_str(&b), "ProfileList\n") == 0 && n.size == b.len,
	    "and can be read there");
	buf_free(&b);
	must(device_queue_page(rules, numbers[3], 0, &b, &rules_err));
	ok(strstr(buf_str(&b), "1\task\tProfileList\tqueued\t") != NULL,
	    "and is a line of its queue");
	buf_free(&b);
	ok(page_has(group, "ask", "members: 4\n") &&
		page_has(group, "ask", "\nqueued: 4\n") &&
		page_has(group, "ask", "state: running\n"),
	    "the page counts them");
	ok(strcmp(says(1, REPORT_IDLE, NULL), "ProfileList") == 0,
	    "a member is sent it");
	memcpy(first, uuid, sizeof(first));
	ok(page_has(group, "ask", "\nsent: 1\n"), "which is counted");
	must(answers(1, REPORT_ACKNOWLEDGED)[0] == '\0' ? ERR_OK : ERR_CHANGED);
	ok(exists(dir(1, FILE_DEVICE_RESULTS), "ask") &&
		!exists(dir(1, FILE_DEVICE_COMMANDS), "ask"),
	    "its answer stands in its results/");
	ok(says(1, REPORT_ACKNOWLEDGED, first)[0] == '\0' &&
		page_has(group, "ask", "acknowledged: 1\n"),
	    "an answer that comes twice counts once");
	ok(strcmp(says(2, REPORT_IDLE, NULL), "ProfileList") == 0 &&
		strcmp(uuid, first) != 0 && strlen(uuid) == 36,
	    "each device has a CommandUUID of its own");
	must(answers(2, REPORT_NOT_NOW)[0] == '\0' ? ERR_OK : ERR_CHANGED);
	ok(page_has(group, "ask", "not-now: 1\n"), "NotNow is counted");
	says(2, REPORT_IDLE, NULL);
	says(3, REPORT_ACKNOWLEDGED, uuid);
	ok(page_has(group, "ask", "acknowledged: 1\n"),
	    "one device cannot answer for another");
	says(2, REPORT_IDLE, NULL);
	answers(2, REPORT_ACKNOWLEDGED);
	says(3, REPORT_IDLE, NULL);
	answers(3, REPORT_ERROR);
	ok(page_has(group, "ask", "failed\tP-03\tno room"),
	    "the page says who failed, and why");
	run();
	ok(exists(group_commands_dir, "ask"),
	    "while one is missing the file stays");
	says(4, REPORT_IDLE, NULL);
	answers(4, REPORT_ACKNOWLEDGED);
	run();
	ok(!exists(group_commands_dir, "ask"), "when all is over it goes");
	ok(page_has(group, "ask", "state: over\n") &&
		page_has(group, "ask",
		    "progress: [##############################----------] "
		    "100%\n"),
	    "the page stays");
	ok(has_event("command ask (ProfileList) for 4 devices is over: 3 "
		     "acknowledged, 1 failed, 0 skipped"),
	    "an event sums up");
	for (i = 1; i <= 4; i++)
		ok(says(i, REPORT_IDLE, NULL)[0] == '\0', "nothing is left");
}

static void
test_cancel(void)
{
	to_group("cancel", "CertificateList\n");
	says(1, REPORT_IDLE, NULL);
	ok(take_away(dir(1, FILE_DEVICE_COMMANDS), "cancel") == ERR_CHANGED,
	    "a member that was sent it cannot be taken out");
	ok(take_away(dir(2, FILE_DEVICE_COMMANDS), "cancel") == ERR_OK &&
		!exists(dir(2, FILE_DEVICE_COMMANDS), "cancel") &&
		says(2, REPORT_IDLE, NULL)[0] == '\0',
	    "another one can");
	ok(page_has(group, "cancel", "cancelled: 1\n"), "which is counted");
	says(1, REPORT_IDLE, NULL);
	must(take_away(group_commands_dir, "cancel"));
	ok(says(3, REPORT_IDLE, NULL)[0] == '\0',
	    "rm of the group's file takes effect before the slices come by");
	run();
	ok(!exists(dir(3, FILE_DEVICE_COMMANDS), "cancel") &&
		exists(dir(1, FILE_DEVICE_COMMANDS), "cancel"),
	    "it cancels where it was not sent");
	ok(page_has(group, "cancel", "state: cancelled\n") &&
		page_has(group, "cancel", "cancelled: 3\n") &&
		page_has(group, "cancel", "\nsent: 1\n"),
	    "the page says so");
	says(1, REPORT_IDLE, NULL);
	answers(1, REPORT_NOT_NOW);
	run();
	ok(page_has(group, "cancel", "state: over\n") &&
		page_has(group, "cancel", "cancelled: 4\n"),
	    "NotNow of the last one ends it");
	ok(says(1, REPORT_IDLE, NULL)[0] == '\0', "it is not sent again");
}

static void
test_replace(void)
{
	to_group("again", "CertificateList\n");
	says(1, REPORT_IDLE, NULL);
	to_group("again", "UserList\n");
	run();
	ok(strcmp(says(2, REPORT_IDLE, NULL), "UserList") == 0 &&
		answers(2, REPORT_ACKNOWLEDGED)[0] == '\0',
	    "another command of that name takes the place of the first");
	ok(strcmp(says(1, REPORT_IDLE, NULL), "CertificateList") == 0 &&
		strcmp(answers(1, REPORT_ACKNOWLEDGED), "UserList") == 0,
	    "who had been sent the first one answers both");
	must(take_away(group_commands_dir, "again"));
	answers(1, REPORT_ACKNOWLEDGED);
	run();
	/* one device has a command of its own under that name */
	to_group("mine", "CertificateList\n");
	put(dir(2, FILE_DEVICE_COMMANDS), "mine", PLACE_COMMAND, "UserList\n");
	ok(page_has(group, "mine", "cancelled: 1\n") &&
		strcmp(says(2, REPORT_IDLE, NULL), "UserList") == 0,
	    "what is written over it in a device's directory is for that "
	    "device");
	answers(2, REPORT_ACKNOWLEDGED);
	must(take_away(group_commands_dir, "mine"));
	run();
}

static void
test_skip(void)
{
	/* P-04 is a Mac */
	to_group("lost", "ClearPasscode UnlockToken=AAAA\n");
	ok(page_has(group, "lost", "skipped: 1\n") &&
		page_has(group, "lost", "skipped\tP-04\t"),
	    "who cannot take it is skipped, and named");
	ok(!exists(dir(4, FILE_DEVICE_COMMANDS), "lost") &&
		exists(dir(1, FILE_DEVICE_COMMANDS), "lost"),
	    "the others are not");
	must(take_away(group_commands_dir, "lost"));
	run();
	put(group, "members", PLACE_GROUP_MEMBERS, "P-04\n");
	ok(try(group_commands_dir, "lost", PLACE_GROUP_COMMAND,
	       "ClearPasscode UnlockToken=AAAA\n") == ERR_UNSUPPORTED &&
		strstr(rules_err.msg, "none of the 1 devices") != NULL &&
		strstr(rules_err.msg, "P-04") != NULL,
	    "if nobody can it is refused");
	put(group, "members", PLACE_GROUP_MEMBERS, "NOBODY\n");
	ok(try(group_commands_dir, "x", PLACE_GROUP_COMMAND, "ProfileList\n") ==
		ERR_UNSUPPORTED,
	    "and where nobody is");
	put(group, "members", PLACE_GROUP_MEMBERS, "P-0[1-4]\n");
	ok(try(group_commands_dir, "x", PLACE_GROUP_COMMAND, "ProfilList\n") ==
		    ERR_INVALID &&
		try(group_commands_dir, "x", PLACE_GROUP_COMMAND,
		    "DeviceLock Mesage=x\n") == ERR_INVALID,
	    "what is wrong for all is refused as for one");
}

static void
test_limit(void)
{
	unsigned i;

	ok(try(org_commands, "erase", PLACE_ORG_COMMAND, "EraseDevice\n") ==
		    ERR_INVALID &&
		strstr(rules_err.msg, "20 devices") != NULL &&
		strstr(rules_err.msg, "confirm=20") != NULL &&
		strstr(rules_err.msg, "erase.confirm=20") != NULL,
	    "wiping more than mass-limit is refused, with the way to confirm");
	ok(try(org_commands, "erase", PLACE_ORG_COMMAND,
	       "EraseDevice confirm=19\n") == ERR_INVALID,
	    "another number does not confirm it");
	ok(try(org_commands, "off", PLACE_ORG_COMMAND, "ShutDownDevice\n") ==
		ERR_INVALID,
	    "nor can devices be switched off from afar");
	ok(try(org_commands, "restart", PLACE_ORG_COMMAND, "RestartDevice\n") ==
		    ERR_OK &&
		take_away(org_commands, "restart") == ERR_OK,
	    "what can be undone needs no number");
	ok(try(group_commands_dir, "erase", PLACE_GROUP_COMMAND,
	       "EraseDevice\n") == ERR_OK &&
		take_away(group_commands_dir, "erase") == ERR_OK,
	    "nor do few devices");
	ok(try(org_commands, "erase.confirm=20", PLACE_ORG_COMMAND,
	       "EraseDevice\n") == ERR_OK,
	    "the number in the file's name confirms it");
	ok(strcmp(says(20, REPORT_IDLE, NULL), "EraseDevice") == 0,
	    "and it goes out");
	must(take_away(org_commands, "erase.confirm=20"));
	answers(20, REPORT_ACKNOWLEDGED);
	ok(try(org_commands, "e2", PLACE_ORG_COMMAND,
	       "EraseDevice confirm=20\n") == ERR_OK &&
		take_away(org_commands, "e2") == ERR_OK,
	    "and so does one in the text");
	put(FILE_INO_SYSTEM, "mass-limit", PLACE_MASS_LIMIT, "3\n");
	ok(try(group_commands_dir, "erase", PLACE_GROUP_COMMAND,
	       "EraseDevice\n") == ERR_INVALID,
	    "system/mass-limit counts at once");
	ok(try(FILE_INO_SYSTEM, "mass-limit", PLACE_MASS_LIMIT, "many\n") ==
		ERR_INVALID,
	    "and is a number");
	run();
	for (i = 1; i <= PHONES; i++)
		if (says(i, REPORT_IDLE, NULL)[0] != '\0')
			break;
	ok(i == PHONES + 1, "what was cancelled reaches nobody");
}

static void
test_leaving(void)
{
	struct pl *message = pl_new_dict();
	struct said x = { .what = CHECK_OUT };

	put(org_commands, "all", PLACE_ORG_COMMAND, "ProfileList\n");
	x.s = speaker(acme, 5, udid(5), message);
	must(store_update(rules->store, said_txn, &x, &rules_err));
	pl_free(message);
	ok(page_has(0, "all", "\ndropped: 1\n") &&
		page_has(0, "all", "members: 20\n"),
	    "a device that leaves is counted as dropped");
	enroll(5, "iPhone15,2");
	ok(says(5, REPORT_IDLE, NULL)[0] == '\0',
	    "who joins later does not get an old command");
	must(device_remove(rules, numbers[6], &rules_root, &rules_err));
	ok(page_has(0, "all", "\ndropped: 2\n"), "nor who is forgotten");
	enroll(6, "iPhone15,2");
	must(take_away(org_commands, "all"));
	run();
	ok(page_has(0, "all", "state: over\n") &&
		page_has(0, "all", "cancelled: 18\n"),
	    "nothing else is left of it");
}

static void
test_expiry(void)
{
	to_group("soon", "ProfileList Expires=1h\n");
	says(1, REPORT_IDLE, NULL);
	pass(3601 * 1000);
	ok(says(2, REPORT_IDLE, NULL)[0] == '\0', "what expired is not sent");
	run();
	ok(page_has(group, "soon", "state: expired\n") &&
		page_has(group, "soon", "\nexpired: 3\n") &&
		page_has(group, "soon", "\nsent: 1\n"),
	    "the page counts whom it did not reach");
	ok(exists(dir(2, FILE_DEVICE_RESULTS), "soon"),
	    "their results say so, too");
	says(1, REPORT_IDLE, NULL);
	answers(1, REPORT_ACKNOWLEDGED);
	run();
	ok(page_has(group, "soon", "state: over\n") &&
		!exists(group_commands_dir, "soon"),
	    "with the last answer it is over");
}

/* ---- pushes ------------------------------------------------------------- */

struct due {
	int64_t now;
	size_t n;
	int64_t next;
};

static enum err_code
due_txn(struct txn *t, void *arg, struct err *err)
{
	static struct channel_id ids[4096];
	struct due *d = arg;

	return channels_due(t, d->now, ids, 4096, &d->n, &d->next, err);
}

static size_t
due_until(int64_t at)
{
	struct due d = { .now = at };

	must(store_view(rules->store, due_txn, &d, &rules_err));
	return d.n;
}

struct crowd {
	unsigned from, n;
};

static enum err_code
crowd_txn(struct txn *t, void *arg, struct err *err)
{
	const struct crowd *c = arg;
	unsigned i;
	enum err_code rc = ERR_OK;

	for (i = c->from; rc == ERR_OK && i < c->from + c->n; i++) {
		struct issued issued = { .org = acme,
			.state = CERT_VALID,
			.expires = INT64_C(1990000000) };
		struct pl *message = pl_new_dict();
		struct push_token token = { .len = 32, .topic = TOPIC };
		struct speaker s = speaker(acme, 0, "", message);

		memcpy(issued.fingerprint, &i, sizeof(i));
		issued.fingerprint[31] = 1;
		memcpy(s.fingerprint, issued.fingerprint, 32);
		snprintf(s.id, sizeof(s.id), "C-%05u", i);
		pl_set_string(message, "ProductName", "iPhone15,2");
		rc = issued_store(t, &issued, err);
		if (rc == ERR_OK)
			rc = enrollment_authenticate(t, &s, err);
		if (rc == ERR_OK)
			rc = enrollment_token_update(t, &s, &token, err);
		pl_free(message);
	}
	return rc;
}

static void
test_crowd(void)
{
	struct crowd c = { 1000, 2500 };
	int64_t now;
	size_t one, ten;
	struct channel_id id = { 0, 0 };

	(void)id;
	must(store_update(rules->store, crowd_txn, &c, &rules_err));
	put(group, "members", PLACE_GROUP_MEMBERS, "C-*\n");
	pass(100000);
	now = engine_now(rules);
	to_group("crowd", "ProfileList\n");
	ok(page_has(group, "crowd", "not-yet-queued: 1500\n") &&
		page_has(group, "crowd", "\nqueued: 1000\n"),
	    "the first thousand are queued with the file, the others behind "
	    "it");
	run();
	ok(page_has(group, "crowd", "not-yet-queued: 0\n") &&
		page_has(group, "crowd", "\nqueued: 2500\n"),
	    "but at once");
	one = due_until(now);
	ten = due_until(now + 9);
	ok(one <= MASS_PUSHES && ten <= 10 * MASS_PUSHES &&
		ten >= 9 * MASS_PUSHES && due_until(now + 13) >= 2500,
	    "pushes are paced: 200 a second");
	must(take_away(group_commands_dir, "crowd"));
	run();
	ok(page_has(group, "crowd", "state: over\n") &&
		page_has(group, "crowd", "cancelled: 2500\n"),
	    "and taken back in slices");
	ok(due_until(now + 13) == 0, "with their pushes");
	/* cancelled while slices are to come */
	to_group("crowd", "CertificateList\n");
	must(take_away(group_commands_dir, "crowd"));
	run();
	ok(page_has(group, "crowd", "state: over\n") &&
		page_has(group, "crowd", "cancelled: 2500\n"),
	    "also before all of them were queued");
}

static bool
count_one(void *arg, const char *name, uint32_t command)
{
	unsigned *n = arg;

	(void)name;
	(void)command;
	++*n;
	return true;
}

static void
test_pages(void)
{
	struct group_commands_of of = { acme, group, 0 };
	unsigned i, n = 0;
	char name[16];

	put(group, "members", PLACE_GROUP_MEMBERS, "P-01\n");
	for (i = 0; i < MASS_KEPT + 20; i++) {
		snprintf(name, sizeof(name), "n%03u", i);
		to_group(name, "ProfileList\n");
		must(take_away(group_commands_dir, name));
		run();
	}
	must(group_commands(rules, &of, count_one, &n, &rules_err));
	ok(n == MASS_KEPT, "pages of old commands go");
	ok(!page_has(group, "n019", "") && page_has(group, "n020", "over"),
	    "the oldest first");
}

int
main(void)
{
	static const struct engine_options options;
	struct file_node n;
	unsigned i;

	rules_begin(&options);
	acme = org_number("acme");
	for (i = 1; i <= PHONES; i++)
		enroll(i, i == 4 ? "MacBookPro18,3" : "iPhone15,2");
	must(file_find(rules, FILE_INO_ORGS, "acme", &n, &rules_err));
	org_dir = n.ino;
	org_commands = put(org_dir, "commands", PLACE_ORG_COMMANDS, "").ino;
	group = put(put(org_dir, "groups", PLACE_GROUPS, "").ino, "four",
	    PLACE_GROUP, "")
	            .ino;
	group_commands_dir =
	    put(group, "commands", PLACE_GROUP_COMMANDS, "").ino;
	put(group, "members", PLACE_GROUP_MEMBERS, "P-0[1-3]\nSN04\n");
	test_all_is_well();
	test_cancel();
	test_replace();
	test_skip();
	test_limit();
	test_leaving();
	test_expiry();
	test_crowd();
	test_pages();
	engine_close(rules);
	return tap_done();
}
