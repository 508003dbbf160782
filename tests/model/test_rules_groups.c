/* Who is in a group, and who follows. */
#include "engine/base/text.h"
#include "engine/model/groups.h"
#include "tests/model/rules.h"

static uint32_t acme, umbrella;
static uint64_t acme_groups, group;

static void
enroll(uint32_t org, uint8_t cert, const char *udid, const char *serial)
{
	issue(org, cert, 0);
	must(authenticate(org, cert, udid, serial));
	must(token_update(org, cert, udid, "", TOPIC));
}

static void
members_are(const char *text)
{
	put(group, "members", PLACE_GROUP_MEMBERS, text);
}

/* The page, without what follows the UDIDs: "A-1 A-2 # matches ...". */
static const char *
page(void)
{
	static char ret[4096];
	struct buf b = { 0 };
	struct bytes rest, line;
	size_t n = 0;

	must(group_members_page(rules, group, &b, &rules_err));
	rest = buf_view(&b);
	ret[0] = '\0';
	while (text_line(&rest, &line) && n < sizeof(ret) - 300) {
		size_t len = line.len;

		if (line.len > 0 && line.p[0] != '#')
			for (len = 0; len < line.len && line.p[len] != '\t';)
				len++;
		n += (size_t)snprintf(ret + n, sizeof(ret) - n, "%s%.*s",
		    n == 0 ? "" : " ", (int)len, (const char *)line.p);
	}
	buf_free(&b);
	return ret;
}

static void
are(const char *wanted, const char *what)
{
	const char *got = page();

	if (strcmp(got, wanted) != 0)
		printf("# got %s\n# wanted %s\n", got, wanted);
	ok(strcmp(got, wanted) == 0, what);
}

struct in {
	uint32_t device;
	uint64_t groups[8];
	size_t n;
};

static enum err_code
in_one(void *arg, uint64_t of, bool *stop, struct err *err)
{
	struct in *in = arg;

	(void)err;
	in->groups[in->n++] = of;
	*stop = in->n == 8;
	return ERR_OK;
}

static enum err_code
in_txn(struct txn *t, void *arg, struct err *err)
{
	struct in *in = arg;

	return device_each_group(t, in->device, in_one, in, err);
}

static size_t
groups_of(const char *udid)
{
	struct in in = { .device = device_number(udid) };

	must(store_view(rules->store, in_txn, &in, &rules_err));
	return in.n;
}

static enum err_code
try_members(const char *text)
{
	return try(group, "members", PLACE_GROUP_MEMBERS, text);
}

static void
test_lines(void)
{
	enroll(acme, 1, "A-1", "SER1");
	enroll(acme, 2, "A-2", "SER2");
	enroll(acme, 3, "B-3", "SER3");
	enroll(umbrella, 4, "A-4", "SER4");
	members_are("# the first floor\nA-1\n\n  SER3  # Ann's\n");
	are("A-1 B-3", "lines are UDIDs and serial numbers; # is a comment");
	ok(has_event("2 devices are members"), "the event counts them");
	ok(groups_of("A-1") == 1 && groups_of("A-2") == 0,
	    "a device knows its groups");
	members_are("A-?\nNOSUCH\nX-*\n");
	are("A-1 A-2 # matches no device: NOSUCH # matches no device: X-*",
	    "a glob matches devices of its own organization alone");
	ok(groups_of("B-3") == 0, "who is no longer named is out");
	members_are("SER[12]\nA-4\nSER4\n");
	are("A-1 A-2 # matches no device: A-4 # matches no device: SER4",
	    "globs match serial numbers, too; another's device is none");
	members_are("A-1\nA-1\nA-*\nSER1\n");
	are("A-1 A-2", "named several times is in it once");
	ok(groups_of("A-1") == 1, "from its side, too");
	members_are("");
	are("", "an empty file is an empty group");
}

static void
test_refused(void)
{
	static char line[400];

	ok(try_members("one two\n") == ERR_INVALID &&
		strstr(rules_err.msg, "line 1") != NULL,
	    "two words on a line are refused");
	memset(line, 'x', 300);
	ok(try_members(line) == ERR_INVALID,
	    "a line that no serial number has, too");
	ok(try_members("\xff\xfe") == ERR_UNDECODABLE, "and what is no text");
	ok(try_members("a # two words\n#\n\r\n") == ERR_OK,
	    "comments and empty lines may be anything");
}

static void
test_follow(void)
{
	members_are("NEW-1\nNEWSER\nF-*\n");
	are("# matches no device: NEW-1 # matches no device: NEWSER # matches "
	    "no device: F-*",
	    "names of devices to come are kept");
	enroll(acme, 10, "NEW-1", "S10");
	enroll(acme, 11, "N-11", "NEWSER");
	enroll(acme, 12, "F-12", "S12");
	enroll(umbrella, 13, "F-13", NULL);
	are("NEW-1 N-11 F-12", "they are members when they enroll");
	must(authenticate(acme, 11, "N-11", "OTHER"));
	are("NEW-1 F-12 # matches no device: NEWSER",
	    "another serial number takes a device out");
	must(authenticate(acme, 12, "F-12", "NEWSER"));
	must(authenticate(acme, 10, "NEW-1", "NEWSER"));
	are("NEW-1 F-12", "the newest one that says so has the number");
	must(device_remove(
	    rules, device_number("F-12"), &rules_root, &rules_err));
	are("NEW-1 # matches no device: F-*",
	    "a device that is forgotten goes");
}

static void
test_removed(void)
{
	struct file_node n;
	uint64_t other;

	n = put(acme_groups, "two", PLACE_GROUP, "");
	other = n.ino;
	put(other, "members", PLACE_GROUP_MEMBERS, "NEW-1\n");
	ok(groups_of("NEW-1") == 2, "a device may be in several groups");
	remove_file(group, "members");
	ok(groups_of("NEW-1") == 2, "a removed file has effect for a moment");
	members_are("NEW-1\n");
	pass_removals();
	ok(groups_of("NEW-1") == 2,
	    "written anew meanwhile it stays in effect");
	remove_file(group, "members");
	pass_removals();
	ok(groups_of("NEW-1") == 1, "then it goes");
	remove_file(acme_groups, "one");
	remove_file(other, "members");
	remove_file(acme_groups, "two");
	pass_removals();
	ok(groups_of("NEW-1") == 0, "with the directory, too");
}

int
main(void)
{
	static const struct engine_options options;

	rules_begin(&options);
	acme = org_number("acme");
	umbrella = org_number("umbrella");
	acme_groups = put(org_dir("acme"), "groups", PLACE_GROUPS, "").ino;
	group = put(acme_groups, "one", PLACE_GROUP, "").ino;
	test_lines();
	test_refused();
	test_follow();
	test_removed();
	engine_close(rules);
	return tap_done();
}
