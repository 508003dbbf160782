#include "engine/mdm/renew.h"

#include <openssl/crypto.h>

#include "engine/base/text.h"
#include "engine/mdm/profile.h"
#include "engine/model/certs.h"
#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/renewals.h"

#define AT_ONCE 64 /* devices in one round: their pushes are paced */
/* What a device needs, at most, from its push to its request at the CA. */
#define ON_THE_WAY 300

/* One device's renewal. */
struct renew {
	struct engine *engine;
	uint32_t number;
	struct device device;
	bool wanted;
	bool asked; /* it came, and needs a challenge that is fresh */
	int64_t fit_until;
	struct profile_inputs in;
	char challenge[CHALLENGE_LEN + 1];
	struct challenge challenge_of; /* its record */
	struct buf profile;
	const char *failure; /* why there is no profile */
};

struct round {
	int64_t now;
	uint32_t devices[AT_ONCE];
	size_t n;
	int64_t next;
};

static enum err_code
due_txn(struct txn *t, void *arg, struct err *err)
{
	struct round *r = arg;

	return renewals_due(
	    t, r->now, r->devices, AT_ONCE, &r->n, &r->next, err);
}

/* The device's names, for the template, and a string of its own. */
static enum err_code
name_device(struct txn *t, struct renew *x, struct err *err)
{
	struct buf serial = { 0 };
	enum err_code rc =
	    fact_get(t, x->number, "SerialNumber", &serial, NULL);

	rc = profile_for(t, &x->in, x->device.udid,
	    rc == ERR_OK ? buf_str(&serial) : NULL, err);
	buf_free(&serial);
	return rc;
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct renew *x = arg;
	struct issued issued;
	enum err_code rc = device_read(t, x->number, &x->device, err);

	profile_inputs_fini(&x->in);
	x->wanted = x->asked = false;
	if (rc == ERR_OK) {
		x->asked = renewal_asked(t, &x->device);
		rc = renewal_wanted(
		    t, &x->device, engine_now(x->engine), &x->wanted, err);
	}
	if (rc == ERR_OK && x->wanted)
		rc = profile_inputs(t, x->engine, x->device.org, &x->in, err);
	if (rc == ERR_OK && x->wanted)
		rc = name_device(t, x, err);
	/* an account-driven enrollment stays one */
	if (rc == ERR_OK && x->wanted &&
	    (rc = issued_read(t, x->device.fingerprint, &issued, err)) ==
		ERR_OK) {
		x->challenge_of = (struct challenge){ .org = x->device.org,
			.meant = x->number,
			.renews = x->device.enrolled_at,
			.admission = issued.admission };
		profile_admission(&x->in, &issued.admission);
	}
	return rc;
}

static enum err_code
record_queued(struct txn *t, const struct renew *x, struct err *err)
{
	struct issued issued;
	struct buf end = { 0 };
	enum err_code rc = issued_read(t, x->device.fingerprint, &issued, err);

	if (rc != ERR_OK)
		return rc;
	text_time(&end, issued.expires);
	rc = event_record(t, x->engine, x->device.org, err,
	    "device=%s renewal: its certificate ends %s; the enrollment "
	    "profile is queued for it as " RENEWAL_NAME,
	    x->device.udid, buf_str(&end));
	buf_free(&end);
	return rc;
}

static enum err_code
queue_txn(struct txn *t, void *arg, struct err *err)
{
	struct renew *x = arg;
	int64_t now = engine_now(x->engine);
	enum err_code rc = device_read(t, x->number, &x->device, err);

	if (rc == ERR_OK)
		rc = renewal_wanted(t, &x->device, now, &x->wanted, err);
	if (rc != ERR_OK || !x->wanted)
		return rc;
	x->challenge_of.expires = now + CHALLENGE_LIFE;
	if ((rc = challenge_put(t, &x->challenge_of, x->challenge, err)) !=
		ERR_OK ||
	    (rc = renewal_queue(t, x->engine, &x->device, buf_view(&x->profile),
		 x->fit_until, err)) != ERR_OK)
		return rc;
	/* one that is made anew was told of */
	return x->asked ? ERR_OK : record_queued(t, x, err);
}

/*
 * Nothing to send now: look again later, never if it has gone.  A device that
 * has asked is pushed again in some minutes anyway (report.c), and the reason
 * why it got nothing is told where the challenge was to be fetched.
 */
static enum err_code
put_off_txn(struct txn *t, void *arg, struct err *err)
{
	struct renew *x = arg;
	struct channel c;
	enum err_code rc = device_read(t, x->number, &x->device, err);

	if (rc != ERR_OK ||
	    (rc = channel_read(
		 t, (struct channel_id){ x->number, 0 }, &c, err)) != ERR_OK)
		return rc;
	rc = renewal_set(t, &x->device,
	    x->device.state == DEVICE_ENROLLED
		? engine_now(x->engine) + RENEWAL_AGAIN
		: 0,
	    err);
	if (rc == ERR_OK)
		rc = device_store(t, &x->device, err);
	if (rc == ERR_OK && x->asked)
		return renewal_failed(t, &x->device, err);
	if (rc == ERR_OK && c.waiting > 0 &&
	    (rc = channel_wake(t, &c, engine_now(x->engine), err)) == ERR_OK)
		rc = channel_store(t, &c, err);
	if (rc != ERR_OK || x->failure == NULL)
		return rc;
	return event_record(t, x->engine, x->device.org, err,
	    "device=%s renewal: its certificate cannot be renewed now, and "
	    "that is tried again tomorrow: %s",
	    x->device.udid, x->failure);
}

static enum err_code
make_profile(struct renew *x, struct err *err)
{
	bool fetches = profile_fetches(&x->in);
	int64_t before = engine_now(x->engine);

	x->in.unfit = fetches && !x->asked;
	x->fit_until = !fetches      ? 0
	               : x->in.unfit ? QUEUE_UNFIT
	                             : before + SCEP_NDES_LIFE - ON_THE_WAY;
	return profile_make(&x->in, x->challenge, &x->profile, err);
}

static enum err_code
renew_one(struct engine *e, uint32_t number, struct err *err)
{
	struct renew x = { .engine = e, .number = number };
	struct err why = { 0 };
	enum err_code rc = store_view(e->store, look_txn, &x, &why);

	if (rc == ERR_OK && x.wanted)
		rc = challenge_make(x.challenge, &why);
	if (rc == ERR_OK && x.wanted)
		rc = make_profile(&x, &why);
	if (rc == ERR_OK && x.wanted)
		rc = store_update(e->store, queue_txn, &x, &why);
	if (rc != ERR_OK)
		x.failure = why.msg;
	rc = rc == ERR_OK && x.wanted
	         ? ERR_OK
	         : store_update(e->store, put_off_txn, &x, err);
	profile_inputs_fini(&x.in);
	buf_wipe(&x.profile);
	OPENSSL_cleanse(x.challenge, sizeof(x.challenge));
	return rc;
}

enum err_code
renew_due(struct engine *e, int64_t *next, struct err *err)
{
	struct round r = { .now = engine_now(e) };
	enum err_code rc = store_view(e->store, due_txn, &r, err);
	size_t i;

	for (i = 0; rc == ERR_OK && i < r.n; i++)
		rc = renew_one(e, r.devices[i], err);
	*next = rc == ERR_OK && r.n < AT_ONCE ? r.next : r.now + 1;
	return rc;
}
