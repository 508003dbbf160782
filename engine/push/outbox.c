#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/queue.h"
#include "engine/model/slots.h"
#include "engine/push/push_priv.h"

#define AGAIN INT64_C(86400) /* while commands wait after a push was taken */

/* Seconds until try number tries + 1, with up to a fifth more or less, so
 * that a fleet does not come back all at once. */
static int64_t
back_off(uint32_t tries)
{
	static const int64_t steps[] = { 30, 120, 480, 1800 };
	size_t last = sizeof(steps) / sizeof(steps[0]) - 1;
	int64_t step = steps[tries > last ? last : tries];
	uint16_t random = 0;

	if (RAND_bytes((uint8_t *)&random, sizeof(random)) != 1)
		random = 0;
	return step - step / 5 + step * 2 / 5 * random / UINT16_MAX;
}

static void
outcome(struct channel *c, int64_t now, const char *text)
{
	c->outcome_at = now;
	snprintf(c->outcome, sizeof(c->outcome), "%s", text);
}

/* ---- lease -------------------------------------------------------------- */

static enum err_code
wake_at(struct txn *t, struct channel *c, int64_t due, struct err *err)
{
	enum err_code rc = channel_calm(t, c, err);

	c->push_held = false;
	return rc == ERR_OK ? channel_wake(t, c, due, err) : rc;
}

enum err_code
outbox_has_another(struct txn *t, uint32_t org, uint64_t version, int64_t now,
    bool *ret, struct err *err)
{
	struct slot_facts f;
	enum err_code rc = slot_facts(t, slot_of(org, SLOT_OF_APNS), &f, err);

	if (rc == ERR_OK)
		*ret =
		    f.version != 0 && f.expires >= now && f.version != version;
	return rc;
}

/* Trying again with the certificate of that version is in vain, mostly. */
static enum err_code
hold(struct txn *t, struct channel *c, uint64_t version, int64_t now,
    struct err *err)
{
	enum err_code rc = wake_at(t, c, now + OUTBOX_BROKEN, err);

	c->push_held = true;
	c->held_version = version;
	return rc;
}

static enum err_code
lease_one(struct txn *t, struct batch *b, struct channel_id id, struct err *err)
{
	struct outgoing *o = &b->out[b->n];
	struct slot_facts facts;
	struct channel c;
	struct device d;
	enum err_code rc;

	if ((rc = channel_read(t, id, &c, err)) != ERR_OK)
		return rc;
	rc = device_read(t, id.device, &d, NULL);
	if (rc == ERR_NOT_FOUND || !c.has_token) {
		if ((rc = channel_calm(t, &c, err)) == ERR_OK)
			rc = channel_store(t, &c, err);
		return rc;
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "device: %s", err_text(rc));
	if ((rc = slot_facts(t, slot_of(d.org, SLOT_OF_APNS), &facts, err)) !=
	    ERR_OK)
		return rc;
	*o = (struct outgoing){ .id = id,
		.org = d.org,
		.lease = b->now + OUTBOX_LEASE,
		.newest = b->newest,
		.identity_version = facts.version };
	if (facts.version == 0) {
		outcome(&c, b->now,
		    "not sent: the organization has no push certificate in "
		    "apns/");
	} else if (facts.expires < b->now) {
		outcome(&c, b->now,
		    "not sent: the push certificate has ended; renew it at "
		    "identity.apple.com");
		o->identity_version = 0;
	}
	rc = o->identity_version == 0 ? hold(t, &c, facts.version, b->now, err)
	                              : wake_at(t, &c, o->lease, err);
	if (rc != ERR_OK || (rc = channel_store(t, &c, err)) != ERR_OK)
		return rc;
	if (o->identity_version == 0)
		return ERR_OK;
	if (channel_get_token(t, id, &o->token, NULL) == ERR_OK) {
		b->n++;
		return ERR_OK;
	}
	/* one broken record must not keep the others waiting */
	c.has_token = false;
	outcome(&c, b->now,
	    "not sent: the stored push token is damaged; the device sends it "
	    "again by itself some day");
	if ((rc = channel_calm(t, &c, err)) == ERR_OK)
		rc = channel_store(t, &c, err);
	return rc;
}

static enum err_code
lease_txn(struct txn *t, void *arg, struct err *err)
{
	struct channel_id due[OUTBOX_BATCH];
	struct batch *b = arg;
	size_t i, n;
	enum err_code rc =
	    channels_due(t, b->now, due, OUTBOX_BATCH, &n, &b->next, err);

	if (rc == ERR_OK)
		rc = counter_last(t, "queue", &b->newest, err);
	b->n = 0;
	for (i = 0; rc == ERR_OK && i < n; i++)
		rc = lease_one(t, b, due[i], err);
	return rc;
}

struct look {
	struct batch *b;
	uint64_t certificates;
};

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct channel_id first;
	struct look *x = arg;
	enum err_code rc = probe_changes(t, &x->certificates, err);

	return rc != ERR_OK ? rc
	                    : channels_due(t, x->b->now, &first, 1, &x->b->n,
				  &x->b->next, err);
}

enum err_code
outbox_lease(struct batch *b, struct err *err)
{
	struct look x = { .b = b };
	enum err_code rc = store_view(b->engine->store, look_txn, &x, err);

	if (rc == ERR_OK && x.certificates != b->certificates &&
	    (rc = outbox_unhold(b->engine, err)) == ERR_OK) {
		b->certificates = x.certificates;
		rc = store_view(b->engine->store, look_txn, &x, err);
	}
	if (rc != ERR_OK || b->n == 0)
		return rc; /* nothing is due: no write */
	return store_update(b->engine->store, lease_txn, b, err);
}

/* ---- settle ------------------------------------------------------------- */

struct settle {
	struct engine *engine;
	const struct sending *list;
	const struct sending *rest; /* for the next transaction */
};

void
outbox_token_hash(const struct push_token *token, uint8_t ret[static 32])
{
	SHA256(token->token, token->len, ret);
}

/* Whether the device has sent another token while the push was under way. */
static bool
has_newer_token(
    struct txn *t, const struct channel *c, const uint8_t sent[static 32])
{
	struct push_token token;
	uint8_t hash[32];
	bool newer = false;

	if (channel_get_token(t, c->id, &token, NULL) == ERR_OK) {
		outbox_token_hash(&token, hash);
		newer = memcmp(hash, sent, sizeof(hash)) != 0;
	}
	OPENSSL_cleanse(&token, sizeof(token));
	return newer;
}

/* No push reaches this token any more; the enrollment stays, since the device
 * may still come by itself. */
static enum err_code
token_dead(struct txn *t, struct channel *c, const struct sending *s,
    int64_t now, struct err *err)
{
	if (has_newer_token(t, c, s->token))
		return c->push_due != s->lease ? ERR_OK
		                               : wake_at(t, c, now, err);
	/* the device said it again after it had died: or a clock is wrong, so
	 * there is no hurry */
	if (s->result.outcome == APNS_DEAD_TOKEN &&
	    s->result.dead_since < c->token_at)
		return wake_at(t, c, now + back_off(c->push_tries++), err);
	c->has_token = false;
	return channel_calm(t, c, err);
}

/* The certificate did not take it; it may have been replaced meanwhile. */
static enum err_code
certificate_failed(struct txn *t, struct channel *c, const struct sending *s,
    int64_t now, struct err *err)
{
	bool another = false;
	enum err_code rc = outbox_has_another(
	    t, s->org, s->identity_version, now, &another, err);

	if (rc != ERR_OK)
		return rc;
	return another ? wake_at(t, c, now, err)
	               : hold(t, c, s->identity_version, now, err);
}

static enum err_code
settle_channel(struct txn *t, struct channel *c, const struct sending *s,
    int64_t now, struct err *err)
{
	/* a command that came meanwhile has its own, earlier wake */
	bool newer = c->push_due != s->lease;
	enum err_code rc;

	switch (s->result.outcome) {
	case APNS_ACCEPTED:
		c->pushed_at = now;
		/* two may be under way, and answered in any order */
		if ((rc = queue_pushed(t, c, s->newest, err)) != ERR_OK)
			return rc;
		c->push_tries = 0;
		if (newer)
			return ERR_OK;
		return c->waiting > 0 ? wake_at(t, c, now + AGAIN, err)
		                      : channel_calm(t, c, err);
	case APNS_BAD_TOKEN:
	case APNS_DEAD_TOKEN:
		return token_dead(t, c, s, now, err);
	case APNS_TRY_LATER:
		return newer ? ERR_OK
		             : wake_at(
				   t, c, now + back_off(c->push_tries++), err);
	case APNS_WRONG_TOPIC:
	case APNS_BAD_CERTIFICATE:
	case APNS_OUR_FAULT:
		break;
	}
	return newer ? ERR_OK : certificate_failed(t, c, s, now, err);
}

static enum err_code
settle_one(
    struct txn *t, struct engine *e, const struct sending *s, struct err *err)
{
	int64_t now = engine_now(e);
	struct channel c;
	struct device d;
	bool repeated;
	enum err_code rc = device_read(t, s->id.device, &d, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK; /* removed meanwhile */
	if (rc != ERR_OK)
		return err_set(err, rc, "device: %s", err_text(rc));
	if ((rc = channel_read(t, s->id, &c, err)) != ERR_OK ||
	    (rc = settle_channel(t, &c, s, now, err)) != ERR_OK)
		return rc;
	repeated = strcmp(c.outcome, s->result.text) == 0;
	outcome(&c, now, s->result.text);
	if ((rc = channel_store(t, &c, err)) != ERR_OK)
		return rc;
	/* what fails again and again is said once */
	if (s->result.outcome == APNS_ACCEPTED || repeated)
		return ERR_OK;
	return event_record(t, e, d.org, err, "device=%s push %s: %s", d.udid,
	    apns_outcome_name(s->result.outcome), s->result.text);
}

static enum err_code
settle_txn(struct txn *t, void *arg, struct err *err)
{
	struct settle *x = arg;
	const struct sending *s = x->list;
	enum err_code rc = ERR_OK;
	size_t n;

	for (n = 0; rc == ERR_OK && n < OUTBOX_BATCH && s != NULL; n++) {
		rc = settle_one(t, x->engine, s, err);
		s = s->next;
	}
	if (rc == ERR_OK)
		x->rest = s;
	return rc;
}

enum err_code
outbox_settle(struct engine *e, const struct sending *list, struct err *err)
{
	struct settle x = { e, list, NULL };
	enum err_code rc = ERR_OK;

	for (; rc == ERR_OK && x.list != NULL; x.list = x.rest)
		rc = store_update(e->store, settle_txn, &x, err);
	return rc;
}
