#include "engine/model/admission.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/model/bearers.h"
#include "engine/model/devices.h"
#include "engine/model/events.h"
#include "engine/model/invitations.h"
#include "engine/model/orgs.h"

/* ---- records ------------------------------------------------------------ */

void
admission_record(struct buf *b, const struct admission *a)
{
	record_u8(b, (uint8_t)a->way);
	record_u8(b, (uint8_t)a->mode);
	record_u64(b, a->invitation);
	record_text(b, a->user);
	record_text(b, a->name);
	record_text(b, a->serial);
	record_text(b, a->apple_id);
	record_raw(b, a->token, sizeof(a->token));
}

void
admission_read(struct reader *r, struct admission *ret)
{
	ret->way = (enum admission_way)read_u8(r);
	ret->mode = (enum admission_mode)read_u8(r);
	ret->invitation = read_u64(r);
	read_text(r, ret->user, sizeof(ret->user));
	read_text(r, ret->name, sizeof(ret->name));
	read_text(r, ret->serial, sizeof(ret->serial));
	read_text(r, ret->apple_id, sizeof(ret->apple_id));
	read_raw(r, ret->token, sizeof(ret->token));
}

/* ---- words -------------------------------------------------------------- */

void
admission_describe(const struct admission *a, struct buf *b)
{
	static const char *const words[ADMISSION_WAYS] = {
		[ADMISSION_NONE] = "an earlier enrollment",
		[ADMISSION_OPEN] = "open enrollment",
		[ADMISSION_USER] = "the password",
		[ADMISSION_INVITATION] = "invitation ",
		[ADMISSION_SERIAL] = "its serial number",
		[ADMISSION_FILE] = "the administrator's profile",
	};

	buf_text(b,
	    (unsigned)a->way < ADMISSION_WAYS ? words[a->way] : "what is new");
	if (a->way == ADMISSION_INVITATION)
		text_escape(b, bytes_text(a->name));
	if (a->user[0] != '\0') {
		buf_text(b, a->way == ADMISSION_USER ? " of user " : " for ");
		text_escape(b, bytes_text(a->user));
	}
}

/* ", from 192.0.2.1, serial C02X, UDID ..." */
static void
describe_asker(const struct admission_ask *a, struct buf *b)
{
	buf_printf(b, ", from %s", a->from == NULL ? "nowhere" : a->from);
	if (a->serial != NULL) {
		buf_text(b, ", serial number ");
		text_escape(b, bytes_text(a->serial));
	}
	if (a->udid != NULL) {
		buf_text(b, ", UDID ");
		text_escape(b, bytes_text(a->udid));
	}
	if (a->note != NULL)
		buf_printf(b, "; %s", a->note);
}

/* ---- the gate ----------------------------------------------------------- */

bool
admission_is_open(struct txn *t, uint32_t org)
{
	struct node n;

	return org_file(t, org, "enrollment", "open", &n, NULL) == ERR_OK;
}

static enum err_code
not_for_this(struct err *err)
{
	return err_set(err, ERR_DENIED,
	    "this invitation is for another device: its serial number is not "
	    "the one that was invited");
}

static bool
same_serial(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static enum err_code
by_invitation(struct txn *t, const struct admission_ask *a, bool use,
    struct admission *ret, struct err *err)
{
	struct admission found;
	enum err_code rc =
	    invitation_check(t, a->org, a->invitation, a->now, &found, err);

	if (rc == ERR_OK && found.serial[0] != '\0' && a->serial != NULL &&
	    !same_serial(found.serial, a->serial))
		rc = not_for_this(err);
	if (rc == ERR_OK && use)
		rc = invitation_use(t, a->org, a->invitation,
		    a->from == NULL ? "" : a->from, a->now, &found, err);
	if (rc == ERR_OK)
		*ret = found;
	return rc;
}

static enum err_code
by_user(struct txn *t, const struct admission_ask *a, struct admission *ret,
    struct err *err)
{
	struct node dir;

	/* it may have gone since the password was compared */
	if (org_file(t, a->org, "users", a->user, &dir, NULL) != ERR_OK)
		return err_set(
		    err, ERR_DENIED, "the name or the password is not right");
	*ret = (struct admission){ .way = ADMISSION_USER };
	snprintf(ret->user, sizeof(ret->user), "%s", a->user);
	return ERR_OK;
}

static enum err_code
by_itself(struct txn *t, const struct admission_ask *a, struct admission *ret,
    struct err *err)
{
	bool listed = false, on_list = false, open;

	on_list = admission_serial(
	    t, a->org, a->serial == NULL ? "" : a->serial, &listed);
	open = admission_is_open(t, a->org);
	if (on_list)
		*ret = (struct admission){ .way = ADMISSION_SERIAL };
	else if (open && (!listed || a->serial == NULL))
		*ret = (struct admission){ .way = ADMISSION_OPEN };
	else if (a->serial != NULL && listed)
		return err_set(err, ERR_DENIED,
		    "this device is not on the list of devices that may "
		    "enroll: ask your administrator, who needs its serial "
		    "number");
	else
		return err_set(err, ERR_DENIED,
		    "enrollment here is not open to everybody: ask your "
		    "administrator for the profile or an invitation");
	return ERR_OK;
}

static enum err_code
decide(struct txn *t, const struct admission_ask *a, bool use,
    struct admission *ret, struct err *err)
{
	if (a->user != NULL)
		return by_user(t, a, ret, err);
	if (a->invitation != NULL)
		return by_invitation(t, a, use, ret, err);
	return by_itself(t, a, ret, err);
}

enum err_code
admission_check(struct txn *t, const struct admission_ask *a,
    struct admission *ret, struct err *err)
{
	return decide(t, a, false, ret, err);
}

enum err_code
admission_take(struct txn *t, const struct engine *e,
    const struct admission_ask *a, struct admission *ret, struct err *err)
{
	struct admission found;
	struct buf b = { 0 };
	enum err_code rc = decide(t, a, true, &found, err);

	if (rc != ERR_OK)
		return rc;
	buf_printf(&b, "%s: admitted by ", a->door);
	admission_describe(&found, &b);
	describe_asker(a, &b);
	rc = event_record(t, e, a->org, err, "%s", buf_str(&b));
	buf_free(&b);
	if (rc == ERR_OK)
		*ret = found;
	return rc;
}

void
admission_refused(
    struct engine *e, const struct admission_ask *a, const char *why)
{
	struct buf b = { 0 };
	struct err err = { 0 };

	buf_printf(&b, "%s: refused", a->door);
	if (a->user != NULL) {
		buf_text(&b, ", user ");
		text_escape(&b, bytes_text(a->user));
	}
	describe_asker(a, &b);
	buf_printf(&b, ": %.*s", (int)strcspn(why, "\n"), why);
	if (event_note(e, a->org, buf_str(&b), &err) != ERR_OK)
		log_error("%s (no event: %s)", buf_str(&b), err.msg);
	buf_free(&b);
}

/* ---- Authenticate ------------------------------------------------------- */

enum err_code
admission_enrolls(struct txn *t, uint32_t org, const struct admission *a,
    const char *serial, struct err *err)
{
	bool listed = false;

	if (a->serial[0] != '\0' && !same_serial(a->serial, serial))
		return err_set(err, ERR_NOT_HERE,
		    "invitation %s is for the device with serial number %s, "
		    "and this one's is %s",
		    a->name, a->serial,
		    serial[0] == '\0' ? "not told" : serial);
	if (a->way != ADMISSION_OPEN && a->way != ADMISSION_FILE)
		return ERR_OK;
	if (admission_serial(t, org, serial, &listed) || !listed)
		return ERR_OK;
	return err_set(err, ERR_NOT_HERE,
	    "its serial number %s is not in enrollment/serials, and it came "
	    "without a user or an invitation",
	    serial[0] == '\0' ? "(not told)" : serial);
}

static bool
has_token(const struct admission *a)
{
	static const uint8_t none[sizeof(a->token)];

	return memcmp(a->token, none, sizeof(none)) != 0;
}

enum err_code
admission_bind(struct txn *t, const struct device *d, const struct admission *a,
    int64_t now, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (a->invitation != 0)
		rc = invitation_bind(t, a->invitation, d->udid, now, err);
	if (rc == ERR_OK && has_token(a))
		rc = bearer_bind(t, d->org, a->token, d->number, err);
	return rc;
}

enum err_code
admission_unbind(
    struct txn *t, uint32_t org, const struct admission *a, struct err *err)
{
	return has_token(a) ? bearer_forget(t, org, a->token, err) : ERR_OK;
}
