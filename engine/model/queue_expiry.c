#include "engine/model/queue_expiry.h"

#include "engine/base/pl.h"
#include "engine/base/text.h"
#include "engine/model/due.h"
#include "engine/model/events.h"
#include "engine/model/mass.h"
#include "engine/model/orgs.h"
#include "engine/model/queue_priv.h"
#include "engine/model/results.h"

#define AT_ONCE    100  /* in one transaction */
#define ASK_AGAIN  3600 /* seconds, of one that was sent */
#define EXPIRY_MAX 3653 /* days */

/* ---- the setting -------------------------------------------------------- */

static enum err_code
days_parse(struct bytes file, uint32_t *ret, struct err *err)
{
	struct bytes s = text_trim(file);
	uint32_t v = 0;
	size_t i;

	for (i = 0;
	     i < s.len && s.p[i] >= '0' && s.p[i] <= '9' && v <= EXPIRY_MAX;
	     i++)
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	if (s.len == 0 || i < s.len || v == 0 || v > EXPIRY_MAX)
		return err_set(err, ERR_INVALID,
		    "command-expiry: for how many days a command waits that "
		    "does not say Expires=, a number from 1 to %d",
		    EXPIRY_MAX);
	*ret = v;
	return ERR_OK;
}

enum err_code
command_expiry_judge(struct change *c, struct err *err)
{
	uint32_t v;

	return days_parse(c->w->bytes, &v, err);
}

int64_t
expiry_default(struct txn *t, uint32_t org, int64_t now)
{
	uint32_t days;
	char text[32];

	if (org_setting(t, org, NULL, "command-expiry", text, sizeof(text)) !=
		ERR_OK ||
	    days_parse(bytes_text(text), &days, NULL) != ERR_OK)
		return 0;
	return now + INT64_C(86400) * days;
}

/* ---- what is due -------------------------------------------------------- */

struct run {
	struct engine *engine;
	struct txn *t;
	struct due due;
};

/* What stands in results/ in place of an answer; Expired is mdmfs's own
 * word. */
static void
make_result(const struct queued *q, const struct device *d, struct buf *b)
{
	struct pl *p = pl_new_dict();

	pl_set_string(p, "CommandUUID", q->uuid);
	pl_set_string(p, "RequestType", q->type);
	pl_set_string(p, "Status", "Expired");
	pl_set_date(p, "ExpiredAt", q->expires);
	pl_set_string(p, "UDID", d->udid);
	pl_write_xml(p, b);
	pl_free(p);
}

enum err_code
queue_expire_one(
    struct txn *t, struct engine *e, struct queued *q, struct err *err)
{
	struct node file = { .name = "" };
	struct buf bytes = { 0 };
	struct result result = { .engine = e, .command = &file };
	struct channel c;
	struct device d;
	enum err_code rc = device_read(t, q->channel.device, &d, err);

	if (rc == ERR_OK)
		rc = channel_read(t, q->channel, &c, err);
	if (rc == ERR_OK)
		rc = node_get(t, q->ino, &file, err);
	if (rc != ERR_OK)
		return rc;
	make_result(q, &d, &bytes);
	result.bytes = buf_view(&bytes);
	q->ending = QUEUE_EXPIRED;
	if ((rc = results_add(t, &c, &result, err)) == ERR_OK)
		rc = queue_finish(t, &c, q, true, err);
	if (rc == ERR_OK && c.waiting == 0)
		rc = channel_calm(t, &c, err);
	if (rc == ERR_OK)
		rc = channel_store(t, &c, err);
	if (rc == ERR_OK)
		rc = event_record(t, e, d.org, err,
		    "device=%s %s %s expired: it was not sent in its time",
		    d.udid, q->type, file.name);
	buf_free(&bytes);
	return rc;
}

static enum err_code
stop_mass(struct run *r, uint32_t number, struct err *err)
{
	struct mass m;
	enum err_code rc = mass_read(r->t, number, &m, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "mass command: %s", err_text(rc));
	return mass_stop(r->t, &m, QUEUE_EXPIRED, err);
}

/* The device may have carried it out: it is over when the answer is here, or
 * when the device says NotNow. */
static enum err_code
put_off(struct run *r, const struct queued *q, struct err *err)
{
	struct key end =
	    queue_end_key(r->due.now + ASK_AGAIN, q->channel, q->order);

	return txn_put(r->t, key_view(&end), BYTES_NONE, err);
}

static enum err_code
run_one(
    void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err)
{
	struct run *r = arg;
	struct channel_id id = { key_get_u32(key, DUE_REST),
		key_get_u32(key, DUE_REST + 4) };
	uint64_t order = key_get_u64(key, DUE_REST + 8);
	struct queued q;
	enum err_code rc = txn_del(t, key, err);

	if (rc != ERR_OK)
		return rc;
	if (id.device == 0)
		return stop_mass(r, (uint32_t)order, err);
	rc = queue_get(t, id, order, &q, NULL);
	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && q.expires > due))
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "queue: %s", err_text(rc));
	return q.state == QUEUE_SENT ? put_off(r, &q, err)
	                             : queue_expire_one(t, r->engine, &q, err);
}

static enum err_code
run_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;

	r->t = t;
	return due_each(t, KIND_QUEUE_END, &r->due, run_one, r, err);
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;
	uint64_t next;
	enum err_code rc = txn_first_number(t, KIND_QUEUE_END, &next, err);

	r->due.next = rc == ERR_OK ? (int64_t)next : 0;
	return rc;
}

enum err_code
queue_expire(struct engine *e, int64_t *next, struct err *err)
{
	struct run r = { .engine = e,
		.due = { .now = engine_now(e), .max = AT_ONCE } };
	enum err_code rc = store_view(e->store, look_txn, &r, err);

	while (rc == ERR_OK && r.due.next != 0 && r.due.next <= r.due.now)
		rc = store_update(e->store, run_txn, &r, err);
	if (rc == ERR_OK)
		*next = r.due.next;
	return rc;
}
