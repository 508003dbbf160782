#include "engine/scep/grant.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/model/devices.h"
#include "engine/model/orgs.h"

/* For how long a lost answer is given again, in seconds. */
#define AGAIN 86400

#define FRESH_PROFILE "; get a fresh enrollment profile"

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
		    cert_state_text(issued.state), FRESH_PROFILE);
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

/* What renews an enrollment ends with it; else the one whose certificate goes
 * on is in g->old. */
static enum err_code
check_enrollment(
    struct txn *t, const struct challenge *c, struct grant *g, struct err *err)
{
	struct device d;

	if (c->renews == 0)
		return ERR_OK;
	if (device_read(t, c->meant, &d, NULL) != ERR_OK || d.org != c->org ||
	    d.state != DEVICE_ENROLLED || d.enrolled_at != c->renews)
		return err_set(err, ERR_GONE,
		    "the challenge was to renew an enrollment that has ended "
		    "since%s",
		    FRESH_PROFILE);
	if (!g->renewal || g->meant != c->meant)
		g->succeeds =
		    issued_read(t, d.fingerprint, &g->old, NULL) == ERR_OK;
	return ERR_OK;
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
	if ((rc = challenge_check_file(t, c, err)) != ERR_OK ||
	    (rc = check_enrollment(t, c, g, err)) != ERR_OK)
		return rc;
	if (e->now < c->expires)
		return ERR_OK;
	rc = err_set(err, ERR_GONE, "challenge expired on %s%s",
	    time_text(&b, c->expires), FRESH_PROFILE);
	buf_free(&b);
	return rc;
}

/* ---- the signer --------------------------------------------------------- */

/*
 * A certificate is renewed once.  As long as nobody has shown the new one, its
 * answer may have been lost: it may be asked for again, and what was issued
 * before goes.
 */
static enum err_code
check_not_renewed(struct txn *t, const struct enroll *e,
    const struct issued *old, struct err *err)
{
	static const uint8_t none[sizeof(old->renewed_by)];
	struct issued next;

	(void)e;
	if (memcmp(old->renewed_by, none, sizeof(none)) == 0 ||
	    issued_read(t, old->renewed_by, &next, NULL) != ERR_OK ||
	    (next.device == 0 &&
		memcmp(next.renewed_by, none, sizeof(none)) == 0))
		return ERR_OK;
	return err_set(err, ERR_DENIED,
	    "the certificate was renewed already, and the new one is in use: "
	    "renew that one");
}

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
		    cert_label(signer), cert_state_text(old->state),
		    FRESH_PROFILE);
	if (old->expires >= e->now)
		return check_not_renewed(t, e, old, err);
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

/* The same key asks again: it gets the same certificate. */
static enum err_code
again_renewal(
    struct txn *t, const struct enroll *e, struct grant *g, struct err *err)
{
	struct issued next;

	if (issued_read(t, g->old.renewed_by, &next, NULL) != ERR_OK ||
	    next.state != CERT_VALID || next.org != e->org ||
	    memcmp(next.key_id, csr_key_id(e->request), sizeof(next.key_id)) !=
		0)
		return ERR_OK;
	g->again = true;
	return issued_der(t, g->old.renewed_by, &g->der, err);
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
		g->old = old;
		g->meant = old.device != 0 ? old.device : old.meant;
		memcpy(g->name, old.name, sizeof(g->name));
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

enum err_code
grant_decide(
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
		return g->renewal ? again_renewal(t, e, g, err) : ERR_OK;
	rc = check_challenge(t, e, g, err);
	/* clients (certmonger) repeat their first one with each renewal */
	if (rc == ERR_GONE && g->renewal)
		return again_renewal(t, e, g, err);
	if (rc != ERR_OK)
		return rc;
	g->challenged = true;
	/* an administrator's string goes on with the enrollment that there is;
	 * a device that enrolls over the air begins anew */
	if (g->challenge.name[0] != '\0' && g->challenge.ino != 0)
		g->challenge.meant =
		    challenge_device(t, e->org, g->challenge.name);
	if (g->renewal && g->meant != 0 && g->challenge.meant != 0 &&
	    g->challenge.meant != g->meant)
		return err_set(err, ERR_DENIED,
		    "challenge of another device than the one whose "
		    "certificate is renewed");
	if (g->meant == 0)
		g->meant = g->challenge.meant;
	if (g->name[0] == '\0')
		memcpy(g->name, g->challenge.name, sizeof(g->name));
	return ERR_OK;
}
