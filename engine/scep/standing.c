#include "engine/scep/standing.h"

#include <string.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/model/rate.h"
#include "engine/pki/ocsp.h"
#include "engine/scep/revoked.h"

struct asked {
	struct engine *engine;
	const struct authority *authority;
	struct bytes serial;
	struct ocsp_status status;
};

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct asked *a = arg;
	struct issued i;
	enum err_code rc = issued_by_serial(t, a->authority->org, a->serial,
	    identity_leaf(a->authority->ca), &i, err);

	a->status = (struct ocsp_status){ .known = rc == ERR_OK };
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK && i.state != CERT_VALID) {
		a->status.revoked = true;
		a->status.revoked_at = i.ended_at != 0 ? i.ended_at : i.begins;
		a->status.reason = revoked_reason(i.state);
	}
	return rc;
}

static enum err_code
find(void *arg, struct bytes serial, struct ocsp_status *ret, struct err *err)
{
	struct asked *a = arg;
	enum err_code rc;

	a->serial = serial;
	rc = store_view(a->engine->store, find_txn, a, err);
	if (rc == ERR_OK)
		*ret = a->status;
	return rc;
}

static void
finish(struct exchange *x, const char *caches)
{
	x->status = 200; /* the answer itself says what is wrong */
	x->content_type = "application/ocsp-response";
	exchange_reply_header(x, "cache-control", caches);
}

void
standing_serve(struct exchange *x, struct engine *e, const struct authority *a)
{
	struct asked asked = { .engine = e, .authority = a };
	struct buf der = { 0 };
	struct err err = { 0 };
	bool get = strcmp(x->method, "POST") != 0, nonce = false;
	enum err_code rc = ERR_OK;

	if (get)
		rc = text_unbase64(bytes_text(x->params[1]), &der, &err);
	if (rc == ERR_OK)
		rc = ocsp_answer(a->ca, get ? buf_view(&der) : x->body, x->now,
		    x->now + STANDING_GOOD, find, &asked, &nonce, &x->reply,
		    &err);
	buf_free(&der);
	if (rc != ERR_OK) {
		log_stranger(
		    "%s /ocsp from %s: %s", x->method, x->peer, err.msg);
		buf_reset(&x->reply);
		ocsp_fail(rc == ERR_INVALID || rc == ERR_UNDECODABLE
			      ? OCSP_MALFORMED
			      : OCSP_INTERNAL,
		    &x->reply);
	}
	finish(x, get && rc == ERR_OK && !nonce ? "max-age=60" : "no-store");
}

void
standing_too_often(struct exchange *x)
{
	ocsp_fail(OCSP_TRY_LATER, &x->reply);
	finish(x, "no-store");
	exchange_reply_header(x, "retry-after", RATE_RETRY_AFTER);
}
