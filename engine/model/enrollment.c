#include "engine/model/enrollment.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/model/challenges.h"
#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/groups.h"
#include "engine/model/orgs.h"
#include "engine/model/queue.h"
#include "engine/model/renewals.h"
#include "engine/model/results.h"
#include "engine/model/slots.h"
#include "engine/model/third_party.h"

#define RENEWAL_TAKES                                                          \
	INT64_C(600) /* seconds, from Authenticate to TokenUpdate */

/* Keys of check-in messages that are no facts of the device. */
static const char *const not_facts[] = { "MessageType", "Topic", "UDID",
	"EnrollmentID", "Token", "PushMagic", "UnlockToken", "EnrollmentUserID",
	"UserID", "UserShortName", "UserLongName", "BootstrapToken",
	"AwaitingConfiguration", "NotOnConsole", NULL };

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

/* The certificate is one of the organization's, and still good. */
static enum err_code
check_certificate(
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
	enum err_code rc = check_certificate(t, s, &issued, err);

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

/* ---- Authenticate ------------------------------------------------------- */

/*
 * A new enrollment of a known device gets nothing of the old one: whoever can
 * reset a device could otherwise read what was meant for its former owner.
 */
static enum err_code
forget_old(struct txn *t, struct device *d, uint32_t *dropped, struct err *err)
{
	struct channel_id id = { d->number, 0 };
	struct channel c;
	enum err_code rc = channel_read(t, id, &c, err);

	if (rc == ERR_OK)
		rc = queue_drop(t, &c, dropped, err);
	if (rc == ERR_OK)
		rc = channel_drop(t, id, err);
	/* what it answered stays, for the organization's records */
	if (rc == ERR_OK && c.results > 0) {
		c = (struct channel){ .id = id, .results = c.results };
		rc = channel_store(t, &c, err);
	}
	if (rc == ERR_OK)
		rc = users_drop(t, d, err);
	if (rc == ERR_OK)
		rc = facts_drop(t, d->number, false, err);
	return rc;
}

/* Nothing is pushed between Authenticate and TokenUpdate. */
static enum err_code
hush(struct txn *t, const struct device *d, struct err *err)
{
	struct channel_id id = { d->number, 0 };
	struct channel c;
	enum err_code rc = channel_read(t, id, &c, err);

	if (rc == ERR_OK)
		rc = channel_calm(t, &c, err);
	c.has_token = false;
	return rc == ERR_OK ? channel_store(t, &c, err) : rc;
}

/* Another organization takes it over: it sees nothing of what the old one
 * asked and heard. */
static enum err_code
change_org(struct txn *t, struct device *d, uint32_t org, struct err *err)
{
	enum err_code rc = results_drop(t, d->number, 0, err);

	if (rc == ERR_OK)
		rc = facts_drop(t, d->number, true, err);
	return rc == ERR_OK ? device_move(t, d, org, err) : rc;
}

static enum err_code
check_owner(struct txn *t, const struct speaker *s, const struct device *d,
    const struct issued *issued, struct err *err)
{
	struct org other;

	if ((issued->device != 0 && issued->device != d->number) ||
	    (issued->meant != 0 && issued->meant != d->number))
		return err_set(err, ERR_DENIED,
		    "%s came with the certificate of another device", s->id);
	if (d->org == s->org || d->state == DEVICE_CHECKED_OUT ||
	    org_read(t, d->org, &other, NULL) != ERR_OK)
		return ERR_OK;
	/* a removed one may come back and wants its devices then */
	if (other.removed_at != 0 && s->now - other.removed_at > ORG_KEPT)
		return ERR_OK;
	return err_set(err, ERR_NOT_UNIQUE,
	    "%s is enrolled in organization %s: remove it there first (rmdir "
	    "devices/%s)",
	    s->id, other.name, s->id);
}

/* Nothing is pushed until the device has sent its TokenUpdate, or for a while
 * if it does not come that far. */
static enum err_code
wait_for_token(struct txn *t, const struct speaker *s, const struct device *d,
    struct err *err)
{
	struct channel_id id = { d->number, 0 };
	struct channel c;
	enum err_code rc = channel_read(t, id, &c, err);

	if (rc == ERR_OK)
		rc = channel_calm(t, &c, err);
	if (rc == ERR_OK && c.waiting > 0)
		rc = channel_wake(t, &c, s->now + RENEWAL_TAKES, err);
	return rc == ERR_OK ? channel_store(t, &c, err) : rc;
}

/*
 * A new certificate for an enrollment that goes on.  The old one stays good
 * until the device has come through with the new one: if the profile cannot be
 * installed, the device goes on with what it had.
 */
static enum err_code
renew(struct txn *t, const struct speaker *s, struct device *d, struct err *err)
{
	static const uint8_t none[sizeof(d->replaced)];
	enum err_code rc = ERR_OK;

	if (device_has_certificate(d, s->fingerprint))
		return wait_for_token(t, s, d, err);
	if (memcmp(d->replaced, none, sizeof(none)) == 0)
		memcpy(d->replaced, d->fingerprint, sizeof(d->replaced));
	else /* an earlier renewal that did not come through */
		rc =
		    issued_end(t, d->fingerprint, CERT_SUPERSEDED, s->now, err);
	memcpy(d->fingerprint, s->fingerprint, sizeof(d->fingerprint));
	return rc == ERR_OK ? wait_for_token(t, s, d, err) : rc;
}

/* Another enrollment takes the record over; *dropped: commands that went. */
static enum err_code
begin_anew(struct txn *t, const struct speaker *s, const struct issued *issued,
    struct device *d, uint32_t *dropped, struct err *err)
{
	bool same = device_has_certificate(d, s->fingerprint);
	bool kept = d->org == s->org && (same || issued->meant == d->number);
	enum err_code rc = ERR_OK;

	if (d->state == DEVICE_ENROLLED)
		rc = device_count(t, d->org, -1, NULL, err);
	if (rc == ERR_OK && !kept)
		rc = forget_old(t, d, dropped, err);
	if (rc == ERR_OK && !same)
		rc =
		    issued_end(t, d->fingerprint, CERT_SUPERSEDED, s->now, err);
	if (rc == ERR_OK && !same)
		rc = device_drop_replaced(t, d, CERT_SUPERSEDED, s->now, err);
	if (rc == ERR_OK && d->org != s->org)
		rc = change_org(t, d, s->org, err);
	if (rc == ERR_OK)
		rc = renewal_set(t, d, 0, err);
	memcpy(d->fingerprint, s->fingerprint, sizeof(d->fingerprint));
	d->state = DEVICE_AUTHENTICATING;
	return rc == ERR_OK ? hush(t, d, err) : rc;
}

/* The device's record for this certificate. */
static enum err_code
bind(struct txn *t, const struct speaker *s, const struct issued *issued,
    struct device *d, uint32_t *dropped, struct err *err)
{
	enum err_code rc = device_by_id(t, s->id, d, NULL);

	if (rc == ERR_NOT_FOUND) {
		if (issued->device != 0 || issued->meant != 0)
			return err_set(err, ERR_DENIED,
			    "%s came with the certificate of another device",
			    s->id);
		rc = device_create(t, s->id, s->org, d, err);
		d->state = DEVICE_AUTHENTICATING;
		memcpy(d->fingerprint, s->fingerprint, sizeof(d->fingerprint));
		return rc;
	}
	if (rc != ERR_OK || (rc = check_owner(t, s, d, issued, err)) != ERR_OK)
		return rc;
	if (d->org == s->org && d->state == DEVICE_ENROLLED &&
	    issued->meant == d->number)
		return renew(t, s, d, err);
	return begin_anew(t, s, issued, d, dropped, err);
}

/* A certificate that no device had yet, nor was made for. */
static bool
is_first(const struct issued *issued)
{
	return issued->device == 0 && issued->meant == 0;
}

/* When it was let in nobody may have known which device it is. */
static enum err_code
check_admission(struct txn *t, const struct speaker *s,
    const struct issued *issued, struct err *err)
{
	const char *serial = pl_get_string(s->message, "SerialNumber");

	if (!is_first(issued))
		return ERR_OK;
	return admission_enrolls(
	    t, s->org, &issued->admission, serial == NULL ? "" : serial, err);
}

static enum err_code
admit(struct txn *t, const struct speaker *s, const struct issued *issued,
    const struct device *d, struct err *err)
{
	return is_first(issued)
	           ? admission_bind(t, d, &issued->admission, s->now, err)
	           : ERR_OK;
}

enum err_code
enrollment_authenticate(struct txn *t, const struct speaker *s, struct err *err)
{
	struct issued issued;
	struct device d;
	uint32_t dropped = 0;
	enum err_code rc = issued_read(t, s->fingerprint, &issued, NULL);

	if (rc == ERR_NOT_FOUND &&
	    (rc = third_party_accept(t, s, &issued, err)) != ERR_OK)
		return rc;
	if ((rc = check_certificate(t, s, &issued, err)) != ERR_OK ||
	    (rc = challenge_check_device(&issued, s->id,
		 pl_get_string(s->message, "SerialNumber"), err)) != ERR_OK ||
	    (rc = check_admission(t, s, &issued, err)) != ERR_OK ||
	    (rc = bind(t, s, &issued, &d, &dropped, err)) != ERR_OK ||
	    (rc = admit(t, s, &issued, &d, err)) != ERR_OK)
		return rc;
	d.user_enrollment = s->user_enrollment;
	d.seen_at = s->now;
	if (d.state == DEVICE_AUTHENTICATING)
		d.enrolled_at = s->now;
	issued.device = d.number;
	if ((rc = device_store(t, &d, err)) != ERR_OK ||
	    (rc = issued_store(t, &issued, err)) != ERR_OK ||
	    (rc = fact_put_all(t, d.number, s->message, not_facts, err)) !=
		ERR_OK ||
	    (rc = groups_follow(t, d.number, err)) != ERR_OK)
		return rc;
	if (d.state == DEVICE_ENROLLED)
		return event_record(t, s->engine, s->org, err,
		    "device=%s authenticate: it renews its certificate; its "
		    "commands and secrets stay",
		    s->id);
	if (dropped > 0)
		return event_record(t, s->engine, s->org, err,
		    "device=%s authenticate: it enrolls anew; %u commands of "
		    "its old enrollment were dropped",
		    s->id, dropped);
	return event_record(t, s->engine, s->org, err,
	    "device=%s authenticate: it begins to enroll", s->id);
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
	if ((rc = issued_end_successor(
		 t, d.fingerprint, CERT_CEASED, s->now, err)) == ERR_OK &&
	    (rc = issued_end(t, d.fingerprint, CERT_CEASED, s->now, err)) ==
		ERR_OK &&
	    (rc = device_drop_replaced(t, &d, CERT_CEASED, s->now, err)) ==
		ERR_OK &&
	    (rc = renewal_set(t, &d, 0, err)) == ERR_OK &&
	    (rc = forget_old(t, &d, &dropped, err)) == ERR_OK)
		rc = device_store(t, &d, err);
	if (rc == ERR_OK)
		rc = event_record(t, s->engine, s->org, err,
		    "device=%s check-out: it has left the management; %u "
		    "waiting commands were dropped",
		    s->id, dropped);
	return rc;
}
