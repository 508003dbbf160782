/*
 * Account-driven enrollment (Apple: "Implementing the simple authentication
 * user-enrollment flow"): the device posts, is sent to a page of ours, comes
 * back with a bearer token and gets its profile.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/mdm/apple_device.h"
#include "engine/mdm/mdm_priv.h"
#include "engine/model/accounts.h"
#include "engine/model/bearers.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/settings.h"

/* ---- the challenge ------------------------------------------------------ */

/* A 401 without exactly this would cancel the enrollment, or end one. */
static void
ask_to_sign_in(struct exchange *x, const char *url, const char *org)
{
	struct buf b = { 0 };

	buf_printf(&b, "Bearer method=\"apple-as-web\", url=\"%s", url);
	form_path(&b, "/account/", org);
	buf_text(&b, "/authenticate\"");
	x->status = 401;
	x->content_type = NULL;
	buf_reset(&x->reply);
	exchange_reply_header(x, "www-authenticate", form_keep(x, &b));
	form_private(x);
}

/* The token of "Authorization: Bearer TOKEN"; len 0: there is none. */
static struct bytes
bearer_of(const struct exchange *x)
{
	struct bytes v = text_trim(exchange_header(x, "authorization"));

	if (v.len <= 7 || strncasecmp((const char *)v.p, "bearer ", 7) != 0)
		return BYTES_NONE;
	return text_trim(bytes_of(v.p + 7, v.len - 7));
}

/* ---- the device's POST -------------------------------------------------- */

struct post {
	struct exchange *x;
	struct engine *engine;
	struct org org;
	struct system_url url;
	struct bytes token; /* as it came; len 0 */
	bool signed_in;
	struct bearer bearer; /* with signed_in */
};

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct post *p = arg;
	enum err_code rc = org_by_name(t, p->x->params[0], &p->org, err);

	p->signed_in = false;
	if (rc == ERR_OK)
		rc = org_url_read(t, p->org.number, &p->url, err);
	if (rc != ERR_OK || p->token.len == 0)
		return rc;
	if (bearer_find(t, p->org.number, p->token, p->x->now, &p->bearer,
		NULL) == ERR_OK)
		p->signed_in = account_exists(t, p->org.number, p->bearer.user);
	return ERR_OK;
}

static enum err_code
mode_of(const struct exchange *x, enum admission_mode *ret, struct err *err)
{
	const char *mode = form_query(x, "mode");

	if (mode == NULL || strcmp(mode, "byod") == 0)
		*ret = ADMISSION_MODE_BYOD;
	else if (strcmp(mode, "adde") == 0)
		*ret = ADMISSION_MODE_ADDE;
	else
		return err_set(err, ERR_INVALID, "the mode is byod or adde");
	return ERR_OK;
}

/* What the device says of itself, under a signature. */
static enum err_code
read_device(
    const struct exchange *x, struct device_message *ret, struct err *err)
{
	struct device_message d = { .content = NULL };
	enum err_code rc = device_message_parse(x->body, &d, err);

	if (rc == ERR_OK && pl_get_string(d.content, "PRODUCT") == NULL &&
	    pl_get_string(d.content, "VERSION") == NULL)
		rc = err_set(err, ERR_INVALID,
		    "the device tells neither PRODUCT nor VERSION");
	if (rc == ERR_OK)
		*ret = d;
	else
		device_message_fini(&d);
	return rc;
}

static void
hand_out(struct post *p, struct admission_ask *ask, enum admission_mode mode)
{
	struct enroll_grant grant = { .ask = ask,
		.mode = mode,
		.apple_id = p->bearer.apple_id,
		.token = p->bearer.hash };
	struct err err = { 0 };
	enum err_code rc;

	ask->user = p->bearer.user;
	rc = enroll_profile(p->engine, &grant, &p->x->reply, &err);
	if (rc == ERR_OK) {
		enroll_answer(
		    p->x, "attachment; filename=\"enroll.mobileconfig\"");
		form_private(p->x);
		return;
	}
	admission_refused(p->engine, ask, err.msg);
	exchange_text(p->x, err_http(rc), "%s", err.msg);
}

/* The message is looked at before anything else is said: who is no device
 * hears nothing of accounts. */
static void
answer(struct post *p, const struct device_message *d)
{
	struct admission_ask ask = { .org = p->org.number,
		.door = "account",
		.from = p->x->peer,
		.serial = d->serial,
		.udid = d->udid,
		.now = p->x->now };
	enum admission_mode mode = ADMISSION_MODE_NONE;
	enum apple_device how = APPLE_DEVICE_UNCHECKED;
	struct err err = { 0 };
	enum err_code rc = mode_of(p->x, &mode, &err);

	if (rc == ERR_OK)
		rc = apple_device_check(p->engine, d, &how, &err);
	ask.note = apple_device_words(how);
	if (rc != ERR_OK) {
		ask.note = NULL;
		admission_refused(p->engine, &ask, err.msg);
		exchange_text(p->x, err_http(rc), "%s",
		    rc == ERR_DENIED ? "this is no device that may enroll here"
				     : err.msg);
	} else if (p->signed_in) {
		hand_out(p, &ask, mode);
	} else {
		if (p->token.len > 0)
			admission_refused(p->engine, &ask,
			    "the access token is not known, or its user has "
			    "gone: the device is asked to sign in again");
		ask_to_sign_in(p->x, p->url.text, p->org.name);
	}
}

void
mdm_account(struct exchange *x, struct mdm *m)
{
	struct post p = { .x = x, .engine = m->engine, .token = bearer_of(x) };
	struct device_message d = { .content = NULL };
	struct err err = { 0 };
	enum err_code rc;

	if (enroll_too_often(x, m))
		return;
	rc = store_view(m->engine->store, look_txn, &p, &err);
	if (rc != ERR_OK) {
		exchange_text(x, err_http(rc), "%s", err.msg);
		return;
	}
	rc = read_device(x, &d, &err);
	if (rc == ERR_OK) {
		answer(&p, &d);
	} else {
		log_stranger("%s %s from %s: 400: %s", x->method, x->path,
		    x->peer, err.msg);
		exchange_text(x, 400, "%s", err.msg);
	}
	device_message_fini(&d);
}

/* ---- devices that have signed in ---------------------------------------- */

struct said {
	const struct speaker *s;
	struct bytes token;
	bool gone;   /* its user */
	bool rebind; /* it came with another token of its user */
	char user[ADMISSION_NAME_MAX + 1];
	struct org org;
	struct system_url url;
};

static enum err_code
speak_txn(struct txn *t, void *arg, struct err *err)
{
	struct said *a = arg;
	struct issued i;
	struct bearer b;
	enum err_code rc = issued_read(t, a->s->fingerprint, &i, NULL);

	a->gone = a->rebind = false;
	if (rc != ERR_OK || i.org != a->s->org ||
	    i.admission.mode == ADMISSION_MODE_NONE)
		return ERR_OK;
	a->gone = !account_exists(t, i.org, i.admission.user);
	memcpy(a->user, i.admission.user, sizeof(a->user));
	if (a->gone) {
		rc = org_read(t, i.org, &a->org, err);
		return rc == ERR_OK ? org_url_read(t, i.org, &a->url, err) : rc;
	}
	if (bearer_find(t, i.org, a->token, a->s->now, &b, NULL) == ERR_OK)
		a->rebind =
		    i.device != 0 && strcmp(b.user, i.admission.user) == 0 &&
		    memcmp(b.hash, i.admission.token, sizeof(b.hash)) != 0;
	return ERR_OK;
}

static enum err_code
rebind_txn(struct txn *t, void *arg, struct err *err)
{
	struct said *a = arg;
	struct issued i;
	struct bearer b;
	enum err_code rc = issued_read(t, a->s->fingerprint, &i, err);

	if (rc == ERR_OK)
		rc = bearer_find(t, i.org, a->token, a->s->now, &b, err);
	if (rc == ERR_OK)
		rc = admission_unbind(t, i.org, &i.admission, err);
	if (rc == ERR_OK)
		rc = bearer_bind(t, i.org, b.hash, i.device, err);
	if (rc != ERR_OK)
		return rc;
	memcpy(i.admission.token, b.hash, sizeof(i.admission.token));
	return issued_store(t, &i, err);
}

bool
account_may_speak(struct mdm *m, struct exchange *x, const struct speaker *s)
{
	const char *type = pl_get_string(s->message, "MessageType");
	struct said a = { .s = s, .token = bearer_of(x) };
	struct admission_ask ask = {
		.org = s->org, .door = "account", .from = x->peer, .udid = s->id
	};
	struct err err = { 0 };
	enum err_code rc;

	/* who leaves need not sign in for it */
	if (a.token.len == 0 || (type != NULL && strcmp(type, "CheckOut") == 0))
		return true;
	rc = store_view(m->engine->store, speak_txn, &a, &err);
	if (rc == ERR_OK && a.rebind)
		rc = store_update(m->engine->store, rebind_txn, &a, &err);
	if (rc != ERR_OK)
		log_error("access token of %s: %s", s->id, err.msg);
	if (rc != ERR_OK || !a.gone)
		return true;
	ask.user = a.user;
	admission_refused(m->engine, &ask,
	    "its user has gone: the device is asked to sign in again");
	ask_to_sign_in(x, a.url.text, a.org.name);
	return false;
}
