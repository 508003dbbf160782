#include "engine/base/text.h"
#include "engine/model/orgs.h"
#include "engine/model/slot_priv.h"
#include "engine/model/tls.h"

/* status/.../apns, signing, tls: the identity in effect, line by line. */
struct page {
	struct engine *engine;
	uint32_t org;
	enum place place;
	struct buf b;
};

static void
line_time(struct buf *b, const char *key, int64_t seconds)
{
	buf_printf(b, "%s: ", key);
	text_time(b, seconds);
	buf_char(b, '\n');
}

static const char *
state_of(const struct slot_facts *f, int64_t now)
{
	if (f->expires < now)
		return "ended";
	return f->begins > now ? "not valid yet" : "in effect";
}

static void
facts(struct page *p, const struct slot_facts *f)
{
	int64_t now = engine_now(p->engine);

	buf_printf(&p->b, "state: %s\nsubject: %s\nserial: %s\n",
	    state_of(f, now), f->subject, f->serial);
	if (p->place == PLACE_APNS)
		buf_printf(&p->b, "topic: %s\n", f->topic);
	line_time(&p->b, "begins", f->begins);
	line_time(&p->b, "ends", f->expires);
	buf_printf(&p->b, "days-left: %lld\nsha256: ",
	    (long long)((f->expires - now) / 86400));
	text_hex(&p->b, bytes_of(f->fingerprint, sizeof(f->fingerprint)));
	buf_char(&p->b, '\n');
}

static void
chain(struct page *p, const struct identity *id)
{
	const char *missing = NULL;
	size_t i;

	for (i = 1; i < identity_n_certs(id); i++)
		buf_printf(
		    &p->b, "chain: %s\n", cert_subject(identity_cert(id, i)));
	if (!identity_chain_complete(id, &missing))
		buf_printf(&p->b, "chain-missing: %s\n", missing);
	for (i = 0; i < cert_n_names(identity_leaf(id)); i++)
		buf_printf(
		    &p->b, "name: %s\n", cert_name(identity_leaf(id), i)->text);
}

static const char *
advice(enum place place, uint32_t org)
{
	if (place == PLACE_APNS)
		return "copy the push certificate with its key (.p12, .pem) "
		       "into apns/; without it no device can enroll";
	if (place == PLACE_SIGNING && org != 0)
		return "profiles are signed with system/signing, if there is "
		       "one";
	if (place == PLACE_SIGNING)
		return "profiles are not signed: copy a certificate with its "
		       "key into system/signing/";
	if (place == PLACE_VENDOR)
		return "only for MDM vendors: copy the vendor certificate with "
		       "its key and the chain above it into system/vendor/, "
		       "and requests for push certificates are signed with it";
	return "copy the HTTPS certificate with its key into system/tls/";
}

static enum err_code
page_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	enum slot slot = slot_kind(p->place)->slot;
	struct identity *id = NULL;
	struct tls_state s = { .own = false };
	enum err_code rc =
	    p->place == PLACE_TLS
		? tls_state(t, &s, err)
		: slot_facts(t, slot_of(p->org, slot), &s.facts, err);

	buf_reset(&p->b);
	if (rc != ERR_OK)
		return rc;
	if (s.facts.version == 0) {
		buf_printf(&p->b, "state: none\nadvice: %s\n",
		    advice(p->place, p->org));
		return ERR_OK;
	}
	facts(p, &s.facts);
	if (s.own)
		buf_text(&p->b,
		    "made-by: this server, because system/tls is empty\n");
	rc = slot_identity(
	    t, slot_of(p->org, s.own ? SLOT_OF_OWN_TLS : slot), &id, err);
	if (rc == ERR_OK)
		chain(p, id);
	identity_free(id);
	return rc;
}

enum err_code
org_slot_page(struct engine *e, uint32_t org, enum place place, struct buf *b,
    struct err *err)
{
	struct page p = { .engine = e, .org = org, .place = place };
	enum err_code rc = store_view(e->store, page_txn, &p, err);

	if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&p.b));
		rc = buf_error(b, err);
	}
	buf_free(&p.b);
	return rc;
}
