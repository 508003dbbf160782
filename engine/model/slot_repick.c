#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/slot_priv.h"
#include "engine/model/vendor.h"

/* A topic that takes another one's place. */
struct topic_change {
	char from[ORG_TOPIC_MAX + 1]; /* "": there is none */
	uint32_t devices;
};

static enum err_code
refuse_topic(struct txn *t, uint32_t org, const struct topic_change *change,
    const char *topic, struct err *err)
{
	char account[128];

	if (org_setting(t, org, "apns", "apple-account", account,
		sizeof(account)) != ERR_OK)
		account[0] = '\0';
	return err_set(err, ERR_KEY_REJECTED,
	    "this push certificate has the topic %s, but %u enrolled device%s "
	    "%s and would fall silent. Renew the old certificate at "
	    "https://identity.apple.com/pushcert with the Apple Account that "
	    "made it (%s%s), do not create a new one. If every device shall "
	    "enroll again, write the new topic into apns/allow-topic-change "
	    "first",
	    topic, change->devices, change->devices == 1 ? " uses" : "s use",
	    change->from, account[0] != '\0' ? "on record: " : "",
	    account[0] != '\0' ? account
			       : "none is on record: note it in "
				 "apns/apple-account once it is known");
}

/*
 * Devices keep the topic that they enrolled with: with a certificate of
 * another one they would never hear from this server again.
 */
static enum err_code
guard_topic(struct txn *t, uint32_t org, const char *topic,
    struct topic_change *ret, struct err *err)
{
	char allowed[ORG_TOPIC_MAX + 1];
	struct org o;
	enum err_code rc = org_read(t, org, &o, err);

	if (rc != ERR_OK || o.enrolled == 0 || o.topic[0] == '\0' ||
	    strcmp(o.topic, topic) == 0)
		return rc;
	memcpy(ret->from, o.topic, sizeof(ret->from));
	ret->devices = o.enrolled;
	if (org_setting(t, org, "apns", "allow-topic-change", allowed,
		sizeof(allowed)) == ERR_OK &&
	    strcmp(allowed, topic) == 0)
		return ERR_OK;
	return refuse_topic(t, org, ret, topic, err);
}

static enum err_code
tell_topic(struct txn *t, struct engine *e, uint32_t org,
    const struct topic_change *change, const char *topic, struct err *err)
{
	bool one = change->devices == 1;

	return event_record(t, e, org, err,
	    "apns: the topic changes from %s to %s, as allow-topic-change "
	    "says: %u device%s that enrolled with %s will not hear pushes, and "
	    "so get no commands, until %s again",
	    change->from, topic, change->devices, one ? "" : "s", change->from,
	    one ? "it enrolls" : "they enroll");
}

static enum err_code
put_into_effect(struct txn *t, struct engine *e, const struct slot_files *x,
    const struct identity *id, struct err *err)
{
	const struct cert *leaf = identity_leaf(id);
	struct topic_change change = { .from = "" };
	struct identity *old = NULL;
	struct slot_facts now;
	struct buf end = { 0 };
	enum err_code rc = slot_facts(t, x->id, &now, err);

	if (rc != ERR_OK)
		return rc;
	/* a topic that is in effect already was allowed once */
	if (x->kind->purpose == SLOT_APNS &&
	    strcmp(now.topic, cert_topic(leaf)) != 0 &&
	    (rc = guard_topic(t, x->id.org, cert_topic(leaf), &change, err)) !=
		ERR_OK)
		return rc;
	if (x->kind->purpose == SLOT_TLS &&
	    (rc = slot_served_before(t, x->id, &old, err)) != ERR_OK)
		return rc;
	if ((rc = slot_install(t, x->id, id, err)) != ERR_OK ||
	    (now.version != 0 && memcmp(now.fingerprint, cert_fingerprint(leaf),
				     sizeof(now.fingerprint)) == 0))
		goto out; /* the same one, perhaps with a better chain */
	text_time(&end, cert_expires(leaf));
	rc = event_record(t, e, x->id.org, err,
	    "%s: certificate %s serial %s is in effect until %s", x->kind->name,
	    cert_subject(leaf), cert_serial(leaf), buf_str(&end));
	buf_free(&end);
	if (rc == ERR_OK && change.from[0] != '\0')
		rc =
		    tell_topic(t, e, x->id.org, &change, cert_topic(leaf), err);
	if (rc == ERR_OK && x->kind->purpose == SLOT_TLS)
		rc = slot_tell_root(t, e, x->id, old, id, err);
out:
	identity_free(old);
	return rc;
}

static bool
has_cert(const struct slot_file *file, const struct slot_facts *f)
{
	size_t j;

	for (j = 0; j < bundle_n_certs(file->bundle); j++)
		if (memcmp(cert_fingerprint(bundle_cert(file->bundle, j)),
			f->fingerprint, sizeof(f->fingerprint)) == 0)
			return true;
	return false;
}

/* Whether the certificate in effect is still among the files. */
static bool
still_there(const struct slot_files *x, const struct slot_facts *f)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (!x->files[i].leaving && has_cert(&x->files[i], f))
			return true;
	return false;
}

/* Whether it is leaving: it may come back, and goes at its own time. */
static bool
is_leaving(const struct slot_files *x, const struct slot_facts *f)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (x->files[i].leaving && has_cert(&x->files[i], f))
			return !still_there(x, f);
	return false;
}

/* Out of effect, for that reason. */
static enum err_code
take_out(struct txn *t, struct engine *e, const struct slot_files *x,
    const char *why, struct err *err)
{
	struct slot_facts facts;
	enum err_code rc = slot_facts(t, x->id, &facts, err);

	if (rc != ERR_OK || facts.version == 0 || still_there(x, &facts))
		return rc;
	if ((rc = slot_clear(t, x->id, err)) == ERR_OK)
		rc = event_record(t, e, x->id.org, err,
		    "%s: certificate %s is out of effect: %s", x->kind->name,
		    facts.subject, why);
	if (rc == ERR_OK && x->kind->purpose == SLOT_TLS)
		rc = slot_tell_gone(t, e, x->id, err);
	return rc;
}

static enum err_code
pick(struct txn *t, struct engine *e, struct slot_files *x, bool removing,
    struct err *err)
{
	const struct bundle *bundles[SLOT_FILES_MAX + SLOT_KEYS_MAX];
	struct identity *id = NULL;
	struct slot_facts now;
	struct err why = { 0 };
	enum err_code rc = slot_facts(t, x->id, &now, err);
	size_t i, n = 0;

	if (rc != ERR_OK || (now.version != 0 && is_leaving(x, &now)))
		return rc;
	for (i = 0; i < x->n; i++)
		if (!x->files[i].leaving)
			bundles[n++] = x->files[i].bundle;
	rc = slot_pick(x->kind->purpose, bundles, n, engine_now(e), &id, err);
	if (rc == ERR_OK) {
		rc = put_into_effect(t, e, x, id, &why);
		identity_free(id);
		/* a removal has happened: it cannot be refused for what is
		 * left in the slot */
		if (rc == ERR_KEY_REJECTED && removing)
			return take_out(t, e, x, why.msg, err);
		return rc == ERR_OK ? rc : err_set(err, rc, "%s", why.msg);
	}
	if (rc != ERR_NOT_FOUND || !removing)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	return take_out(t, e, x, "its file was removed", err);
}

enum err_code
slot_repick(struct txn *t, struct engine *e, const struct slot_kind *kind,
    struct slot_id id, bool removing, struct err *err)
{
	struct slot_files *x = calloc(1, sizeof(*x));
	enum err_code rc;

	if (x == NULL)
		return err_set(err, ERR_NO_MEMORY, "slot");
	x->kind = kind;
	x->id = id;
	x->with_leaving = removing;
	if ((rc = slot_files_load(t, x, err)) == ERR_OK)
		rc = pick(t, e, x, removing, err);
	if (rc == ERR_OK)
		rc = slot_request_answered(t, e, x, err);
	if (rc == ERR_OK && kind->purpose == SLOT_VENDOR)
		rc = vendor_changed(t, e, err);
	slot_files_fini(x);
	free(x);
	return rc;
}
