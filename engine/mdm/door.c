#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/mdm/mdm_priv.h"
#include "engine/model/import.h"
#include "engine/model/orgs.h"

/* Shared iPad: every user has this UserID, UserShortName tells them apart. */
#define SHARED_IPAD "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"

bool
door_is_proxy(const struct mdm *m, const char *address)
{
	return engine_has_proxy(m->engine, address);
}

bool
door_from_proxy(const struct mdm *m, const struct exchange *x)
{
	return door_is_proxy(m, x->peer);
}

/* RFC 9440: a byte sequence of RFC 8941, ":base64:". */
static enum err_code
forwarded(const struct exchange *x, struct buf *ret, struct err *err)
{
	struct bytes v = text_trim(exchange_header(x, "client-cert"));

	if (v.len < 2 || v.p[0] != ':' || v.p[v.len - 1] != ':')
		return err_set(err, ERR_DENIED,
		    "the proxy's Client-Cert header is not ':base64:' "
		    "(RFC 9440)");
	return text_unbase64(bytes_of(v.p + 1, v.len - 2), ret, err);
}

/* Append it, DER: it is not parsed, which costs more than all the rest. */
static enum err_code
certificate(
    struct mdm *m, const struct exchange *x, struct buf *ret, struct err *err)
{
	struct bytes signature = exchange_header(x, "mdm-signature");

	if (signature.len > 0)
		return mdm_signature_verify(signature, x->body, ret, err);
	if (door_from_proxy(m, x))
		return forwarded(x, ret, err);
	if (x->peer_cert.len == 0)
		return err_set(err, ERR_DENIED,
		    "the request has neither an Mdm-Signature header nor a TLS "
		    "client certificate");
	buf_bytes(ret, x->peer_cert);
	return buf_error(ret, err);
}

static enum err_code
ids(const struct pl *message, struct speaker *s, struct err *err)
{
	const char *id = pl_get_string(message, "UDID");
	const char *user = pl_get_string(message, "UserID");

	s->user_enrollment = id == NULL;
	if (id == NULL) {
		id = pl_get_string(message, "EnrollmentID");
		user = pl_get_string(message, "EnrollmentUserID");
	}
	if (id == NULL || !device_id_valid(id))
		return err_set(err, ERR_INVALID,
		    "the message names no UDID or EnrollmentID of 1 to 64 "
		    "letters, digits and '-'");
	snprintf(s->id, sizeof(s->id), "%s", id);
	if (user != NULL && strcmp(user, SHARED_IPAD) == 0)
		user = pl_get_string(message, "UserShortName");
	if (user != NULL && user[0] != '\0' && !user_escape(user, s->user))
		return err_set(
		    err, ERR_INVALID, "the id of the user is too long");
	return ERR_OK;
}

struct look {
	const char *name;
	struct org org;
	struct speaker *speaker;
	bool unknown; /* the certificate */
	bool first;   /* it was imported, and comes for the first time */
};

static enum err_code
org_txn(struct txn *t, void *arg, struct err *err)
{
	struct look *l = arg;
	struct issued issued;
	enum err_code rc = org_by_name(t, l->name, &l->org, err);

	if (rc != ERR_OK)
		return rc;
	l->speaker->org = l->org.number;
	l->unknown = issued_read(t, l->speaker->fingerprint, &issued, NULL) ==
	             ERR_NOT_FOUND;
	l->first = l->unknown && import_waits(t, l->speaker);
	return ERR_OK;
}

static enum err_code
bind_txn(struct txn *t, void *arg, struct err *err)
{
	return import_bind(t, arg, err);
}

/* The message is judged first: what will be refused binds nothing. */
static enum err_code
bind_first(
    struct mdm *m, const struct exchange *x, struct speaker *s, struct err *err)
{
	enum err_code rc;

	if (pl_get_string(s->message, "MessageType") != NULL)
		rc = checkin_may_bind(s->message, err);
	else
		rc = connect_may_bind(x, s, err);
	return rc == ERR_OK ? store_update(m->engine->store, bind_txn, s, err)
	                    : rc;
}

enum err_code
door_speaker(struct mdm *m, const struct exchange *x, const struct pl *message,
    struct speaker *s, struct err *err)
{
	struct look look = { .name = x->params[0] };
	struct speaker speaker = {
		.engine = m->engine, .message = message, .now = x->now
	};
	struct buf der = { 0 };
	enum err_code rc = certificate(m, x, &der, err);

	if (rc != ERR_OK)
		goto out;
	look.speaker = &speaker;
	SHA256(der.p, der.len, speaker.fingerprint);
	if ((rc = ids(message, &speaker, err)) == ERR_OK)
		rc = store_view(m->engine->store, org_txn, &look, err);
	if (rc == ERR_OK && look.unknown)
		rc = cert_parse(buf_view(&der), &speaker.cert, err);
	if (rc == ERR_OK && look.first)
		rc = bind_first(m, x, &speaker, err);
	if (rc == ERR_OK) {
		*s = speaker;
		speaker.cert = NULL;
	}
out:
	cert_free(speaker.cert);
	buf_free(&der);
	return rc;
}
