#include "engine/mdm/ade.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "engine/base/text.h"
#include "engine/mdm/apple_device.h"
#include "engine/mdm/profile.h"
#include "engine/mdm/profile_priv.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/ota_sessions.h"
#include "engine/model/required_os.h"

/* A device that is being set up. */
struct machine {
	struct exchange *x;
	struct mdm *m;
	struct org org;
	struct device_message message;
	const char *product;
	const char *os_version; /* NULL */
	bool can_update;        /* it obeys when it is told to */
	enum apple_device how;
	struct admission_ask ask;
	char wanted[REQUIRED_OS_MAX + 1]; /* the system that it needs; "" */
	char session[CHALLENGE_LEN + 1];  /* of the page */
};

static void
machine_fini(struct machine *d)
{
	device_message_fini(&d->message);
	OPENSSL_cleanse(d->session, sizeof(d->session));
}

/* ---- answers ------------------------------------------------------------ */

/* The administrator hears why; a forger not which part was wrong. */
static void
refuse(struct machine *d, enum err_code rc, const struct err *err)
{
	int status = err_http(rc);

	admission_refused(d->m->engine, &d->ask, err->msg);
	if (status >= 500)
		exchange_text(d->x, status, "%s", err->msg);
	else if (rc == ERR_UNDECODABLE || rc == ERR_INVALID ||
		 rc == ERR_TOO_BIG)
		exchange_text(d->x, 400,
		    "that is not what a device says of itself during setup");
	else
		exchange_text(d->x, 403,
		    "this device may not enroll here; your administrator finds "
		    "the reason in the events");
}

/* Apple, "Error Code ...": details is the inside of an object. */
static void
say(struct machine *d, const char *code, const char *message,
    const char *details)
{
	d->x->status = 403;
	d->x->content_type = "application/json";
	buf_reset(&d->x->reply);
	buf_printf(&d->x->reply,
	    "{\"code\":\"%s\",\"description\":\"%s\",\"message\":\"%s\","
	    "\"details\":{%s}}\n",
	    code, message, message, details);
	form_private(d->x);
}

static void
tell(const struct machine *d, const char *what)
{
	struct buf b = { 0 };
	struct err err = { 0 };

	buf_printf(&b, "ade: device=%s serial number ", d->ask.udid);
	text_escape(&b, bytes_text(d->ask.serial));
	buf_printf(&b, ": %s", what);
	(void)!event_note(d->m->engine, d->org.number, buf_str(&b), &err);
	buf_free(&b);
}

static void
ask_for_update(struct machine *d)
{
	char details[80], what[160];

	snprintf(details, sizeof(details), "\"OSVersion\":\"%s\"", d->wanted);
	snprintf(what, sizeof(what),
	    "told to update from %.40s to %s before it enrolls", d->os_version,
	    d->wanted);
	tell(d, what);
	say(d, "com.apple.softwareupdate.required",
	    "A newer system is required before this device can be enrolled.",
	    details);
}

/* A watch gets the token from its iPhone, for this number. */
static void
ask_for_pairing(struct machine *d)
{
	char uuid[PROFILE_UUID], details[80];
	struct err err = { 0 };
	enum err_code rc = profile_fresh_uuid(uuid, &err);

	if (rc != ERR_OK) {
		refuse(d, rc, &err);
		return;
	}
	snprintf(details, sizeof(details), "\"security-token\":\"%s\"", uuid);
	tell(d, "a watch without PAIRING_TOKEN, which it is asked for");
	say(d, "com.apple.watch.pairing.token.missing",
	    "The pairing token of this watch is missing.", details);
}

static void
hand_out(struct machine *d)
{
	struct enroll_grant grant = { .ask = &d->ask };
	struct err err = { 0 };
	enum err_code rc =
	    enroll_profile(d->m->engine, &grant, &d->x->reply, &err);

	if (rc == ERR_DENIED) {
		refuse(d, rc, &err);
		return;
	}
	if (rc != ERR_OK) {
		tell(d, err.msg);
		exchange_text(d->x, err_http(rc), "%s", err.msg);
		return;
	}
	enroll_answer(d->x, "attachment; filename=\"enroll.mobileconfig\"");
	form_private(d->x);
}

/* ---- who it is ---------------------------------------------------------- */

static const char *
text_key(const struct machine *d, const char *key, size_t max)
{
	const char *s = pl_get_string(d->message.content, key);

	return s != NULL && s[0] != '\0' && strlen(s) <= max &&
	               text_is_clean(bytes_text(s))
	           ? s
	           : NULL;
}

/* Apple, MachineInfo: UDID, SERIAL, PRODUCT and VERSION are always there. */
static enum err_code
read_machine(struct machine *d, struct err *err)
{
	d->ask.udid = d->message.udid;
	d->ask.serial = d->message.serial;
	d->product = text_key(d, "PRODUCT", 64);
	d->os_version = text_key(d, "OS_VERSION", 64);
	(void)pl_get_bool(d->message.content, "MDM_CAN_REQUEST_SOFTWARE_UPDATE",
	    &d->can_update);
	if (d->ask.udid == NULL || d->ask.serial == NULL ||
	    d->product == NULL || text_key(d, "VERSION", 64) == NULL)
		return err_set(err, ERR_INVALID,
		    "MachineInfo: UDID, SERIAL, PRODUCT and VERSION must be "
		    "there");
	return ERR_OK;
}

static enum err_code
org_txn(struct txn *t, void *arg, struct err *err)
{
	struct machine *d = arg;

	return org_by_name(t, d->x->params[0], &d->org, err);
}

static enum err_code
system_txn(struct txn *t, void *arg, struct err *err)
{
	struct machine *d = arg;

	(void)err;
	d->wanted[0] = '\0';
	(void)required_os(
	    t, d->org.number, d->product, d->os_version, d->wanted);
	return ERR_OK;
}

static bool
is_unpaired_watch(const struct machine *d)
{
	return strncmp(d->product, "Watch", 5) == 0 &&
	       pl_dict_get(d->message.content, "PAIRING_TOKEN") == NULL;
}

/* False: it has been answered. */
static bool
find_org(struct machine *d)
{
	struct err err = { 0 };
	enum err_code rc = store_view(d->m->engine->store, org_txn, d, &err);

	d->ask = (struct admission_ask){ .org = d->org.number,
		.door = "ade",
		.from = d->x->peer,
		.now = d->x->now };
	if (rc != ERR_OK)
		exchange_text(d->x, err_http(rc), "%s", err.msg);
	return rc == ERR_OK;
}

/* The message is there: rc says whether it is a good one.  False: it has been
 * answered. */
static bool
judge(struct machine *d, enum err_code rc, struct err *err)
{
	if (rc == ERR_OK)
		rc = read_machine(d, err);
	if (rc == ERR_OK)
		rc =
		    apple_device_check(d->m->engine, &d->message, &d->how, err);
	if (rc == ERR_OK)
		rc = store_view(d->m->engine->store, system_txn, d, err);
	if (rc != ERR_OK) {
		refuse(d, rc, err);
		return false;
	}
	d->ask.note = apple_device_words(d->how);
	if (is_unpaired_watch(d)) {
		ask_for_pairing(d);
		return false;
	}
	/* others would end their setup with an error that nobody understands */
	if (d->wanted[0] != '\0' && d->can_update) {
		ask_for_update(d);
		return false;
	}
	return true;
}

void
mdm_ade(struct exchange *x, struct mdm *m)
{
	struct machine d = { .x = x, .m = m };
	struct err err = { 0 };

	if (!enroll_too_often(x, m) && find_org(&d) &&
	    judge(&d, device_message_parse(x->body, &d.message, &err), &err))
		hand_out(&d);
	machine_fini(&d);
}

/* ---- the page ----------------------------------------------------------- */

static enum err_code
remember_txn(struct txn *t, void *arg, struct err *err)
{
	struct machine *d = arg;
	struct ota o = { .org = d->org.number,
		.state = d->how == APPLE_DEVICE_VERIFIED ? OTA_WEB_GENUINE
		                                         : OTA_WEB };
	enum err_code rc;

	snprintf(o.udid, sizeof(o.udid), "%s", d->ask.udid);
	snprintf(o.serial, sizeof(o.serial), "%s", d->ask.serial);
	memcpy(o.signer, cert_fingerprint(d->message.signer), sizeof(o.signer));
	rc = ota_add(t, &o, d->session, d->x->now, err);
	ota_wipe(&o);
	return rc;
}

/* The header comes with the first page alone. */
static void
first_page(struct machine *d, enroll_form_fn *draw)
{
	struct bytes info = exchange_header(d->x, "x-apple-aspen-deviceinfo");
	struct err err = { 0 };
	enum err_code rc;
	struct enroll_way way = { .door = "ade", .path = "/ade/" };

	if (info.len == 0) {
		exchange_text(d->x, 400,
		    "This page is for devices that are being set up "
		    "(configuration_web_url of an ADE profile).");
		return;
	}
	if (!judge(d, device_message_parse_text(info, &d->message, &err), &err))
		return;
	rc = challenge_make(d->session, &err);
	if (rc == ERR_OK)
		rc = store_update(d->m->engine->store, remember_txn, d, &err);
	if (rc != ERR_OK) {
		refuse(d, rc, &err);
		return;
	}
	way.udid = d->ask.udid;
	way.serial = d->ask.serial;
	way.note = d->ask.note;
	way.session = d->session;
	enroll_visit(d->x, d->m, draw, &way);
}

struct recall {
	const struct machine *d;
	const char *session;
	struct ota found;
};

static enum err_code
recall_txn(struct txn *t, void *arg, struct err *err)
{
	struct recall *r = arg;
	enum err_code rc =
	    ota_read(t, r->d->org.number, r->session, &r->found, err);

	if (rc == ERR_OK &&
	    ((r->found.state != OTA_WEB && r->found.state != OTA_WEB_GENUINE) ||
		r->found.expires <= r->d->x->now))
		rc = err_set(err, ERR_GONE, "the page was open for too long");
	return rc;
}

/* The form came back. */
static void
second_page(struct machine *d, enroll_form_fn *draw)
{
	struct recall r = { .d = d, .session = form_query(d->x, "session") };
	struct err err = { 0 };
	enum err_code rc = r.session == NULL ? ERR_NOT_FOUND
	                                     : store_view(d->m->engine->store,
						   recall_txn, &r, &err);
	struct enroll_way way = { .door = "ade",
		.path = "/ade/",
		.udid = r.found.udid,
		.serial = r.found.serial,
		.note = apple_device_words(r.found.state == OTA_WEB_GENUINE
					       ? APPLE_DEVICE_VERIFIED
					       : APPLE_DEVICE_UNCHECKED),
		.session = r.session };

	if (rc == ERR_OK)
		enroll_visit(d->x, d->m, draw, &way);
	else if (rc == ERR_NOT_FOUND || rc == ERR_GONE)
		exchange_text(d->x, 403,
		    "the page was open for too long: go back and begin again");
	else
		exchange_text(d->x, err_http(rc), "%s", err.msg);
	ota_wipe(&r.found);
}

void
mdm_ade_web(struct exchange *x, struct mdm *m, enroll_form_fn *draw)
{
	struct machine d = { .x = x, .m = m };

	if (!enroll_too_often(x, m) && find_org(&d)) {
		if (strcmp(x->method, "POST") == 0)
			second_page(&d, draw);
		else
			first_page(&d, draw);
	}
	machine_fini(&d);
}
