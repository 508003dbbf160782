/* Pushes that are due earlier than was thought: their time is put forward. */
#include <stdlib.h>

#include "engine/model/mass.h"
#include "engine/push/push_priv.h"

/* What is due until then, and is to be looked at a batch a transaction. */
struct revive {
	int64_t now;
	int64_t until;
	struct channel_id *ids;
	size_t n;
	size_t done;
	int64_t woken;
	int64_t woken_before; /* this transaction, which may run again */
};

static enum err_code
gather_txn(struct txn *t, void *arg, struct err *err)
{
	struct revive *r = arg;
	struct channel_id *more;
	size_t max = OUTBOX_BATCH;
	int64_t next;
	enum err_code rc;

	do {
		max *= 4;
		more = realloc(r->ids, max * sizeof(*more));
		if (more == NULL)
			return err_set(err, ERR_NO_MEMORY, "outbox");
		r->ids = more;
		rc = channels_due(t, r->until, r->ids, max, &r->n, &next, err);
	} while (rc == ERR_OK && r->n == max);
	return rc;
}

static enum err_code
revive(struct engine *e, int64_t horizon, txn_fn *batch, struct err *err)
{
	struct revive r = { .now = engine_now(e) };
	enum err_code rc;

	r.until = r.now + horizon;
	rc = store_view(e->store, gather_txn, &r, err);
	for (; rc == ERR_OK && r.done < r.n; r.done += OUTBOX_BATCH) {
		rc = store_update(e->store, batch, &r, err);
		r.woken_before = r.woken;
	}
	free(r.ids);
	return rc;
}

static enum err_code
recover_txn(struct txn *t, void *arg, struct err *err)
{
	struct revive *r = arg;
	struct channel c;
	size_t i, end = r->done + OUTBOX_BATCH;
	enum err_code rc = ERR_OK;

	for (i = r->done; rc == ERR_OK && i < r->n && i < end; i++) {
		rc = channel_read(t, r->ids[i], &c, err);
		if (rc == ERR_OK)
			rc = channel_wake(t, &c, r->now, err);
		if (rc == ERR_OK)
			rc = channel_store(t, &c, err);
	}
	return rc;
}

enum err_code
outbox_recover(struct engine *e, struct err *err)
{
	return revive(e, OUTBOX_LEASE, recover_txn, err);
}

/* As many devices may have waited as the organization has: they are asked to
 * come at the pace of a command for all of them. */
static enum err_code
unhold_one(
    struct txn *t, struct revive *r, struct channel_id id, struct err *err)
{
	bool another = false;
	struct channel c;
	struct device d;
	enum err_code rc = channel_read(t, id, &c, err);

	if (rc != ERR_OK || !c.push_held)
		return rc;
	rc = device_read(t, id.device, &d, NULL);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "device: %s", err_text(rc));
	rc =
	    outbox_has_another(t, d.org, c.held_version, r->now, &another, err);
	if (rc != ERR_OK || !another)
		return rc;
	c.push_held = false;
	rc = channel_wake(t, &c, r->now + r->woken++ / MASS_PUSHES, err);
	return rc == ERR_OK ? channel_store(t, &c, err) : rc;
}

static enum err_code
unhold_txn(struct txn *t, void *arg, struct err *err)
{
	struct revive *r = arg;
	size_t i, end = r->done + OUTBOX_BATCH;
	enum err_code rc = ERR_OK;

	r->woken = r->woken_before;
	for (i = r->done; rc == ERR_OK && i < r->n && i < end; i++)
		rc = unhold_one(t, r, r->ids[i], err);
	return rc;
}

enum err_code
outbox_unhold(struct engine *e, struct err *err)
{
	return revive(e, OUTBOX_BROKEN, unhold_txn, err);
}
