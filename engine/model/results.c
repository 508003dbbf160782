#include "engine/model/results.h"

#include <stdlib.h>

#include "engine/base/text.h"
#include "engine/model/orgs.h"

#define DROP_AT_ONCE 8 /* in one answer, after keep-results was lowered */

static enum err_code
keep_parse(struct bytes file, uint32_t *ret, struct err *err)
{
	struct bytes s = text_trim(file);
	uint32_t v = 0;
	size_t i;

	for (i = 0;
	     i < s.len && s.p[i] >= '0' && s.p[i] <= '9' && v <= RESULTS_MOST;
	     i++)
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	if (s.len == 0 || i < s.len || v == 0 || v > RESULTS_MOST)
		return err_set(err, ERR_INVALID,
		    "keep-results: how many answers of each device are kept, "
		    "a number from 1 to %d",
		    RESULTS_MOST);
	*ret = v;
	return ERR_OK;
}

enum err_code
keep_judge(struct change *c, struct err *err)
{
	uint32_t v;

	return keep_parse(c->w->bytes, &v, err);
}

static uint32_t
kept(struct txn *t)
{
	char text[32];
	uint32_t v = RESULTS_KEPT;

	if (org_setting(t, 0, NULL, "keep-results", text, sizeof(text)) ==
	    ERR_OK)
		(void)!keep_parse(bytes_text(text), &v, NULL);
	return v;
}

static enum err_code
drop(struct txn *t, const struct node *n, struct err *err)
{
	enum err_code rc = node_unlink(t, n, err);

	return rc == ERR_OK ? node_drop(t, n, err) : rc;
}

struct trim {
	struct channel *c;
	uint32_t keep;
	unsigned dropped;
};

/* The listing's order is that of the numbers: the oldest comes first. */
static enum err_code
trim_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct trim *x = arg;
	enum err_code rc;

	if (x->c->results <= x->keep || x->dropped == DROP_AT_ONCE) {
		*stop = true;
		return ERR_OK;
	}
	if ((rc = drop(t, n, err)) != ERR_OK)
		return rc;
	x->dropped++;
	x->c->results--;
	return ERR_OK;
}

enum err_code
results_add(
    struct txn *t, struct channel *c, const struct result *r, struct err *err)
{
	int64_t now_ns = engine_now_ns(r->engine);
	struct node n = *r->command, old;
	struct trim trim = { .c = c, .keep = kept(t) };
	uint64_t number;
	enum err_code rc;

	if ((rc = counter_next(t, "ino", &number, err)) != ERR_OK)
		return rc;
	n.n.ino = number + FILE_INO_FIRST - 1;
	n.n.parent =
	    file_device_dir(c->id.device, c->id.user, FILE_DEVICE_RESULTS);
	n.n.place = PLACE_RESULT;
	n.n.uid = n.n.gid = 0; /* its organization's owner has it */
	n.n.mode = 0400;
	n.n.size = r->bytes.len;
	n.n.mtime_ns = n.n.ctime_ns = now_ns;
	n.n.version = n.n.ino;
	n.removal_due = 0;
	n.queued = 0;
	n.shared = false;
	rc = node_find(t, n.n.parent, n.name, &old, NULL);
	if (rc == ERR_OK)
		rc = drop(t, &old, err);
	else if (rc == ERR_NOT_FOUND)
		c->results++, rc = ERR_OK;
	if (rc != ERR_OK || (rc = node_put(t, &n, err)) != ERR_OK ||
	    (rc = node_link(t, &n, err)) != ERR_OK ||
	    (rc = node_put_content(t, &n, r->bytes, err)) != ERR_OK ||
	    c->results <= trim.keep)
		return rc;
	return node_each(t, n.n.parent, 0, trim_one, &trim, err);
}

static enum err_code
drop_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	(void)arg;
	(void)stop;
	return drop(t, n, err);
}

enum err_code
results_drop(struct txn *t, uint32_t device, uint32_t user, struct err *err)
{
	struct channel c;
	enum err_code rc =
	    node_each(t, file_device_dir(device, user, FILE_DEVICE_RESULTS), 0,
		drop_one, NULL, err);

	if (rc == ERR_OK)
		rc = channel_read(
		    t, (struct channel_id){ device, user }, &c, err);
	if (rc != ERR_OK || c.results == 0)
		return rc;
	c.results = 0;
	return channel_store(t, &c, err);
}

enum err_code
result_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct channel c;
	enum err_code rc = channel_read(
	    t, (struct channel_id){ n->n.device, n->n.user }, &c, err);

	(void)e;
	if (rc != ERR_OK || c.results == 0)
		return rc;
	c.results--;
	return channel_store(t, &c, err);
}
