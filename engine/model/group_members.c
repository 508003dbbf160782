/*
 * The file orgs/ORG/groups/GROUP/members, and what follows from it.
 *
 * Globs are matched against the organization's devices in the view that
 * gathers, beside the writer; if a device came or changed meanwhile, they are
 * matched again when the file takes effect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/facts.h"
#include "engine/model/groups_priv.h"

bool
member_line(struct bytes *rest, struct bytes *line)
{
	struct bytes s;
	size_t i;

	while (text_line(rest, &s)) {
		for (i = 0; i < s.len; i++)
			if (s.p[i] == '#' &&
			    (i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
				break;
		*line = text_trim(bytes_of(s.p, i));
		if (line->len > 0)
			return true;
	}
	return false;
}

bool
member_is_glob(struct bytes line)
{
	return memchr(line.p, '*', line.len) != NULL ||
	       memchr(line.p, '?', line.len) != NULL ||
	       memchr(line.p, '[', line.len) != NULL;
}

bool
member_device(struct txn *t, uint32_t org, struct bytes line, uint32_t *ret)
{
	char name[GROUP_LINE_MAX + 1];
	struct device d;
	uint32_t number;

	if (line.len > GROUP_LINE_MAX)
		return false;
	memcpy(name, line.p, line.len);
	name[line.len] = '\0';
	if (device_by_id(t, name, &d, NULL) == ERR_OK && d.org == org) {
		*ret = d.number;
		return true;
	}
	if (fact_serial(t, name, &number, NULL) != ERR_OK ||
	    device_read(t, number, &d, NULL) != ERR_OK || d.org != org)
		return false;
	*ret = number;
	return true;
}

/* ---- gathering and judging ---------------------------------------------- */

struct resolved {
	uint32_t *devices; /* that globs match; in apply() all of them */
	size_t n;
	size_t cap;
	uint64_t changes; /* of devices, until then: GROUP_CHANGES */
};

void
members_release(struct change *c)
{
	struct resolved *r = c->context;

	if (r != NULL)
		free(r->devices);
	free(r);
	c->context = NULL;
}

static bool
has_globs(struct bytes file)
{
	struct bytes line;

	while (member_line(&file, &line))
		if (member_is_glob(line))
			return true;
	return false;
}

static bool
glob_matches(struct bytes file, const struct member_names *names)
{
	struct bytes line;

	while (member_line(&file, &line))
		if (member_is_glob(line) && member_matches(names, line))
			return true;
	return false;
}

static enum err_code
resolved_add(struct resolved *r, uint32_t device, struct err *err)
{
	uint32_t *more;

	if (r->n == r->cap) {
		r->cap = r->cap * 2 + 256;
		more = reallocarray(r->devices, r->cap, sizeof(*more));
		if (more == NULL)
			return err_set(err, ERR_NO_MEMORY, "members");
		r->devices = more;
	}
	r->devices[r->n++] = device;
	return ERR_OK;
}

struct scan {
	struct txn *t;
	struct bytes file;
	struct resolved *r;
};

static enum err_code
scan_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct scan *s = arg;
	struct resolved *r = s->r;
	struct member_names names;
	struct device d;
	enum err_code rc = device_read(s->t, key_get_u32(key, 5), &d, err);

	(void)value;
	(void)stop;
	if (rc != ERR_OK)
		return rc;
	member_names_read(s->t, &d, &names);
	if (!glob_matches(s->file, &names))
		return ERR_OK;
	return resolved_add(r, d.number, err);
}

static enum err_code
scan_org(
    struct txn *t, const struct change *c, struct resolved *r, struct err *err)
{
	struct scan s = { t, c->w->bytes, r };
	struct key prefix = key_of(KIND_DEVICE_ORG);

	r->n = 0;
	if (!has_globs(c->w->bytes))
		return ERR_OK;
	key_u32(&prefix, c->node.n.org);
	return txn_each(t, key_view(&prefix), BYTES_NONE, scan_one, &s, err);
}

enum err_code
members_gather(struct txn *t, struct change *c, struct err *err)
{
	struct resolved *r = calloc(1, sizeof(*r));
	enum err_code rc;

	if (r == NULL)
		return err_set(err, ERR_NO_MEMORY, "members");
	members_release(c);
	c->context = r;
	rc = counter_last(t, GROUP_CHANGES, &r->changes, err);
	return rc == ERR_OK ? scan_org(t, c, r, err) : rc;
}

enum err_code
members_judge(struct change *c, struct err *err)
{
	struct bytes rest = c->w->bytes, line;
	unsigned number = 0, bad = 0;

	if (!text_is_utf8(rest) ||
	    (rest.len > 0 && memchr(rest.p, 0, rest.len) != NULL))
		return err_set(err, ERR_UNDECODABLE,
		    "members: one serial number, UDID or glob a line, as text");
	while (text_line(&rest, &line) && bad < 20) {
		struct bytes one = line, said;

		number++;
		if (!member_line(&one, &said))
			continue;
		if (said.len <= GROUP_LINE_MAX && text_is_clean(said) &&
		    memchr(said.p, ' ', said.len) == NULL)
			continue;
		bad++;
		(void)err_add(err, ERR_INVALID,
		    "line %u: %s: one serial number, UDID or glob a line, a "
		    "comment after #",
		    number,
		    said.len > GROUP_LINE_MAX ? "too long"
					      : "more than one word");
	}
	return bad > 0 ? ERR_INVALID : ERR_OK;
}

/* ---- taking effect ------------------------------------------------------ */

struct former {
	struct txn *t;
	uint32_t org;
	uint64_t group;
};

static enum err_code
forget_glob(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const struct former *f = arg;

	(void)value;
	(void)stop;
	return txn_del(f->t, key, err);
}

static enum err_code
forget_line(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const struct former *f = arg;
	struct key line =
	    group_line_key(f->org, bytes_of(key.p + 9, key.len - 9), f->group);
	enum err_code rc = txn_del(f->t, key, err);

	(void)value;
	(void)stop;
	return rc == ERR_OK ? txn_drop(f->t, &line, err) : rc;
}

/* What the file said before; its bytes are gone by now. */
static enum err_code
forget_lines(struct txn *t, const struct node *n, struct err *err)
{
	struct former f = { t, n->n.org, n->n.parent };
	struct key globs = key_of(KIND_GROUP_GLOB);
	struct key lines = key_of(KIND_GROUP_SAYS);
	enum err_code rc;

	key_u32(&globs, f.org);
	key_u64(&globs, f.group);
	key_u64(&lines, f.group);
	rc = txn_each(t, key_view(&globs), BYTES_NONE, forget_glob, &f, err);
	return rc == ERR_OK ? txn_each(t, key_view(&lines), BYTES_NONE,
				  forget_line, &f, err)
	                    : rc;
}

static enum err_code
enter_line(
    struct txn *t, const struct change *c, struct bytes line, struct err *err)
{
	uint32_t org = c->node.n.org, device;
	uint64_t group = c->node.n.parent;
	struct key k = group_line_key(org, line, group);
	struct key says = key_of(KIND_GROUP_SAYS);
	enum err_code rc = txn_put(t, key_view(&k), BYTES_NONE, err);

	key_u64(&says, group);
	key_bytes(&says, line);
	if (rc == ERR_OK)
		rc = txn_put(t, key_view(&says), BYTES_NONE, err);
	return rc == ERR_OK && member_device(t, org, line, &device)
	           ? resolved_add(c->context, device, err)
	           : rc;
}

/* Lines without wildcards, and the globs for devices to come. */
static enum err_code
enter_lines(struct txn *t, const struct change *c, struct err *err)
{
	struct bytes rest = c->w->bytes, line;
	struct key k;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && member_line(&rest, &line)) {
		if (!member_is_glob(line)) {
			rc = enter_line(t, c, line, err);
			continue;
		}
		k = group_glob_key(c->node.n.org, c->node.n.parent, line);
		rc = txn_put(t, key_view(&k), BYTES_NONE, err);
	}
	return rc;
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct part {
	struct txn *t;
	uint64_t group;
	const struct resolved *r; /* who stays, rising; NULL: nobody */
};

static enum err_code
part_one(void *arg, uint32_t device, bool *stop, struct err *err)
{
	const struct part *p = arg;

	(void)stop;
	if (p->r != NULL && p->r->n > 0 &&
	    bsearch(&device, p->r->devices, p->r->n, sizeof(device), compare) !=
		NULL)
		return ERR_OK;
	return group_part(p->t, p->group, device, err);
}

/* Only what differs is written: a group may be large. */
static enum err_code
settle(struct txn *t, uint64_t group, struct resolved *r, unsigned *members,
    struct err *err)
{
	struct part part = { t, group, r };
	size_t i;
	enum err_code rc;

	if (r->n > 0)
		qsort(r->devices, r->n, sizeof(*r->devices), compare);
	rc = group_each_member(t, group, 0, part_one, &part, err);
	*members = 0;
	for (i = 0; rc == ERR_OK && i < r->n; i++) {
		if (i > 0 && r->devices[i] == r->devices[i - 1])
			continue;
		++*members;
		if (!group_has(t, group, r->devices[i]))
			rc = group_join(t, group, r->devices[i], err);
	}
	return rc;
}

enum err_code
members_apply(struct txn *t, struct change *c, struct err *err)
{
	struct resolved *r = c->context;
	uint64_t changes;
	unsigned members;
	enum err_code rc = counter_last(t, GROUP_CHANGES, &changes, err);

	if (rc == ERR_OK && changes != r->changes)
		rc = scan_org(t, c, r, err);
	if (rc == ERR_OK)
		rc = forget_lines(t, &c->node, err);
	if (rc == ERR_OK)
		rc = enter_lines(t, c, err);
	if (rc == ERR_OK)
		rc = settle(t, c->node.n.parent, r, &members, err);
	if (rc == ERR_OK)
		snprintf(c->note, sizeof(c->note), "%u devices are members",
		    members);
	/* a transaction may be tried again */
	r->changes = UINT64_MAX;
	return rc;
}

enum err_code
members_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct part part = { t, n->n.parent, NULL };
	enum err_code rc = forget_lines(t, n, err);

	(void)e;
	return rc == ERR_OK
	           ? group_each_member(t, n->n.parent, 0, part_one, &part, err)
	           : rc;
}
