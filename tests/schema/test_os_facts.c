#include "engine/schema/os_facts.h"

#include "tests/tap.h"

static bool
version_is(const char *text, uint32_t want, const char *said)
{
	struct buf b = { 0 };
	bool good;

	facts_version_say(facts_version(text), &b);
	good = facts_version(text) == want &&
	       (want == 0 || strcmp(buf_str(&b), said) == 0);
	buf_free(&b);
	return good;
}

static void
test_versions(void)
{
	ok(version_is("17.4.1", 17004001, "17.4.1") &&
		version_is("10.15", 10015000, "10.15") &&
		version_is("26", 26000000, "26.0"),
	    "versions");
	ok(facts_version("9.3.2") < facts_version("10.0") &&
		facts_version("16.4") < facts_version("16.10"),
	    "are numbers, not text");
	ok(facts_version("") == 0 && facts_version("x") == 0 &&
		facts_version("17.") == 0 && facts_version("1000.1") == 0 &&
		facts_version("99999999999999999999") == 0,
	    "what is none");
	ok(facts_version("14.3.1.2") == 14003001, "a fourth part is no matter");
}

static void
test_cells(void)
{
	struct os_facts f =
	    facts_of("in=10.15.4;dep=11.0;rem=12.1;ar=AllowDevice"
		     "Erase;dc=1;uc=0;sup=1;ade=0;uam=1;ue="
		     "forbidden;si=required;sidc=1;siuc=0");

	ok(f.introduced == 10015004 && f.deprecated == 11000000 &&
		f.removed == 12001000 && !f.never,
	    "versions of a cell");
	ok(f.right == 8 && f.device_channel == SCHEMA_YES &&
		f.user_channel == SCHEMA_NO && f.supervised == SCHEMA_YES &&
		f.automated == SCHEMA_NO && f.approved == SCHEMA_YES &&
		f.user_enrollment == FACTS_FORBIDDEN &&
		f.shared == FACTS_REQUIRED &&
		f.shared_device_channel == SCHEMA_YES &&
		f.shared_user_channel == SCHEMA_NO,
	    "its other facts");
	f = facts_of("in=n/a");
	ok(f.never, "never");
	f = facts_of("enr=supervised,device;sco=system,user;sisco=");
	ok(f.enrollments == (FACTS_NONE | FACTS_SUPERVISED | FACTS_DEVICE) &&
		f.scopes == (FACTS_NONE | FACTS_DEVICE | FACTS_USER) &&
		f.shared_scopes == FACTS_NONE,
	    "lists, also empty ones");
	ok(facts_valid("") && facts_valid("in=all") &&
		facts_valid("new=1;in=1.0") && !facts_valid("in") &&
		!facts_valid("in=x") && !facts_valid("sup=2") &&
		!facts_valid("ue=perhaps") && !facts_valid("=1") &&
		!facts_valid(";"),
	    "what is understood");
}

static void
test_together(void)
{
	const struct schema *s = NULL;
	struct os_facts f;
	const struct schema_key *key;

	ok(schema_load(&s, NULL) == ERR_OK, "the tables load");
	key = schema_key(
	    schema_command(s, "EraseDevice")->command->keys, "ReturnToService");
	f = facts_effective(schema_key(key->keys, "Enabled"), SCHEMA_IOS);
	ok(f.introduced == 17000000 && f.right == 8 &&
		f.user_enrollment == FACTS_FORBIDDEN && !f.never,
	    "a key has what stands above it; the later version counts");
	f = facts_effective(schema_key(key->keys, "Enabled"), SCHEMA_MACOS);
	ok(f.never, "never wins");
	schema_free(s);
}

/* The verdict for a cell, below what above says. */
static enum facts_verdict
verdict(const char *cell, const char *above, struct schema_device d)
{
	struct os_facts f = facts_of(cell);
	struct os_facts a = facts_of(above);

	return facts_judge(&f, &a, &d, NULL);
}

static void
test_verdicts(void)
{
	struct schema_device nothing = { 0 };
	struct schema_device ios = { .os_known = true };
	struct schema_device old = { .os_known = true, .version = "15.7" };

	ok(verdict("in=n/a", "", nothing) == FACTS_UNCERTAIN &&
		verdict("in=n/a", "", ios) == FACTS_UNFIT,
	    "never, of a system that is known or not");
	ok(verdict("in=16.0", "", ios) == FACTS_UNCERTAIN &&
		verdict("in=16.0", "", old) == FACTS_UNFIT &&
		verdict("in=15.7", "", old) == FACTS_FIT,
	    "versions");
	ok(verdict("in=16.0", "in=16.0", ios) == FACTS_FIT,
	    "what is above has it all the same");
	ok(verdict("rem=15.0", "", old) == FACTS_UNFIT &&
		verdict("rem=16.0", "", old) == FACTS_FIT &&
		verdict("rem=0", "", ios) == FACTS_UNFIT,
	    "what was removed");
	ok(verdict("sup=1", "", ios) == FACTS_UNCERTAIN &&
		verdict("sup=1", "sup=1", ios) == FACTS_FIT &&
		verdict("sup=0", "", ios) == FACTS_FIT,
	    "supervision");
	ios.supervised = SCHEMA_NO;
	ios.enrollment = SCHEMA_ENROLLMENT_DEVICE;
	ok(verdict("enr=supervised", "", ios) == FACTS_UNFIT &&
		verdict("enr=supervised,device", "", ios) == FACTS_FIT &&
		verdict("enr=user", "", ios) == FACTS_UNFIT,
	    "ways of enrollment");
	ios.channel = SCHEMA_CHANNEL_USER;
	ok(verdict("sco=system", "", ios) == FACTS_UNFIT &&
		verdict("sco=system,user", "", ios) == FACTS_FIT &&
		verdict("siuc=0", "", ios) == FACTS_UNFIT,
	    "scopes; iOS has users on a Shared iPad only");
}

static void
test_products(void)
{
	static const struct {
		const char *product;
		enum schema_os os;
	} models[] = { { "iPhone15,2", SCHEMA_IOS }, { "iPad8,1", SCHEMA_IOS },
		{ "MacBookPro18,3", SCHEMA_MACOS }, { "Mac14,2", SCHEMA_MACOS },
		{ "iMac21,1", SCHEMA_MACOS }, { "AppleTV11,1", SCHEMA_TVOS },
		{ "VirtualMac2,1", SCHEMA_MACOS },
		{ "RealityDevice14,1", SCHEMA_VISIONOS },
		{ "Watch6,1", SCHEMA_WATCHOS } };
	enum schema_os os;
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		good = good && schema_os_of_product(models[i].product, &os) &&
		       os == models[i].os;
	ok(good, "a model says its system");
	ok(!schema_os_of_product("", &os) &&
		!schema_os_of_product("Toaster1,1", &os),
	    "unless it is unknown");
}

int
main(void)
{
	test_versions();
	test_cells();
	test_together();
	test_verdicts();
	test_products();
	return tap_done();
}
