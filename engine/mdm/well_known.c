/* The ways that begin with a mail address: / for people, and the discovery of
 * account-driven enrollment for devices. */
#include <stdio.h>
#include <string.h>

#include "engine/mdm/mdm_priv.h"
#include "engine/model/accounts.h"
#include "engine/model/orgs.h"
#include "engine/model/settings.h"

struct find {
	struct exchange *x;
	const char *name; /* ?org=; NULL */
	const char *mail; /* NULL */
	struct org org;   /* found */
	struct system_url url;
	bool users;
	/* by the address that was asked: */
	struct txn *t;
	unsigned n;
	bool by_host;
};

static enum err_code
by_domain(struct txn *t, struct find *f, struct err *err)
{
	const char *at = strrchr(f->mail, '@');
	uint32_t number;
	enum err_code rc;

	if (at == NULL || at[1] == '\0')
		return err_set(err, ERR_INVALID,
		    "\"%.100s\" is no mail address: it has an @ in it",
		    f->mail);
	rc = domain_org(t, at + 1, &number, err);
	return rc == ERR_OK ? org_read(t, number, &f->org, err) : rc;
}

/* ---- devices ------------------------------------------------------------ */

static enum err_code
discover_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;
	enum err_code rc;

	if (f->name == NULL && f->mail == NULL)
		return err_set(err, ERR_INVALID, "user-identifier is missing");
	rc = f->name != NULL ? org_by_name(t, f->name, &f->org, err)
	                     : by_domain(t, f, err);
	if (rc == ERR_OK && !accounts_any(t, f->org.number))
		rc = err_set(err, ERR_NOT_FOUND,
		    "nobody can sign in at this organization");
	return rc == ERR_OK ? org_url_read(t, f->org.number, &f->url, err) : rc;
}

/* RFC 8259 7; text is clean of control characters or loses them. */
static void
json_text(struct buf *b, const char *s)
{
	buf_char(b, '"');
	for (; *s != '\0'; s++)
		if (*s == '"' || *s == '\\')
			buf_printf(b, "\\%c", *s);
		else
			buf_char(b, (unsigned char)*s < 0x20 ? ' ' : *s);
	buf_char(b, '"');
}

static void
json_server(
    const struct find *f, const char *version, const char *mode, struct buf *b)
{
	struct buf url = { 0 };

	buf_text(&url, f->url.text);
	form_path(&url, "/account/", f->org.name);
	buf_printf(&url, "?mode=%s", mode);
	buf_printf(b, "{\"Version\":\"%s\",\"BaseURL\":", version);
	json_text(b, buf_str(&url));
	buf_char(b, '}');
	buf_free(&url);
}

void
mdm_well_known(struct exchange *x, struct mdm *m)
{
	struct find f = { .x = x,
		.name = form_query(x, "org"),
		.mail = form_query(x, "user-identifier") };
	struct err err = { 0 };
	enum err_code rc = store_view(m->engine->store, discover_txn, &f, &err);

	x->content_type = "application/json";
	form_private(x);
	if (rc == ERR_OK) {
		x->status = 200;
		buf_text(&x->reply, "{\"Servers\":[");
		json_server(&f, "mdm-byod", "byod", &x->reply);
		buf_char(&x->reply, ',');
		json_server(&f, "mdm-adde", "adde", &x->reply);
		buf_text(&x->reply, "]}");
		return;
	}
	/* Apple, ErrorCodeWellKnownFailed: the message is shown */
	x->status = rc == ERR_NOT_FOUND ? 403 : err_http(rc);
	buf_text(&x->reply,
	    "{\"code\":\"com.apple.well-known.failed\",\"description\":");
	json_text(&x->reply, err.msg);
	buf_text(&x->reply, ",\"message\":");
	json_text(&x->reply, err.msg);
	buf_char(&x->reply, '}');
}

/* ---- people ------------------------------------------------------------- */

static enum err_code
look_at(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct find *f = arg;
	size_t len = strcspn(f->x->host, ":");
	struct system_url url;
	struct org o;
	enum err_code rc = org_decode(value, key_get_u32(key, 1), &o, err);

	if (rc != ERR_OK || o.removed_at != 0)
		return rc;
	if (org_url_own(f->t, o.number, &url, NULL) == ERR_OK &&
	    strlen(url.host) == len && strncmp(url.host, f->x->host, len) == 0)
		f->by_host = *stop = true;
	if (f->n++ == 0 || f->by_host)
		f->org = o;
	return ERR_OK;
}

/* The organization whose own address was asked, or the only one. */
static enum err_code
by_address(struct txn *t, struct find *f, struct err *err)
{
	struct key prefix = key_of(KIND_ORG);
	enum err_code rc;

	f->t = t;
	f->n = 0;
	f->by_host = false;
	rc = txn_each(t, key_view(&prefix), BYTES_NONE, look_at, f, err);
	if (rc == ERR_OK && !f->by_host && f->n != 1)
		rc = err_set(err, ERR_NOT_FOUND,
		    "whose device is it? Say ?org=ORGANIZATION or ?mail=YOU");
	return rc;
}

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;

	if (f->name != NULL)
		return org_by_name(t, f->name, &f->org, err);
	return f->mail != NULL ? by_domain(t, f, err) : by_address(t, f, err);
}

void
mdm_find(struct exchange *x, struct mdm *m, enroll_form_fn *draw)
{
	struct find f = { .x = x,
		.name = form_query(x, "org"),
		.mail = form_query(x, "mail") };
	struct enroll_form form = { .kind = ENROLL_FORM_FIND,
		.organization = "",
		.action = "/",
		.user = "",
		.invitation = "",
		.mail = f.mail == NULL ? "" : f.mail };
	struct buf to = { 0 };
	struct err err = { 0 };
	enum err_code rc = store_view(m->engine->store, find_txn, &f, &err);
	bool asked = f.name != NULL || f.mail != NULL;

	if (rc == ERR_OK) {
		form_path(&to, "/enroll/", f.org.name);
		x->status = 303;
		exchange_reply_header(x, "location", form_keep(x, &to));
		form_private(x);
	} else if (form_wants_page(x)) {
		form.problem = asked ? err.msg : "";
		form_answer(
		    m, x, asked ? err_http(rc) : 200, "find", &form, draw);
	} else {
		exchange_text(x, err_http(rc), "%s", err.msg);
	}
}
