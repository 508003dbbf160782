#include "fs/node.h"

#include <string.h>
#include <time.h>

#include "mdmfs/engine.h"
#include "mdmfs/event.h"

#include "fs/segment.h"

#define NS 1000000000

/* ---- from what is kept -------------------------------------------------- */

static void
of_store(const struct file_node *s, struct node *ret)
{
	*ret = (struct node){ .ino = s->ino,
		.source = NODE_STORE,
		.kind = s->is_dir ? TREE_DIR : TREE_FILE,
		.place = s->place,
		.at = { .org = s->org, .device = s->device, .user = s->user },
		.parent = s->parent,
		.mode = s->mode,
		.uid = s->uid,
		.gid = s->gid,
		.size = s->size,
		.mtime_ns = s->mtime_ns,
		.ctime_ns = s->ctime_ns,
		.version = s->version };
	if (s->is_dir)
		ret->row = tree_of_place(
		    s->place, s->org != 0 || s->place == PLACE_ORG);
}

/* A device's answer belongs to whom its organization belongs to now, and to
 * nobody else (place.tbl). */
static void
of_file(struct fs *f, const struct file_node *s, struct node *ret)
{
	struct view_owned owner;

	of_store(s, ret);
	if (s->place != PLACE_RESULT)
		return;
	owners_get(&f->owners, f->engine, s->org, &owner);
	ret->uid = owner.uid;
	ret->gid = owner.gid;
	ret->mode = 0400;
}

static void
of_unborn(const struct file_node *s, struct node *ret)
{
	of_store(s, ret);
	ret->source = NODE_UNBORN;
	ret->version = 0;
}

static void
of_scratch(const struct scratch_node *s, struct node *ret)
{
	static const enum tree_kind kinds[] = { [SCRATCH_FILE] = TREE_FILE,
		[SCRATCH_DIR] = TREE_DIR,
		[SCRATCH_LINK] = TREE_LINK };

	*ret = (struct node){ .ino = s->ino,
		.source = NODE_SCRATCH,
		.kind = kinds[s->kind],
		.parent = s->parent,
		.mode = s->mode,
		.uid = s->uid,
		.gid = s->gid,
		.size = s->size,
		.mtime_ns = s->mtime_ns,
		.ctime_ns = s->ctime_ns,
		.scratch_dir = s->kind == SCRATCH_DIR };
}

/* ---- generated ---------------------------------------------------------- */

static void
set_times(struct node *n, int64_t seconds)
{
	n->mtime_ns = n->ctime_ns = seconds * NS;
}

static void
dress_as(struct node *n, const struct view_owned *org)
{
	n->uid = org->uid;
	n->gid = org->gid;
	if (n->row->kind == TREE_DIR)
		n->mode &= org->mode;
}

void
node_listed(struct fs *f, const struct node_entry *entry, struct node *ret)
{
	struct view_owned owner;

	*ret = (struct node){ .ino = entry->ino,
		.source = NODE_GENERATED,
		.row = entry->row,
		.kind = entry->kind,
		.mode = entry->row->mode,
		.size = entry->size };
	set_times(ret, entry->seconds != 0 ? entry->seconds : f->started);
	owners_get(&f->owners, f->engine, entry->org, &owner);
	dress_as(ret, &owner);
}

static enum err_code
dress_device(struct fs *f, struct node *n, struct err *err)
{
	struct owners_device d = { .device = n->at.device };
	enum err_code rc = owners_device(&f->owners, f->engine, &d, err);

	if (rc != ERR_OK)
		return rc;
	n->at.org = d.org;
	set_times(n, d.seconds);
	return ERR_OK;
}

/* Owner, mode and times of a generated node whose row and at are set. */
static enum err_code
dress(struct fs *f, struct node *n, struct err *err)
{
	const struct tree_row *row = n->row;
	struct file_node dir = { 0 };
	struct view_owned owner;
	struct org_view org;
	enum err_code rc;

	n->kind = row->kind;
	n->mode = row->mode;
	set_times(n, row->kind == TREE_DIR ? f->started : time(NULL));
	if (row->of == OF_NONE || row->of == OF_NUMBER)
		return ERR_OK;
	if (row->of == OF_STAGE) {
		rc = file_get(f->engine, n->at.number, &dir, err);
		n->uid = dir.uid;
		n->gid = dir.gid;
		return rc;
	}
	if (row->of != OF_ORG && row->of != OF_ORG_NUMBER) {
		if ((rc = dress_device(f, n, err)) != ERR_OK)
			return rc;
	} else if ((rc = org_get(f->engine, n->at.org, &org, err)) != ERR_OK) {
		return rc;
	}
	owners_get(&f->owners, f->engine, n->at.org, &owner);
	dress_as(n, &owner);
	return ERR_OK;
}

static enum err_code
generated(struct fs *f, const struct tree_row *row, const struct at *at,
    struct node *ret, struct err *err)
{
	struct node n = { .source = NODE_GENERATED, .row = row, .at = *at };
	enum err_code rc;

	n.ino = tree_ino(row, at);
	if ((rc = dress(f, &n, err)) == ERR_OK)
		*ret = n;
	return rc;
}

/* It tells names: those may read it who may list the directory. */
static enum err_code
of_refusal(struct fs *f, uint64_t number, struct node *ret, struct err *err)
{
	const struct caller nobody = { { 0 }, { 0 } };
	struct node dir = { .mode = 0444 };
	uint64_t ino;
	int64_t at = refusal_time(f->refusals, number, &ino);

	if (number == 0 || at == 0)
		return err_set(err, ERR_NOT_FOUND, "nothing was refused");
	if (ino != 0 && node_of(f, ino, &nobody, &dir, NULL) != ERR_OK)
		dir = (struct node){ .mode = 0400 }; /* it has gone */
	*ret = (struct node){ .source = NODE_REFUSAL,
		.kind = TREE_FILE,
		.ino =
		    TREE_INO_BIT | (uint64_t)TREE_PART_REFUSAL << 56 | number,
		.mode = dir.mode & 0444,
		.uid = dir.uid,
		.gid = dir.gid };
	set_times(ret, at);
	return ERR_OK;
}

/* The segment of the events that begins at that offset. */
static enum err_code
of_events(struct fs *f, uint64_t begin, struct node *ret, struct err *err)
{
	struct segment s;
	enum err_code rc = segment_find(f->engine, begin, &s, err);

	if (rc != ERR_OK)
		return rc;
	*ret = (struct node){ .source = NODE_EVENTS,
		.kind = TREE_FILE,
		.row = tree_at(s.current ? "events" : "events.1"),
		.ino = TREE_INO_BIT | (uint64_t)TREE_PART_EVENTS << 56 | begin,
		.mode = 0444 };
	set_times(ret, time(NULL));
	return ERR_OK;
}

static enum err_code
events_named(struct fs *f, bool current, struct node *ret, struct err *err)
{
	struct event_range r;
	enum err_code rc = event_range(f->engine, &r, err);

	if (rc != ERR_OK)
		return rc;
	if (!current && r.before == r.begin)
		return err_set(err, ERR_NOT_FOUND, "no older events");
	return of_events(f, current ? r.begin : r.before, ret, err);
}

/* ---- by number ---------------------------------------------------------- */

static enum err_code
by_generated(struct fs *f, uint64_t ino, const struct caller *c,
    struct node *ret, struct err *err)
{
	unsigned part = (unsigned)(ino >> 56) & 0x7f;
	const struct tree_row *row;
	struct at at = { f->engine, f->refusals, &c->actor, 0, 0, 0, 0,
		&c->view };

	if (part == TREE_PART_EVENTS)
		return of_events(f, ino & TREE_INO_REST, ret, err);
	if (part == TREE_PART_REFUSAL)
		return of_refusal(f, ino & TREE_INO_REST, ret, err);
	row = tree_of_ino(ino);
	if (row == NULL)
		return err_set(err, ERR_NOT_FOUND, "no such file");
	tree_decode(row, ino, &at);
	return generated(f, row, &at, ret, err);
}

enum err_code
node_of(struct fs *f, uint64_t ino, const struct caller *c, struct node *ret,
    struct err *err)
{
	struct scratch_node scratch;
	struct file_node file;
	enum err_code rc;

	if ((ino & TREE_INO_BIT) != 0)
		return by_generated(f, ino, c, ret, err);
	if (scratch_get(f->scratch, ino, &scratch)) {
		of_scratch(&scratch, ret);
		return ERR_OK;
	}
	if (drafts_get(f->drafts, ino, &file)) {
		of_unborn(&file, ret);
		return ERR_OK;
	}
	if ((rc = file_get(f->engine, ino, &file, err)) != ERR_OK)
		return rc;
	drafts_attr(f->drafts, ino, &file);
	of_file(f, &file, ret);
	return ERR_OK;
}

/* ---- by name ------------------------------------------------------------ */

static enum err_code
refusal_named(struct fs *f, const struct node *dir, const char *name,
    struct node *ret, struct err *err)
{
	size_t len = strlen(name), ending = sizeof(".error") - 1;
	char of[256];

	if (len < ending || len > 255 ||
	    strcmp(name + len - ending, ".error") != 0)
		return err_set(err, ERR_NOT_FOUND, "no such file");
	memcpy(of, name, len - ending);
	of[len - ending] = '\0';
	return of_refusal(f,
	    refusal_of_name(f->refusals, dir->ino, *of == '\0' ? NULL : of),
	    ret, err);
}

/* A name in a directory that people write in. */
static enum err_code
kept_named(struct fs *f, const struct node *dir, const char *name,
    struct node *ret, struct err *err)
{
	struct scratch_node scratch;
	struct file_node file;
	enum err_code rc;

	if (scratch_find(f->scratch, dir->ino, name, &scratch)) {
		of_scratch(&scratch, ret);
		return ERR_OK;
	}
	if (drafts_find(f->drafts, dir->ino, name, &file)) {
		of_unborn(&file, ret);
		return ERR_OK;
	}
	if (dir->source == NODE_SCRATCH)
		return err_set(err, ERR_NOT_FOUND, "no such file");
	rc = file_find(f->engine, dir->ino, name, &file, err);
	if (rc == ERR_NOT_FOUND)
		return refusal_named(f, dir, name, ret, err);
	if (rc != ERR_OK)
		return rc;
	drafts_attr(f->drafts, file.ino, &file);
	of_file(f, &file, ret);
	return ERR_OK;
}

/* Whether an optional node is there. */
static bool
is_there(struct fs *f, const struct node *n)
{
	struct buf b = { 0 };
	bool there = true;

	if ((n->row->flags & TREE_OPTIONAL) != 0 && n->row->read != NULL)
		there = node_render(f, n, &b, NULL) != ERR_NOT_FOUND;
	buf_wipe(&b);
	return there;
}

static enum err_code
generated_named(struct fs *f, const struct node *dir,
    const struct tree_row *row, const char *name, struct node *ret,
    struct err *err)
{
	struct tree_entry entry = { .at = dir->at };
	struct owners_device d = { .version = engine_version(f->engine) };
	enum err_code rc = ERR_OK;

	if (row->part == TREE_PART_EVENTS)
		return events_named(f, strcmp(name, "events") == 0, ret, err);
	if (dir->row->names != NULL)
		rc = dir->row->names->find(&dir->at, name, &entry, err);
	if (rc == ERR_OK && entry.listed && entry.at.device != 0) {
		d.device = entry.at.device;
		d.org = entry.at.org;
		d.seconds = entry.seconds;
		owners_put_device(&f->owners, &d);
	}
	if (rc == ERR_OK)
		rc = generated(f, row, &entry.at, ret, err);
	if (rc == ERR_OK && !is_there(f, ret))
		rc = err_set(err, ERR_NOT_FOUND, "%s is not there yet", name);
	return rc;
}

enum err_code
node_named(struct fs *f, const struct node *dir, const char *name,
    const struct caller *c, struct node *ret, struct err *err)
{
	const struct tree_row *row;

	if (strlen(name) > 255)
		return err_set(
		    err, ERR_NAME_TOO_LONG, "a name has at most 255 bytes");
	if (dir->kind != TREE_DIR)
		return err_set(err, ERR_NOT_DIR, "not a directory");
	if (dir->row == NULL)
		return kept_named(f, dir, name, ret, err);
	row = tree_find(dir->row, name);
	if (row != NULL && row->place == PLACE_ORGS)
		return node_of(f, FILE_INO_ORGS, c, ret, err);
	if (row != NULL && row->place == PLACE_SYSTEM)
		return node_of(f, FILE_INO_SYSTEM, c, ret, err);
	if (row != NULL && row->place == PLACE_STAGING)
		return node_of(f, FILE_INO_STAGING, c, ret, err);
	if (row == NULL || (row->place != PLACE_NONE && row->part == 0))
		return kept_named(f, dir, name, ret, err);
	if (dir->source == NODE_STORE) /* the root and stages have no caller */
		return generated_named(f,
		    &(struct node){ .row = dir->row,
			.at = { f->engine, f->refusals, &c->actor, 0, 0, 0,
			    (uint32_t)dir->ino, &c->view } },
		    row, name, ret, err);
	return generated_named(f, dir, row, name, ret, err);
}

/* ---- contents ----------------------------------------------------------- */

enum err_code
node_render(struct fs *f, const struct node *n, struct buf *b, struct err *err)
{
	if (n->source == NODE_REFUSAL)
		return refusal_page(
		    f->refusals, n->ino & TREE_INO_REST, b, err);
	if (n->row == NULL || n->row->read == NULL)
		return ERR_OK;
	return n->row->read(&n->at, b, err);
}

bool
node_by_view(const struct node *n)
{
	return n->source == NODE_GENERATED && n->row != NULL &&
	       (n->row->flags & TREE_VIEW) != 0;
}

enum err_code
node_size(struct fs *f, struct node *n, const struct caller *c,
    struct buf *page, struct err *err)
{
	struct sizes_page of = { n->ino, node_by_view(n) ? &c->view : NULL,
		sizes_now() };
	enum err_code rc;

	n->size = n->kind == TREE_DIR ? 0 : n->size;
	if (n->source == NODE_EVENTS)
		return segment_size(
		    f->engine, n->ino & TREE_INO_REST, &c->view, &n->size, err);
	if ((n->source != NODE_GENERATED && n->source != NODE_REFUSAL) ||
	    n->kind == TREE_DIR)
		return ERR_OK;
	if (sizes_get(&f->sizes, n->ino, of.view, &n->size))
		return ERR_OK;
	rc = node_render(f, n, page, err);
	n->size = page->len;
	if (rc == ERR_OK)
		sizes_put(&f->sizes, &of, n->size);
	else
		buf_wipe(page);
	/* a page that cannot be made now says why when it is opened */
	if (rc != ERR_OK && rc != ERR_NOT_FOUND) {
		n->size = 0;
		rc = ERR_OK;
	}
	return rc;
}
