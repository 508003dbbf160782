#include "fs/seen.h"

#include "mdmfs/engine.h"
#include "mdmfs/file.h"
#include "mdmfs/org.h"

#include "fs/owners.h"
#include "tests/tap.h"

static const struct seen_key key = { 77, 1000, 1, 5 };

static void
give(struct seen *s, const char *text)
{
	struct stat st = { .st_ino = 77, .st_size = 4 };
	struct buf page = { 0 };

	buf_text(&page, text);
	seen_put(s, &key, &st, &page);
	buf_wipe(&page);
}

static bool
has_page(struct seen *s, const struct seen_key *k)
{
	struct buf page = { 0 };
	bool found = seen_take_page(s, k, &page);

	buf_wipe(&page);
	return found;
}

static void
test_seen(void)
{
	struct seen_key other = key;
	static char long_page[SEEN_PAGE_MAX + 2];
	struct stat st = { 0 };
	struct buf page = { 0 };
	static struct seen s;

	seen_init(&s);
	ok(!seen_take(&s, &key, &st), "nothing was seen yet");
	give(&s, "page");
	ok(seen_take(&s, &key, &st) && st.st_size == 4,
	    "the thread that looked a name up finds its attributes");
	ok(!seen_take(&s, &key, &st), "once");
	give(&s, "page");
	(void)seen_take(&s, &key, &st);
	ok(seen_take_page(&s, &key, &page) &&
		bytes_equal(buf_view(&page), bytes_text("page")),
	    "and then the page");
	buf_wipe(&page);
	ok(!has_page(&s, &key), "once");

	give(&s, "page");
	other.version++;
	ok(!seen_take(&s, &other, &st), "not after a change of the store");
	ok(!has_page(&s, &key), "after that nothing is left of it");
	give(&s, "page");
	other = key;
	other.uid = 0;
	ok(!has_page(&s, &other), "not for another user");
	give(&s, "page");
	other = key;
	other.ino++;
	ok(!seen_take(&s, &other, &st), "not for another file");
	give(&s, "page");
	other = key;
	other.pid += SEEN;
	ok(!seen_take(&s, &other, &st), "not for another thread");
	ok(seen_take(&s, &key, &st), "which takes nothing away");
	give(&s, "page");
	seen_drop(&s, key.pid);
	ok(!seen_take(&s, &key, &st) && !has_page(&s, &key),
	    "nothing once the thread changes something");

	memset(long_page, 'x', sizeof(long_page) - 1);
	give(&s, long_page);
	ok(seen_take(&s, &key, &st) && !has_page(&s, &key),
	    "a long page is not kept");
	give(&s, "left behind");
	seen_fini(&s);
}

static enum err_code
make_org(struct engine *e, const char *name, struct file_node *ret)
{
	struct file_write w = { .parent = FILE_INO_ORGS,
		.name = name,
		.place = PLACE_ORG,
		.mode = 0750 };
	struct err err = { 0 };
	enum err_code rc = file_reserve(e, 1, &w.ino, &err);

	return rc == ERR_OK ? file_mkdir(e, &w, ret, &err) : rc;
}

static void
test_owners(void)
{
	struct engine_options options = { 0 };
	struct file_attr attr = { .set = FILE_SET_UID, .uid = 42 };
	struct actor root = { 0 };
	struct owners_device d = { .device = 9 };
	struct file_node dir;
	struct view_owned of = { 0 };
	struct engine *e = NULL;
	struct err err = { 0 };
	static struct owners o;

	owners_init(&o);
	if (engine_open(&options, &e, &err) != ERR_OK ||
	    make_org(e, "acme", &dir) != ERR_OK) {
		ok(false, "an engine with an organization");
		return;
	}
	owners_get(&o, e, 1, &of);
	ok(of.mode == 0750 && of.uid == 0, "an organization's owner and mode");
	ok(file_setattr(e, dir.ino, &attr, &root, &dir, &err) == ERR_OK,
	    "somebody else is given it");
	owners_get(&o, e, 1, &of);
	ok(of.uid == 42, "and owns it at once");
	owners_get(&o, e, 2, &of);
	ok(of.mode == 0700 && of.uid == 0, "what is not there is root's");
	ok(owners_device(&o, e, &d, &err) == ERR_NOT_FOUND,
	    "a device that is not there");
	d = (struct owners_device){ 9, 1, 1234, engine_version(e) };
	owners_put_device(&o, &d);
	d = (struct owners_device){ .device = 9 };
	ok(owners_device(&o, e, &d, &err) == ERR_OK && d.org == 1 &&
		d.seconds == 1234,
	    "one that was just looked up is not read again");
	attr.uid = 43;
	(void)!file_setattr(e, dir.ino, &attr, &root, &dir, &err);
	ok(owners_device(&o, e, &d, &err) == ERR_NOT_FOUND,
	    "but after a change");
	engine_close(e);
	owners_fini(&o);
}

int
main(void)
{
	test_seen();
	test_owners();
	return tap_done();
}
