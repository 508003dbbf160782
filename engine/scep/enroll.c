#include "engine/scep/enroll.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/scep/form.h"
#include "engine/scep/grant.h"

/* Characters of a subject in an event. */
#define SUBJECT_MAX 200

struct job {
	const struct enroll *e;
	struct grant grant;
	struct cert *cert; /* that was made; NULL before */
};

static enum err_code
view_txn(struct txn *t, void *arg, struct err *err)
{
	struct job *job = arg;

	return grant_decide(t, job->e, &job->grant, err);
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

/*
 * The new certificate in a chain of renewals.  Who renews with a certificate
 * has it: what that one renewed, and what it was renewed by before, is not
 * needed any more, unless a device uses it.
 */
static enum err_code
take_over(struct txn *t, const struct enroll *e, const struct grant *g,
    struct issued *next, struct err *err)
{
	const uint8_t *const unneeded[] = { g->old.renews, g->old.renewed_by };
	struct issued old = g->old, i;
	enum err_code rc = ERR_OK;
	size_t n;

	for (n = 0; rc == ERR_OK && n < 2; n++)
		if (issued_read(t, unneeded[n], &i, NULL) == ERR_OK &&
		    i.device == 0 && i.state == CERT_VALID)
			rc = issued_end(
			    t, unneeded[n], CERT_SUPERSEDED, e->now, err);
	memcpy(next->renews, old.fingerprint, sizeof(next->renews));
	memcpy(old.renewed_by, next->fingerprint, sizeof(old.renewed_by));
	return rc == ERR_OK ? issued_store(t, &old, err) : rc;
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
	enum err_code rc = grant_decide(t, e, g, err);

	if (rc != ERR_OK || g->again)
		return rc;
	memcpy(issued.fingerprint, cert_fingerprint(job->cert),
	    sizeof(issued.fingerprint));
	memcpy(issued.key_id, cert_key_id(job->cert), sizeof(issued.key_id));
	issued.meant = g->meant;
	memcpy(issued.name, g->name, sizeof(issued.name));
	issued.admission =
	    g->challenged ? g->challenge.admission : g->old.admission;
	if ((g->renewal || g->succeeds) &&
	    (rc = take_over(t, e, g, &issued, err)) != ERR_OK)
		return rc;
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
		if ((rc = form_issue(e, &job.grant, &job.cert, err)) != ERR_OK)
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
