/* The page in a device's web view where somebody signs in: it ends with a
 * redirection that hands an access token over. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/mdm/mdm_priv.h"
#include "engine/model/bearers.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"

#define DONE "apple-remotemanagement-user-login://authentication-results"

struct visit {
	struct exchange *x;
	struct mdm *m;
	enroll_form_fn *draw;
	uint32_t org;
	char shown[256];
	const char *scope;
	const char *action;
	const char *mail;     /* what was typed into the device; NULL */
	const char *user;     /* what was typed here; NULL */
	const char *password; /* the same */
	char apple_id[NODE_NAME_MAX + 1];
};

static bool
is_mail(const char *s)
{
	const char *at = strrchr(s, '@');

	return at != NULL && at != s && at[1] != '\0';
}

/* Whether mail is account's address in a domain of the organization. */
static bool
is_mail_of(struct txn *t, uint32_t org, const char *mail, const char *account)
{
	const char *at = strrchr(mail, '@');
	size_t len = at == NULL ? 0 : (size_t)(at - mail);
	uint32_t whose;

	return at != NULL && strlen(account) == len &&
	       strncmp(mail, account, len) == 0 &&
	       domain_org(t, at + 1, &whose, NULL) == ERR_OK && whose == org;
}

/* Without an address the device cannot be told a Managed Apple Account. */
static void
find_address(struct txn *t, struct visit *v)
{
	v->apple_id[0] = '\0';
	if (is_mail(v->user))
		snprintf(v->apple_id, sizeof(v->apple_id), "%s", v->user);
	else if (v->mail != NULL && is_mail_of(t, v->org, v->mail, v->user))
		snprintf(v->apple_id, sizeof(v->apple_id), "%s", v->mail);
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct visit *v = arg;
	struct org o;
	enum err_code rc = org_by_name(t, v->x->params[0], &o, err);

	if (rc != ERR_OK)
		return rc;
	v->org = o.number;
	if (org_setting(t, o.number, NULL, "name", v->shown,
		sizeof(v->shown)) != ERR_OK)
		snprintf(v->shown, sizeof(v->shown), "%s", o.name);
	if (v->user != NULL)
		find_address(t, v);
	return ERR_OK;
}

static void
show(const struct visit *v, int status, const char *problem)
{
	struct enroll_form f = {
		.kind = ENROLL_FORM_SIGN_IN,
		.organization = v->shown,
		.action = v->action,
		.ask_user = true,
		.user = v->user != NULL   ? v->user
		        : v->mail != NULL ? v->mail
		                          : "",
		.invitation = "",
		.mail = v->mail == NULL ? "" : v->mail,
		.problem = problem,
	};

	if (form_wants_page(v->x) || problem[0] == '\0')
		form_answer(v->m, v->x, status, v->scope, &f, v->draw);
	else
		exchange_text(v->x, status, "%s", problem);
}

struct add {
	const struct visit *v;
	const char *account;
	char token[BEARER_TOKEN + 1];
};

static enum err_code
add_txn(struct txn *t, void *arg, struct err *err)
{
	const struct add *a = arg;
	const struct visit *v = a->v;
	struct bearer b = { .made_at = v->x->now };
	struct buf who = { 0 };
	enum err_code rc;

	snprintf(b.user, sizeof(b.user), "%s", a->account);
	memcpy(b.apple_id, v->apple_id, sizeof(v->apple_id));
	rc = bearer_add(t, v->org, a->token, &b, err);
	text_escape(&who, bytes_text(a->account));
	if (rc == ERR_OK)
		rc = event_record(t, v->m->engine, v->org, err,
		    "account: user %s signed in on a device as %s, from %s",
		    buf_str(&who), v->apple_id, v->x->peer);
	buf_free(&who);
	return rc;
}

/* RFC 9110 15.4.9; Apple wants this status. */
static void
finish(const struct visit *v, const char *account)
{
	struct add a = { .v = v, .account = account };
	struct buf to = { 0 };
	struct err err = { 0 };
	enum err_code rc = bearer_make(a.token, &err);

	if (rc == ERR_OK)
		rc = store_update(v->m->engine->store, add_txn, &a, &err);
	if (rc == ERR_OK) {
		buf_printf(&to, DONE "?access-token=%s", a.token);
		v->x->status = 308;
		exchange_reply_header(v->x, "location", form_keep(v->x, &to));
		form_private(v->x);
	} else {
		show(v, err_http(rc), err.msg);
	}
	OPENSSL_cleanse(a.token, sizeof(a.token));
}

static void
sign_in(const struct visit *v)
{
	struct login_ask login = { v->org, v->user, v->password, v->x->now };
	struct admission_ask ask = {
		.org = v->org, .door = "account", .from = v->x->peer
	};
	struct login_who who;
	struct err err = { 0 };
	enum err_code rc =
	    login_check(v->m->login, v->m->engine, &login, &who, &err);

	if (rc == ERR_OK && v->apple_id[0] == '\0')
		rc = err_set(&err, ERR_DENIED,
		    "sign in with your whole mail address: the device needs it "
		    "for the account");
	if (rc == ERR_OK) {
		finish(v, who.account);
		return;
	}
	ask.user = who.known ? who.account : "(not known)";
	if (rc == ERR_DENIED)
		admission_refused(v->m->engine, &ask, err.msg);
	else
		log_stranger("%s %s from %s: %s", v->x->method, v->x->path,
		    v->x->peer, err.msg);
	show(v, rc == ERR_QUOTA ? 429 : err_http(rc), err.msg);
	if (rc == ERR_QUOTA)
		exchange_reply_header(v->x, "retry-after", who.retry);
}

static void
post(const struct visit *v)
{
	struct err err = { 0 };

	if (form_check(v->m, v->x, v->scope, &err) != ERR_OK)
		show(v, 403, err.msg);
	else if (v->user == NULL || v->password == NULL)
		show(v, 400, "enter name and password");
	else
		sign_in(v);
}

void
mdm_authenticate(struct exchange *x, struct mdm *m, enroll_form_fn *draw)
{
	struct visit v = { .x = x, .m = m, .draw = draw };
	struct buf scope = { 0 }, action = { 0 };
	bool posted = strcmp(x->method, "POST") == 0;
	struct err err = { 0 };
	enum err_code rc;

	if (enroll_too_often(x, m))
		return;
	v.mail = form_query(x, "user-identifier");
	if (posted) {
		v.user = form_value(x, "user", false);
		v.password = form_value(x, "password", true);
		if (form_value(x, "user-identifier", false) != NULL)
			v.mail = form_value(x, "user-identifier", false);
	}
	rc = store_view(m->engine->store, look_txn, &v, &err);
	if (rc != ERR_OK) {
		exchange_text(x, err_http(rc), "%s", err.msg);
		return;
	}
	buf_printf(&scope, "account %u", v.org);
	v.scope = form_keep(x, &scope);
	form_path(&action, "/account/", x->params[0]);
	buf_text(&action, "/authenticate");
	v.action = form_keep(x, &action);
	if (posted)
		post(&v);
	else
		show(&v, 200, "");
}
