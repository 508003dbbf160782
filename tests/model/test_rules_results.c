/* How many answers of a device are kept. */
#include "tests/model/rules.h"

static uint32_t acme;
static uint64_t commands, results;
static unsigned n_results;
static char first[64], last[64];

static bool
count_one(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	(void)arg;
	(void)node;
	(void)cookie;
	snprintf(last, sizeof(last), "%s", name);
	if (n_results++ == 0)
		memcpy(first, last, sizeof(first));
	return true;
}

static unsigned
count(void)
{
	n_results = 0;
	must(file_list(rules, results, 0, count_one, NULL, &rules_err));
	return n_results;
}

/* A command of that name goes out and is answered. */
static void
answer(const char *name)
{
	struct speaker s = speaker(acme, 1, "R-1", NULL);
	struct pl *command = NULL, *message = pl_new_dict();
	const char *uuid;
	struct buf sent;

	s.message = message;
	put(commands, name, PLACE_COMMAND, "ProfileList\n");
	sent = connect_as(&s, REPORT_IDLE, NULL);
	must(pl_parse(buf_view(&sent), &command, &rules_err));
	uuid = pl_get_string(command, "CommandUUID");
	buf_free(&sent);
	sent = connect_as(&s, REPORT_ACKNOWLEDGED, uuid);
	buf_free(&sent);
	pl_free(command);
	pl_free(message);
}

static void
answer_many(unsigned from, unsigned n)
{
	char name[32];

	for (unsigned i = from; i < from + n; i++) {
		snprintf(name, sizeof(name), "c%03u", i);
		answer(name);
	}
}

static uint64_t
result(const char *name)
{
	struct file_node n = { 0 };

	(void)!file_find(rules, results, name, &n, NULL);
	return n.ino;
}

int
main(void)
{
	static const struct engine_options options;

	rules_begin(&options);
	acme = org_number("acme");
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "R-1", "SERIAL"));
	must(token_update(acme, 1, "R-1", "", TOPIC));
	commands =
	    file_device_dir(device_number("R-1"), 0, FILE_DEVICE_COMMANDS);
	results = file_device_dir(device_number("R-1"), 0, FILE_DEVICE_RESULTS);

	put(FILE_INO_SYSTEM, "keep-results", PLACE_KEEP_RESULTS, "100\n");
	answer_many(0, 105);
	ok(count() == 100, "as many answers are kept as shall be");
	ok(strcmp(first, "c005") == 0 && strcmp(last, "c104") == 0,
	    "the newest ones");
	answer("c050");
	ok(count() == 100 && strcmp(first, "c005") == 0 &&
		strcmp(last, "c050") == 0,
	    "a name that is used again takes its old answer's place");
	must(file_remove(rules, result("c005"), &rules_root, &rules_err));
	answer("c200");
	ok(count() == 100 && strcmp(first, "c006") == 0,
	    "one that was removed makes room");

	put(FILE_INO_SYSTEM, "keep-results", PLACE_KEEP_RESULTS, "90\n");
	answer("c201");
	ok(count() == 93, "fewer: the rest goes bit by bit");
	answer_many(300, 2);
	ok(count() == 90 && strcmp(last, "c301") == 0,
	    "until as many are left as shall be");

	must(authenticate(acme, 1, "R-1", "SERIAL"));
	must(token_update(acme, 1, "R-1", "", TOPIC));
	ok(count() == 90, "they outlast a new enrollment");
	answer("d0");
	ok(count() == 90, "and are counted on");
	engine_close(rules);
	return tap_done();
}
