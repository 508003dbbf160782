/* Invitations: their files, their codes, how long and for whom they are good. */
#include "engine/model/invitations.h"

#include "tests/model/admission.h"

static uint64_t invitations;
static char code[INVITATION_CODE + 1];

/* The value of a key on the page of an invitation; "" if it has none. */
static const char *
page(const char *name, const char *key)
{
	static char value[512];
	char want[64];
	struct file_node n;
	struct buf b = { 0 };
	const char *p;

	value[0] = '\0';
	snprintf(want, sizeof(want), "%s: ", key);
	if (invitation_find(rules, acme, name, &n, NULL) == ERR_OK &&
	    invitation_page(rules, n.ino, &b, &rules_err) == ERR_OK &&
	    (p = strstr(buf_str(&b), want)) != NULL)
		snprintf(value, sizeof(value), "%.*s",
		    (int)strcspn(p + strlen(want), "\n"), p + strlen(want));
	buf_free(&b);
	return value;
}

static void
invite(const char *name, const char *text)
{
	put(invitations, name, PLACE_INVITATION, text);
	snprintf(code, sizeof(code), "%s", page(name, "code"));
}

static void
test_file(void)
{
	/* clang-format off */
	static const struct { const char *text; enum err_code rc; const char *says; } files[] = {
		{ "",                             ERR_OK,      "" },
		{ "# nothing\n\n",                ERR_OK,      "" },
		{ "user: alice\r\nuses: 3\r\n",   ERR_OK,      "" },
		{ "ends: 2026-12-24T18:00:00Z",   ERR_OK,      "" },
		{ "ends: 30",                     ERR_OK,      "" },
		{ "ends: 0",                      ERR_INVALID, "from 1 to 3650" },
		{ "ends: 99999999999999999999",   ERR_INVALID, "from 1 to 3650" },
		{ "ends: tomorrow",               ERR_INVALID, "line 1: ends: \"tomorrow\" is neither" },
		{ "uses: -1",                     ERR_INVALID, "from 1 to 1000" },
		{ "uses: 1001",                   ERR_INVALID, "from 1 to 1000" },
		{ "uses: 1\nuses: 2",             ERR_INVALID, "line 2: uses stands there twice" },
		{ "serial: C02 X",                ERR_INVALID, "letters and digits" },
		{ "user:",                        ERR_INVALID, "nothing stands behind the colon" },
		{ "hello",                        ERR_INVALID, "key: value" },
		{ "User: x",                      ERR_INVALID, "\"User\" is not known" },
		{ "note: \x1b[2J",                ERR_UNDECODABLE, "plain text" },
	};
	/* clang-format on */
	char long_one[3000];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		ok(judge(PLACE_INVITATION, "x", files[i].text) == files[i].rc &&
			says(files[i].says),
		    named(files[i].text));
	memset(long_one, 'a', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	ok(judge(PLACE_INVITATION, "x", long_one) == ERR_INVALID,
	    "a line that is too long");
	memcpy(long_one, "user: ", 6);
	long_one[700] = '\0';
	ok(judge(PLACE_INVITATION, "x", long_one) == ERR_INVALID &&
		says("at most 255 bytes"),
	    "a name that is too long");
}

static void
test_code(void)
{
	struct gate g;
	struct buf b = { 0 };

	invite("guest", "");
	ok(strlen(code) == INVITATION_CODE, "an empty file makes a code");
	g = ask(NULL, code, NULL);
	ok(check(&g) == ERR_OK && g.got.way == ADMISSION_INVITATION &&
		strcmp(g.got.name, "guest") == 0,
	    "which lets somebody in");
	ok(check(&g) == ERR_OK && strcmp(page("guest", "uses"), "0 of 1") == 0,
	    "to ask uses nothing up");
	ok(take(&g) == ERR_OK, "it is taken");
	ok(has_event("test: admitted by invitation guest, from 192.0.2.1"),
	    "an event says so");
	ok(take(&g) == ERR_DENIED && says("used already"), "once");
	ok(check(&g) == ERR_DENIED, "then it is of no use");
	ok(strcmp(page("guest", "state"), "used") == 0, "its page says so");
	g = ask(NULL, "ABCDEFGHJKLMNPQRSTUVWXYZ23", NULL);
	ok(check(&g) == ERR_DENIED && says("not known"), "a made-up code");
	g = ask(NULL, "", NULL);
	ok(check(&g) == ERR_DENIED, "an empty one");
	g = ask(NULL,
	    "ABCDEFGHJKLMNPQRSTUVWXYZ23ABCDEFGHJKLMNPQRSTUVWXYZ23ABCDEFGHJKL"
	    "MNPQRSTUVWXYZ23",
	    NULL);
	ok(check(&g) == ERR_DENIED, "one that is too long");
	invite("other", "");
	g = ask(NULL, code, NULL);
	g.ask.org = umbrella;
	ok(check(&g) == ERR_DENIED, "another organization's");
	must(store_update(rules->store, gate_txn,
	    &(struct gate){ .ask = ask(NULL, code, NULL).ask, .take = true },
	    &rules_err));
	g = ask(NULL, code, NULL);
	buf_printf(&b, "%.8s-%.8s %s", code, code + 8, code + 16);
	g.ask.invitation = buf_str(&b);
	ok(check(&g) == ERR_DENIED && says("used already"),
	    "spaces and dashes do not matter");
	buf_free(&b);
}

static void
test_life(void)
{
	struct gate g;
	char before[sizeof(code)];

	invite("life", "uses: 2\n");
	memcpy(before, code, sizeof(code));
	g = ask(NULL, before, NULL);
	must(take(&g));
	invite("life", "uses: 3\nnote: longer\n");
	ok(strcmp(before, code) == 0 &&
		strcmp(page("life", "uses"), "1 of 3") == 0,
	    "replaced by another file it keeps its code and its uses");
	remove_file(invitations, "life");
	g = ask(NULL, before, NULL);
	ok(check(&g) == ERR_DENIED && says("taken back"),
	    "removed it is of no use at once");
	pass(500);
	invite("life", "uses: 3\n");
	ok(strcmp(before, code) == 0 && check(&g) == ERR_OK,
	    "written anew within two seconds it is the same");
	take_away(invitations, "life");
	invite("life", "");
	ok(strcmp(before, code) != 0, "later it is another one");
	g = ask(NULL, before, NULL);
	ok(check(&g) == ERR_DENIED, "and the old code has gone");
	g = ask(NULL, code, NULL);
	pass(7 * DAY * 1000 - 5000);
	g.ask.now = engine_now(rules);
	ok(check(&g) == ERR_OK, "it is good for a week");
	pass(10000);
	g.ask.now = engine_now(rules);
	ok(check(&g) == ERR_DENIED && says("has ended"), "and no longer");
	ok(take(&g) == ERR_DENIED, "also for who was let in before");
	ok(strcmp(page("life", "state"), "ended") == 0, "the page says so");
	invite("life", "");
	ok(check(&g) == ERR_OK, "its file written anew begins another week");
}

static void
test_device(void)
{
	struct gate g;

	invite("mine", "serial: C02ABC\nuser: dora\n");
	g = ask(NULL, code, "C02XYZ");
	ok(check(&g) == ERR_DENIED && says("for another device"),
	    "a serial number that is told is looked at");
	g = ask(NULL, code, "c02abc");
	ok(check(&g) == ERR_OK && strcmp(g.got.user, "dora") == 0,
	    "in any case");
	g = ask(NULL, code, NULL);
	must(take(&g));
	issue_for(&g, 10);
	ok(authenticate(acme, 10, "UDID-10", "C02XYZ") == ERR_NOT_HERE &&
		says("C02ABC"),
	    "one that is told at Authenticate as well");
	ok(device_number("UDID-10") == 0, "which leaves no device");
	ok(authenticate(acme, 10, "UDID-11", "C02ABC") == ERR_OK,
	    "the right one enrolls");
	ok(strncmp(page("mine", "device"), "UDID-11 20", 10) == 0,
	    "the page names it");
	ok(authenticate(acme, 10, "UDID-11", "C02ABC") == ERR_OK,
	    "also when it begins again");
	ok(strcmp(page("mine", "user"), "dora") == 0, "and whose it is");
}

int
main(void)
{
	admission_begin();
	invitations = put(enrollment, "invitations", PLACE_INVITATIONS, "").ino;
	test_file();
	test_code();
	test_life();
	test_device();
	engine_close(rules);
	return tap_done();
}
