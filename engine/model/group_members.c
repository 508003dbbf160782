/*
 * The file orgs/ORG/groups/GROUP/members, and what follows from it.
 *
 * What it changes is found in the view that gathers, beside the writer.  If
 * that is all, and no device came or changed meanwhile, it takes effect with
 * the file; else the rest follows in slices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/facts.h"
#include "engine/model/group_plan.h"
#include "engine/model/group_settle.h"

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

/* Counts the writes of members. */
#define GROUP_WRITES "members"

struct members_change {
	struct plan *plan;
	bool all;         /* nothing is left to be found */
	uint64_t changes; /* GROUP_CHANGES, then */
	uint64_t writes;  /* GROUP_WRITES, then */
	uint32_t members; /* until then */
};

void
members_release(struct change *c)
{
	struct members_change *x = c->context;

	if (x != NULL)
		plan_free(x->plan);
	free(x);
	c->context = NULL;
}

static enum err_code
count_one(void *arg, uint32_t device, bool *stop, struct err *err)
{
	struct members_change *x = arg;

	(void)device;
	(void)stop;
	(void)err;
	x->members++;
	return ERR_OK;
}

/* In an update the others wait for it. */
static enum err_code
look(struct txn *t, struct members_change *x, struct err *err)
{
	struct plan *p = x->plan;
	uint32_t looked = 0;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && !plan_is_over(p) && plan_noted(p) < PLAN_SLICE &&
	       (looked < PLAN_LOOK || !txn_is_writing(t)))
		rc = plan_look(t, p, &looked, err);
	x->all = plan_is_over(p);
	return rc;
}

static enum err_code
gather(struct txn *t, const struct node *n, struct bytes file,
    struct members_change *x, struct err *err)
{
	enum err_code rc;

	if ((rc = counter_last(t, GROUP_CHANGES, &x->changes, err)) != ERR_OK ||
	    (rc = counter_last(t, GROUP_WRITES, &x->writes, err)) != ERR_OK ||
	    (rc = plan_new(n->n.org, n->n.parent, file, &x->plan, err)) !=
		ERR_OK ||
	    (rc = look(t, x, err)) != ERR_OK)
		return rc;
	if (group_is_open(t, n->n.parent)) /* its lines are being written */
		x->all = false;
	return x->all ? group_each_member(t, n->n.parent, 0, count_one, x, err)
	              : ERR_OK;
}

enum err_code
members_gather(struct txn *t, struct change *c, struct err *err)
{
	struct members_change *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return err_set(err, ERR_NO_MEMORY, "members");
	members_release(c);
	c->context = x;
	return gather(t, &c->node, c->w->bytes, x, err);
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

/* Whether all that the file means is what was gathered. */
static enum err_code
is_whole(
    struct txn *t, const struct members_change *x, bool *ret, struct err *err)
{
	uint64_t changes, writes;
	enum err_code rc = counter_last(t, GROUP_CHANGES, &changes, err);

	if (rc == ERR_OK)
		rc = counter_last(t, GROUP_WRITES, &writes, err);
	if (rc == ERR_OK)
		*ret = x->all && x->changes == changes && x->writes == writes;
	return rc;
}

/* *o says what was done; *whole that nothing is left. */
static enum err_code
take_effect(struct txn *t, const struct node *n, const struct members_change *x,
    struct group_open *o, bool *whole, struct err *err)
{
	uint64_t group = n->n.parent;
	enum err_code rc;

	if ((rc = is_whole(t, x, whole, err)) != ERR_OK ||
	    (rc = counter_next(t, GROUP_WRITES, &o->seq, err)) != ERR_OK ||
	    (rc = plan_act(t, x->plan, &o->joined, &o->parted, err)) != ERR_OK)
		return rc;
	return *whole ? group_open_drop(t, group, err)
	              : group_open_store(t, group, o, err);
}

enum err_code
members_apply(struct txn *t, struct change *c, struct err *err)
{
	const struct members_change *x = c->context;
	struct group_open o = { .org = c->node.n.org,
		.since = engine_now(c->engine) };
	bool whole;
	enum err_code rc = take_effect(t, &c->node, x, &o, &whole, err);

	if (rc == ERR_OK && whole)
		snprintf(c->note, sizeof(c->note), "%u devices are members",
		    x->members + o.joined - o.parted);
	else if (rc == ERR_OK)
		snprintf(c->note, sizeof(c->note),
		    "%u devices joined and %u left so far; the others follow",
		    o.joined, o.parted);
	return rc;
}

enum err_code
members_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct members_change x = { 0 };
	struct group_open o = { .org = n->n.org, .since = engine_now(e) };
	bool whole;
	enum err_code rc = gather(t, n, BYTES_NONE, &x, err);

	if (rc == ERR_OK)
		rc = take_effect(t, n, &x, &o, &whole, err);
	plan_free(x.plan);
	return rc;
}
