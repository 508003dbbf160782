#include "engine/model/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/orgs.h"
#include "engine/model/slots.h"
#include "engine/model/token_message.h"
#include "engine/pki/bundle.h"

/* Of the stand-in for a certificate: nothing is renewed by it. */
#define FOR_EVER INT64_C(253402300799) /* 9999-12-31 */

enum message { AUTHENTICATE, TOKEN_UPDATE, BOOTSTRAP_TOKEN, MESSAGES };

static const char *const names[MESSAGES] = { "Authenticate", "TokenUpdate",
	"SetBootstrapToken" };

struct import {
	struct pl *root;
	enum message message;
	struct push_token token;
	char id[DEVICE_ID_MAX + 1];
	char user[USER_ID_MAX + 1];
	bool user_enrollment;
};

void
import_release(struct change *c)
{
	struct import *x = c->context;

	if (x == NULL)
		return;
	pl_free(x->root);
	OPENSSL_cleanse(x, sizeof(*x));
	free(x);
}

/* No certificate has it: who made one would have inverted SHA-256. */
static void
stand_in(const char *udid, uint8_t ret[static CERT_FINGERPRINT_LEN])
{
	char text[DEVICE_ID_MAX + 32];
	int n = snprintf(text, sizeof(text), "mdmfs imported %s", udid);

	SHA256((const uint8_t *)text, (size_t)n, ret);
}

bool
import_is_waiting(const struct device *d)
{
	uint8_t fingerprint[CERT_FINGERPRINT_LEN];

	stand_in(d->udid, fingerprint);
	return memcmp(d->fingerprint, fingerprint, sizeof(fingerprint)) == 0;
}

/* ---- a message ---------------------------------------------------------- */

static enum err_code
read_ids(struct import *x, struct err *err)
{
	const char *id = pl_get_string(x->root, "UDID");
	const char *user = pl_get_string(x->root, "UserID");

	x->user_enrollment = id == NULL;
	if (id == NULL) {
		id = pl_get_string(x->root, "EnrollmentID");
		user = pl_get_string(x->root, "EnrollmentUserID");
	}
	if (id == NULL || !device_id_valid(id))
		return err_set(err, ERR_INVALID,
		    "the message names no UDID or EnrollmentID of 1 to 64 "
		    "letters, digits and '-'");
	snprintf(x->id, sizeof(x->id), "%s", id);
	if (user != NULL && user[0] != '\0' && !user_escape(user, x->user))
		return err_set(
		    err, ERR_INVALID, "the id of the user is too long");
	return ERR_OK;
}

static enum err_code
read_message(struct import *x, struct err *err)
{
	const char *type = pl_get_string(x->root, "MessageType");
	unsigned i = 0;

	if (type == NULL)
		return err_set(err, ERR_INVALID,
		    "it is no check-in message: MessageType is missing");
	while (i < MESSAGES && strcmp(names[i], type) != 0)
		i++;
	if (i == MESSAGES)
		return err_set(err, ERR_INVALID,
		    "%.64s messages say nothing that could be taken over: an "
		    "Authenticate, a TokenUpdate or a SetBootstrapToken of the "
		    "old server is expected",
		    type);
	x->message = (enum message)i;
	if (x->message == TOKEN_UPDATE)
		return token_of_message(x->root, &x->token, err);
	if (x->message == BOOTSTRAP_TOKEN &&
	    pl_get_data(x->root, "BootstrapToken").len == 0)
		return err_set(err, ERR_INVALID,
		    "SetBootstrapToken without BootstrapToken");
	return ERR_OK;
}

enum err_code
import_judge(struct change *c, struct err *err)
{
	struct import *x = calloc(1, sizeof(*x));
	enum err_code rc;

	if (x == NULL)
		return err_set(err, ERR_NO_MEMORY, "import");
	import_release(c);
	c->context = x;
	if ((rc = pl_parse(c->w->bytes, &x->root, err)) != ERR_OK ||
	    (rc = read_message(x, err)) != ERR_OK)
		return rc;
	return read_ids(x, err);
}

/* ---- taking it over ----------------------------------------------------- */

static struct speaker
speaker(const struct change *c, const struct import *x)
{
	struct speaker s = { .engine = c->engine,
		.org = c->node.n.org,
		.user_enrollment = x->user_enrollment,
		.message = x->root,
		.now = engine_now(c->engine) };

	memcpy(s.id, x->id, sizeof(s.id));
	memcpy(s.user, x->user, sizeof(s.user));
	stand_in(x->id, s.fingerprint);
	return s;
}

/* The device begins its life here, as if it had come with the stand-in. */
static enum err_code
begin(struct txn *t, const struct speaker *s, struct err *err)
{
	struct issued issued = {
		.org = s->org, .state = CERT_VALID, .expires = FOR_EVER
	};
	struct speaker on_device = *s;
	enum err_code rc;

	on_device.user[0] = '\0';
	memcpy(issued.fingerprint, s->fingerprint, sizeof(issued.fingerprint));
	rc = issued_store(t, &issued, err);
	return rc == ERR_OK ? enrollment_authenticate(t, &on_device, err) : rc;
}

static enum err_code
take(struct txn *t, const struct import *x, const struct speaker *s,
    uint32_t device, struct err *err)
{
	static const char *const not_facts[] = { "MessageType", "Topic", "UDID",
		"EnrollmentID", NULL };

	switch (x->message) {
	case AUTHENTICATE:
		return fact_put_all(t, device, x->root, not_facts, err);
	case TOKEN_UPDATE:
		return enrollment_token_update(t, s, &x->token, err);
	case BOOTSTRAP_TOKEN:
		return secret_put(t, device, "BootstrapToken",
		    pl_get_data(x->root, "BootstrapToken"), err);
	case MESSAGES:
		break;
	}
	return ERR_OK;
}

enum err_code
import_apply(struct txn *t, struct change *c, struct err *err)
{
	const struct import *x = c->context;
	struct speaker s = speaker(c, x);
	struct device d;
	enum err_code rc = device_by_id(t, x->id, &d, NULL);

	if (rc == ERR_NOT_FOUND) {
		if ((rc = begin(t, &s, err)) == ERR_OK)
			rc = device_by_id(t, x->id, &d, err);
	} else if (rc == ERR_OK && d.org != s.org) {
		return err_set(err, ERR_NOT_UNIQUE,
		    "device %s is enrolled in another organization "
		    "(devices/%s/org): remove it there first (rmdir "
		    "devices/%s)",
		    x->id, x->id, x->id);
	} else if (rc == ERR_OK && !import_is_waiting(&d)) {
		snprintf(c->note, sizeof(c->note),
		    "device %s is here already and speaks for itself: nothing "
		    "of it changed",
		    x->id);
		return ERR_OK;
	}
	if (rc == ERR_OK)
		rc = take(t, x, &s, d.number, err);
	snprintf(c->note, sizeof(c->note),
	    "%s of device %s; its certificate is bound when it comes",
	    names[x->message], x->id);
	return rc;
}

/* ---- the first time ----------------------------------------------------- */

uint32_t
import_count(struct txn *t, uint32_t org)
{
	return issued_count(t, org, FOR_EVER);
}

bool
import_waits(struct txn *t, const struct speaker *s)
{
	struct issued issued;
	struct device d;

	return issued_read(t, s->fingerprint, &issued, NULL) == ERR_NOT_FOUND &&
	       device_by_id(t, s->id, &d, NULL) == ERR_OK && d.org == s->org &&
	       import_is_waiting(&d);
}

/* Whether import/ca.pem, if it is there, has issued the certificate. */
static enum err_code
check_ca(struct txn *t, const struct speaker *s, struct err *err)
{
	struct bundle *b = NULL;
	struct buf file = { 0 };
	struct node dir, n;
	bool good = false;
	size_t i;
	enum err_code rc =
	    org_file(t, s->org, "enrollment", "import", &dir, NULL);

	if (rc == ERR_OK)
		rc = node_find(t, dir.n.ino, "ca.pem", &n, NULL);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = node_get_content(t, &n, &file, err);
	if (rc == ERR_OK)
		rc = bundle_parse(buf_view(&file), NULL, 0, &b, err);
	for (i = 0; rc == ERR_OK && !good && i < bundle_n_certs(b); i++)
		good = cert_issued_by(s->cert, bundle_cert(b, i));
	bundle_free(b);
	buf_free(&file);
	if (rc == ERR_OK && !good)
		rc = err_set(err, ERR_DENIED,
		    "%s was imported, and came with a certificate of %s, which "
		    "is not that of enrollment/import/ca.pem",
		    s->id, cert_issuer(s->cert));
	return rc;
}

/* Which topic the push certificate has that the device is reached with, or
 * would be; "": not known yet. */
static enum err_code
topic_of(struct txn *t, uint32_t org, char ret[static 256], struct err *err)
{
	struct slot_facts facts;
	struct org o;
	enum err_code rc = org_read(t, org, &o, err);

	if (rc != ERR_OK)
		return rc;
	if (slot_facts(t, slot_of(org, SLOT_OF_APNS), &facts, NULL) == ERR_OK &&
	    facts.version != 0)
		memcpy(ret, facts.topic, sizeof(facts.topic));
	else
		snprintf(ret, 256, "%s", o.topic);
	return ERR_OK;
}

static enum err_code
check_topic(struct txn *t, const struct speaker *s, struct err *err)
{
	const char *said = pl_get_string(s->message, "Topic");
	char topic[256] = "";
	enum err_code rc = topic_of(t, s->org, topic, err);

	if (rc != ERR_OK || said == NULL || topic[0] == '\0' ||
	    strcmp(said, topic) == 0)
		return rc;
	return err_set(err, ERR_DENIED,
	    "%s was imported, and came with topic %.255s instead of %s", s->id,
	    said, topic);
}

enum err_code
import_bind(struct txn *t, const struct speaker *s, struct err *err)
{
	struct issued issued = { .org = s->org, .state = CERT_VALID };
	struct device d;
	enum err_code rc;

	if (!import_waits(t, s))
		return ERR_OK; /* another request was faster */
	if ((rc = check_topic(t, s, err)) != ERR_OK ||
	    (rc = check_ca(t, s, err)) != ERR_OK ||
	    (rc = device_by_id(t, s->id, &d, err)) != ERR_OK ||
	    (rc = issued_drop(t, d.fingerprint, FOR_EVER, err)) != ERR_OK)
		return rc;
	memcpy(issued.fingerprint, s->fingerprint, sizeof(issued.fingerprint));
	memcpy(issued.key_id, cert_key_id(s->cert), sizeof(issued.key_id));
	issued.device = d.number;
	issued.expires = cert_expires(s->cert);
	memcpy(d.fingerprint, s->fingerprint, sizeof(d.fingerprint));
	if ((rc = issued_add(t, &issued, s->cert, err)) != ERR_OK ||
	    (rc = device_store(t, &d, err)) != ERR_OK)
		return rc;
	return event_record(t, s->engine, s->org, err,
	    "device=%s import: it came for the first time, and its certificate "
	    "%s of %s is bound to it",
	    s->id, cert_label(s->cert), cert_issuer(s->cert));
}

enum err_code
import_ca_judge(struct change *c, struct err *err)
{
	struct bundle *b = NULL;
	enum err_code rc = bundle_parse(c->w->bytes, NULL, 0, &b, err);

	if (rc == ERR_OK && bundle_n_keys(b) > 0)
		rc = err_set(err, ERR_KEY_REJECTED,
		    "there is a private key in it: only the certificate of the "
		    "old server's CA belongs here");
	if (rc == ERR_OK && bundle_n_certs(b) == 0)
		rc = err_set(err, ERR_INVALID,
		    "there is no certificate in it: that of the old server's "
		    "CA for devices belongs here");
	bundle_free(b);
	return rc;
}
