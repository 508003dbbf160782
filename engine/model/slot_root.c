/* Devices get a private root with their enrollment profile, and keep it. */
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/slot_priv.h"
#include "engine/model/tls.h"
#include "engine/pki/review.h"

static const struct cert *
root_of(const struct identity *id)
{
	return identity_cert(id, identity_n_certs(id) - 1);
}

static enum err_code
count_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	uint64_t *n = arg;
	struct org o;
	enum err_code rc = org_decode(value, key_get_u32(key, 1), &o, err);

	(void)stop;
	if (rc == ERR_OK && o.removed_at == 0)
		*n += o.enrolled;
	return rc;
}

static enum err_code
enrolled(struct txn *t, uint32_t org, uint64_t *ret, struct err *err)
{
	struct key orgs = key_of(KIND_ORG);
	struct org o;
	enum err_code rc;

	*ret = 0;
	if (org == 0)
		return txn_each(
		    t, key_view(&orgs), BYTES_NONE, count_one, ret, err);
	if ((rc = org_read(t, org, &o, err)) == ERR_OK)
		*ret = o.enrolled;
	return rc;
}

enum err_code
slot_served_before(
    struct txn *t, struct slot_id id, struct identity **ret, struct err *err)
{
	enum err_code rc = slot_identity(t, id, ret, NULL);

	if (rc == ERR_NOT_FOUND)
		rc = tls_identity(t, ret, NULL);
	*ret = rc == ERR_OK ? *ret : NULL;
	/* one that is damaged is no reason against its successor */
	return rc == ERR_NO_MEMORY ? err_set(err, rc, "identity") : ERR_OK;
}

enum err_code
slot_tell_root(struct txn *t, struct engine *e, struct slot_id id,
    const struct identity *old, const struct identity *new, struct err *err)
{
	struct slot_facts facts;
	uint64_t n = 0;
	enum err_code rc = slot_facts(t, id, &facts, err);

	if (rc != ERR_OK || old == NULL ||
	    (facts.flaws & (FLAW_ROOT_PRIVATE | FLAW_SELF_SIGNED)) == 0 ||
	    bytes_equal(cert_spki(root_of(old)), cert_spki(root_of(new))) ||
	    (rc = enrolled(t, id.org, &n, err)) != ERR_OK || n == 0)
		return rc;
	return event_record(t, e, id.org, err,
	    "tls: devices do not know the root of this certificate (%s) by "
	    "themselves, and those that are enrolled (%llu) got another one "
	    "with their profile (%s): each that lacks the new root refuses to "
	    "connect now, and no command reaches it. Put the old certificate "
	    "back, copy the new root into system/trust/, install "
	    "/trust.mobileconfig on every device, then change",
	    cert_subject(root_of(new)), (unsigned long long)n,
	    cert_subject(root_of(old)));
}

enum err_code
slot_tell_gone(
    struct txn *t, struct engine *e, struct slot_id id, struct err *err)
{
	uint64_t n = 0;
	enum err_code rc = ERR_OK;

	/* without a further or an organization's one there is still this */
	if (id.org == 0 && id.dir == 0)
		rc = enrolled(t, 0, &n, err);
	if (rc != ERR_OK || n == 0)
		return rc;
	return event_record(t, e, 0, err,
	    "tls: the server shows a certificate of its own now: each enrolled "
	    "device (%llu) that did not get its root with the profile refuses "
	    "to connect until there is one in system/tls/ again under the root "
	    "that it knows",
	    (unsigned long long)n);
}
