/* Removals, their return, renames, permissions. */
#include "tests/model/rules.h"

static void
run(void)
{
	int64_t next;

	must(removal_run(rules, &next, &rules_err));
}

static enum err_code
restore(uint64_t parent, const char *name)
{
	struct file_node n;

	return file_restore(rules, parent, name, &n, &rules_err);
}

static bool
is_open(const char *org)
{
	struct org_view o;

	return org_find(rules, org, &o, NULL) == ERR_OK;
}

static void
test_pending(void)
{
	pass(900);
	remove_file(FILE_INO_ORGS, "umbrella");
	pass(1999);
	run();
	ok(restore(FILE_INO_ORGS, "umbrella") == ERR_OK,
	    "a removal can be taken back for two seconds");
	ok(has_event("restored orgs/umbrella"), "which is an event");
	ok(is_open("umbrella"), "then nothing follows");
	remove_file(FILE_INO_ORGS, "umbrella");
	pass(3000);
	run();
	ok(restore(FILE_INO_ORGS, "umbrella") == ERR_NOT_FOUND,
	    "but not once its effects have followed");
	ok(!is_open("umbrella"), "an organization is closed by then");
}

static void
test_restore_refused(void)
{
	struct file_node slot;
	uint64_t acme = org_dir("acme");
	char name[301];

	slot = put(acme, "enrollment", PLACE_ENROLLMENT, "");
	put(slot.ino, "access-rights", PLACE_ACCESS_RIGHTS, "8191\n");
	remove_file(slot.ino, "access-rights");
	remove_file(acme, "enrollment");
	ok(restore(slot.ino, "access-rights") == ERR_NOT_FOUND,
	    "a file does not come back into a directory that is gone");
	memset(name, 'n', 300);
	name[300] = '\0';
	ok(restore(acme, name) == ERR_NOT_FOUND,
	    "a name that is too long was never removed");
}

/* Somebody still had the file open, and writes it under another name. */
static void
test_written_anew(void)
{
	struct file_node n;
	uint64_t acme = org_dir("acme");
	struct file_write w = { .name = "notes.md",
		.place = PLACE_NOTES,
		.mode = 0644,
		.bytes = bytes_text("new"),
		.actor = rules_root };

	n = put(acme, "name", PLACE_ORG_NAME, "Acme\n");
	remove_file(acme, "name");
	w.parent = acme;
	w.ino = n.ino;
	must(file_write(rules, &w, NULL, &rules_err));
	pass(3000);
	run();
	ok(exists(acme, "notes.md"),
	    "a pending removal does not take what was written later");
}

static void
test_rename(void)
{
	struct file_node a, n;
	uint64_t acme = org_dir("acme");
	struct file_write to = {
		.name = "b.md", .place = PLACE_NOTES, .actor = rules_root
	};
	struct buf b = { 0 };

	a = put(acme, "a.md", PLACE_NOTES, "text of a");
	put(acme, "b.md", PLACE_NOTES, "text of b");
	to.parent = acme;
	to.ino = a.ino;
	ok(file_rename(rules, &to, true, &rules_err) == ERR_EXISTS &&
		exists(acme, "a.md"),
	    "a rename that may not replace leaves both");
	must(file_rename(rules, &to, false, &rules_err));
	must(file_find(rules, acme, "b.md", &n, &rules_err));
	must(file_read(rules, n.ino, &b, &rules_err));
	ok(n.ino == a.ino && strcmp(buf_str(&b), "text of a") == 0,
	    "one that may moves the file");
	buf_free(&b);
}

static void
test_permissions(void)
{
	struct file_attr attr = { .set = FILE_SET_UID, .uid = 1000 };
	struct file_node n;

	must(file_setattr(
	    rules, org_dir("acme"), &attr, &rules_root, &n, &rules_err));
	ok(n.uid == 1000 && has_event("owner 1000:0"),
	    "to give an organization to somebody is an event");
}

/* One that cannot be carried out: its organization's record is gone. */
static enum err_code
lose_org_txn(struct txn *t, void *arg, struct err *err)
{
	struct key k = key_of(KIND_ORG);

	key_u32(&k, *(uint32_t *)arg);
	return txn_drop(t, &k, err);
}

static void
test_failing(void)
{
	uint32_t broken;
	int64_t next;

	put(FILE_INO_ORGS, "broken", PLACE_ORG, "");
	put(FILE_INO_ORGS, "fine", PLACE_ORG, "");
	broken = org_number("broken");
	remove_file(FILE_INO_ORGS, "broken");
	pass(1000);
	remove_file(FILE_INO_ORGS, "fine");
	must(store_update(rules->store, lose_org_txn, &broken, &rules_err));
	pass(5000);
	must(removal_run(rules, &next, &rules_err));
	must(removal_run(rules, &next, &rules_err));
	ok(!is_open("fine"),
	    "a removal that fails does not hold up the others");
	ok(next > engine_now(rules), "it is tried again later");
}

int
main(void)
{
	static const struct engine_options options;

	rules_begin(&options);
	test_pending();
	test_restore_refused();
	test_written_anew();
	test_rename();
	test_permissions();
	test_failing();
	engine_close(rules);
	return tap_done();
}
