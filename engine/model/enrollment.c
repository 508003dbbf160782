#include "engine/model/enrollment_priv.h"

#include <string.h>

#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/orgs.h"
#include "engine/model/renewals.h"
#include "engine/model/slots.h"

/* Seconds for which an ended certificate is still good: so that a device that
 * was away can be sent a new one. */
static int64_t
grace(struct txn *t, uint32_t org)
{
	uint32_t days = 0;
	char text[32];

	if (org_setting(t, org, "enrollment", "renewal-grace", text,
		sizeof(text)) == ERR_OK)
		(void)!renewal_grace_parse(bytes_text(text), &days, NULL);
	return days * INT64_C(86400);
}

enum err_code
enrollment_certificate(
    struct txn *t, const struct speaker *s, struct issued *ret, struct err *err)
{
	struct org org;
	enum err_code rc = issued_read(t, s->fingerprint, ret, err);

	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND
		           ? err_set(err, ERR_DENIED,
				 "the certificate of %s was not issued here",
				 s->id)
		           : rc;
	if (ret->org != s->org)
		return err_set(err, ERR_DENIED,
		    "%s came with a certificate of another organization",
		    s->id);
	if (ret->state != CERT_VALID)
		return err_set(err, ERR_KEY_REVOKED,
		    "the certificate of %s was %s: the device must enroll "
		    "again, with a fresh profile",
		    s->id, cert_state_text(ret->state));
	if (ret->expires < s->now - grace(t, s->org))
		return err_set(err, ERR_KEY_EXPIRED,
		    "the certificate of %s has ended", s->id);
	if ((rc = org_read(t, s->org, &org, err)) == ERR_OK &&
	    org.removed_at != 0)
		rc = err_set(err, ERR_NOT_FOUND, "organization %s was removed",
		    org.name);
	return rc;
}

enum err_code
enrollment_find(struct txn *t, const struct speaker *s, struct device *device,
    struct channel *channel, struct err *err)
{
	struct channel_id id = { 0 };
	struct issued issued;
	enum err_code rc = enrollment_certificate(t, s, &issued, err);

	if (rc != ERR_OK)
		return rc;
	if ((rc = device_by_id(t, s->id, device, err)) != ERR_OK)
		return rc == ERR_NOT_FOUND
		           ? err_set(err, ERR_DENIED,
				 "%s has not enrolled here", s->id)
		           : rc;
	if (issued.device != device->number ||
	    !device_has_certificate(device, s->fingerprint))
		return err_set(err, ERR_DENIED,
		    "the certificate that came with %s is another device's",
		    s->id);
	if (device->state == DEVICE_CHECKED_OUT)
		return err_set(err, ERR_DENIED,
		    "%s has checked out: it must enroll again", s->id);
	id.device = device->number;
	if (s->user[0] != '\0')
		rc = user_find(t, id.device, s->user, &id.user, err);
	if (rc == ERR_NOT_FOUND)
		return err_set(
		    err, ERR_GONE, "%s has no user %s here", s->id, s->user);
	return rc == ERR_OK ? channel_read(t, id, channel, err) : rc;
}

/* ---- TokenUpdate -------------------------------------------------------- */

/*
 * Whether the topic that a device names becomes its organization's, which
 * guards the push certificate.  A device may say anything, so only the topic
 * that profiles were given counts.
 */
static bool
topic_counts(struct txn *t, uint32_t org, const char *topic)
{
	struct slot_facts facts;
	struct org o;

	if (slot_facts(t, slot_of(org, SLOT_OF_APNS), &facts, NULL) == ERR_OK &&
	    facts.version != 0)
		return strcmp(facts.topic, topic) == 0;
	return org_read(t, org, &o, NULL) == ERR_OK && o.topic[0] == '\0';
}

static enum err_code
warn_of_topic(struct txn *t, const struct speaker *s,
    const struct push_token *token, struct err *err)
{
	char push[256] = "";
	struct org o;
	enum err_code rc = org_read(t, s->org, &o, err);

	if (rc == ERR_OK)
		memcpy(push, o.topic, sizeof(o.topic));
	if (rc != ERR_OK || push[0] == '\0' || strcmp(push, token->topic) == 0)
		return rc;
	return event_record(t, s->engine, s->org, err,
	    "device=%s token-update: its topic is %s, others of %s use %s: "
	    "one push certificate cannot reach both",
	    s->id, token->topic, o.name, push);
}

static enum err_code
become_enrolled(struct txn *t, const struct speaker *s, struct device *d,
    const struct push_token *token, struct err *err)
{
	enum err_code rc = warn_of_topic(t, s, token, err);

	if (rc != ERR_OK || d->state == DEVICE_ENROLLED)
		return rc;
	d->state = DEVICE_ENROLLED;
	if ((rc = device_count(t, s->org, 1,
		 topic_counts(t, s->org, token->topic) ? token->topic : NULL,
		 err)) == ERR_OK)
		rc = event_record(t, s->engine, s->org, err,
		    "device=%s token-update: it is enrolled", s->id);
	return rc;
}

/* The device has its newest certificate in use. */
static enum err_code
come_through(struct txn *t, struct device *d, int64_t now, struct err *err)
{
	static const uint8_t none[sizeof(d->replaced)];
	bool renewed = memcmp(d->replaced, none, sizeof(none)) != 0;
	enum err_code rc = ERR_OK;

	if (renewed)
		rc = device_drop_replaced(t, d, CERT_SUPERSEDED, now, err);
	if (rc == ERR_OK && (renewed || d->renew_at == 0))
		rc = renewal_plan(t, d, now, err);
	return rc;
}

enum err_code
enrollment_token_update(struct txn *t, const struct speaker *s,
    const struct push_token *token, struct err *err)
{
	struct bytes unlock = pl_get_data(s->message, "UnlockToken");
	struct channel c;
	struct device d;
	struct speaker on_device = *s;
	enum err_code rc;

	on_device.user[0] = '\0';
	if ((rc = enrollment_find(t, &on_device, &d, &c, err)) != ERR_OK)
		return rc;
	if (s->user[0] != '\0') {
		struct channel_id id = { d.number, 0 };

		rc = user_ensure(t, &d, s->user,
		    pl_get_string(s->message, "UserShortName"),
		    pl_get_string(s->message, "UserLongName"), &id.user, err);
		if (rc == ERR_OK)
			rc = channel_read(t, id, &c, err);
	} else {
		rc = become_enrolled(t, s, &d, token, err);
	}
	d.seen_at = s->now;
	if (rc == ERR_OK &&
	    memcmp(d.fingerprint, s->fingerprint, sizeof(d.fingerprint)) == 0)
		rc = come_through(t, &d, s->now, err);
	if (rc == ERR_OK)
		rc = device_store(t, &d, err);
	/* it may be missing later: never overwrite it with nothing */
	if (rc == ERR_OK && unlock.len > 0)
		rc = secret_put(t, d.number, "UnlockToken", unlock, err);
	if (rc == ERR_OK)
		rc = channel_put_token(t, &c, token, s->now, err);
	if (rc == ERR_OK && c.waiting > 0)
		rc = channel_wake(t, &c, s->now, err);
	return rc == ERR_OK ? channel_store(t, &c, err) : rc;
}

/* ---- CheckOut ----------------------------------------------------------- */

enum err_code
enrollment_check_out(struct txn *t, const struct speaker *s, struct err *err)
{
	struct channel c;
	struct device d;
	uint32_t dropped;
	enum err_code rc = enrollment_find(t, s, &d, &c, err);

	if (rc != ERR_OK)
		return rc;
	if (s->user[0] != '\0') { /* the schema has none; some rivals fail */
		c.has_token = false;
		if ((rc = channel_calm(t, &c, err)) == ERR_OK)
			rc = channel_store(t, &c, err);
		return rc;
	}
	if (d.state == DEVICE_ENROLLED &&
	    (rc = device_count(t, d.org, -1, NULL, err)) != ERR_OK)
		return rc;
	d.state = DEVICE_CHECKED_OUT;
	d.seen_at = s->now;
	/* Apple's device deletes the key with the profile: whoever comes with it
	 * later is let in like a stranger, or not at all */
	if ((rc = issued_end_successors(
		 t, d.fingerprint, CERT_CEASED, s->now, err)) == ERR_OK &&
	    (rc = issued_end(t, d.fingerprint, CERT_CEASED, s->now, err)) ==
		ERR_OK &&
	    (rc = device_drop_replaced(t, &d, CERT_CEASED, s->now, err)) ==
		ERR_OK &&
	    (rc = renewal_set(t, &d, 0, err)) == ERR_OK &&
	    (rc = enrollment_forget(t, &d, &dropped, err)) == ERR_OK)
		rc = device_store(t, &d, err);
	if (rc == ERR_OK)
		rc = event_record(t, s->engine, s->org, err,
		    "device=%s check-out: it has left the management; %u "
		    "waiting commands were dropped",
		    s->id, dropped);
	return rc;
}
