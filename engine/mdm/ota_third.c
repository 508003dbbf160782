#include <string.h>

#include "engine/mdm/ota_priv.h"
#include "engine/model/events.h"
#include "engine/model/third_party.h"

static enum err_code
another_ones(struct err *err)
{
	return err_set(err, ERR_DENIED,
	    "it is signed with a certificate that was issued for another "
	    "device or enrollment");
}

/* It is the one that our CA issued for the challenge of step 2, and nobody has
 * done anything else with it: one admission, one device. */
static enum err_code
check_own(struct txn *t, struct ota_post *p, const struct challenge *c,
    struct err *err)
{
	static const uint8_t none[32];
	const uint8_t *fp = cert_fingerprint(p->message.signer);
	struct issued i;
	enum err_code rc = issued_read(t, fp, &i, err);

	if (rc != ERR_OK)
		return rc;
	if (c->used_at == 0 || memcmp(c->fingerprint, fp, 32) != 0)
		return another_ones(err);
	if (i.state == CERT_REVOKED)
		return err_set(err, ERR_KEY_REVOKED,
		    "the certificate that it got was revoked");
	if (p->session.state == OTA_DONE)
		return ERR_OK;
	if (i.state != CERT_VALID || i.device != 0 ||
	    memcmp(i.renewed_by, none, sizeof(none)) != 0)
		return err_set(err, ERR_DENIED,
		    "the certificate that it got was used for something else "
		    "already");
	return ERR_OK;
}

static enum err_code
check_other(struct txn *t, struct ota_post *p, const struct challenge *c,
    struct err *err)
{
	struct scep_settings s;
	struct third_party ca = { .n_certs = 0 };
	enum err_code rc = scep_settings_read(t, p->org.number, &s, err);

	if (rc != ERR_OK)
		return rc;
	if (c->used_at != 0 &&
	    memcmp(c->fingerprint, cert_fingerprint(p->message.signer),
		sizeof(c->fingerprint)) != 0)
		rc = another_ones(err);
	if (rc == ERR_OK)
		rc = third_party_read(t, &s, &ca, err);
	if (rc == ERR_OK && !third_party_issued(&ca, &s, p->message.signer))
		rc = err_set(err, ERR_DENIED,
		    "the certificate was not issued by the CA at %s", s.url);
	third_party_fini(&ca);
	scep_settings_wipe(&s);
	return rc;
}

/* *c: of the certificate. */
static enum err_code
check_third(
    struct txn *t, struct ota_post *p, struct challenge *c, struct err *err)
{
	struct ota *o = &p->session;
	struct challenge last;
	enum err_code rc = ota_session(t, p, err);

	if (rc != ERR_OK)
		return rc;
	if (o->state == OTA_BEGUN)
		return another_ones(err);
	if ((rc = challenge_read(t, o->identity, c, err)) != ERR_OK ||
	    (rc = p->other ? check_other(t, p, c, err)
	                   : check_own(t, p, c, err)) != ERR_OK)
		return rc;
	if (strcmp(o->udid, p->ask.udid) != 0 ||
	    strcmp(o->serial, p->serial) != 0)
		return err_set(err, ERR_DENIED,
		    "it says another UDID or serial number than before, when "
		    "it was %s",
		    o->udid);
	if (o->state == OTA_DONE &&
	    (memcmp(o->fingerprint, cert_fingerprint(p->message.signer),
		 sizeof(o->fingerprint)) != 0 ||
		challenge_read(t, o->final, &last, NULL) != ERR_OK ||
		last.used_at != 0))
		return err_set(err, ERR_GONE,
		    "the device has its profile and has used it");
	return ota_gate(t, p, false, err);
}

static enum err_code
look_third(struct txn *t, void *arg, struct err *err)
{
	struct ota_post *p = arg;
	struct challenge c;
	enum err_code rc = check_third(t, p, &c, err);

	return rc == ERR_OK ? ota_inputs(t, p, err) : rc;
}

/* The certificate has done what it was for. */
static enum err_code
spend(struct txn *t, struct ota_post *p, struct challenge *c, struct err *err)
{
	const struct cert *cert = p->message.signer;

	if (!p->other)
		return issued_end(
		    t, cert_fingerprint(cert), CERT_SUPERSEDED, p->x->now, err);
	c->used_at = p->x->now;
	memcpy(c->key_id, cert_key_id(cert), sizeof(c->key_id));
	memcpy(c->fingerprint, cert_fingerprint(cert), sizeof(c->fingerprint));
	return challenge_store(t, c, err);
}

static enum err_code
keep_third(struct txn *t, void *arg, struct err *err)
{
	struct ota_post *p = arg;
	struct ota *o = &p->session;
	struct challenge c;
	enum err_code rc = check_third(t, p, &c, err);

	if (rc != ERR_OK)
		return rc;
	if (o->state == OTA_DONE)
		return strcmp(o->final, p->fresh) == 0
		           ? ERR_OK
		           : err_set(err, ERR_CHANGED, "answered meanwhile");
	o->state = OTA_DONE;
	memcpy(o->fingerprint, cert_fingerprint(p->message.signer),
	    sizeof(o->fingerprint));
	memcpy(o->final, p->fresh, sizeof(o->final));
	if ((rc = ota_store(t, o, err)) != ERR_OK ||
	    (rc = ota_challenge(t, p, o->final, err)) != ERR_OK ||
	    (rc = spend(t, p, &c, err)) != ERR_OK)
		return rc;
	return event_record(t, p->engine, p->org.number, err,
	    "device=%s ota: it gets the enrollment profile, encrypted for its "
	    "certificate %s",
	    o->udid, cert_serial(p->message.signer));
}

enum err_code
ota_third(struct ota_post *p, struct err *err)
{
	struct store *store = p->engine->store;
	enum err_code rc;

	do {
		p->ours = false;
		if ((rc = store_view(store, look_third, p, err)) != ERR_OK)
			return rc;
		if (p->session.final[0] != '\0')
			memcpy(p->fresh, p->session.final, sizeof(p->fresh));
		else if ((rc = challenge_make(p->fresh, err)) != ERR_OK)
			return rc;
		profile_admission(&p->in, &p->session.admission);
		p->in.reader = p->message.signer;
		buf_reset(&p->reply);
		rc = profile_make(&p->in, p->fresh, &p->reply, err);
		if (rc == ERR_OK) {
			p->ours = false;
			rc = store_update(store, keep_third, p, err);
		}
	} while (rc == ERR_CHANGED);
	return rc;
}
