#include <stdio.h>
#include <string.h>

#include "engine/mdm/ota_priv.h"
#include "engine/model/events.h"

/* Subject of the certificate in step 2, unless the organization says its own:
 * people see it on the device. */
#define SUBJECT "O=%ORG%, CN=%UDID%, serialNumber=%SERIAL%"

static enum err_code
check_second(struct txn *t, struct ota_post *p, struct err *err)
{
	const struct ota *o = &p->session;
	enum err_code rc = ota_session(t, p, err);

	if (rc != ERR_OK)
		return rc;
	if (o->state == OTA_DONE)
		return err_set(err, ERR_GONE,
		    "the challenge was used already, by the device with UDID "
		    "%s, which has its profile",
		    o->udid);
	if (o->state == OTA_IDENTITY &&
	    (strcmp(o->udid, p->ask.udid) != 0 ||
		memcmp(o->signer, cert_fingerprint(p->message.signer),
		    sizeof(o->signer)) != 0))
		return err_set(err, ERR_DENIED,
		    "the challenge was used already, by the device with UDID "
		    "%s",
		    o->udid);
	return ERR_OK;
}

static enum err_code
look_second(struct txn *t, void *arg, struct err *err)
{
	struct ota_post *p = arg;
	enum err_code rc = check_second(t, p, err);

	if (rc == ERR_OK && p->session.state == OTA_BEGUN)
		rc = ota_gate(t, p, false, err);
	return rc == ERR_OK ? ota_inputs(t, p, err) : rc;
}

static enum err_code
keep_second(struct txn *t, void *arg, struct err *err)
{
	struct ota_post *p = arg;
	struct ota *o = &p->session;
	enum err_code rc = check_second(t, p, err);

	if (rc == ERR_OK && o->state == OTA_IDENTITY)
		return strcmp(o->identity, p->fresh) == 0
		           ? ERR_OK
		           : err_set(err, ERR_CHANGED, "answered meanwhile");
	if (rc == ERR_OK)
		rc = ota_gate(t, p, true, err);
	if (rc != ERR_OK)
		return rc;
	o->state = OTA_IDENTITY;
	snprintf(o->udid, sizeof(o->udid), "%s", p->ask.udid);
	snprintf(o->serial, sizeof(o->serial), "%s", p->serial);
	memcpy(
	    o->signer, cert_fingerprint(p->message.signer), sizeof(o->signer));
	memcpy(o->identity, p->fresh, sizeof(o->identity));
	if ((rc = ota_store(t, o, err)) != ERR_OK ||
	    (rc = ota_challenge(t, p, o->identity, err)) != ERR_OK)
		return rc;
	return event_record(t, p->engine, p->org.number, err,
	    "device=%s ota: serial number %s: it may get a certificate; %s",
	    o->udid, o->serial[0] == '\0' ? "(not told)" : o->serial,
	    p->ask.note);
}

enum err_code
ota_second(struct ota_post *p, struct err *err)
{
	struct store *store = p->engine->store;
	enum apple_device how;
	enum err_code rc =
	    apple_device_check(p->engine, &p->message, &how, err);

	if (rc != ERR_OK)
		return rc;
	p->ask.note = apple_device_words(how);
	do {
		p->ours = false;
		if ((rc = store_view(store, look_second, p, err)) != ERR_OK)
			return rc;
		if (p->session.identity[0] != '\0')
			memcpy(p->fresh, p->session.identity, sizeof(p->fresh));
		else if ((rc = challenge_make(p->fresh, err)) != ERR_OK)
			return rc;
		if (p->in.scep.subject[0] == '\0')
			snprintf(p->in.scep.subject, sizeof(p->in.scep.subject),
			    "%s", SUBJECT);
		buf_reset(&p->reply);
		rc = profile_make_identity(&p->in, p->fresh, &p->reply, err);
		if (rc == ERR_OK) {
			p->ours = false;
			rc = store_update(store, keep_second, p, err);
		}
	} while (rc == ERR_CHANGED);
	return rc;
}
