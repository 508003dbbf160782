#include "engine/model/device_acts.h"

#include "engine/model/certs.h"
#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/queue.h"
#include "engine/model/renewals.h"
#include "engine/model/results.h"
#include "engine/model/users.h"

/* What people do to a device from outside of its files. */
struct act {
	struct engine *engine;
	struct channel_id id;
	const struct actor *actor;
};

static enum err_code
event(struct txn *t, const struct act *a, const struct device *d,
    const char *what, struct err *err)
{
	return event_record(t, a->engine, d->org, err,
	    "uid=%u pid=%d comm=%s %s devices/%s", a->actor->uid, a->actor->pid,
	    a->actor->comm[0] != '\0' ? a->actor->comm : "-", what, d->udid);
}

static enum err_code
push_txn(struct txn *t, void *arg, struct err *err)
{
	struct act *a = arg;
	struct channel c;
	struct device d;
	enum err_code rc;

	if ((rc = device_read(t, a->id.device, &d, err)) != ERR_OK ||
	    (rc = channel_read(t, a->id, &c, err)) != ERR_OK)
		return rc;
	if (!c.has_token)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s cannot be pushed: it has sent no push token yet (it "
		    "does when it enrolls), or Apple said that its last one "
		    "is dead",
		    d.udid);
	c.push_tries = 0;
	if ((rc = channel_wake(t, &c, engine_now(a->engine), err)) != ERR_OK ||
	    (rc = channel_store(t, &c, err)) != ERR_OK)
		return rc;
	return event(t, a, &d, "pushes", err);
}

enum err_code
device_push(struct engine *e, uint32_t device, uint32_t user,
    const struct actor *actor, struct err *err)
{
	struct act a = { e, { device, user }, actor };

	return store_update(e->store, push_txn, &a, err);
}

enum err_code
device_forget(struct txn *t, struct device *d, int64_t now, struct err *err)
{
	struct channel_id id = { d->number, 0 };
	struct channel c;
	struct issued issued;
	uint32_t dropped;
	enum err_code rc;

	if ((rc = channel_read(t, id, &c, err)) != ERR_OK ||
	    (rc = queue_drop(t, &c, &dropped, err)) != ERR_OK ||
	    (rc = channel_drop(t, id, err)) != ERR_OK ||
	    (rc = users_drop(t, d, err)) != ERR_OK ||
	    (rc = facts_drop(t, d->number, true, err)) != ERR_OK)
		return rc;
	if (d->state == DEVICE_ENROLLED)
		rc = device_count(t, d->org, -1, NULL, err);
	if (rc == ERR_OK &&
	    issued_read(t, d->fingerprint, &issued, NULL) == ERR_OK)
		rc = admission_unbind(t, d->org, &issued.admission, err);
	if (rc == ERR_OK)
		rc = issued_end_successors(
		    t, d->fingerprint, CERT_REVOKED, now, err);
	if (rc == ERR_OK)
		rc = issued_end(t, d->fingerprint, CERT_REVOKED, now, err);
	if (rc == ERR_OK)
		rc = device_drop_replaced(t, d, CERT_REVOKED, now, err);
	if (rc == ERR_OK)
		rc = renewal_set(t, d, 0, err);
	if (rc == ERR_OK)
		rc = results_drop(t, d->number, 0, err);
	return rc == ERR_OK ? device_drop(t, d, err) : rc;
}

static enum err_code
remove_txn(struct txn *t, void *arg, struct err *err)
{
	struct act *a = arg;
	struct device d;
	enum err_code rc = device_read(t, a->id.device, &d, err);

	if (rc == ERR_OK)
		rc = event(t, a, &d, "removed", err);
	return rc == ERR_OK ? device_forget(t, &d, engine_now(a->engine), err)
	                    : rc;
}

enum err_code
device_remove(struct engine *e, uint32_t device, const struct actor *actor,
    struct err *err)
{
	struct act a = { e, { device, 0 }, actor };

	return store_update(e->store, remove_txn, &a, err);
}
