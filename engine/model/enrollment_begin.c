#include "engine/model/enrollment_priv.h"

#include <string.h>

#include "engine/model/challenges.h"
#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/groups.h"
#include "engine/model/orgs.h"
#include "engine/model/queue.h"
#include "engine/model/renewals.h"
#include "engine/model/results.h"
#include "engine/model/third_party.h"

#define RENEWAL_TAKES                                                          \
	INT64_C(600) /* seconds, from Authenticate to TokenUpdate */

/* Keys of check-in messages that are no facts of the device. */
static const char *const not_facts[] = { "MessageType", "Topic", "UDID",
	"EnrollmentID", "Token", "PushMagic", "UnlockToken", "EnrollmentUserID",
	"UserID", "UserShortName", "UserLongName", "BootstrapToken",
	"AwaitingConfiguration", "NotOnConsole", NULL };

enum err_code
enrollment_forget(
    struct txn *t, struct device *d, uint32_t *dropped, struct err *err)
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
	/* not which: whoever reads this may not know of the others */
	return err_set(err, ERR_NOT_UNIQUE,
	    "%s is enrolled in another organization (devices/%s/org): remove "
	    "it there first (rmdir devices/%s)",
	    s->id, s->id, s->id);
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

/* A certificate that no device had yet, nor was made for. */
static bool
is_first(const struct issued *issued)
{
	return issued->device == 0 && issued->meant == 0;
}

/*
 * Whoever is let in may claim any UDID, and an erased device comes back no
 * other way: it is let in, and told.
 */
static enum err_code
tell_takeover(struct txn *t, const struct speaker *s,
    const struct issued *issued, const struct device *d, struct err *err)
{
	struct buf by = { 0 };
	struct org org;
	enum err_code rc;

	if (d->state != DEVICE_ENROLLED || d->org != s->org ||
	    !is_first(issued) || issued->name[0] != '\0')
		return ERR_OK;
	if ((rc = org_read(t, s->org, &org, err)) != ERR_OK)
		return rc;
	admission_describe(&issued->admission, &by);
	if ((rc = buf_error(&by, err)) == ERR_OK)
		rc = event_record(t, s->engine, s->org, err,
		    "device=%s takeover: it was enrolled, and comes with a "
		    "certificate that is tied to no device (let in by %s); its "
		    "old one is good no more. If nobody has erased it or "
		    "enrolled it again, somebody else uses its name: rmdir "
		    "devices/%s, and look who may enroll "
		    "(orgs/%s/enrollment)",
		    s->id, buf_str(&by), s->id, org.name);
	buf_free(&by);
	return rc;
}

/* Another enrollment takes the record over; *dropped: commands that went. */
static enum err_code
begin_anew(struct txn *t, const struct speaker *s, const struct issued *issued,
    struct device *d, uint32_t *dropped, struct err *err)
{
	bool same = device_has_certificate(d, s->fingerprint);
	bool kept = d->org == s->org && (same || issued->meant == d->number);
	enum err_code rc = same ? ERR_OK : tell_takeover(t, s, issued, d, err);

	if (rc == ERR_OK && d->state == DEVICE_ENROLLED)
		rc = device_count(t, d->org, -1, NULL, err);
	if (rc == ERR_OK && !kept)
		rc = enrollment_forget(t, d, dropped, err);
	/* with its successors, unless this is one */
	if (rc == ERR_OK && !same && issued->meant != d->number)
		rc = issued_end_successors(
		    t, d->fingerprint, CERT_SUPERSEDED, s->now, err);
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
	if ((rc = enrollment_certificate(t, s, &issued, err)) != ERR_OK ||
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
