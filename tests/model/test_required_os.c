/* Which systems may enroll by ADE. */
#include "engine/model/required_os.h"

#include "tests/model/rules.h"

static uint64_t dir;
static uint32_t acme;

struct query {
	const char *product, *version;
	char wanted[REQUIRED_OS_MAX + 1];
	bool yes;
};

static enum err_code
query_txn(struct txn *t, void *arg, struct err *e)
{
	struct query *q = arg;

	(void)e;
	q->yes = required_os(t, acme, q->product, q->version, q->wanted);
	return ERR_OK;
}

/* What it must update to; "": it may come in. */
static bool
must_have(const char *product, const char *version, const char *wanted)
{
	struct query q = { .product = product, .version = version };

	must(store_view(rules->store, query_txn, &q, &rules_err));
	if (q.yes != (wanted[0] != '\0') || strcmp(q.wanted, wanted) != 0) {
		printf("# %s %s: \"%s\"\n", product, version, q.wanted);
		return false;
	}
	return true;
}

static enum err_code
write_os(const char *text)
{
	return try(dir, "required-os", PLACE_REQUIRED_OS, text);
}

static void
test_versions(void)
{
	ok(os_version_compare("18.1", "18.1.0") == 0, "18.1 is 18.1.0");
	ok(os_version_compare("18.10", "18.9") > 0, "18.10 is above 18.9");
	ok(os_version_compare("9.3.5", "18.0") < 0, "9.3.5 is below 18");
	ok(os_version_compare("26", "18.7.2") > 0, "26 is above 18.7.2");
}

static void
test_systems(void)
{
	must(write_os("# these\n\niOS 18.1\r\n  macOS\t15.2 \n"));
	ok(must_have("iPhone15,2", "18.0.1", "18.1"), "an iPhone below it");
	ok(must_have("iPhone15,2", "18.1", ""), "one with it");
	ok(must_have("iPad13,1", "17.7", "18.1"), "iPads go with iOS");
	ok(must_have("MacBookPro18,1", "15.1.1", "15.2"), "a Mac");
	ok(must_have("Mac14,2", "14.0", "15.2"), "a newer Mac");
	ok(must_have("VirtualMac2,1", "14.0", "15.2"), "and one that is none");
	ok(must_have("AppleTV14,1", "16.0", ""), "what is not named may come");
	ok(must_have("Toaster1,1", "1.0", ""), "what is not known, too");
	ok(must_have("iPhone15,2", "eighteen", ""), "what is no version, too");
	ok(must_have("iPhone15,2", NULL, ""), "and who says none");
	ok(must_have(NULL, "17.0", ""), "or not what it is");
	must(write_os("26\niPadOS 18.7\n"));
	ok(must_have("iPhone15,2", "18.7", "26"), "a version alone is for all");
	ok(must_have("iPad13,1", "18.7.1", ""), "but who is named");
	ok(must_have("Toaster1,1", "1.0", "26"), "all");
}

static void
test_judgement(void)
{
	char *long_text = malloc(5000);

	ok(write_os("") == ERR_OK, "an empty file requires nothing");
	ok(must_have("iPhone15,2", "1.0", ""), "of nobody");
	ok(write_os("iOS") == ERR_INVALID &&
		strstr(rules_err.msg, "line 1") != NULL,
	    "a system without a version");
	ok(write_os("iOS 18.1\nWindows 11\n") == ERR_INVALID &&
		strstr(rules_err.msg, "line 2: \"Windows\"") != NULL,
	    "a system that does not enroll, with its line");
	ok(write_os("iOS 18.1 beta") == ERR_INVALID, "more than a version");
	ok(write_os("iOS 18..1") == ERR_INVALID, "two dots");
	ok(write_os("iOS 18.1.") == ERR_INVALID, "a dot at the end");
	ok(write_os("iOS 1.2.3.4.5") == ERR_INVALID, "five numbers");
	ok(write_os("iOS 123456") == ERR_INVALID, "a long number");
	ok(write_os("\xff\xfe") == ERR_UNDECODABLE, "what is no text");
	memset(long_text, '\n', 4999);
	long_text[4999] = '\0';
	ok(write_os(long_text) != ERR_OK, "a file that is too long");
	free(long_text);
}

int
main(void)
{
	const struct engine_options options = { .state_dir = NULL };

	rules_begin(&options);
	acme = org_number("acme");
	dir = put(org_dir("acme"), "enrollment", PLACE_ENROLLMENT, "").ino;
	test_versions();
	test_systems();
	test_judgement();
	engine_close(rules);
	return tap_done();
}
