/* Groups of many: members are found in slices, and what looks at them
 * meanwhile. */
#include "tests/model/mass.h"

static unsigned
count(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

/* How many lines the page has with that in it. */
static unsigned
lines_with(const char *part)
{
	struct buf b = { 0 };
	unsigned n;

	must(group_members_page(rules, group, &b, &rules_err));
	n = count(buf_str(&b), part);
	buf_free(&b);
	return n;
}

static void
members_are(const char *text)
{
	put(group, "members", PLACE_GROUP_MEMBERS, text);
}

/* All that is to be done of memberships, and nothing else. */
static void
settle(void)
{
	struct groups_watch watch = { 0 };
	int64_t next = 1;

	while (next != 0)
		must(groups_settle(rules, &watch, &next, &rules_err));
	groups_watch_fini(&watch);
}

static void
test_slices(void)
{
	crowd(0, 2500);
	members_are("C-*\n");
	ok(lines_with("C-0") == 993 && lines_with("P-0") == 0,
	    "a thousand lines, joinings and leavings are done with the file");
	ok(lines_with("# not all members are found yet: since 20") == 1 &&
		lines_with(" 993 joined, 4 left\n") == 1,
	    "the page says that others follow");
	ok(lines_with("matches no device") == 0,
	    "and nothing of lines that may still match");
	ok(has_event("993 devices joined and 4 left so far; the others follow"),
	    "so does the event");
	settle();
	ok(lines_with("C-0") == 2500 && lines_with("# ") == 0,
	    "all of them are members in the end");
	ok(has_event("orgs/acme/groups/four: 2500 devices are members: 2500 "
		     "joined, 4 left"),
	    "which is an event");
	members_are("C-*\n# again\n");
	ok(has_event(": 2500 devices are members\n") && lines_with("# ") == 0,
	    "what changes nothing is settled at once");
	members_are("C-000*\nNOSUCH\n");
	ok(lines_with("C-0") == 1503 && lines_with(" 0 joined, 997 left") == 1,
	    "leaving goes in slices, too");
	settle();
	ok(lines_with("C-0") == 100 &&
		lines_with("# matches no device: NOSUCH\n") == 1,
	    "to the end");
}

/* 1,500 lines, each of which names a device. */
static void
test_lines(void)
{
	struct buf b = { 0 };
	unsigned i;

	for (i = 0; i < 1500; i++)
		buf_printf(&b, "C-%05u\nNONE-%u\n", 1000 + i, i);
	members_are("");
	settle();
	members_are(buf_str(&b));
	ok(lines_with("C-0") == 0 && lines_with("not all members") == 1,
	    "many lines are entered in slices as well");
	settle();
	ok(lines_with("C-0") == 1500 && lines_with("# matches no") == 1500,
	    "and found");
	buf_free(&b);
}

/* Somebody else, or a crash, between the slices: nothing but the store knows
 * of them. */
static void
test_meanwhile(void)
{
	members_are("");
	settle();
	members_are("C-*\n");
	ok(lines_with("C-0") == 999, "a slice, and then:");
	must(device_remove(
	    rules, device_number("C-02400"), &rules_root, &rules_err));
	crowd(2500, 1);
	ok(lines_with("C-02500") == 1,
	    "a device that enrolls now is a member at once");
	members_are("C-*\nP-01\n");
	settle();
	ok(lines_with("C-0") == 2500 && lines_with("P-01") == 1 &&
		lines_with("C-02400") == 0,
	    "the newest file counts, and who is there");
	members_are("P-0?\n");
	ok(lines_with("not all members") == 1, "another glob, and then:");
	remove_file(group, "members");
	settle();
	ok(lines_with("C-0") == 0 && lines_with("P-0") == 9,
	    "a removed file is in effect for a moment");
	pass_removals();
	settle();
	ok(lines_with("P-0") == 0, "then nobody is a member");
}

static void
test_command(void)
{
	int64_t next;

	members_are("C-*\n");
	ok(try(group_commands_dir, "erase", PLACE_GROUP_COMMAND,
	       "EraseDevice confirm=1000\n") == ERR_INVALID &&
		strstr(rules_err.msg, "confirm=2500") != NULL,
	    "a command counts those that are still to be found");
	to_group("ask", "ProfileList\n");
	must(mass_run(rules, &next, &rules_err));
	ok(page_has(group, "ask", "members: 2500\n") &&
		page_has(group, "ask", "not-yet-queued: 2500\n"),
	    "it waits for them");
	ok(try(org_commands, "other", PLACE_ORG_COMMAND, "UserList\n") ==
		    ERR_OK &&
		mass_run(rules, &next, &rules_err) == ERR_OK &&
		page_has(0, "other", "not-yet-queued: 0\n"),
	    "and keeps no other command waiting");
	settle();
	must(mass_run(rules, &next, &rules_err));
	ok(page_has(group, "ask", "\nqueued: 2500\n") &&
		page_has(group, "ask", "dropped: 0\n"),
	    "then all of them are queued");
	remove_file(group_commands_dir, "ask");
	members_are("P-01\nP-02\nP-03\n");
	to_group("few", "ProfileList\n");
	remove_file(group_commands_dir, "few");
	run();
	ok(page_has(group, "few", "members: 3\n") &&
		page_has(group, "few", "state: over\n") &&
		page_has(group, "ask", "state: over\n"),
	    "one that is cancelled waits for nobody");
}

/* More than the others in the house wait for. */
static void
test_rounds(void)
{
	struct groups_watch watch = { 0 };
	int64_t next = 0;
	unsigned i;

	members_are("");
	settle();
	for (i = 0; i < 12; i++)
		crowd(10000 + i * 2000, 2000);
	members_are("C-[123]*\n");
	must(groups_settle(rules, &watch, &next, &rules_err));
	ok(next == engine_now(rules) && lines_with("not all members") == 1,
	    "after GROUP_ROUND slices the others have a turn");
	groups_watch_fini(&watch);
	settle();
	ok(lines_with("C-1") + lines_with("C-2") + lines_with("C-3") == 24000,
	    "who goes on without a memory finds the rest");
}

int
main(void)
{
	mass_begin();
	test_slices();
	test_lines();
	test_meanwhile();
	test_command();
	test_rounds();
	engine_close(rules);
	return tap_done();
}
