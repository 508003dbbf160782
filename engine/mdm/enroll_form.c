/* /enroll/ORG for people and scripts: who asks, and by what. */
#include <stdio.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/mdm/mdm_priv.h"
#include "engine/mdm/ota.h"
#include "engine/model/accounts.h"
#include "engine/model/invitations.h"
#include "engine/model/orgs.h"

/* One visit, and what the door looks like. */
struct visit {
	struct exchange *x;
	struct mdm *m;
	enroll_form_fn *draw;
	const struct enroll_way *way;
	uint32_t org;
	char shown[256]; /* the organization's name for people */
	bool open;
	bool users;
	bool invitations;
	bool over_the_air; /* the profile comes in steps: ota.h */
	const char *scope; /* of forms */
	const char *action;
	/* what was typed, or came with the link; NULL */
	const char *user;
	const char *password;
	const char *invitation;
};

static struct admission_ask
ask_of(const struct visit *v)
{
	return (struct admission_ask){ .org = v->org,
		.door = v->way->door,
		.from = v->x->peer,
		.serial = v->way->serial,
		.udid = v->way->udid,
		.note = v->way->note,
		.now = v->x->now };
}

/* Over the air a device tells its serial number in the next step: whoever has
 * no other way to be let in may begin where a list of them decides. */
static bool
may_begin(struct txn *t, const struct visit *v)
{
	const struct admission_ask ask = ask_of(v);
	struct admission a;
	bool listed = false;

	if (admission_check(t, &ask, &a, NULL) == ERR_OK)
		return true;
	(void)admission_serial(t, v->org, "", &listed);
	return v->over_the_air && listed && !v->users && !v->invitations;
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
	v->users = accounts_any(t, o.number);
	v->invitations = invitations_any(t, o.number);
	v->over_the_air = v->way->over_the_air ||
	                  (v->way->udid == NULL && ota_wanted(t, o.number));
	v->open = may_begin(t, v);
	if (org_setting(t, o.number, NULL, "name", v->shown,
		sizeof(v->shown)) != ERR_OK)
		snprintf(v->shown, sizeof(v->shown), "%s", o.name);
	return ERR_OK;
}

static const char *
or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

/* The form, or for who takes no HTML the sentence alone. */
static void
show(const struct visit *v, int status, const char *problem)
{
	struct enroll_form f = {
		.kind = ENROLL_FORM_ENROLL,
		.organization = v->shown,
		.action = v->action,
		.open = v->open,
		.ask_user = v->users,
		.ask_invitation = v->invitations || v->invitation != NULL,
		.user = or_empty(v->user),
		.invitation = or_empty(v->invitation),
		.mail = "",
		.problem = problem,
	};

	if (v->draw != NULL && form_wants_page(v->x))
		form_answer(v->m, v->x, status, v->scope, &f, v->draw);
	else
		exchange_text(v->x, status, "%s", problem);
}

static void
wait_a_while(const struct visit *v, const char *retry, const char *problem)
{
	log_stranger("%s %s from %s: 429: %s", v->x->method, v->x->path,
	    v->x->peer, problem);
	show(v, 429, problem);
	exchange_reply_header(v->x, "retry-after", retry);
}

static void
hand_out(const struct visit *v, const struct admission_ask *ask)
{
	struct enroll_grant grant = { .ask = ask };
	struct err err = { 0 };
	enum err_code rc =
	    v->over_the_air
		? ota_begin(v->m->engine, &grant, &v->x->reply, &err)
		: enroll_profile(v->m->engine, &grant, &v->x->reply, &err);

	if (rc == ERR_OK) {
		enroll_answer(
		    v->x, "attachment; filename=\"enroll.mobileconfig\"");
		form_private(v->x);
		return;
	}
	if (rc == ERR_DENIED)
		admission_refused(v->m->engine, ask, err.msg);
	show(v, err_http(rc), err.msg);
}

/* The password is looked at; true: it is the user's. */
static bool
sign_in(const struct visit *v, const struct admission_ask *ask,
    struct login_who *who)
{
	struct admission_ask refused = *ask;
	struct login_ask login = { v->org, v->user, v->password, v->x->now };
	struct err err = { 0 };
	enum err_code rc =
	    login_check(v->m->login, v->m->engine, &login, who, &err);

	if (rc == ERR_OK)
		return true;
	if (rc == ERR_QUOTA) {
		wait_a_while(v, who->retry, err.msg);
		return false;
	}
	/* what is no name may be a password in the wrong field */
	refused.user = who->known ? who->account : "(not known)";
	if (rc == ERR_DENIED)
		admission_refused(v->m->engine, &refused, err.msg);
	show(v, err_http(rc), err.msg);
	return false;
}

static void
post(struct visit *v)
{
	struct admission_ask ask = ask_of(v);
	struct login_who who;
	struct err err = { 0 };

	if (form_check(v->m, v->x, v->scope, &err) != ERR_OK) {
		log_stranger("%s %s from %s: 403: %s", v->x->method, v->x->path,
		    v->x->peer, err.msg);
		show(v, 403, err.msg);
	} else if (v->user != NULL && v->password != NULL) {
		if (!sign_in(v, &ask, &who))
			return;
		ask.user = who.account;
		hand_out(v, &ask);
	} else if (v->invitation != NULL) {
		ask.invitation = v->invitation;
		hand_out(v, &ask);
	} else if (v->open && v->user == NULL && v->password == NULL) {
		hand_out(v, &ask);
	} else {
		show(v, 400,
		    v->users ? "enter name and password, or the code of an "
			       "invitation"
			     : "enter the code of your invitation");
	}
}

static void
get(const struct visit *v)
{
	struct admission_ask ask = ask_of(v);

	/* a link is followed by machines, too: it is used by a POST alone */
	if (v->open && v->invitation == NULL)
		hand_out(v, &ask);
	else if (!v->users && !v->invitations && v->invitation == NULL)
		show(v, 403,
		    "enrollment here is not open to everybody: ask your "
		    "administrator for the profile or an invitation");
	else if (form_wants_page(v->x))
		show(v, 200, "");
	else
		show(v, 403,
		    "enrollment here is not open to everybody: open this "
		    "address in a browser, or send user and password, or an "
		    "invitation: curl -d invitation=CODE");
}

void
enroll_visit(struct exchange *x, struct mdm *m, enroll_form_fn *draw,
    const struct enroll_way *way)
{
	struct visit v = { .x = x, .m = m, .draw = draw, .way = way };
	struct buf scope = { 0 }, action = { 0 };
	struct err err = { 0 };
	enum err_code rc = store_view(m->engine->store, look_txn, &v, &err);

	if (rc != ERR_OK) {
		exchange_text(x, err_http(rc), "%s", err.msg);
		return;
	}
	buf_printf(&scope, "enroll %u", v.org);
	v.scope = form_keep(x, &scope);
	form_path(&action, way->path, x->params[0]);
	if (way->session != NULL)
		buf_printf(&action, "/web?session=%s", way->session);
	v.action = form_keep(x, &action);
	if (strcmp(x->method, "POST") == 0) {
		v.user = form_value(x, "user", false);
		v.password = form_value(x, "password", true);
		v.invitation = form_value(x, "invitation", false);
		post(&v);
	} else {
		v.invitation = form_query(x, "invitation");
		get(&v);
	}
}

void
mdm_enroll(struct exchange *x, struct mdm *m, enroll_form_fn *draw)
{
	static const struct enroll_way way = { .door = "enroll",
		.path = "/enroll/" };

	if (!enroll_too_often(x, m))
		enroll_visit(x, m, draw, &way);
}
