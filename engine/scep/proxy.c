
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/model/challenges.h"
#include "engine/model/orgs.h"
#include "engine/scep/message_priv.h"
#include "engine/scep/scep.h"
#include "engine/scep/third_priv.h"
#include "engine/scep/upstream.h"

/* Microsoft: the HRESULT of a failure, as decimal text. */
#define OID_MICROSOFT_ERROR "1.3.6.1.4.1.311.21.33"

/* ---- what the CA said ----------------------------------------------------- */

/* A signed attribute of text; its first characters, "" if it is not there. */
static void
attribute(CMS_SignerInfo *si, const char *oid, char *ret, size_t size)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int types[] = { V_ASN1_PRINTABLESTRING, V_ASN1_UTF8STRING };
	const ASN1_STRING *s = NULL;
	size_t i;

	for (i = 0; i < 2 && s == NULL; i++)
		s = CMS_signed_get0_data_by_OBJ(si, o, -3, types[i]);
	ret[0] = '\0';
	if (s != NULL && text_is_clean(bytes_of(ASN1_STRING_get0_data(s),
			     (size_t)ASN1_STRING_length(s))))
		snprintf(ret, size, "%.*s", ASN1_STRING_length(s),
		    (const char *)ASN1_STRING_get0_data(s));
	ASN1_OBJECT_free(o);
}

static void
say_failure(CMS_SignerInfo *si, struct buf *ret)
{
	static const char *const names[] = { "badAlg", "badMessageCheck",
		"badRequest", "badTime", "badCertId" };
	char text[300];

	attribute(si, OID_FAIL_INFO, text, sizeof(text));
	buf_printf(ret, "refused: %s",
	    text[0] >= '0' && text[0] <= '4' && text[1] == '\0'
		? names[text[0] - '0']
	    : text[0] != '\0' ? text
			      : "no reason");
	attribute(si, OID_MICROSOFT_ERROR, text, sizeof(text));
	if (text[0] != '\0')
		buf_printf(ret, " (Microsoft: 0x%08X)",
		    (unsigned)strtol(text, NULL, 10));
	attribute(si, OID_FAIL_INFO_TEXT, text, sizeof(text));
	if (text[0] != '\0')
		buf_printf(ret, ": %s", text);
}

bool
third_outcome(struct bytes reply, struct buf *ret, bool *issued)
{
	const uint8_t *p = reply.p;
	CMS_ContentInfo *cms =
	    reply.len > 0 && reply.len <= UPSTREAM_BODY_MAX
		? d2i_CMS_ContentInfo(NULL, &p, (long)reply.len)
		: NULL;
	CMS_SignerInfo *si;
	char status[8] = "";
	bool is_reply = false;

	*issued = false;
	if (cms != NULL &&
	    OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed &&
	    sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > 0) {
		si = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
		attribute(si, OID_STATUS, status, sizeof(status));
		is_reply = true;
		*issued = strcmp(status, "0") == 0;
		if (*issued)
			buf_text(ret, "issued");
		else if (strcmp(status, "3") == 0)
			buf_text(ret, "pending");
		else
			say_failure(si, ret);
	}
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return is_reply;
}

/* ---- who may -------------------------------------------------------------- */

struct pass {
	struct exchange *x;
	struct third *t;
	struct scep_settings s;
	bool other; /* the organization has another CA */
	char id[CHALLENGE_LEN + 1];
	bool known;
	bool ended;
	const char *operation;
};

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct pass *p = arg;
	struct challenge c;
	struct org o;
	enum err_code rc = org_by_name(t, p->x->params[0], &o, err);

	p->other = p->known = p->ended = false;
	if (rc != ERR_OK)
		return rc;
	if ((rc = scep_settings_read(t, o.number, &p->s, err)) != ERR_OK)
		return rc;
	p->other = p->s.url[0] != '\0';
	if (!p->other || p->id[0] == '\0' ||
	    challenge_read(t, p->id, &c, NULL) != ERR_OK || c.org != o.number)
		return ERR_OK;
	p->known = true;
	p->ended = c.expires <= p->x->now;
	return ERR_OK;
}

/* The first segment behind /scep/ORG/. */
static void
read_id(struct pass *p)
{
	const char *rest = p->x->params[1];
	size_t len = rest == NULL ? 0 : strcspn(rest, "/");

	if (len == CHALLENGE_LEN)
		memcpy(p->id, rest, len);
}

static const char *
read_operation(const struct exchange *x)
{
	static const char *const known[] = { "GetCACaps", "GetCACert",
		"PKIOperation" };
	size_t i, len = 0;
	const char *name = exchange_query(x, "operation", &len);

	if (name == NULL && strcmp(x->method, "POST") == 0)
		return "PKIOperation";
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (name != NULL &&
		    bytes_equal(bytes_of(name, len), bytes_text(known[i])))
			return known[i];
	return NULL;
}

/* ---- passing on ----------------------------------------------------------- */

static void
say(const struct pass *p, const char *what, const char *more)
{
	struct buf b = { 0 };

	buf_printf(&b, "scep: %s: %s", what, more);
	buf_printf(
	    &b, ", from %s", p->x->peer != NULL ? p->x->peer : "unknown");
	teller_say(p->t->teller, p->s.org, p->x->now, buf_str(&b));
	buf_free(&b);
}

/* The message in the request, so that nothing else goes to the CA. */
static enum err_code
check_message(const struct pass *p, struct buf *transaction, struct err *err)
{
	struct message *m = NULL;
	struct buf bytes = { 0 };
	const char *base64;
	size_t len = 0;
	enum err_code rc = ERR_OK;

	if (strcmp(p->x->method, "POST") == 0) {
		buf_bytes(&bytes, p->x->body);
	} else if ((base64 = exchange_query(p->x, "message", &len)) == NULL) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 4.1: a PKIOperation by GET has its message in "
		    "&message=, in base64");
	} else {
		rc = text_unbase64(bytes_of(base64, len), &bytes, err);
	}
	if (rc == ERR_OK)
		rc = message_parse(buf_view(&bytes), &m, err);
	if (rc == ERR_OK)
		text_escape(transaction, message_transaction(m));
	message_free(m);
	buf_free(&bytes);
	return rc;
}

/* What SCEP has; a page of that CA would be one of ours for a browser. */
static const char *
type_of(const struct upstream_reply *r)
{
	static const char *const known[] = { "application/x-pki-message",
		"application/x-x509-ca-cert", "application/x-x509-ca-ra-cert",
		"text/plain" };
	size_t i, len = strcspn(r->type, "; ");

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == len &&
		    strncasecmp(known[i], r->type, len) == 0)
			return known[i];
	return "application/octet-stream";
}

/* RFC 8894 3.5.2; words that a client does not know mean nothing to it. */
static void
put_caps(struct bytes said, struct buf *b)
{
	static const char *const known[] = { "AES", "DES3", "GetNextCACert",
		"POSTPKIOperation", "Renewal", "SHA-1", "SHA-224", "SHA-256",
		"SHA-384", "SHA-512", "SCEPStandard", "Update" };
	struct bytes line;
	size_t i;

	while (text_line(&said, &line)) {
		line = text_trim(line);
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (line.len == strlen(known[i]) &&
			    strncasecmp(
				(const char *)line.p, known[i], line.len) == 0)
				buf_printf(b, "%s\n", known[i]);
	}
}

/*
 * What SCEP says in an answer goes on to the device, and nothing else: who may
 * write an organization's files could otherwise read with our eyes whatever
 * this machine reaches.  False: there is none of it.
 */
static bool
put_reply(struct pass *p, const struct upstream_reply *r, struct buf *outcome,
    bool *issued)
{
	struct bytes body = buf_view(&r->body);

	*issued = false;
	if (r->status != 200) {
		buf_printf(outcome, "HTTP %ld", r->status);
		return false;
	}
	if (strcmp(p->operation, "GetCACaps") == 0) {
		put_caps(body, &p->x->reply);
		return true;
	}
	if (strcmp(p->operation, "PKIOperation") == 0 &&
	    !third_outcome(body, outcome, issued)) {
		buf_text(outcome, "an answer that is no CertRep");
		return false;
	}
	buf_bytes(&p->x->reply, body);
	return true;
}

static void
answer(struct pass *p, const struct upstream_reply *r, const char *transaction)
{
	struct exchange *x = p->x;
	struct buf outcome = { 0 };
	bool issued;

	if (put_reply(p, r, &outcome, &issued)) {
		x->status = 200;
		x->content_type = type_of(r);
		exchange_reply_header(x, "x-content-type-options", "nosniff");
	} else {
		exchange_text(x,
		    r->status >= 400 && r->status <= 599 ? (int)r->status : 502,
		    "The certificate authority behind this address answers "
		    "with %s.",
		    buf_str(&outcome));
	}
	if (issued)
		ndes_used(p->t->ndes, p->s.org, p->id);
	if (strcmp(p->operation, "PKIOperation") == 0) {
		buf_printf(&outcome, "; transaction %s", transaction);
		say(p, "passed on to the other CA", buf_str(&outcome));
	}
	buf_free(&outcome);
}

/* The CA shows its certificates: only if they are the pinned ones. */
static enum err_code
check_certs(struct pass *p, const struct upstream_reply *r, struct err *err)
{
	if (r->status != 200 || strcmp(p->operation, "GetCACert") != 0)
		return ERR_OK;
	return third_learn(p->t, &p->s, buf_view(&r->body), NULL, err);
}

static void
forward(struct pass *p, const char *transaction)
{
	struct exchange *x = p->x;
	bool post = strcmp(x->method, "POST") == 0 &&
	            strcmp(p->operation, "PKIOperation") == 0;
	bool timed_out = false;
	size_t len = 0;
	const char *message = post ? NULL : exchange_query(x, "message", &len);
	struct upstream_reply r = { .status = 0 };
	struct buf url = { 0 };
	struct upstream u = { .engine = p->t->engine,
		.post = post,
		.body = x->body,
		.content_type = "application/x-pki-message" };
	struct err err = { 0 };
	enum err_code rc;

	/* not the query as it came: of two operations in it that CA may take
	 * the other one */
	buf_printf(&url, "%s?operation=%s", p->s.url, p->operation);
	if (message != NULL) {
		buf_text(&url, "&message=");
		text_url(&url, message);
	}
	u.url = buf_str(&url);
	if ((rc = buf_error(&url, &err)) == ERR_OK)
		rc = upstream_ask(&u, &r, &timed_out, &err);
	if (rc == ERR_OK)
		rc = check_certs(p, &r, &err);
	if (rc == ERR_OK) {
		answer(p, &r, transaction);
	} else {
		say(p, "not passed on", err.msg);
		exchange_text(x, timed_out ? 504 : 502,
		    "The certificate authority behind this address has a "
		    "problem; try again later.");
	}
	buf_free(&url);
	buf_free(&r.body);
}

static void
serve(struct pass *p)
{
	struct exchange *x = p->x;
	struct buf transaction = { 0 };
	struct err err = { 0 };

	if (!p->s.proxy) {
		exchange_text(x, 404,
		    "The certificates of this organization come from another "
		    "CA, and not through this server.");
	} else if (!p->known) {
		exchange_text(x, 404,
		    "This address is for devices that have an enrollment "
		    "profile of the organization: it stands in there.");
	} else if ((p->operation = read_operation(x)) == NULL) {
		exchange_text(x, 400,
		    "This is a SCEP address, for devices. It takes "
		    "?operation=GetCACaps, GetCACert and PKIOperation.");
	} else if (strcmp(p->operation, "PKIOperation") != 0) {
		forward(p, "");
	} else if (p->ended) {
		say(p, "refused",
		    "the enrollment profile has expired; get a fresh one");
		exchange_text(x, 410,
		    "The enrollment profile has expired: get a fresh one.");
	} else if (check_message(p, &transaction, &err) != ERR_OK) {
		exchange_text(x, 400, "%s", err.msg);
	} else {
		forward(p, buf_str(&transaction));
	}
	buf_free(&transaction);
}

bool
third_serve(struct exchange *x, struct third *t)
{
	struct pass p = { .x = x, .t = t };
	struct err err = { 0 };
	enum err_code rc;
	bool mine;

	read_id(&p);
	rc = store_view(t->engine->store, look_txn, &p, &err);
	if (rc == ERR_OK && p.other)
		serve(&p);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND) {
		log_error("scep: %s: %s", x->path, err.msg);
		exchange_text(x, 503,
		    "The certificate service has a problem of its own; try "
		    "again later.");
	}
	mine =
	    (rc == ERR_OK && p.other) || (rc != ERR_OK && rc != ERR_NOT_FOUND);
	scep_settings_wipe(&p.s);
	return mine;
}
