#include "fs/scratch.h"

#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

static void
test_names(void)
{
	static const char *const scratch[] = { ".push.p12.Ab3dE_", ".a.swp",
		".a.pem.swo", ".a.swpx", "4913", "5036", "a.pem~", "#a.pem#",
		"sedAbC123", "XXAbC123", "a.tmp", "a.new", "a.save", "a.lock",
		"tmp.AbCdEfGhIj", "tmpab12cd34", "a.part", ".filepart",
		".merge_file_AbC123", ".ansible_tmpab12_xyzmembers",
		".goutputstream-AB12CD", ".tmpAb12Cd", "a.pem.bak", "a.orig",
		"a.pem.rej", NULL };
	static const char *const others[] = { "push.p12", "url", "4914",
		"12345678", "sed", "sedan", "XX", "tmp", "temporary.pem",
		".gitignore", ".gitkeep", "README.md", ".~tmp~", "", ".", "#",
		"#a", ".tmp", "a/b.tmp", ".hidden", "lock", NULL };

	for (unsigned i = 0; scratch[i] != NULL; i++)
		ok(scratch_is_name(scratch[i]), scratch[i]);
	for (unsigned i = 0; others[i] != NULL; i++)
		ok(!scratch_is_name(others[i]), "not scratch");
	ok(scratch_is_dir_name(".~tmp~"), "rsync's directory is scratch");
	ok(!scratch_is_dir_name("tmp"), "another is not");
	ok(scratch_is_link_name(".#a.pem"), "emacs's lock is a scratch link");
	ok(!scratch_is_link_name("a.pem"), "another is not");
}

static bool
takes(const void *arg, const char *name)
{
	return strcmp(arg, name) == 0;
}

/* Names that tools make of the one that they replace. */
static void
test_made_of(void)
{
	static const char *const made[] = { "a.pem.Ab12Cd", "a.pem.GK2X9Q",
		"a.pem.Ab12Cd34Ef", "a.pem.oabcdef", "a.pem.rAb12Cd",
		"a.pem.gawk.abcdef", "a.pemAb12Cd", ".a.pem1234567890",
		".a.pem-Ab12Cd", ".a.pem.abcdefgh", NULL };
	/* what people type must not be silent */
	static const char *const typed[] = { "a.pem", "a.pem.backup",
		"a.pem.latest", "a.pem.2026", "a.pem.20261126", "a.pem.txt",
		"a.pem.v2", "a.pemlatest", "a.pem2", "b.pem.Ab12Cd", ".a.pem",
		".a.pem.old", ".a.pem/../abcdef", "Ab12Cd", "", NULL };

	for (unsigned i = 0; made[i] != NULL; i++)
		ok(scratch_is_made_of(made[i], takes, "a.pem"), made[i]);
	ok(scratch_is_made_of(".gitignore.oAb12Cd", takes, ".gitignore"),
	    "of a name that begins with a dot");
	for (unsigned i = 0; typed[i] != NULL; i++)
		ok(!scratch_is_made_of(typed[i], takes, "a.pem"),
		    "not made by a tool");
}

static struct scratch_node
new_file(uint64_t ino, uint64_t parent, uint32_t uid)
{
	return (struct scratch_node){ .ino = ino,
		.parent = parent,
		.kind = SCRATCH_FILE,
		.mode = 0600,
		.uid = uid };
}

static bool
holds(struct scratch *s, uint64_t ino, const char *text)
{
	struct buf b = { 0 };
	bool same = scratch_content(s, ino, &b, NULL) == ERR_OK &&
	            strcmp(buf_str(&b), text) == 0;

	buf_free(&b);
	return same;
}

static void
test_bytes(void)
{
	struct scratch *s = scratch_new();
	struct scratch_node n = new_file(100, 2, 0);
	struct err err = { 0 };
	struct buf b = { 0 };

	ok(scratch_create(s, &n, "a.tmp", BYTES_NONE, &n, &err) == ERR_OK,
	    "a scratch file is made");
	ok(scratch_create(s, &n, "a.tmp", BYTES_NONE, &n, &err) == ERR_EXISTS,
	    "once");
	ok(scratch_write(s, 100, 0, false, bytes_text("hello"), &err) == ERR_OK,
	    "it is written");
	ok(scratch_write(s, 100, 0, true, bytes_text("!"), &err) == ERR_OK,
	    "appending ignores the offset");
	ok(holds(s, 100, "hello!"), "it holds that");
	ok(scratch_write(s, 100, 1, false, bytes_text("a"), &err) == ERR_OK &&
		holds(s, 100, "hallo!"),
	    "and is overwritten in the middle");
	ok(scratch_truncate(s, 100, 2, &err) == ERR_OK && holds(s, 100, "ha"),
	    "it is cut");
	ok(scratch_read(s, 100, 1, 10, &b, &err) == ERR_OK &&
		strcmp(buf_str(&b), "a") == 0,
	    "a part is read");
	ok(scratch_find(s, 2, "a.tmp", &n) && n.size == 2, "its size is known");
	ok(!scratch_find(s, 3, "a.tmp", &n), "in its own directory only");
	ok(scratch_rename(s, 100, 3, "b.tmp", &err) == ERR_OK &&
		scratch_find(s, 3, "b.tmp", &n) &&
		!scratch_find(s, 2, "a.tmp", &n),
	    "it is renamed");
	buf_free(&b);
	scratch_free(s);
}

static void
test_open(void)
{
	struct scratch *s = scratch_new();
	struct scratch_node n = new_file(100, 2, 0);
	struct err err = { 0 };

	ok(scratch_create(s, &n, "a.tmp", bytes_text("x"), &n, &err) == ERR_OK,
	    "with a first content");
	ok(scratch_open(s, 100, &err) == ERR_OK, "it is opened");
	ok(scratch_remove(s, 100, &err) == ERR_OK, "and removed");
	ok(!scratch_find(s, 2, "a.tmp", &n), "its name is free");
	ok(scratch_write(s, 100, 1, false, bytes_text("y"), &err) == ERR_OK &&
		holds(s, 100, "xy"),
	    "the open file goes on");
	ok(scratch_remove(s, 100, &err) == ERR_NOT_FOUND, "removed once");
	scratch_close(s, 100);
	ok(!scratch_get(s, 100, &n), "with the last close it is gone");

	n = new_file(101, 2, 0);
	ok(scratch_create(s, &n, "b.tmp", BYTES_NONE, &n, &err) == ERR_OK &&
		scratch_open(s, 101, &err) == ERR_OK,
	    "another is open");
	scratch_became(s, 101);
	ok(!scratch_get(s, 101, &n), "it became a real file");
	ok(scratch_write(s, 101, 0, false, bytes_text("z"), &err) ==
		ERR_CHANGED,
	    "later writes are refused, not lost");
	scratch_close(s, 101);
	scratch_free(s);
}

static void
test_directories(void)
{
	struct scratch *s = scratch_new();
	struct scratch_node d = { .ino = 50, .parent = 2, .kind = SCRATCH_DIR };
	struct scratch_node n = new_file(100, 50, 0);
	struct err err = { 0 };

	ok(scratch_create(s, &d, ".~tmp~", BYTES_NONE, &d, &err) == ERR_OK &&
		scratch_create(s, &n, "f", BYTES_NONE, &n, &err) == ERR_OK,
	    "a file in a scratch directory");
	ok(scratch_remove(s, 50, &err) == ERR_NOT_EMPTY, "which stays");
	ok(scratch_remove(s, 100, &err) == ERR_OK &&
		scratch_remove(s, 50, &err) == ERR_OK,
	    "until it is empty");
	scratch_free(s);
}

static bool
count(void *arg, const char *name, const struct scratch_node *node)
{
	(void)name;
	(void)node;
	++*(unsigned *)arg;
	return true;
}

static void
test_bounds(void)
{
	struct scratch *s = scratch_new();
	static uint8_t mib[1 << 20];
	struct scratch_node n;
	struct err err = { 0 };
	enum err_code rc = ERR_OK;
	unsigned files = 0, listed = 0;

	n = new_file(1, 2, 0);
	ok(scratch_create(s, &n, "big.tmp", BYTES_NONE, &n, &err) == ERR_OK &&
		scratch_truncate(s, 1, SCRATCH_FILE_MAX, &err) == ERR_OK &&
		scratch_write(s, 1, 0, true, bytes_text("x"), &err) ==
		    ERR_TOO_BIG &&
		scratch_write(s, 1, UINT64_MAX, false, bytes_text("x"), &err) ==
		    ERR_TOO_BIG,
	    "a file has a limit");
	ok(scratch_truncate(s, 1, 0, &err) == ERR_OK, "it is emptied");
	for (uint64_t i = 2; rc == ERR_OK && i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%u.tmp", (unsigned)i);
		n = new_file(i, 2, 7);
		rc = scratch_create(
		    s, &n, name, bytes_of(mib, sizeof(mib)), &n, &err);
		files += rc == ERR_OK;
	}
	ok(rc == ERR_QUOTA && files == SCRATCH_USER_MAX >> 20,
	    "a user has a quota of bytes");
	for (uint64_t i = 200; rc != ERR_FULL && i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%u.tmp", (unsigned)i);
		n = new_file(i, 2, 0);
		rc = scratch_create(
		    s, &n, name, bytes_of(mib, sizeof(mib)), &n, &err);
		files += rc == ERR_OK;
	}
	ok(rc == ERR_FULL && files == SCRATCH_TOTAL_MAX >> 20,
	    "and all have one");
	scratch_list(s, 2, 0, count, &listed);
	ok(listed == files + 1, "all are listed");
	listed = 0;
	ok(scratch_find(s, 2, "3.tmp", &n), "a listing goes on");
	scratch_list(s, 2, n.cookie, count, &listed);
	ok(listed == files - 2, "behind a cookie");
	scratch_free(s);
}

int
main(void)
{
	test_names();
	test_made_of();
	test_bytes();
	test_open();
	test_directories();
	test_bounds();
	return tap_done();
}
