#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/orgs.h"
#include "engine/model/slot_priv.h"
#include "engine/model/tls.h"
#include "engine/pki/pem.h"

/* status/.../apns, signing, tls, vendor: the identity in effect, line by line,
 * the request that waits for its answer, and what else waits. */
struct page {
	struct engine *engine;
	struct slot_id id;
	const struct slot_kind *kind;
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
	if (p->kind->dir == PLACE_APNS)
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
		       "into apns/, or write apns/subject for a request; "
		       "without it no device can enroll";
	if (place == PLACE_SIGNING && org != 0)
		return "profiles are signed with system/signing, if there is "
		       "one";
	if (place == PLACE_SIGNING)
		return "profiles are not signed: copy a certificate with its "
		       "key into system/signing/, or write "
		       "system/signing/subject for a request";
	if (place == PLACE_VENDOR)
		return "only for MDM vendors: copy the vendor certificate with "
		       "its key and the chain above it into system/vendor/, or "
		       "write system/vendor/subject for a request; requests "
		       "for push certificates are then signed with it";
	if (place == PLACE_TLS_NAMED)
		return "copy the HTTPS certificate with its key here, or write "
		       "names and subject for a request";
	if (org != 0)
		return "the certificate in system/tls serves; if the "
		       "organization has a url of its own, copy its HTTPS "
		       "certificate with its key into tls/, or write "
		       "tls/subject for a request";
	return "copy the HTTPS certificate with its key into system/tls/, or "
	       "write system/tls/subject for a request";
}

/* ---- what waits --------------------------------------------------------- */

static void
put_key(struct page *p, const char *name, const struct slot_own_key *k)
{
	char fingerprint[17];

	slot_request_fingerprint(k->id, fingerprint);
	buf_printf(&p->b, "%s: %s %s, made ", name, slot_key_type_name(k->type),
	    fingerprint);
	text_time(&p->b, k->made);
	buf_char(&p->b, '\n');
}

static enum err_code
put_request(struct txn *t, struct page *p, const struct slot_request *r,
    const struct slot_own_keys *keys, struct err *err)
{
	size_t i;

	buf_text(&p->b, "request: ");
	if (r->der.len > 0)
		slot_request_path(t, r->id, &p->b);
	else
		buf_text(&p->b, "waits for a name");
	buf_printf(&p->b, "\nrequest-subject: %s\n", r->subject);
	for (i = 0; i < keys->n; i++)
		if (memcmp(keys->v[i].id, r->key_id, sizeof(r->key_id)) == 0)
			put_key(p, "request-key", &keys->v[i]);
	if (r->names.len > 0) {
		buf_text(&p->b, "request-names: ");
		buf_bytes(&p->b, buf_view(&r->names));
		buf_char(&p->b, '\n');
	}
	line_time(&p->b, "request-made", r->made);
	buf_text(&p->b, "request-next: ");
	if (slot_request_advice(t, r, &p->b, err) != ERR_OK)
		return err->code;
	buf_char(&p->b, '\n');
	return ERR_OK;
}

static enum err_code
request(struct txn *t, struct page *p, struct err *err)
{
	struct slot_request r = { .made = 0 };
	struct slot_own_keys keys = { .n = 0 };
	enum err_code rc = slot_keys_list(t, p->id, &keys, err), found;
	size_t i;

	if (rc != ERR_OK)
		return rc;
	found = slot_request_get(t, p->id, &r, NULL);
	if (found == ERR_OK)
		rc = put_request(t, p, &r, &keys, err);
	else if (found != ERR_NOT_FOUND)
		rc = err_set(err, found, "request: %s", err_text(found));
	/* those of earlier requests, whose answers may be under way */
	for (i = 0; i < keys.n; i++)
		if (!keys.v[i].answered &&
		    memcmp(keys.v[i].id, r.key_id, sizeof(r.key_id)) != 0)
			put_key(p, "key-waiting", &keys.v[i]);
	slot_request_fini(&r);
	return rc;
}

/* Each line of slot_waiting_of() as a line of the page. */
static void
waiting_lines(struct page *p, const char *file, struct bytes text)
{
	struct bytes line;

	while (text_line(&text, &line)) {
		buf_text(&p->b, "waiting: ");
		text_escape(&p->b, bytes_text(file));
		buf_text(&p->b, ": ");
		text_escape(&p->b, line);
		buf_char(&p->b, '\n');
	}
}

static enum err_code
waiting(struct txn *t, struct page *p, const struct identity *in_use,
    struct err *err)
{
	const struct bundle *bundles[SLOT_FILES_MAX + SLOT_KEYS_MAX];
	struct slot_files *x = calloc(1, sizeof(*x));
	struct buf lines = { 0 };
	enum err_code rc;
	size_t i;

	if (x == NULL)
		return err_set(err, ERR_NO_MEMORY, "slot");
	x->kind = p->kind;
	x->id = p->id;
	if ((rc = slot_files_load(t, x, err)) == ERR_OK) {
		for (i = 0; i < x->n; i++)
			bundles[i] = x->files[i].bundle;
		/* keys that the server made have no file and stand at the
		 * request */
		for (i = 0; i < x->n && x->files[i].ino != 0; i++) {
			buf_reset(&lines);
			slot_waiting_of(
			    p->kind->purpose, bundles, x->n, i, in_use, &lines);
			waiting_lines(p, x->files[i].name, buf_view(&lines));
		}
		rc = buf_error(&lines, err);
	}
	buf_free(&lines);
	slot_files_fini(x);
	free(x);
	return rc;
}

/* ---- pages -------------------------------------------------------------- */

static enum err_code
in_effect(struct txn *t, struct page *p, struct identity **ret, struct err *err)
{
	bool main_tls = p->kind->dir == PLACE_TLS && p->id.org == 0;
	struct tls_state s = { .own = false };
	struct slot_id id = p->id;
	enum err_code rc =
	    main_tls ? tls_state(t, &s, err) : slot_facts(t, id, &s.facts, err);

	if (rc != ERR_OK)
		return rc;
	if (s.facts.version == 0) {
		buf_printf(&p->b, "state: none\nadvice: %s\n",
		    advice(p->kind->dir, p->id.org));
		return ERR_OK;
	}
	facts(p, &s.facts);
	if (s.own) {
		buf_text(&p->b,
		    "made-by: this server, because system/tls has no "
		    "certificate that can be used\n");
		id = slot_of(0, SLOT_OF_OWN_TLS);
	}
	if ((rc = slot_identity(t, id, ret, err)) == ERR_OK)
		chain(p, *ret);
	return rc;
}

static enum err_code
page_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct identity *id = NULL;
	enum err_code rc;

	buf_reset(&p->b);
	if ((rc = in_effect(t, p, &id, err)) == ERR_OK &&
	    (rc = request(t, p, err)) == ERR_OK)
		rc = waiting(t, p, id, err);
	identity_free(id);
	return rc;
}

static enum err_code
request_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct slot_request r = { .made = 0 };
	enum err_code rc = slot_request_get(t, p->id, &r, err);

	buf_reset(&p->b);
	if (rc == ERR_OK && r.der.len == 0)
		rc =
		    err_set(err, ERR_NOT_FOUND, "the request waits for a name");
	if (rc == ERR_OK)
		pem_put(&p->b, "CERTIFICATE REQUEST", buf_view(&r.der));
	slot_request_fini(&r);
	return rc;
}

static enum err_code
show(struct page *p, txn_fn *fn, struct buf *b, struct err *err)
{
	enum err_code rc;

	if (p->kind == NULL)
		return err_set(err, ERR_INTERNAL, "not an identity slot");
	if ((rc = store_view(p->engine->store, fn, p, err)) == ERR_OK) {
		buf_bytes(b, buf_view(&p->b));
		rc = buf_error(b, err);
	}
	buf_free(&p->b);
	return rc;
}

static struct page
page_of(struct engine *e, uint32_t org, enum place place, uint64_t dir)
{
	struct page p = { .engine = e, .kind = slot_kind(place) };

	if (p.kind != NULL)
		p.id = (struct slot_id){ org, p.kind->slot, dir };
	return p;
}

enum err_code
org_slot_page(struct engine *e, uint32_t org, enum place place, struct buf *b,
    struct err *err)
{
	struct page p = page_of(e, org, place, 0);

	return show(&p, page_txn, b, err);
}

enum err_code
org_request_page(struct engine *e, uint32_t org, enum place place,
    struct buf *b, struct err *err)
{
	struct page p = page_of(e, org, place, 0);

	return show(&p, request_txn, b, err);
}

enum err_code
org_tls_page(struct engine *e, uint64_t dir, struct buf *b, struct err *err)
{
	struct page p = page_of(e, 0, PLACE_TLS_NAMED, dir);

	return show(&p, page_txn, b, err);
}

enum err_code
org_tls_request_page(
    struct engine *e, uint64_t dir, struct buf *b, struct err *err)
{
	struct page p = page_of(e, 0, PLACE_TLS_NAMED, dir);

	return show(&p, request_txn, b, err);
}
