#include "fs/view.h"

#include <stdlib.h>

static bool
in_group(const struct view *v, uint32_t gid)
{
	if (v->gid == gid)
		return true;
	for (unsigned i = 0; i < v->ngroups; i++)
		if (v->groups[i] == gid)
			return true;
	return false;
}

bool
view_may(const struct view *v, const struct view_owned *of, unsigned want)
{
	uint32_t bits = of->mode & 7;

	if (v->uid == 0)
		return true;
	if (v->uid == of->uid)
		bits = of->mode >> 6 & 7;
	else if (in_group(v, of->gid))
		bits = of->mode >> 3 & 7;
	return (bits & want) == want;
}

bool
view_sees(const struct view *v, const struct org_view *org)
{
	const struct view_owned of = { org->uid, org->gid, org->mode };

	return view_may(v, &of, VIEW_READ | VIEW_EXECUTE);
}

struct gather {
	const struct view *view;
	struct view_orgs *orgs;
	bool failed;
};

static bool
gather_one(void *arg, const struct org_view *org)
{
	struct gather *g = arg;
	struct view_orgs *o = g->orgs;

	if (!view_sees(g->view, org))
		return true;
	if (o->n == o->cap) {
		size_t cap = o->cap == 0 ? 16 : o->cap * 2;
		uint32_t *p = realloc(o->numbers, cap * sizeof(*p));

		if (p == NULL) {
			g->failed = true;
			return false;
		}
		o->numbers = p;
		o->cap = cap;
	}
	o->numbers[o->n++] = org->number;
	return true;
}

enum err_code
view_orgs_init(struct view_orgs *o, struct engine *e, const struct view *v,
    struct err *err)
{
	struct gather g = { v, o, false };
	enum err_code rc = ERR_OK;

	*o = (struct view_orgs){ .all = v->uid == 0 };
	if (!o->all)
		rc = org_list(e, 0, gather_one, &g, err);
	if (g.failed)
		rc = err_set(err, ERR_NO_MEMORY, "organizations");
	return rc;
}

void
view_orgs_fini(struct view_orgs *o)
{
	free(o->numbers);
	o->numbers = NULL;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

bool
view_filter(void *arg, uint32_t org)
{
	const struct view_orgs *o = arg;

	return o->all || (o->n > 0 && bsearch(&org, o->numbers, o->n,
					  sizeof(org), compare) != NULL);
}

void
view_owner(struct engine *e, uint32_t org, struct org_view *ret)
{
	if (org == 0 || org_get(e, org, ret, NULL) != ERR_OK)
		*ret = (struct org_view){ .mode = 0700 };
}
