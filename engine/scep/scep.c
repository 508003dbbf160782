#include "engine/scep/scep.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/model/rate.h"
#include "engine/scep/authority.h"
#include "engine/scep/enroll.h"
#include "engine/scep/revoked.h"
#include "engine/scep/standing.h"
#include "engine/scep/tell.h"
#include "engine/scep/third.h"

struct scep {
	struct engine *engine;
	struct authorities *authorities;
	struct teller *teller;
	struct third *third;
	struct revoked *revoked;
	struct rate *rate;  /* of OCSP */
	struct rate *tries; /* of requests that are refused */
};

/* An answer costs a signature; a service asks for each of its clients. */
static const struct rate_limits ocsp_limits = {
	.burst = 300, .second = 30, .all_burst = 1500, .all_second = 300
};

/* What is refused costs two operations of a key, and may be a guess at a string
 * that an administrator has made up. */
static const struct rate_limits try_limits = {
	.burst = 60, .second = 1, .all_burst = 1500, .all_second = 300
};

enum err_code
scep_open(struct engine *e, struct scep **ret, struct err *err)
{
	struct scep *s = calloc(1, sizeof(*s));
	enum err_code rc;

	if (s == NULL)
		return err_set(err, ERR_NO_MEMORY, "SCEP");
	s->engine = e;
	if ((s->teller = teller_new(e)) == NULL ||
	    (s->rate = rate_new(&ocsp_limits)) == NULL ||
	    (s->tries = rate_new(&try_limits)) == NULL ||
	    (s->revoked = revoked_new(e)) == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "SCEP");
	else if ((rc = authorities_new(e, &s->authorities, err)) == ERR_OK)
		rc = third_new(e, s->teller, &s->third, err);
	if (rc != ERR_OK) {
		scep_close(s);
		return rc;
	}
	e->scep = third_source(s->third);
	*ret = s;
	return ERR_OK;
}

void
scep_close(struct scep *s)
{
	if (s == NULL)
		return;
	s->engine->scep = NULL;
	third_free(s->third);
	revoked_free(s->revoked);
	rate_free(s->rate);
	rate_free(s->tries);
	authorities_free(s->authorities);
	teller_free(s->teller);
	free(s);
}

/* ---- refusals ----------------------------------------------------------- */

static void
tell(struct scep *s, const struct enroll *e, const char *reason)
{
	struct buf b = { 0 };

	buf_text(&b, "scep: refused ");
	enroll_describe(e, &b);
	buf_text(&b, ": ");
	buf_put(&b, reason, strcspn(reason, "\n"));
	teller_say(s->teller, e->org, e->now, buf_str(&b));
	buf_free(&b);
}

/* The server's own trouble: not the client's to read. */
static void
fail(struct exchange *x, const struct err *err)
{
	log_error("scep: %s: %s", x->path, err->msg);
	exchange_text(x, err_http(err->code),
	    "The certificate service has a problem of its own (%s); try again "
	    "later.",
	    err_text(err->code));
}

static void
send_reply(struct exchange *x)
{
	x->status = 200;
	x->content_type = "application/x-pki-message";
}

static void
refuse(struct exchange *x, struct scep *s, const struct enroll *e,
    enum message_fault fault, const struct err *why)
{
	struct err err = { 0 };

	tell(s, e, why->msg);
	if (message_refuse(
		e->message, e->ca, fault, why->msg, &x->reply, &err) != ERR_OK)
		fail(x, &err);
	else
		send_reply(x);
}

/* Whether many stand behind the address: it is a proxy's, or that of this
 * machine and somebody passes others on there. */
static bool
is_shared(const struct scep *s, const struct exchange *x)
{
	return engine_has_proxy(s->engine, x->peer) ||
	       (rate_is_here(x->peer) &&
		   (exchange_header(x, "x-forwarded-for").p != NULL ||
		       exchange_header(x, "forwarded").p != NULL));
}

static bool
too_often(struct exchange *x, struct scep *s)
{
	if (x->peer == NULL ||
	    rate_take(s->tries, x->peer, is_shared(s, x), x->now))
		return false;
	exchange_text(x, 429,
	    "Too many requests from this address were refused: try again in "
	    "%s seconds.",
	    RATE_RETRY_AFTER);
	exchange_reply_header(x, "retry-after", RATE_RETRY_AFTER);
	return true;
}

/* ---- PKIOperation ------------------------------------------------------- */

static void
enroll(struct exchange *x, struct scep *s, struct enroll *e, struct message *m)
{
	struct csr *request = NULL;
	struct cert *cert = NULL;
	struct buf content = { 0 };
	struct err err = { 0 };
	enum message_fault fault = MESSAGE_BAD_CHECK;
	enum err_code rc = message_decrypt(m, e->ca, &content, &err);

	if (rc != ERR_OK)
		goto out;
	fault = MESSAGE_BAD_REQUEST;
	if ((rc = csr_parse(buf_view(&content), &request, &err)) != ERR_OK)
		goto out;
	e->request = request;
	if ((rc = enroll_issue(e, &cert, &err)) == ERR_OK)
		rc = message_grant(
		    m, e->ca, cert, csr_challenge(request), &x->reply, &err);
out:
	if (rc == ERR_UNSUPPORTED && fault == MESSAGE_BAD_CHECK)
		fault = MESSAGE_BAD_ALG;
	if (rc == ERR_OK && x->peer != NULL)
		rate_give(s->tries, x->peer, is_shared(s, x));
	if (rc == ERR_OK)
		send_reply(x);
	else if (err_http(rc) >= 500)
		fail(x, &err);
	else
		refuse(x, s, e, fault, &err);
	cert_free(cert);
	csr_free(request);
	buf_wipe(&content);
}

/* By the type of the message, once its signature holds. */
static void
serve_message(
    struct exchange *x, struct scep *s, struct enroll *e, struct message *m)
{
	enum message_fault fault = MESSAGE_BAD_REQUEST;
	struct err err = { 0 };
	enum err_code rc = message_verify(m, &err);

	if (rc != ERR_OK && err_http(rc) >= 500) {
		fail(x, &err);
		return;
	}
	if (rc != ERR_OK) {
		refuse(x, s, e,
		    rc == ERR_UNSUPPORTED ? MESSAGE_BAD_ALG : MESSAGE_BAD_CHECK,
		    &err);
		return;
	}
	switch (message_type(m)) {
	case MESSAGE_ENROLL:
	case MESSAGE_RENEWAL:
	case MESSAGE_UPDATE:
		enroll(x, s, e, m);
		return;
	case MESSAGE_POLL:
		fault = MESSAGE_BAD_CERT_ID;
		rc = err_set(&err, ERR_NOT_FOUND,
		    "no request is ever pending here: send it again");
		break;
	case MESSAGE_GET_CERT:
	case MESSAGE_GET_CRL:
		rc = err_set(&err, ERR_UNSUPPORTED,
		    "certificates and CRLs cannot be fetched here: "
		    "enrollment and renewal are what there is");
		break;
	case MESSAGE_CERT_REP:
	case MESSAGE_UNKNOWN:
		rc = err_set(&err, ERR_UNSUPPORTED,
		    "RFC 8894 3.2.1.2: the messageType is not one that a "
		    "client sends");
		break;
	}
	if (rc != ERR_OK)
		refuse(x, s, e, fault, &err);
}

/* The message: the body, or base64 in the query. */
static enum err_code
get_message(struct exchange *x, struct buf *ret, struct err *err)
{
	const char *base64;
	size_t len = 0;

	if (strcmp(x->method, "POST") == 0) {
		buf_bytes(ret, x->body);
		return buf_error(ret, err);
	}
	base64 = exchange_query(x, "message", &len);
	if (base64 == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 4.1: a PKIOperation by GET has its message in "
		    "&message=, in base64");
	if (text_unbase64(bytes_of(base64, len), ret, NULL) != ERR_OK)
		return err_set(err, ERR_UNDECODABLE,
		    "RFC 8894 4.1: &message= is not base64");
	return buf_error(ret, err);
}

static void
pki_operation(struct exchange *x, struct scep *s, const struct authority *a)
{
	struct message *m = NULL;
	struct buf bytes = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	if (too_often(x, s))
		return;
	if (x->body.len > SCEP_MESSAGE_MAX) {
		exchange_text(x, 413,
		    "A SCEP message has at most %u bytes; these are %zu.",
		    SCEP_MESSAGE_MAX, x->body.len);
		return;
	}
	if ((rc = get_message(x, &bytes, &err)) == ERR_OK)
		rc = message_parse(buf_view(&bytes), &m, &err);
	if (rc == ERR_OK) {
		struct enroll e = { .engine = s->engine,
			.org = a->org,
			.ca = a->ca,
			.message = m,
			.peer = x->peer != NULL ? x->peer : "unknown",
			.now = x->now };

		serve_message(x, s, &e, m);
	} else if (err_http(rc) >= 500) {
		fail(x, &err);
	} else {
		exchange_text(x, 400, "%s", err.msg);
	}
	message_free(m);
	buf_free(&bytes);
}

/* ---- the other operations ----------------------------------------------- */

/* RFC 8894 3.5.2.  Single DES and MD5 are read, but not advertised. */
static void
get_ca_caps(struct exchange *x, struct scep *s, const struct authority *a)
{
	(void)s;
	(void)a;
	x->status = 200;
	x->content_type = "text/plain";
	buf_text(&x->reply, "AES\n"
			    "DES3\n"
			    "POSTPKIOperation\n"
			    "Renewal\n"
			    "SHA-1\n"
			    "SHA-256\n"
			    "SHA-512\n"
			    "SCEPStandard\n");
}

/* One certificate, whatever &message= says: clients ask for 0, 1, 2, ... */
static void
get_ca_cert(struct exchange *x, struct scep *s, const struct authority *a)
{
	(void)s;
	x->status = 200;
	x->content_type = "application/x-x509-ca-cert";
	buf_bytes(&x->reply, cert_der(identity_leaf(a->ca)));
}

static void
not_here(struct exchange *x, struct scep *s, const struct authority *a)
{
	(void)s;
	(void)a;
	exchange_text(x, 404,
	    "There is no next CA certificate and no chain: GetCACert has the "
	    "one there is.");
}

/* clang-format off */
static const struct operation {
	const char *name;
	void (*serve)(struct exchange *x, struct scep *s,
	    const struct authority *a);
} operations[] = {
	{ "GetCACaps",     get_ca_caps },
	{ "GetCACert",     get_ca_cert },
	{ "GetNextCACert", not_here },
	{ "GetCAChain",    not_here },
	{ "PKIOperation",  pki_operation },
};
/* clang-format on */

static const struct operation *
find_operation(const struct exchange *x)
{
	size_t i, len = 0;
	const char *name = exchange_query(x, "operation", &len);

	/* RFC 8894 4.3: some clients leave it out of a POST */
	if (name == NULL && strcmp(x->method, "POST") == 0) {
		name = "PKIOperation";
		len = strlen(name);
	}
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (name != NULL && bytes_equal(bytes_of(name, len),
					bytes_text(operations[i].name)))
			return &operations[i];
	return NULL;
}

void
scep_serve(struct exchange *x, void *ctx)
{
	const struct operation *o = find_operation(x);
	struct scep *s = ctx;
	struct authority a = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	if (o == NULL) {
		exchange_text(x, 400,
		    "This is a SCEP address, for devices. It takes "
		    "?operation=GetCACaps, GetCACert and PKIOperation.");
		return;
	}
	if (third_serve(x, s->third))
		return;
	rc = authority_find(s->authorities, x->params[0], &a, &err);
	if (rc == ERR_OK)
		o->serve(x, s, &a);
	else if (rc == ERR_NOT_FOUND)
		exchange_text(x, 404,
		    "There is no organization of that name here: the SCEP "
		    "address is /scep/ and an organization's name.");
	else
		fail(x, &err);
	identity_free(a.ca);
}

void
scep_crl(struct exchange *x, struct scep *s)
{
	struct authority a = { 0 };
	struct err err = { 0 };
	enum err_code rc =
	    authority_find(s->authorities, x->params[0], &a, &err);

	if (rc == ERR_OK)
		rc = revoked_list(
		    s->revoked, a.org, a.ca, x->now, &x->reply, &err);
	if (rc == ERR_NOT_FOUND) {
		exchange_text(x, 404,
		    "There is no organization of that name here: the address "
		    "is /crl/ and an organization's name.");
	} else if (rc != ERR_OK) {
		fail(x, &err);
	} else {
		x->status = 200;
		x->content_type = "application/pkix-crl";
		exchange_reply_header(x, "cache-control", "max-age=60");
	}
	identity_free(a.ca);
}

void
scep_ocsp(struct exchange *x, struct scep *s)
{
	struct authority a = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	if (x->peer != NULL &&
	    !rate_take(s->rate, x->peer, engine_has_proxy(s->engine, x->peer),
		x->now)) {
		standing_too_often(x);
		return;
	}
	rc = authority_find(s->authorities, x->params[0], &a, &err);
	if (rc == ERR_OK)
		standing_serve(x, s->engine, &a);
	else if (rc == ERR_NOT_FOUND)
		exchange_text(x, 404,
		    "There is no organization of that name here: the address "
		    "is /ocsp/ and an organization's name.");
	else
		fail(x, &err);
	identity_free(a.ca);
}
