/* Commands for many devices: who is sent them, what is counted, how they end. */
#include "tests/model/mass.h"

static void
test_beginning(void)
{
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
}

static void
test_answers(void)
{
	char first[256];

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
}

static void
test_end(void)
{
	unsigned i;

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
	ok(try_remove(dir(1, FILE_DEVICE_COMMANDS), "cancel") == ERR_CHANGED,
	    "a member that was sent it cannot be taken out");
	ok(try_remove(dir(2, FILE_DEVICE_COMMANDS), "cancel") == ERR_OK &&
		!exists(dir(2, FILE_DEVICE_COMMANDS), "cancel") &&
		says(2, REPORT_IDLE, NULL)[0] == '\0',
	    "another one can");
	ok(page_has(group, "cancel", "cancelled: 1\n"), "which is counted");
	says(1, REPORT_IDLE, NULL);
	remove_file(group_commands_dir, "cancel");
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
	remove_file(group_commands_dir, "again");
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
	remove_file(group_commands_dir, "mine");
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
	remove_file(group_commands_dir, "lost");
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
	remove_file(org_commands, "all");
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

int
main(void)
{
	mass_begin();
	test_beginning();
	test_answers();
	test_end();
	test_cancel();
	test_replace();
	test_skip();
	test_leaving();
	test_expiry();
	engine_close(rules);
	return tap_done();
}
