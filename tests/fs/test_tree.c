#include "fs/tree.h"

#include <stdlib.h>
#include <string.h>

#include "mdmfs/device.h"

#include "tests/tap.h"

/* The row of a path of names, from the root on. */
static const struct tree_row *
walk(const char *path)
{
	const struct tree_row *row = tree_at("");
	char *copy = strdup(path), *rest = NULL;

	for (char *name = strtok_r(copy, "/", &rest);
	     name != NULL && row != NULL; name = strtok_r(NULL, "/", &rest))
		row = tree_find(row, name);
	free(copy);
	return row;
}

static bool
is(const char *path, const char *pattern)
{
	const struct tree_row *row = walk(path);

	return row != NULL && strcmp(row->path, pattern) == 0;
}

static void
test_lookup(void)
{
	ok(is("orgs/acme", "orgs/{org}"), "an organization");
	ok(is("orgs/acme/name", "orgs/{org}/name"), "its name");
	ok(is("orgs/acme/apns/push.p12", "orgs/{org}/apns/{identity}"),
	    "a file of a slot");
	ok(is("orgs/acme/apns/password", "orgs/{org}/apns/password"),
	    "a literal name wins");
	ok(is("orgs/acme/apns/push.p12.password",
	       "orgs/{org}/apns/{identity}.password"),
	    "the password of a file");
	ok(walk("orgs/acme/apns/push.password") == NULL,
	    "of a file that the slot takes");
	ok(walk("orgs/acme/apns/push.pxf") == NULL, "no typo in the ending");
	ok(walk("orgs/acme/apns/.p12") == NULL, "an ending is no name");
	ok(walk("orgs/acme/apns/.push.p12") == NULL, "no hidden names");
	ok(is("system/trust/root.pem", "system/trust/*.pem"), "a root");
	ok(walk("system/trust/root.der") == NULL, "in PEM");
	ok(is("system/vendor/sign/a b.csr", "system/vendor/sign/*.csr"),
	    "a request that a vendor signs");
	ok(walk("system/vendor/sign/a.pem") == NULL, "of that ending");
	ok(is("status/system/vendor/a b.push-request",
	       "status/system/vendor/*.push-request"),
	    "and it is signed");
	ok(is("status/system/vendor/identity", "status/system/vendor/identity"),
	    "beside the vendor's identity");
	ok(is("devices/00008110-000A1C2E3F4A801E/info/OSVersion",
	       "devices/{udid}/info/{key}"),
	    "a fact of a device");
	ok(walk("devices/..") == NULL && walk("devices/a b") == NULL,
	    "what is no UDID is no device");
	ok(is("devices/A/users/u/commands/x",
	       "devices/{udid}/users/{user}/commands/{name}"),
	    "a command of a user channel");
	ok(walk("devices/A/commands/x.tmp") == NULL &&
		walk("devices/A/commands/.x") == NULL &&
		walk("devices/A/commands/x.error") == NULL,
	    "scratch and reserved names are no commands");
	ok(is("status/orgs/acme/devices/A", "status/orgs/{org}/devices/{udid}"),
	    "a link to a device");
}

static void
test_requests(void)
{
	ok(is("system/tls/mail", "system/tls/{tls}") &&
		is("system/tls/subject", "system/tls/subject") &&
		is("system/tls/mail/subject", "system/tls/{tls}/subject"),
	    "a further HTTPS slot, and what asks for a request");
	ok(is("status/system/tls.d/mail", "status/system/tls.d/{tls}") &&
		is("status/system/tls.d/mail.csr",
		    "status/system/tls.d/{tls}.csr"),
	    "its page and its request");
	ok(walk("system/tls/mail.csr") == NULL &&
		walk("status/system/tls.d/.csr") == NULL,
	    "which no slot's name can be mistaken for");
}

static void
test_notes(void)
{
	static const char *const dirs[] = { "", "orgs", "orgs/a", "system",
		"orgs/a/apns", "system/tls", NULL };
	const struct tree_row *row;

	for (unsigned i = 0; dirs[i] != NULL; i++) {
		row = tree_find(walk(dirs[i]), ".gitignore");
		ok(row != NULL && row->place == PLACE_NOTES, dirs[i]);
		row = tree_find(walk(dirs[i]), "how.md");
		ok(row != NULL && row->place == PLACE_NOTES, dirs[i]);
	}
	ok(tree_find(walk("status"), "x.md") == NULL, "not in status/");
	row = tree_find(walk("devices/A/commands"), "x.md");
	ok(row != NULL && row->place == PLACE_COMMAND, "not among commands");
}

static void
test_names(void)
{
	static const char *const good[] = { "a", "acme", "Acme GmbH 2.0", "_x",
		"Müller", "会社", "0", NULL };
	static const char *const bad[] = { "", "-a", ".a", " a", "a ", "a/b",
		"a~", "a*", "a\n", "a&b", "\xff", "\xc0\xaf", "\xed\xa0\x80",
		"a\xe2\x80\x8b", NULL };
	char s[300];

	for (unsigned i = 0; good[i] != NULL; i++)
		ok(tree_org_name(good[i]), good[i]);
	for (unsigned i = 0; bad[i] != NULL; i++)
		ok(!tree_org_name(bad[i]), "no name of an organization");
	memset(s, 'a', sizeof(s));
	s[64] = '\0';
	ok(tree_org_name(s), "64 bytes are good");
	s[64] = 'a';
	s[65] = '\0';
	ok(!tree_org_name(s), "65 are not");
	ok(tree_clean_name("a b\\c") && !tree_clean_name("a\x7f") &&
		!tree_clean_name("\xc2\x80"),
	    "a clean name has no control characters");
	s[65] = 'a';
	s[256] = '\0';
	ok(!tree_clean_name(s), "and at most 255 bytes");
}

static void
test_rows(void)
{
	bool helped = true, modes = true, parts = true, parents = true;

	for (const struct tree_row *r = tree; r->path != NULL; r++) {
		const char *slash = strrchr(r->path, '/');
		char *dir = strndup(
		    r->path, slash == NULL ? 0 : (size_t)(slash - r->path));

		helped &= r->help != NULL && *r->help != '\0' &&
		          strchr(r->help, '\n') == NULL;
		modes &= r->mode != 0 && r->mode <= 01777;
		parents &= tree_at(dir)->kind == TREE_DIR;
		parts &= r->place != PLACE_NONE || r->part >= TREE_PART_FIRST;
		for (const struct tree_row *o = r + 1; o->path != NULL; o++)
			parts &= r->part == 0 || r->part != o->part ||
			         r->part < TREE_PART_FIRST ||
			         r->part == TREE_PART_EVENTS;
		free(dir);
	}
	ok(helped, "every row has one line of help");
	ok(modes, "and a mode");
	ok(parents, "and a directory above it");
	ok(parts, "and, if it is generated, a part of its own");
}

static void
test_numbers(void)
{
	struct at at = { .org = 7,
		.device = 0xffffffff,
		.user = 0xffffff,
		.number = 0xabcdef },
		  back;
	bool same = true;

	for (const struct tree_row *r = tree; r->path != NULL; r++) {
		uint64_t ino;

		if (r->part == 0 || r->part == TREE_PART_EVENTS)
			continue;
		at.user = strstr(r->path, "{user}") != NULL ? 0xffffff : 0;
		ino = tree_ino(r, &at);
		same &= tree_of_ino(ino) == r;
		tree_decode(r, ino, &back);
		same &= tree_ino(r, &back) == ino;
	}
	ok(same, "an inode number leads back to row and owner");
	at.user = 5;
	ok(tree_ino(tree_at("devices/{udid}/users/{user}/commands"), &at) ==
		file_device_dir(at.device, 5, FILE_DEVICE_COMMANDS),
	    "directories of devices have the numbers that the engine computes");
	ok(tree_of_ino(FILE_INO_ORGS) == NULL, "numbers of files are no rows");
	ok(tree_of_ino(TREE_INO_BIT) == NULL &&
		tree_of_ino(TREE_INO_BIT | 120ull << 56) == NULL,
	    "nor are numbers of parts that nobody has");
	ok(tree_of_place(PLACE_SIGNING, true) ==
		    tree_at("orgs/{org}/signing") &&
		tree_of_place(PLACE_SIGNING, false) ==
		    tree_at("system/signing"),
	    "a place is found by whose it is");
}

static void
test_taken(void)
{
	struct buf b = { 0 };

	tree_names_taken(tree_at("orgs/{org}/apns"), &b);
	ok(strstr(buf_str(&b), "*.p12 *.pfx") != NULL &&
		strstr(buf_str(&b), "allow-topic-change") != NULL &&
		strstr(buf_str(&b), ".gitignore") != NULL,
	    "a directory says which names it takes");
	buf_free(&b);
}

int
main(void)
{
	test_lookup();
	test_requests();
	test_notes();
	test_names();
	test_rows();
	test_numbers();
	test_taken();
	return tap_done();
}
