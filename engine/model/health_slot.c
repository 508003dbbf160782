#include "engine/model/health_priv.h"
#include "engine/model/slot_priv.h"

/* What waits where a certificate is missing. */

static enum err_code
find_file(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct node *found = arg;

	(void)t;
	(void)err;
	if (n->n.place == slot_kind(found->n.place)->file) {
		*found = *n;
		*stop = true;
	}
	return ERR_OK;
}

/* Whether the slot has files, certificates or keys. */
static bool
has_files(struct look *x, const struct slot_kind *kind, uint32_t org)
{
	struct node dir, found = { .n = { .place = kind->file } };

	return org_file(x->t, org, NULL, kind->name, &dir, NULL) == ERR_OK &&
	       node_each(x->t, dir.n.ino, 0, find_file, &found, NULL) ==
	           ERR_OK &&
	       found.n.ino != 0;
}

const char *
health_pending(struct look *x, enum slot slot)
{
	uint32_t org = x->org == NULL ? 0 : x->org->number;
	const struct slot_kind *kind = slot_kind_of(slot_of(org, slot));
	struct slot_request r = { .made = 0 };
	struct buf b = { 0 };
	const char *ret = NULL;

	if (has_files(x, kind, org))
		ret = health_text(x,
		    "status/%s/%s says what each file in %s/%s/ waits for",
		    health_home(x), kind->name, health_home(x), kind->name);
	else if (slot_request_get(x->t, slot_of(org, slot), &r, NULL) ==
		     ERR_OK &&
		 slot_request_advice(x->t, &r, &b, NULL) == ERR_OK)
		ret = health_keep(x, buf_str(&b));
	slot_request_fini(&r);
	buf_free(&b);
	return ret;
}
