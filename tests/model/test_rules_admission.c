/* Who may enroll: the gate, invitations, passwords, lists, access tokens. */
#include "engine/model/admission.h"

#include "engine/model/accounts.h"
#include "engine/model/bearers.h"
#include "engine/model/device_acts.h"
#include "engine/model/invitations.h"
#include "tests/model/rules.h"

#define DAY INT64_C(86400)

static uint32_t acme, umbrella;
static struct file_node enrollment, invitations, users;

static enum err_code
judge(enum place place, const char *name, const char *text)
{
	struct file_write w = { .parent = enrollment.ino,
		.name = name,
		.place = place,
		.ino = 99999,
		.mode = 0600,
		.bytes = bytes_text(text),
		.actor = rules_root };

	rules_err.msg[0] = '\0';
	return file_judge(rules, &w, &rules_err);
}

/* What a file holds, as the name of a test. */
static const char *
named(const char *text)
{
	static char name[128];
	char *p;

	snprintf(name, sizeof(name), "a file of: %s", text);
	for (p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = '/';
		else if (*p == '#')
			*p = '*';
	return name;
}

static bool
says(const char *part)
{
	bool yes = strstr(rules_err.msg, part) != NULL;

	if (!yes)
		printf("# says \"%s\", not \"%s\"\n", rules_err.msg, part);
	return yes;
}

/* ---- the gate ----------------------------------------------------------- */

struct gate {
	struct admission_ask ask;
	bool take;
	struct admission got;
};

static enum err_code
gate_txn(struct txn *t, void *arg, struct err *err)
{
	struct gate *g = arg;

	return g->take ? admission_take(t, rules, &g->ask, &g->got, err)
	               : admission_check(t, &g->ask, &g->got, err);
}

static struct gate
ask(const char *user, const char *invitation, const char *serial)
{
	return (struct gate){ .ask = { .org = acme,
				  .door = "test",
				  .from = "192.0.2.1",
				  .user = user,
				  .invitation = invitation,
				  .serial = serial,
				  .now = engine_now(rules) } };
}

static enum err_code
check(struct gate *g)
{
	g->take = false;
	return store_view(rules->store, gate_txn, g, &rules_err);
}

static enum err_code
take(struct gate *g)
{
	g->take = true;
	return store_update(rules->store, gate_txn, g, &rules_err);
}

/* ---- passwords ---------------------------------------------------------- */

/* of "x" */
#define YESCRYPT                                                               \
	"$y$j75$u.vqYzo3cfRknbt1ZOIVq1$2j9DMXrwTCIxrpbh60aZsnYgD732uW787Q51y"  \
	"Jg6wYA"

static void
test_password_file(void)
{
	/* clang-format off */
	static const struct { const char *text; enum err_code rc; const char *says; } files[] = {
		{ YESCRYPT,                          ERR_OK,           "" },
		{ YESCRYPT "\n",                     ERR_OK,           "" },
		{ "",                                ERR_INVALID,      "it is empty" },
		{ "secret",                          ERR_INVALID,      "plain password" },
		{ "secret\nsecond\n",                ERR_INVALID,      "more than one line" },
		{ YESCRYPT "\n" YESCRYPT,            ERR_INVALID,      "more than one line" },
		{ "saxRH9pMbBbhc",                   ERR_INVALID,      "plain password" },
		{ "$",                               ERR_INVALID,      "" },
		{ "$$",                              ERR_INVALID,      "" },
		{ "$1$6XC.nXCx$XhIRvzkkgZIwFeP8A2SP6/", ERR_KEY_REJECTED, "" },
		{ "$y$jZT$u.vqYzo3cfRknbt1ZOIVq1$2j", ERR_KEY_REJECTED, "cost" },
		{ "$y$j75$u.vqYzo3cfRknbt1ZOIVq1$2j9", ERR_UNDECODABLE, "cut off" },
		{ "$6$rounds=99999999$abcdefgh$x",   ERR_KEY_REJECTED, "cost" },
		{ "$2b$31$SxXz8eWacfGKIpQ/tectJuLWXhqPH1Ai0PJwgBqz.SQ3EoqigWhwy", ERR_KEY_REJECTED, "cost" },
		{ "$2b$05$SxXz8eWacfGKIpQ/tectJuLWXhqPH1Ai0PJwgBqz.SQ3EoqigWhwy", ERR_OK, "" },
		{ "$9$nobody$knows",                 ERR_INVALID,      "mkpasswd -m yescrypt" },
	};
	/* clang-format on */
	char long_one[2000];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		ok(judge(PLACE_USER_PASSWORD, "password", files[i].text) ==
			    files[i].rc &&
			says(files[i].says),
		    named(files[i].text));
	memset(long_one, 'a', sizeof(long_one));
	long_one[0] = '$';
	long_one[sizeof(long_one) - 1] = '\0';
	ok(judge(PLACE_USER_PASSWORD, "password", long_one) == ERR_INVALID,
	    "what is longer than any hash");
	ok(judge(PLACE_USER_FULL_NAME, "full-name", "a\nb") == ERR_INVALID,
	    "a full name of two lines");
	ok(!strstr(rules_err.msg, "secret"), "no refusal repeats a password");
}

struct login {
	const char *name;
	struct account a;
};

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct login *l = arg;

	return account_find(t, acme, l->name, &l->a, err);
}

static struct account
account(const char *name)
{
	struct login l = { .name = name };

	must(store_view(rules->store, find_txn, &l, &rules_err));
	return l.a;
}

static void
test_accounts(void)
{
	struct file_node alice, dir;
	struct account a;
	char again[ACCOUNT_HASH_MAX];

	a = account("alice");
	ok(!a.known && strncmp(a.hash, "$y$", 3) == 0,
	    "without users a name that is not known has a hash");
	ok(!account_proves(&a, "x"), "which no password has");
	users = put(put(FILE_INO_ORGS, "empty", PLACE_ORG, "").ino, "users",
	    PLACE_ORG_USERS, "");
	must(file_find(rules, FILE_INO_ORGS, "acme", &dir, &rules_err));
	users = put(dir.ino, "users", PLACE_ORG_USERS, "");
	alice = put(users.ino, "alice", PLACE_ORG_USER, "");
	a = account("alice");
	ok(!a.known, "one without a password is not known");
	put(alice.ino, "password", PLACE_USER_PASSWORD, YESCRYPT);
	put(alice.ino, "full-name", PLACE_USER_FULL_NAME, "Alice\n");
	a = account("alice");
	ok(a.known && strcmp(a.full_name, "Alice") == 0, "then it is");
	ok(account_proves(&a, "x"), "by its password");
	ok(!account_proves(&a, "y") && !account_proves(&a, ""), "and no other");
	a = account("mallory");
	ok(!a.known && strcmp(a.hash, YESCRYPT) == 0 &&
		!account_proves(&a, "x"),
	    "who is not known is compared with somebody, and never let in");
	put(put(users.ino, "bob", PLACE_ORG_USER, "").ino, "password",
	    PLACE_USER_PASSWORD,
	    "$2b$05$SxXz8eWacfGKIpQ/tectJuLWXhqPH1Ai0PJwgBqz.SQ3EoqigWhwy");
	a = account("mallory");
	memcpy(again, a.hash, sizeof(again));
	a = account("mallory");
	ok(strcmp(again, a.hash) == 0, "always with the same one");
	ok(!account("").known && !account("../acme").known,
	    "nothing, and a path, are no names");
}

/* ---- invitations -------------------------------------------------------- */

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
	put(invitations.ino, name, PLACE_INVITATION, text);
	snprintf(code, sizeof(code), "%s", page(name, "code"));
}

static void
test_invitation_file(void)
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
test_invitation(void)
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
test_invitation_life(void)
{
	struct file_node n;
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
	must(file_find(rules, invitations.ino, "life", &n, &rules_err));
	must(file_remove(rules, n.ino, &rules_root, &rules_err));
	g = ask(NULL, before, NULL);
	ok(check(&g) == ERR_DENIED && says("taken back"),
	    "removed it is of no use at once");
	pass(500);
	invite("life", "uses: 3\n");
	ok(strcmp(before, code) == 0 && check(&g) == ERR_OK,
	    "written anew within two seconds it is the same");
	must(file_find(rules, invitations.ino, "life", &n, &rules_err));
	must(file_remove(rules, n.ino, &rules_root, &rules_err));
	pass(5000);
	must(removal_run(rules, &(int64_t){ 0 }, &rules_err));
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

/* A certificate that was let in by g. */
static void
issue_for(const struct gate *g, uint8_t cert)
{
	struct issued i = { .org = acme,
		.state = CERT_VALID,
		.expires = INT64_C(1990000000),
		.admission = g->got };

	memset(i.fingerprint, cert, sizeof(i.fingerprint));
	must(store_update(rules->store, issue_txn, &i, &rules_err));
}

static void
test_invitation_device(void)
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

/* ---- users, lists ------------------------------------------------------- */

static void
test_ways(void)
{
	struct gate g = ask(NULL, NULL, NULL);
	struct file_node list;

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
	put(enrollment.ino, "serials", PLACE_ENROLLMENT_SERIALS,
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
	put(enrollment.ino, "open", PLACE_ENROLLMENT_OPEN, "");
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
	must(file_find(rules, enrollment.ino, "serials", &list, &rules_err));
	must(file_remove(rules, list.ino, &rules_root, &rules_err));
	issue_for(&g, 21);
	ok(authenticate(acme, 21, "UDID-21", "C02NOT") == ERR_OK,
	    "without the list everybody does");
	put(enrollment.ino, "serials", PLACE_ENROLLMENT_SERIALS, "");
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

static enum err_code
write_domains(uint64_t dir, const char *text)
{
	struct file_write w = { .parent = dir,
		.name = "domains",
		.place = PLACE_ENROLLMENT_DOMAINS,
		.mode = 0644,
		.bytes = bytes_text(text),
		.actor = rules_root };

	must(file_reserve(rules, 1, &w.ino, &rules_err));
	return file_write(rules, &w, NULL, &rules_err);
}

struct domain {
	const char *name;
	uint32_t org;
};

static enum err_code
domain_txn(struct txn *t, void *arg, struct err *err)
{
	struct domain *d = arg;

	return domain_org(t, d->name, &d->org, err);
}

static uint32_t
org_of(const char *domain)
{
	struct domain d = { .name = domain };

	return store_view(rules->store, domain_txn, &d, &rules_err) == ERR_OK
	           ? d.org
	           : 0;
}

static void
test_domains(void)
{
	struct file_node org, dir;

	ok(write_domains(enrollment.ino, "acme.example # mail\nacme.test\n") ==
		ERR_OK,
	    "domains");
	ok(org_of("ACME.Example") == acme && org_of("acme.test") == acme,
	    "lead to their organization");
	ok(org_of("example") == 0 && org_of("") == 0 && org_of("mail") == 0,
	    "others do not");
	must(file_find(rules, FILE_INO_ORGS, "umbrella", &org, &rules_err));
	dir = put(org.ino, "enrollment", PLACE_ENROLLMENT, "");
	ok(write_domains(dir.ino, "a.example\nAcme.test") == ERR_NOT_UNIQUE &&
		says("Acme.test is organization acme's"),
	    "one belongs to one organization");
	ok(org_of("a.example") == 0, "and nothing of a refused file counts");
	ok(write_domains(enrollment.ino, "acme.test\n") == ERR_OK &&
		org_of("acme.example") == 0,
	    "a list that is written anew is not in its own way");
	/* clang-format off */
	static const char *const wrong[] = { "localhost", "a@b.example", ".example", "example.", "a..b", "https://a.example", "a.example b.example" };
	/* clang-format on */
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ok(judge(PLACE_ENROLLMENT_DOMAINS, "domains", wrong[i]) ==
			ERR_INVALID,
		    wrong[i]);
}

/* ---- access tokens ------------------------------------------------------ */

struct token {
	char text[BEARER_TOKEN + 1];
	int64_t now;
	uint32_t org;
	bool add;
	struct bearer b;
};

static enum err_code
token_txn(struct txn *t, void *arg, struct err *err)
{
	struct token *k = arg;
	struct bearer b = { .made_at = k->now, .user = "alice" };

	return k->add ? bearer_add(t, k->org, k->text, &b, err)
	              : bearer_find(
			    t, k->org, bytes_text(k->text), k->now, &k->b, err);
}

static bool
is_good(struct token *k)
{
	k->add = false;
	k->now = engine_now(rules);
	return store_view(rules->store, token_txn, k, &rules_err) == ERR_OK;
}

static void
make_token(struct token *k)
{
	*k = (struct token){
		.org = acme, .add = true, .now = engine_now(rules)
	};
	must(bearer_make(k->text, &rules_err));
	must(store_update(rules->store, token_txn, k, &rules_err));
}

static void
test_tokens(void)
{
	struct token one, two;
	struct gate g = ask("alice", NULL, NULL);

	make_token(&one);
	ok(is_good(&one) && strcmp(one.b.user, "alice") == 0,
	    "an access token tells its user");
	one.org = umbrella;
	ok(!is_good(&one), "in its organization");
	one.org = acme;
	must(check(&g));
	g.got.mode = ADMISSION_MODE_BYOD;
	memcpy(g.got.token, one.b.hash, sizeof(g.got.token));
	issue_for(&g, 30);
	must(authenticate(acme, 30, "UDID-30", "C"));
	make_token(&two);
	pass(2 * DAY * 1000);
	ok(is_good(&one) && one.b.device == device_number("UDID-30"),
	    "one that a device has stays good");
	ok(!is_good(&two), "one that none has does not");
	must(device_remove(
	    rules, device_number("UDID-30"), &rules_root, &rules_err));
	ok(!is_good(&one), "it goes with its device");
}

int
main(void)
{
	const struct engine_options options = { .state_dir = NULL };
	struct file_node org;

	rules_begin(&options);
	acme = org_number("acme");
	umbrella = org_number("umbrella");
	must(file_find(rules, FILE_INO_ORGS, "acme", &org, &rules_err));
	enrollment = put(org.ino, "enrollment", PLACE_ENROLLMENT, "");
	invitations = put(enrollment.ino, "invitations", PLACE_INVITATIONS, "");
	test_password_file();
	test_accounts();
	test_invitation_file();
	test_invitation();
	test_invitation_life();
	test_invitation_device();
	test_ways();
	test_domains();
	test_tokens();
	engine_close(rules);
	return tap_done();
}
