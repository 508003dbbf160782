#include "engine/scep/enroll.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/model/certs.h"
#include "engine/model/challenges.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/pki/ca.h"
#include "engine/scep/scep.h"

/* For how long a lost answer is given again, in seconds. */
#define AGAIN 86400

/* Characters of a subject in an event. */
#define SUBJECT_MAX 200

#define FRESH_PROFILE "; get a fresh enrollment profile"

/* What an applicant may have. */
struct grant {
	bool renewal;   /* signed by a certificate that was issued here */
	uint32_t meant; /* for this device alone; 0: for anybody */
	bool challenged;
	struct challenge challenge; /* with challenged */
	bool again;                 /* it had the certificate already: */
	struct buf der;
};

struct job {
	const struct enroll *e;
	struct grant grant;
	struct cert *cert; /* that was made; NULL before */
};

static const char *
time_text(struct buf *b, int64_t seconds)
{
	buf_reset(b);
	text_time(b, seconds);
	return buf_str(b);
}

/* ---- the challenge ------------------------------------------------------ */

static bool
has_challenge(const struct enroll *e)
{
	const char *text = csr_challenge(e->request);

	return text != NULL && text[0] != '\0';
}

/* In this section ERR_GONE: a challenge that was good once. */

/* The certificate that this challenge has got is this key's: give it again. */
static enum err_code
give_again(
    struct txn *t, const struct enroll *e, struct grant *g, struct err *err)
{
	struct issued issued;
	enum err_code rc =
	    issued_read(t, g->challenge.fingerprint, &issued, err);

	if (rc != ERR_OK)
		return rc;
	if (issued.state != CERT_VALID || issued.org != e->org)
		return err_set(err, ERR_GONE,
		    "the certificate for this challenge and key was %s%s",
		    issued.state == CERT_REVOKED ? "revoked" : "replaced",
		    FRESH_PROFILE);
	g->again = true;
	return issued_der(t, g->challenge.fingerprint, &g->der, err);
}

static enum err_code
check_used(
    struct txn *t, const struct enroll *e, struct grant *g, struct err *err)
{
	const struct challenge *c = &g->challenge;
	const uint8_t *signer = cert_fingerprint(message_signer(e->message));
	struct buf b = { 0 };
	enum err_code rc;

	/* who signs with the certificate has got it: that answer is not lost */
	if (memcmp(c->key_id, csr_key_id(e->request), sizeof(c->key_id)) == 0 &&
	    e->now - c->used_at <= AGAIN &&
	    memcmp(c->fingerprint, signer, sizeof(c->fingerprint)) != 0)
		return give_again(t, e, g, err);
	rc = err_set(err, ERR_GONE,
	    "challenge already used on %s: each is good for one "
	    "certificate%s",
	    time_text(&b, c->used_at), FRESH_PROFILE);
	buf_free(&b);
	return rc;
}

static enum err_code
check_challenge(
    struct txn *t, const struct enroll *e, struct grant *g, struct err *err)
{
	struct challenge *c = &g->challenge;
	struct buf b = { 0 };
	enum err_code rc =
	    challenge_read(t, csr_challenge(e->request), c, NULL);

	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_GONE,
		    "unknown challenge: is the profile older than %d days, or "
		    "of another server?%s",
		    (int)(2 * CHALLENGE_LIFE / 86400), FRESH_PROFILE);
	if (rc != ERR_OK)
		return err_set(err, rc, "challenge: %s", err_text(rc));
	if (c->org != e->org)
		return err_set(err, ERR_DENIED,
		    "challenge of another organization: the profile's SCEP "
		    "address and its challenge do not belong together");
	if (c->used_at != 0)
		return check_used(t, e, g, err);
	if (e->now < c->expires)
		return ERR_OK;
	rc = err_set(err, ERR_GONE, "challenge expired on %s%s",
	    time_text(&b, c->expires), FRESH_PROFILE);
	buf_free(&b);
	return rc;
}

/* ---- the signer --------------------------------------------------------- */

/* ERR_OK: the signer's certificate may be renewed; *old is its record. */
static enum err_code
check_renewable(
    struct txn *t, const struct enroll *e, struct issued *old, struct err *err)
{
	const struct cert *signer = message_signer(e->message);
	struct buf b = { 0 };
	enum err_code rc = issued_read(t, cert_fingerprint(signer), old, NULL);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && old->org != e->org))
		return err_set(err, ERR_DENIED,
		    "the message was signed with %s, a certificate that was "
		    "not issued here: a renewal is signed with the "
		    "certificate that it renews, a first request with its own "
		    "key",
		    cert_label(signer));
	if (rc != ERR_OK)
		return err_set(err, rc, "certificate: %s", err_text(rc));
	if (old->state != CERT_VALID)
		return err_set(err, ERR_KEY_REVOKED,
		    "the certificate %s was %s and cannot be renewed%s",
		    cert_label(signer),
		    old->state == CERT_REVOKED ? "revoked" : "replaced",
		    FRESH_PROFILE);
	if (old->expires >= e->now)
		return ERR_OK;
	rc = err_set(err, ERR_KEY_EXPIRED,
	    "the certificate %s ended on %s and cannot be renewed any more%s",
	    cert_label(signer), time_text(&b, old->expires), FRESH_PROFILE);
	buf_free(&b);
	return rc;
}

/* A first request proves that it has the key by signing with it. */
static bool
is_first(const struct enroll *e)
{
	return message_type(e->message) == MESSAGE_ENROLL &&
	       memcmp(cert_key_id(message_signer(e->message)),
		   csr_key_id(e->request), KEYSPEC_ID_LEN) == 0;
}

/* Many clients renew with a PKCSReq: the signer decides, not the type. */
static enum err_code
check_signer(
    struct txn *t, const struct enroll *e, struct grant *g, struct err *err)
{
	struct issued old = { 0 };
	enum err_code rc = check_renewable(t, e, &old, err);

	if (rc == ERR_OK) {
		g->renewal = true;
		g->meant = old.device != 0 ? old.device : old.meant;
		return ERR_OK;
	}
	if (err_http(rc) >= 500 || !is_first(e))
		return rc;
	if (has_challenge(e))
		return ERR_OK;
	return err_set(err, ERR_DENIED,
	    "the request has no challenge, and is not signed with a valid "
	    "certificate of this organization%s",
	    FRESH_PROFILE);
}

static enum err_code
authorize(
    struct txn *t, const struct enroll *e, struct grant *g, struct err *err)
{
	struct org org;
	enum err_code rc = org_read(t, e->org, &org, err);

	buf_reset(&g->der);
	*g = (struct grant){ .der = g->der };
	if (rc == ERR_OK && org.removed_at != 0)
		return err_set(
		    err, ERR_DENIED, "organization %s was removed", org.name);
	if (rc != ERR_OK || (rc = check_signer(t, e, g, err)) != ERR_OK)
		return rc;
	if (!has_challenge(e))
		return ERR_OK;
	rc = check_challenge(t, e, g, err);
	/* clients (certmonger) repeat their first one with each renewal */
	if (rc == ERR_GONE && g->renewal)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	g->challenged = true;
	if (g->renewal && g->meant != 0 && g->challenge.meant != 0 &&
	    g->challenge.meant != g->meant)
		return err_set(err, ERR_DENIED,
		    "challenge of another device than the one whose "
		    "certificate is renewed");
	if (g->meant == 0)
		g->meant = g->challenge.meant;
	return ERR_OK;
}

/* ---- issuing ------------------------------------------------------------ */

static enum err_code
view_txn(struct txn *t, void *arg, struct err *err)
{
	struct job *job = arg;

	return authorize(t, job->e, &job->grant, err);
}

void
enroll_describe(const struct enroll *e, struct buf *b)
{
	const char *subject = e->request == NULL ? "" : csr_subject(e->request);
	size_t len = strnlen(subject, SUBJECT_MAX);

	while (((uint8_t)subject[len] & 0xc0) == 0x80)
		len--; /* not in the middle of a character */
	if (e->request != NULL)
		buf_printf(b, "for \"%.*s\"; ", (int)len, subject);
	buf_text(b, "transaction ");
	text_escape(b, message_transaction(e->message));
	buf_printf(b, ", from %s", e->peer);
}

static enum err_code
record_event(struct txn *t, const struct job *job, struct err *err)
{
	const struct enroll *e = job->e;
	struct buf b = { 0 };
	enum err_code rc;

	enroll_describe(e, &b);
	rc = event_record(t, e->engine, e->org, err,
	    "scep: certificate %s %s %s", cert_serial(job->cert),
	    job->grant.renewal ? "renewed" : "issued", buf_str(&b));
	buf_free(&b);
	return rc;
}

/* The world may have changed while the certificate was signed: ask again. */
static enum err_code
store_txn(struct txn *t, void *arg, struct err *err)
{
	struct job *job = arg;
	const struct enroll *e = job->e;
	struct grant *g = &job->grant;
	struct issued issued = { .org = e->org,
		.state = CERT_VALID,
		.expires = cert_expires(job->cert) };
	enum err_code rc = authorize(t, e, g, err);

	if (rc != ERR_OK || g->again)
		return rc;
	memcpy(issued.fingerprint, cert_fingerprint(job->cert),
	    sizeof(issued.fingerprint));
	memcpy(issued.key_id, cert_key_id(job->cert), sizeof(issued.key_id));
	issued.meant = g->meant;
	if (g->challenged) {
		g->challenge.used_at = e->now;
		memcpy(
		    g->challenge.key_id, issued.key_id, sizeof(issued.key_id));
		memcpy(g->challenge.fingerprint, issued.fingerprint,
		    sizeof(issued.fingerprint));
		rc = challenge_store(t, &g->challenge, err);
	}
	if (rc == ERR_OK)
		rc = issued_add(t, &issued, job->cert, err);
	return rc == ERR_OK ? record_event(t, job, err) : rc;
}

static enum err_code
make_cert(struct job *job, struct err *err)
{
	const struct enroll *e = job->e;
	struct ca_profile profile = { .days = SCEP_DAYS,
		.copy = SAN_DNS | SAN_EMAIL | SAN_URI,
		.client_auth = true };

	if (job->grant.renewal)
		profile.subject_der =
		    cert_subject_der(message_signer(e->message));
	return ca_issue(e->ca, e->request, &profile, e->now, &job->cert, err);
}

enum err_code
enroll_issue(const struct enroll *e, struct cert **ret, struct err *err)
{
	struct job job = { .e = e };
	enum err_code rc = keyspec_check(csr_keyspec(e->request), err);

	if (rc != ERR_OK ||
	    (rc = message_can_grant(
		 e->message, csr_challenge(e->request), err)) != ERR_OK ||
	    (rc = store_view(e->engine->store, view_txn, &job, err)) != ERR_OK)
		goto out;
	if (!job.grant.again) {
		/* about a millisecond: not in the writer's thread */
		if ((rc = make_cert(&job, err)) != ERR_OK)
			goto out;
		rc = store_update(e->engine->store, store_txn, &job, err);
		if (rc != ERR_OK)
			goto out;
	}
	if (job.grant.again) {
		rc = cert_parse(buf_view(&job.grant.der), ret, err);
		goto out;
	}
	*ret = job.cert;
	job.cert = NULL;
out:
	cert_free(job.cert);
	buf_free(&job.grant.der);
	return rc;
}
