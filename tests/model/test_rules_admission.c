/* The ways in: a password, a serial number on the list, an open door. */
#include "tests/model/admission.h"

static void
test_ways(void)
{
	struct gate g = ask(NULL, NULL, NULL);
	uint64_t users = put(org_dir("acme"), "users", PLACE_ORG_USERS, "").ino;

	put_user(users, "alice", CHEAP_HASH);
	ok(check(&g) == ERR_DENIED && says("not open to everybody"),
	    "nobody is let in without anything");
	g = ask("alice", NULL, NULL);
	ok(check(&g) == ERR_OK && g.got.way == ADMISSION_USER &&
		strcmp(g.got.user, "alice") == 0,
	    "who has proved a password is");
	g = ask("mallory", NULL, NULL);
	ok(check(&g) == ERR_DENIED, "unless the user has gone since");
	g = ask(NULL, NULL, "C02LIST");
	ok(check(&g) == ERR_DENIED && says("not open"), "a serial number");
	put(enrollment, "serials", PLACE_ENROLLMENT_SERIALS,
	    "# ours\r\nc02list   # Dora's\n\nC02TWO\n");
	ok(check(&g) == ERR_OK && g.got.way == ADMISSION_SERIAL,
	    "that is on the list is let in");
	g = ask(NULL, NULL, "C02LIS");
	ok(check(&g) == ERR_DENIED && says("not on the list"),
	    "another one is not");
	g = ask(NULL, NULL, "ours");
	ok(check(&g) == ERR_DENIED, "notes are no serial numbers");
	g = ask(NULL, NULL, "");
	ok(check(&g) == ERR_DENIED, "nor are empty lines");
	put(enrollment, "open", PLACE_ENROLLMENT_OPEN, "");
	ok(check(&g) == ERR_DENIED, "an open door is for the listed alone");
	g = ask(NULL, NULL, NULL);
	ok(check(&g) == ERR_OK && g.got.way == ADMISSION_OPEN,
	    "where no serial number is told yet it is looked at later");
	issue_for(&g, 20);
	ok(authenticate(acme, 20, "UDID-20", "C02NOT") == ERR_NOT_HERE &&
		says("not in enrollment/serials"),
	    "at Authenticate");
	ok(authenticate(acme, 20, "UDID-20", "") == ERR_NOT_HERE &&
		says("(not told)"),
	    "who tells none is not on the list");
	ok(authenticate(acme, 20, "UDID-20", "C02TWO") == ERR_OK,
	    "who is on it enrolls");
	remove_file(enrollment, "serials");
	issue_for(&g, 21);
	ok(authenticate(acme, 21, "UDID-21", "C02NOT") == ERR_OK,
	    "without the list everybody does");
	put(enrollment, "serials", PLACE_ENROLLMENT_SERIALS, "");
	ok(authenticate(acme, 21, "UDID-21", "C02NOT") == ERR_OK,
	    "who is in stays in");
	issue(acme, 22, 0);
	ok(authenticate(acme, 22, "UDID-22", "C02NOT") == ERR_OK,
	    "certificates from before the gate are not asked");
	g = ask("alice", NULL, NULL);
	must(take(&g));
	issue_for(&g, 23);
	ok(authenticate(acme, 23, "UDID-23", "C02NOT") == ERR_OK,
	    "nor is who came with a password");
	ok(judge(PLACE_ENROLLMENT_SERIALS, "serials", "A\nB C\n") ==
		    ERR_INVALID &&
		says("line 2"),
	    "two in a line are refused");
}

int
main(void)
{
	admission_begin();
	test_ways();
	engine_close(rules);
	return tap_done();
}
