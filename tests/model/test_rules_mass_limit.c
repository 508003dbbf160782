/* Commands for very many devices: what needs a confirmation, slices, pushes,
 * the pages that are kept. */
#include "tests/model/mass.h"

static void
test_limit(void)
{
	unsigned i;

	ok(try(org_commands, "erase", PLACE_ORG_COMMAND, "EraseDevice\n") ==
		    ERR_INVALID &&
		strstr(rules_err.msg, "20 devices") != NULL &&
		strstr(rules_err.msg, "confirm=20") != NULL &&
		strstr(rules_err.msg, "erase.confirm=20") != NULL,
	    "wiping more than mass-limit is refused, with the way to confirm");
	ok(try(org_commands, "erase", PLACE_ORG_COMMAND,
	       "EraseDevice confirm=19\n") == ERR_INVALID,
	    "another number does not confirm it");
	ok(try(org_commands, "off", PLACE_ORG_COMMAND, "ShutDownDevice\n") ==
		ERR_INVALID,
	    "nor can devices be switched off from afar");
	ok(try(org_commands, "restart", PLACE_ORG_COMMAND, "RestartDevice\n") ==
		    ERR_OK &&
		try_remove(org_commands, "restart") == ERR_OK,
	    "what can be undone needs no number");
	ok(try(group_commands_dir, "erase", PLACE_GROUP_COMMAND,
	       "EraseDevice\n") == ERR_OK &&
		try_remove(group_commands_dir, "erase") == ERR_OK,
	    "nor do few devices");
	ok(try(org_commands, "erase.confirm=20", PLACE_ORG_COMMAND,
	       "EraseDevice\n") == ERR_OK,
	    "the number in the file's name confirms it");
	ok(strcmp(says(20, REPORT_IDLE, NULL), "EraseDevice") == 0,
	    "and it goes out");
	remove_file(org_commands, "erase.confirm=20");
	answers(20, REPORT_ACKNOWLEDGED);
	ok(try(org_commands, "e2", PLACE_ORG_COMMAND,
	       "EraseDevice confirm=20\n") == ERR_OK &&
		try_remove(org_commands, "e2") == ERR_OK,
	    "and so does one in the text");
	put(FILE_INO_SYSTEM, "mass-limit", PLACE_MASS_LIMIT, "3\n");
	ok(try(group_commands_dir, "erase", PLACE_GROUP_COMMAND,
	       "EraseDevice\n") == ERR_INVALID,
	    "system/mass-limit counts at once");
	ok(try(FILE_INO_SYSTEM, "mass-limit", PLACE_MASS_LIMIT, "many\n") ==
		ERR_INVALID,
	    "and is a number");
	run();
	for (i = 1; i <= PHONES; i++)
		if (says(i, REPORT_IDLE, NULL)[0] != '\0')
			break;
	ok(i == PHONES + 1, "what was cancelled reaches nobody");
}

/* ---- pushes ------------------------------------------------------------- */

struct due {
	int64_t now;
	size_t n;
	int64_t next;
};

static enum err_code
due_txn(struct txn *t, void *arg, struct err *err)
{
	static struct channel_id ids[4096];
	struct due *d = arg;

	return channels_due(t, d->now, ids, 4096, &d->n, &d->next, err);
}

static size_t
due_until(int64_t at)
{
	struct due d = { .now = at };

	must(store_view(rules->store, due_txn, &d, &rules_err));
	return d.n;
}

static void
test_crowd(void)
{
	int64_t now;
	size_t one, ten;

	crowd(1000, 2500);
	put(group, "members", PLACE_GROUP_MEMBERS, "C-*\n");
	run();
	pass(100000);
	now = engine_now(rules);
	to_group("crowd", "ProfileList\n");
	ok(page_has(group, "crowd", "not-yet-queued: 1500\n") &&
		page_has(group, "crowd", "\nqueued: 1000\n"),
	    "the first thousand are queued with the file, the others behind "
	    "it");
	run();
	ok(page_has(group, "crowd", "not-yet-queued: 0\n") &&
		page_has(group, "crowd", "\nqueued: 2500\n"),
	    "but at once");
	one = due_until(now);
	ten = due_until(now + 9);
	ok(one <= MASS_PUSHES && ten <= 10 * MASS_PUSHES &&
		ten >= 9 * MASS_PUSHES && due_until(now + 13) >= 2500,
	    "pushes are paced: 200 a second");
	remove_file(group_commands_dir, "crowd");
	run();
	ok(page_has(group, "crowd", "state: over\n") &&
		page_has(group, "crowd", "cancelled: 2500\n"),
	    "and taken back in slices");
	ok(due_until(now + 13) == 0, "with their pushes");
	/* cancelled while slices are to come */
	to_group("crowd", "CertificateList\n");
	remove_file(group_commands_dir, "crowd");
	run();
	ok(page_has(group, "crowd", "state: over\n") &&
		page_has(group, "crowd", "cancelled: 2500\n"),
	    "also before all of them were queued");
}

static bool
count_one(void *arg, const char *name, uint32_t command)
{
	unsigned *n = arg;

	(void)name;
	(void)command;
	++*n;
	return true;
}

static void
test_pages(void)
{
	struct group_commands_of of = { acme, group, 0 };
	unsigned i, n = 0;
	char name[16];

	put(group, "members", PLACE_GROUP_MEMBERS, "P-01\n");
	for (i = 0; i < MASS_KEPT + 20; i++) {
		snprintf(name, sizeof(name), "n%03u", i);
		to_group(name, "ProfileList\n");
		remove_file(group_commands_dir, name);
		run();
	}
	must(group_commands(rules, &of, count_one, &n, &rules_err));
	ok(n == MASS_KEPT, "pages of old commands go");
	ok(!page_has(group, "n019", "") && page_has(group, "n020", "over"),
	    "the oldest first");
}

int
main(void)
{
	mass_begin();
	test_limit();
	test_crowd();
	test_pages();
	engine_close(rules);
	return tap_done();
}
