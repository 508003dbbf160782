/* Many changes in one transaction; what waits in staging/. */
#include "tests/model/rules.h"

struct told {
	unsigned n;
	size_t item[8];
	enum err_code code[8];
};

static void
begin(void *arg)
{
	*(struct told *)arg = (struct told){ 0 };
}

static void
fault(void *arg, size_t item, const struct err *err)
{
	struct told *t = arg;

	if (t->n < 8) {
		t->item[t->n] = item;
		t->code[t->n] = err->code;
	}
	t->n++;
}

static struct told told;
static uint64_t stage;

static uint64_t
staged(const char *name, const char *text)
{
	return put(stage, name, PLACE_STAGED_FILE, text).ino;
}

static uint64_t
new_ino(void)
{
	uint64_t ino;

	must(file_reserve(rules, 1, &ino, &rules_err));
	return ino;
}

static struct file_item
item(enum file_act act, uint64_t parent, const char *name, enum place place)
{
	return (struct file_item){ .act = act,
		.w = { .parent = parent,
		    .name = name,
		    .place = place,
		    .ino = new_ino(),
		    .mode = act == FILE_ACT_MKDIR ? 0755 : 0644,
		    .mtime_ns = 7 } };
}

static enum err_code
run(const struct file_item *items, size_t n, bool judge_only)
{
	const struct file_batch b = { .items = items,
		.n = n,
		.judge_only = judge_only,
		.stage = stage,
		.actor = &rules_root,
		.event = "applied staging/next",
		.begin = begin,
		.fault = fault,
		.arg = &told };

	return file_write_all(rules, &b, &rules_err);
}

static void
make_stage(void)
{
	stage = put(FILE_INO_STAGING, "next", PLACE_STAGE, "").ino;
}

static void
test_nothing(void)
{
	uint64_t acme = org_dir("acme");
	struct file_item items[5];

	make_stage();
	items[0] = item(FILE_ACT_WRITE, acme, "name", PLACE_ORG_NAME);
	items[0].from = staged("name", "Acme\n");
	items[1] = item(FILE_ACT_WRITE, acme, "url", PLACE_ORG_URL);
	items[1].from = staged("url", "http://plain.example\n");
	items[2] = item(FILE_ACT_MKDIR, FILE_INO_ORGS, "acme", PLACE_ORG);
	items[3] = item(FILE_ACT_MKDIR, items[2].w.ino, "apns", PLACE_APNS);
	items[4] =
	    item(FILE_ACT_WRITE, items[3].w.ino, "push.pem", PLACE_APNS_FILE);
	items[4].from = staged("push", "x");
	ok(run(items, 5, false) == ERR_INVALID && told.n == 2 &&
		told.item[0] == 1 && told.code[0] == ERR_INVALID &&
		told.item[1] == 2 && told.code[1] == ERR_EXISTS,
	    "each fault is told once, and what is in a lost directory not");
	ok(!exists(acme, "name") && exists(FILE_INO_STAGING, "next") &&
		!has_event("applied staging/next"),
	    "and nothing was applied");
}

static void
test_all(void)
{
	uint64_t acme = org_dir("acme"), old;
	struct file_item items[6];
	struct file_node n;
	struct buf b = { 0 };

	old = put(acme, "scep", PLACE_SCEP, "").ino;
	items[0] = item(FILE_ACT_WRITE, acme, "name", PLACE_ORG_NAME);
	items[0].from = staged("good", "Acme\n");
	items[1] = item(FILE_ACT_MKDIR, FILE_INO_ORGS, "new", PLACE_ORG);
	items[2] = item(FILE_ACT_MKDIR, items[1].w.ino, "apns", PLACE_APNS);
	items[3] = item(FILE_ACT_WRITE, items[2].w.ino, "apple-account",
	    PLACE_APPLE_ACCOUNT);
	items[3].from = staged("account", "a@acme.example\n");
	items[4] = (struct file_item){ .act = FILE_ACT_REMOVE,
		.w = { .ino = old, .name = "scep" } };
	items[5] = (struct file_item){ .act = FILE_ACT_ATTR,
		.w = { .ino = items[1].w.ino,
		    .mode = 0750,
		    .uid = 7,
		    .gid = 8,
		    .mtime_ns = 99 } };
	ok(run(items, 6, true) == ERR_OK && told.n == 0, "judged, all is well");
	ok(!exists(acme, "name") && !exists(FILE_INO_ORGS, "new") &&
		exists(acme, "scep") && exists(stage, "good"),
	    "which changes nothing");
	ok(run(items, 6, false) == ERR_OK, "then applied");
	ok(exists(acme, "name") && exists(FILE_INO_ORGS, "new") &&
		exists(items[2].w.ino, "apple-account") &&
		!exists(acme, "scep"),
	    "all of it is there, what was to go is gone");
	must(file_read(rules, items[3].w.ino, &b, &rules_err));
	ok(strcmp(buf_str(&b), "a@acme.example\n") == 0,
	    "a file has the staged bytes");
	buf_free(&b);
	must(file_get(rules, items[1].w.ino, &n, &rules_err));
	ok(n.mode == 0750 && n.uid == 7 && n.gid == 8 && n.mtime_ns == 99,
	    "a directory the mode, owner and time");
	ok(!exists(FILE_INO_STAGING, "next") &&
		file_get(rules, items[0].from, &n, NULL) == ERR_NOT_FOUND,
	    "the stage is gone with all in it");
	ok(has_event("applied staging/next") &&
		has_event("accepted orgs/new/apns/apple-account") &&
		has_event("removed orgs/acme/scep"),
	    "events tell it");
	ok(!has_event("staging/next/"), "but not what was staged");
}

static void
test_limits(void)
{
	struct file_write w = { .name = "a",
		.place = PLACE_STAGED_FILE,
		.mode = 0600,
		.actor = rules_root };
	struct file_node n;
	uint64_t dir;
	char *big = calloc(1, 16u << 20);
	unsigned i;
	enum err_code rc = ERR_OK;

	make_stage();
	w.parent = stage;
	w.bytes = bytes_of(big, 16u << 20);
	for (i = 0; i < 5 && rc == ERR_OK; i++) {
		char name[2] = { (char)('a' + (char)i), '\0' };

		w.name = name;
		w.ino = new_ino();
		rc = file_write(rules, &w, &n, &rules_err);
	}
	ok(i == 5 && rc == ERR_QUOTA, "64 MiB may wait, not more");
	must(file_find(rules, stage, "a", &n, &rules_err));
	must(file_remove(rules, n.ino, &rules_root, &rules_err));
	ok(put(stage, "e", PLACE_STAGED_FILE, "x").size == 1,
	    "what was removed makes room at once");
	dir = stage;
	for (i = 0; i < 100 && rc != ERR_NOT_HERE; i++) {
		w = (struct file_write){ .parent = dir,
			.name = "sub",
			.place = PLACE_STAGED_DIR,
			.mode = 0755,
			.ino = new_ino(),
			.actor = rules_root };
		rc = file_mkdir(rules, &w, &n, &rules_err);
		dir = w.ino;
	}
	ok(i > 60 && i < 70 && rc == ERR_NOT_HERE, "nothing is endlessly deep");
	ok(run(NULL, 0, false) == ERR_OK && !exists(FILE_INO_STAGING, "next"),
	    "and all of it goes with the stage");
	make_stage();
	w = (struct file_write){ .parent = stage,
		.name = "a",
		.place = PLACE_STAGED_FILE,
		.bytes = bytes_of(big, 16u << 20),
		.ino = new_ino(),
		.actor = rules_root };
	ok(file_write(rules, &w, &n, &rules_err) == ERR_OK,
	    "then there is room again");
	free(big);
}

int
main(void)
{
	const struct engine_options options = { 0 };

	rules_begin(&options);
	test_nothing();
	test_all();
	test_limits();
	engine_close(rules);
	return tap_done();
}
