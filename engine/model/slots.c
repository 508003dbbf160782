#include "engine/model/slots.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/probe.h"
#include "engine/pki/ca.h"
#include "engine/pki/review.h"

#define FACTS_VERSION 2

static struct key
slot_key(enum kind kind, struct slot_id id)
{
	struct key k = key_of(kind);

	key_u32(&k, id.org);
	key_u8(&k, (uint8_t)id.slot);
	if (id.dir != 0)
		key_u64(&k, id.dir);
	return k;
}

enum err_code
slot_facts(
    struct txn *t, struct slot_id id, struct slot_facts *ret, struct err *err)
{
	struct key k = slot_key(KIND_SLOT, id);
	struct slot_facts f = { 0 };
	struct bytes value;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc == ERR_NOT_FOUND) {
		*ret = f;
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "identity: %s", err_text(rc));
	r = reader_of(value, &version);
	f.version = read_u64(&r);
	read_raw(&r, f.fingerprint, sizeof(f.fingerprint));
	f.begins = read_i64(&r);
	f.expires = read_i64(&r);
	read_text(&r, f.topic, sizeof(f.topic));
	read_text(&r, f.subject, sizeof(f.subject));
	read_text(&r, f.serial, sizeof(f.serial));
	if (version >= FACTS_VERSION) {
		f.flaws = read_u32(&r);
		f.chain_ends = read_i64(&r);
		read_text(&r, f.issuer, sizeof(f.issuer));
		read_text(&r, f.missing, sizeof(f.missing));
		read_text(&r, f.root, sizeof(f.root));
		read_text(&r, f.names, sizeof(f.names));
	}
	if ((rc = record_end(&r, "identity", err)) == ERR_OK)
		*ret = f;
	return rc;
}

enum err_code
slot_identity(
    struct txn *t, struct slot_id id, struct identity **ret, struct err *err)
{
	struct key k = slot_key(KIND_IDENTITY, id);
	struct buf b = { 0 };
	enum err_code rc = txn_get_sealed(t, key_view(&k), &b, err);

	if (rc == ERR_OK)
		rc = identity_decode(buf_view(&b), ret, err);
	buf_wipe(&b);
	return rc;
}

enum err_code
slot_ends(struct txn *t, struct slot_id id, struct identity_ends *ret,
    struct err *err)
{
	struct key k = slot_key(KIND_IDENTITY, id);
	struct buf b = { 0 };
	enum err_code rc = txn_get_sealed(t, key_view(&k), &b, err);

	if (rc == ERR_OK)
		rc = identity_decode_ends(buf_view(&b), ret, err);
	buf_wipe(&b);
	return rc;
}

static enum slot_purpose
purpose_of(enum slot slot)
{
	switch (slot) {
	case SLOT_OF_APNS:
		return SLOT_APNS;
	case SLOT_OF_TLS:
	case SLOT_OF_OWN_TLS:
		return SLOT_TLS;
	case SLOT_OF_VENDOR:
		return SLOT_VENDOR;
	case SLOT_OF_SIGNING:
	case SLOT_OF_CA:
	case SLOT_OF_TLS_CA:
	case SLOT_OF_MDMCERT:
		break;
	}
	return SLOT_SIGNING;
}

/* Text that is too long for its field is cut: it is for people. */
static void
record_cut(struct buf *b, const char *s, size_t size)
{
	if (s == NULL)
		s = "";
	record_bytes(
	    b, bytes_of(s, (size_t)text_fit(bytes_text(s), (int)size - 1)));
}

static void
record_names(struct buf *b, const struct cert *leaf)
{
	struct slot_facts size;
	struct buf names = { 0 };
	size_t i;

	for (i = 0; i < cert_n_names(leaf); i++)
		buf_printf(&names, "%s%s", i == 0 ? "" : ", ",
		    cert_name(leaf, i)->text);
	record_cut(b, buf_str(&names), sizeof(size.names));
	buf_free(&names);
}

/* Who watches the HTTPS identities (tls.h) or the push certificates (probe.h)
 * looks at a counter. */
static enum err_code
count_change(struct txn *t, struct slot_id id, struct err *err)
{
	uint64_t n;

	if (id.slot == SLOT_OF_APNS)
		return probe_changed(t, err);
	if (id.slot != SLOT_OF_TLS && id.slot != SLOT_OF_OWN_TLS)
		return ERR_OK;
	return counter_next(t, "tls", &n, err);
}

static enum err_code
put_facts(struct txn *t, struct slot_id id, const struct identity *identity,
    struct err *err)
{
	const struct cert *leaf = identity_leaf(identity);
	struct key k = slot_key(KIND_SLOT, id);
	struct identity_review review = { 0 };
	struct slot_facts size;
	struct buf b = { 0 };
	uint64_t version;
	enum err_code rc = counter_next(t, "version", &version, err);

	if (rc != ERR_OK)
		return rc;
	identity_review(identity, purpose_of(id.slot), roots_system(), &review);
	record_u8(&b, FACTS_VERSION);
	record_u64(&b, version);
	record_raw(&b, cert_fingerprint(leaf), CERT_FINGERPRINT_LEN);
	record_i64(&b, cert_begins(leaf));
	record_i64(&b, cert_expires(leaf));
	record_cut(&b, cert_topic(leaf), sizeof(size.topic));
	record_cut(&b, cert_subject(leaf), sizeof(size.subject));
	record_cut(&b, cert_serial(leaf), sizeof(size.serial));
	record_u32(&b, review.flaws);
	record_i64(&b, review.chain_ends);
	record_cut(&b, cert_issuer(leaf), sizeof(size.issuer));
	record_cut(&b, review.missing, sizeof(size.missing));
	record_cut(&b, review.root, sizeof(size.root));
	record_names(&b, leaf);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
slot_install(struct txn *t, struct slot_id id, const struct identity *identity,
    struct err *err)
{
	struct key k = slot_key(KIND_IDENTITY, id);
	struct buf b = { 0 };
	enum err_code rc = identity_encode(identity, &b, err);

	if (rc == ERR_OK)
		rc = txn_put_sealed(t, key_view(&k), buf_view(&b), err);
	if (rc == ERR_OK)
		rc = put_facts(t, id, identity, err);
	if (rc == ERR_OK)
		rc = count_change(t, id, err);
	buf_wipe(&b);
	return rc;
}

enum err_code
slot_clear(struct txn *t, struct slot_id id, struct err *err)
{
	struct key identity = slot_key(KIND_IDENTITY, id);
	struct key facts = slot_key(KIND_SLOT, id);
	enum err_code rc = txn_drop(t, &identity, err);

	if (rc == ERR_OK)
		rc = txn_drop(t, &facts, err);
	return rc == ERR_OK ? count_change(t, id, err) : rc;
}

/* ---- the organization's own CA ------------------------------------------ */

struct ca {
	struct engine *engine;
	struct org org;
	struct identity *made;
	struct identity *found;
};

static enum err_code
ca_find_txn(struct txn *t, void *arg, struct err *err)
{
	struct ca *ca = arg;
	enum err_code rc;

	identity_free(ca->found);
	ca->found = NULL;
	if ((rc = org_read(t, ca->org.number, &ca->org, err)) != ERR_OK)
		return rc;
	return slot_identity(
	    t, slot_of(ca->org.number, SLOT_OF_CA), &ca->found, err);
}

/* Keep the one that was made, unless another thread was faster. */
static enum err_code
ca_keep_txn(struct txn *t, void *arg, struct err *err)
{
	struct ca *ca = arg;
	enum err_code rc = ca_find_txn(t, arg, NULL);

	if (rc != ERR_NOT_FOUND)
		return rc;
	rc =
	    slot_install(t, slot_of(ca->org.number, SLOT_OF_CA), ca->made, err);
	if (rc == ERR_OK)
		rc = event_record(t, ca->engine, ca->org.number, err,
		    "organization %s has its own CA for device certificates: "
		    "serial %s",
		    ca->org.name, cert_serial(identity_leaf(ca->made)));
	if (rc == ERR_OK)
		ca->found = identity_ref(ca->made);
	return rc;
}

enum err_code
slot_ca(struct engine *e, uint32_t org, struct identity **ret, struct err *err)
{
	struct ca ca = { .engine = e, .org = { .number = org } };
	char name[ORG_NAME_MAX + 16];
	enum err_code rc = store_view(e->store, ca_find_txn, &ca, err);

	if (rc == ERR_NOT_FOUND && ca.org.name[0] != '\0') {
		/* RFC 5280: 64 characters of common name at most */
		snprintf(name, sizeof(name), "%.*s Device CA",
		    text_fit(bytes_text(ca.org.name), 48), ca.org.name);
		rc = ca_create(name, engine_now(e), &ca.made, err);
		if (rc == ERR_OK)
			rc = store_update(e->store, ca_keep_txn, &ca, err);
	}
	if (rc == ERR_OK) {
		*ret = ca.found;
		ca.found = NULL;
	}
	identity_free(ca.made);
	identity_free(ca.found);
	return rc;
}
