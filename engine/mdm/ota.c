#include "engine/mdm/ota.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/mdm/ota_priv.h"
#include "engine/model/accounts.h"
#include "engine/model/third_party.h"

/* ---- which enrollment, which step --------------------------------------- */

enum err_code
ota_session(struct txn *t, struct ota_post *p, struct err *err)
{
	enum err_code rc =
	    ota_read(t, p->org.number, p->challenge, &p->session, err);

	if (rc != ERR_OK)
		return rc;
	if (p->session.state == OTA_WEB || p->session.state == OTA_WEB_GENUINE)
		return err_set(err, ERR_NOT_FOUND,
		    "the challenge is that of a page, not of a device");
	if (p->session.expires <= p->x->now)
		return err_set(err, ERR_GONE,
		    "the challenge has expired: the enrollment began more than "
		    "an hour ago");
	return ERR_OK;
}

/* Whether it carries the random name that its profile asked for. */
static bool
carries(const struct cert *c, const char *name)
{
	size_t i;

	if (strstr(cert_subject(c), name) != NULL)
		return true;
	for (i = 0; i < cert_n_names(c); i++)
		if (strstr(cert_name(c, i)->text, name) != NULL)
			return true;
	return false;
}

/* Apple's certificate or ours? */
static enum err_code
tell_step(struct txn *t, struct ota_post *p, struct err *err)
{
	struct scep_settings s;
	struct issued i;
	enum err_code rc =
	    issued_read(t, cert_fingerprint(p->message.signer), &i, NULL);

	p->third = rc == ERR_OK;
	p->other = false;
	if (rc == ERR_OK && i.org != p->org.number)
		return err_set(err, ERR_DENIED,
		    "it is signed with a certificate of another organization");
	if (rc != ERR_NOT_FOUND || p->session.identity[0] == '\0')
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	if ((rc = scep_settings_read(t, p->org.number, &s, err)) != ERR_OK)
		return rc;
	p->third = p->other =
	    s.url[0] != '\0' && carries(p->message.signer, p->session.identity);
	scep_settings_wipe(&s);
	return ERR_OK;
}

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct ota_post *p = arg;
	enum err_code rc = ota_session(t, p, err);

	return rc == ERR_OK ? tell_step(t, p, err) : rc;
}

/* Who was let in before the device told its serial number. */
enum err_code
ota_gate(struct txn *t, struct ota_post *p, bool take, struct err *err)
{
	struct admission *a = &p->session.admission;
	struct admission found;

	if (a->way == ADMISSION_NONE && take)
		return admission_take(t, p->engine, &p->ask, a, err);
	if (a->way == ADMISSION_NONE)
		return admission_check(t, &p->ask, &found, err);
	if (a->serial[0] != '\0' && strcasecmp(a->serial, p->serial) != 0)
		return err_set(err, ERR_DENIED,
		    "invitation %s is for the device with serial number %s",
		    a->name, a->serial);
	if (a->way == ADMISSION_USER &&
	    !account_exists(t, p->org.number, a->user))
		return err_set(err, ERR_DENIED, "user %s is gone", a->user);
	return ERR_OK;
}

/* What profiles for this device are made of. */
enum err_code
ota_inputs(struct txn *t, struct ota_post *p, struct err *err)
{
	enum err_code rc;

	p->ours = true;
	profile_inputs_fini(&p->in);
	rc = profile_inputs(t, p->engine, p->org.number, &p->in, err);
	if (rc == ERR_OK)
		rc = profile_for(t, &p->in, p->ask.udid, p->ask.serial, err);
	return rc;
}

/* A challenge that gets this device a certificate, and no other. */
enum err_code
ota_challenge(
    struct txn *t, const struct ota_post *p, const char *text, struct err *err)
{
	struct challenge c = { .org = p->org.number,
		.expires = p->x->now + scep_challenge_life(&p->in.scep, true),
		.admission = p->session.admission };
	enum err_code rc;

	snprintf(c.name, sizeof(c.name), "%s", p->session.udid);
	if ((rc = challenge_put(t, &c, text, err)) == ERR_OK)
		rc = challenges_trim(t, p->x->now, err);
	return rc;
}

/* ---- the request -------------------------------------------------------- */

/* The administrator hears why; a forger not which part was wrong. */
static void
refuse(struct ota_post *p, enum err_code rc, const struct err *err)
{
	int status = err_http(rc);

	/* what is refused costs whoever asks; a device that is let in comes
	 * three times, and a classroom of them from one address */
	if (enroll_too_often(p->x, p->m))
		return;
	admission_refused(p->engine, &p->ask, err->msg);
	if (p->ours || status >= 500)
		exchange_text(p->x, status, "%s", err->msg);
	else if (rc == ERR_UNDECODABLE || rc == ERR_INVALID ||
		 rc == ERR_TOO_BIG)
		exchange_text(p->x, 400,
		    "that is not what a device sends in an enrollment over the "
		    "air");
	else
		exchange_text(p->x, 403,
		    "the enrollment cannot go on: it is not known here or has "
		    "ended, or this device may not enroll. Begin again; if "
		    "that does not help, your administrator finds the reason "
		    "in the events");
}

static enum err_code
read_message(struct ota_post *p, struct err *err)
{
	enum err_code rc = device_message_parse(p->x->body, &p->message, err);

	if (rc != ERR_OK)
		return rc;
	if (p->message.udid == NULL)
		return err_set(
		    err, ERR_INVALID, "there is no UDID in the message");
	p->ask.udid = p->message.udid;
	p->ask.serial = p->message.serial;
	if (p->message.serial != NULL)
		p->serial = p->message.serial;
	p->challenge = pl_get_string(p->message.content, "CHALLENGE");
	if (p->challenge == NULL || p->challenge[0] == '\0')
		return err_set(
		    err, ERR_INVALID, "there is no CHALLENGE in the message");
	return ERR_OK;
}

static enum err_code
org_txn(struct txn *t, void *arg, struct err *err)
{
	struct ota_post *p = arg;

	return org_by_name(t, p->x->params[0], &p->org, err);
}

static void
device_posts(struct exchange *x, struct mdm *m)
{
	struct ota_post p = { .x = x,
		.engine = m->engine,
		.m = m,
		.serial = "",
		.ask = { .door = "ota", .from = x->peer, .now = x->now } };
	struct err err = { 0 };
	enum err_code rc = store_view(m->engine->store, org_txn, &p, &err);

	if (rc != ERR_OK) {
		exchange_text(x, err_http(rc), "%s", err.msg);
		return;
	}
	p.ask.org = p.org.number;
	if ((rc = read_message(&p, &err)) == ERR_OK)
		rc = store_view(m->engine->store, find_txn, &p, &err);
	if (rc == ERR_OK)
		rc = p.third ? ota_third(&p, &err) : ota_second(&p, &err);
	if (rc == ERR_OK) {
		buf_bytes(&x->reply, buf_view(&p.reply));
		enroll_answer(
		    x, "attachment; filename=\"enroll.mobileconfig\"");
		form_private(x);
	} else {
		refuse(&p, rc, &err);
	}
	profile_inputs_fini(&p.in);
	device_message_fini(&p.message);
	ota_wipe(&p.session);
	buf_wipe(&p.reply);
	OPENSSL_cleanse(p.fresh, sizeof(p.fresh));
}

/* DER begins with a SEQUENCE; the names of fields with a letter. */
static bool
is_form(const struct exchange *x)
{
	static const char type[] = "application/x-www-form-urlencoded";
	struct bytes v = exchange_header(x, "content-type");

	return v.len >= sizeof(type) - 1 &&
	       strncasecmp((const char *)v.p, type, sizeof(type) - 1) == 0 &&
	       (x->body.len == 0 || x->body.p[0] != 0x30);
}

void
mdm_ota(struct exchange *x, struct mdm *m, enroll_form_fn *draw)
{
	static const struct enroll_way way = {
		.door = "ota", .path = "/ota/", .over_the_air = true
	};

	if (strcmp(x->method, "POST") == 0 && !is_form(x))
		device_posts(x, m);
	else if (!enroll_too_often(x, m))
		enroll_visit(x, m, draw, &way);
}
