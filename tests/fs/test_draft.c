#include "fs/draft.h"

#include <stdlib.h>
#include <string.h>

#include "fs/names.h"

#include "tests/tap.h"

static struct fs fs;
static struct engine *e;
static const struct actor actor = { .uid = 0, .pid = 1, .comm = "test" };

static struct draft *
begin(struct draft_open o)
{
	struct draft *d = NULL;
	struct err err = { 0 };

	o.actor = actor;
	if (draft_open(fs.drafts, &o, &d, &err) != ERR_OK)
		printf("# %s\n", err.msg);
	return d;
}

/* A new system/url. */
static struct draft *
create(void)
{
	struct draft_open o = { .parent = FILE_INO_SYSTEM,
		.name = "url",
		.place = PLACE_SYSTEM_URL,
		.mode = 0644,
		.truncate = true };

	if (fs_new_ino(&fs, &o.ino, NULL) != ERR_OK)
		return NULL;
	return begin(o);
}

static struct draft *
edit(bool truncate, bool append)
{
	struct file_node n;
	struct buf b = { 0 };
	struct draft_open o = {
		.name = "url", .truncate = truncate, .append = append
	};
	struct draft *d;

	if (file_find(e, FILE_INO_SYSTEM, "url", &n, NULL) != ERR_OK ||
	    file_read(e, n.ino, &b, NULL) != ERR_OK)
		return NULL;
	o.ino = n.ino;
	o.parent = n.parent;
	o.place = n.place;
	o.mode = n.mode;
	o.version = n.version;
	o.bytes = buf_view(&b);
	d = begin(o);
	buf_free(&b);
	return d;
}

static enum err_code
put(struct draft *d, uint64_t off, const char *text)
{
	return draft_write(d, off, bytes_text(text), &actor, NULL, NULL);
}

static enum err_code
commit(struct draft *d, bool *changed)
{
	struct draft_result r;
	enum err_code rc = draft_commit(d, &actor, &r, NULL);

	if (changed != NULL)
		*changed = r.changed;
	return rc;
}

static enum err_code
release(struct draft *d, bool *again)
{
	struct draft_result r;
	enum err_code rc = draft_release(d, &r, NULL);

	if (again != NULL)
		*again = r.again;
	return rc;
}

/* What system/url holds; "" if it is not there. */
static bool
holds(const char *text)
{
	struct file_node n;
	struct buf b = { 0 };
	bool same;

	if (file_find(e, FILE_INO_SYSTEM, "url", &n, NULL) == ERR_OK &&
	    file_read(e, n.ino, &b, NULL) != ERR_OK)
		return false;
	same = strcmp(buf_str(&b), text) == 0;
	buf_free(&b);
	return same;
}

static void
test_create(void)
{
	struct file_node n;
	struct draft *d = create();
	bool changed;

	ok(drafts_find(fs.drafts, FILE_INO_SYSTEM, "url", &n) &&
		n.ino == draft_ino(d),
	    "a name that is being created can be looked up");
	ok(commit(d, &changed) == ERR_OK && !changed,
	    "a flush before any write commits nothing");
	ok(put(d, 0, "https://a") == ERR_OK && holds(""),
	    "what is written is not in effect");
	ok(put(d, 9, ".example\n") == ERR_OK, "it goes on");
	ok(commit(d, &changed) == ERR_OK && changed &&
		holds("https://a.example\n"),
	    "until it is committed");
	ok(!drafts_get(fs.drafts, draft_ino(d), &n), "then it is born");
	ok(commit(d, &changed) == ERR_OK && !changed,
	    "a second flush commits nothing");
	ok(release(d, NULL) == ERR_OK, "and the last close is quiet");
}

static void
test_refused(void)
{
	struct draft *d = edit(true, false);
	bool again;

	ok(put(d, 0, "http://b\n") == ERR_INVALID,
	    "what no continuation can mend is refused in the write");
	ok(draft_write(d, 8, bytes_text("x"), &actor, &again, NULL) ==
		    ERR_INVALID &&
		again,
	    "and so is all that follows, which was told before");
	ok(commit(d, NULL) == ERR_INVALID, "the commit says the same");
	ok(draft_truncate(d, 0, &actor, NULL) == ERR_OK &&
		put(d, 0, "https://b.example\n") == ERR_OK &&
		commit(d, NULL) == ERR_OK && holds("https://b.example\n"),
	    "emptying it begins anew");
	ok(release(d, NULL) == ERR_OK, "closed");

	d = edit(true, false);
	ok(put(d, 0, "https://") == ERR_OK, "a document that is cut short");
	ok(commit(d, NULL) == ERR_INVALID && holds("https://b.example\n"),
	    "is refused by the commit, and the old one stays");
	ok(put(d, 8, "c.example\n") == ERR_OK && commit(d, NULL) == ERR_OK &&
		holds("https://c.example\n"),
	    "which does not poison: more may come");
	ok(release(d, NULL) == ERR_OK, "closed");

	d = edit(true, false);
	ok(release(d, &again) == ERR_INVALID && !again &&
		holds("https://c.example\n"),
	    "a file that is only emptied is refused by the last close");
}

static void
test_tombstone(void)
{
	struct file_node n, back;
	struct draft *d;
	uint64_t ino;

	ok(file_find(e, FILE_INO_SYSTEM, "url", &n, NULL) == ERR_OK &&
		file_remove(e, n.ino, &actor, NULL) == ERR_OK && holds(""),
	    "a tool removes the file");
	d = create();
	ino = draft_ino(d);
	ok(put(d, 0, "https://") == ERR_OK && commit(d, NULL) == ERR_INVALID,
	    "and writes a bad one");
	ok(file_find(e, FILE_INO_SYSTEM, "url", &back, NULL) == ERR_OK &&
		back.ino == n.ino,
	    "then the old one is back when close returns");
	ok(!drafts_find(fs.drafts, FILE_INO_SYSTEM, "url", &n) &&
		drafts_get(fs.drafts, ino, &n),
	    "and the new name is not seen");
	ok(put(d, 8, "d.example\n") == ERR_OK && commit(d, NULL) == ERR_OK &&
		holds("https://d.example\n"),
	    "a document that was completed after all replaces it");
	ok(release(d, NULL) == ERR_OK, "closed");

	ok(file_find(e, FILE_INO_SYSTEM, "url", &n, NULL) == ERR_OK &&
		file_remove(e, n.ino, &actor, NULL) == ERR_OK,
	    "removed again");
	d = create();
	ok(drafts_unlink(fs.drafts, draft_ino(d)) &&
		put(d, 0, "https://x.example\n") == ERR_OK &&
		release(d, NULL) == ERR_OK && holds("https://d.example\n"),
	    "a new name that is removed while open is never stored");
}

static void
test_others(void)
{
	struct draft *first = edit(false, true), *second = edit(false, true);
	struct draft *third = edit(true, false);

	ok(put(first, 0, "\n") == ERR_OK && commit(first, NULL) == ERR_OK &&
		holds("https://d.example\n\n"),
	    "appending ignores the offset");
	ok(put(second, 0, "\n") == ERR_OK &&
		commit(second, NULL) == ERR_CHANGED,
	    "who began with other bytes is told that they changed");
	ok(put(third, 0, "https://e.example\n") == ERR_OK &&
		commit(third, NULL) == ERR_OK && holds("https://e.example\n"),
	    "who replaced all of them wins");
	ok(release(first, NULL) == ERR_OK && release(third, NULL) == ERR_OK &&
		release(second, NULL) == ERR_CHANGED,
	    "closed");
}

static void
test_attributes(void)
{
	struct file_attr a = { FILE_SET_MODE | FILE_SET_MTIME, 0600, 0, 0,
		1000 };
	struct draft *d = edit(true, false);
	struct file_node n;

	ok(!drafts_setattr(fs.drafts, draft_ino(d), &a),
	    "attributes of a file that nobody has written go to the store");
	ok(put(d, 0, "https://f.example\n") == ERR_OK &&
		drafts_setattr(fs.drafts, draft_ino(d), &a),
	    "of one that was, they are staged");
	ok(file_get(e, draft_ino(d), &n, NULL) == ERR_OK && n.mode == 0644,
	    "and not in effect");
	drafts_attr(fs.drafts, draft_ino(d), &n);
	ok(n.mode == 0600 && n.mtime_ns == 1000, "but seen");
	ok(commit(d, NULL) == ERR_OK &&
		file_get(e, draft_ino(d), &n, NULL) == ERR_OK &&
		n.mode == 0600 && n.mtime_ns == 1000,
	    "until the commit, which keeps them");
	a.mode = 0640;
	ok(draft_truncate(d, 0, &actor, NULL) == ERR_OK &&
		put(d, 0, "http://x\n") == ERR_INVALID,
	    "a bad write");
	ok(drafts_setattr(fs.drafts, draft_ino(d), &a) &&
		release(d, NULL) == ERR_INVALID &&
		file_find(e, FILE_INO_SYSTEM, "url", &n, NULL) == ERR_OK &&
		n.mode == 0600,
	    "takes its attributes with it");
}

/* A signal ended who wrote it. */
static void
test_abandoned(void)
{
	struct draft *d = edit(true, false);
	bool again = true;

	ok(put(d, 0, "https://half.example\n") == ERR_OK, "half of it");
	draft_abandon(d);
	ok(release(d, &again) == ERR_UNDECODABLE && !again &&
		holds("https://f.example\n"),
	    "nothing is taken, and that is told");
	d = edit(true, false);
	draft_abandon(d);
	ok(release(d, NULL) == ERR_UNDECODABLE && holds("https://f.example\n"),
	    "nor is that it was emptied");
	d = edit(true, false);
	ok(put(d, 0, "https://f.example\n") == ERR_OK, "a child is killed");
	draft_abandon(d);
	ok(commit(d, NULL) == ERR_OK && release(d, NULL) == ERR_OK,
	    "whose parent closes the file as it should");
	d = edit(true, false);
	draft_abandon(d);
	ok(put(d, 0, "https://g.example\n") == ERR_OK &&
		release(d, NULL) == ERR_OK && holds("https://g.example\n"),
	    "or goes on to write");
	ok(release(edit(false, false), NULL) == ERR_OK,
	    "what was not written is not missed");
}

static void
test_limits(void)
{
	struct draft *d = edit(true, false);
	static char big[70000];

	memset(big, 'a', sizeof(big) - 1);
	memcpy(big, "https://", 8);
	ok(put(d, 0, big) == ERR_TOO_BIG, "a place has a limit");
	ok(draft_truncate(d, UINT64_MAX, &actor, NULL) == ERR_TOO_BIG,
	    "for truncate, too");
	ok(release(d, NULL) == ERR_TOO_BIG && holds("https://g.example\n"),
	    "and the old content stays");
	d = edit(true, false);
	ok(draft_truncate(d, UINT64_MAX, &actor, NULL) == ERR_TOO_BIG,
	    "a file that is one hole has nothing written");
	ok(release(d, NULL) == ERR_TOO_BIG && holds("https://g.example\n"),
	    "and is refused with that, not as an empty one");
}

int
main(void)
{
	struct engine_options options = { 0 };
	struct err err = { 0 };

	if (engine_open(&options, &e, &err) != ERR_OK ||
	    fs_init(&fs, e, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.msg);
		return 1;
	}
	test_create();
	test_refused();
	test_tombstone();
	test_others();
	test_attributes();
	test_abandoned();
	test_limits();
	fs_fini(&fs);
	engine_close(e);
	return tap_done();
}
