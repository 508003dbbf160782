#include <string.h>

#include <openssl/err.h>

#include "engine/base/text.h"
#include "engine/model/orgs.h"
#include "engine/model/settings.h"
#include "engine/model/slots.h"
#include "engine/model/third_party.h"
#include "engine/pki/openssl.h"

#define DAY 86400

/* status/orgs/ORG/scep: who issues the organization's device certificates. */
struct page {
	struct engine *engine;
	uint32_t org;
	struct buf b;
};

/* What an administrator finds beside it in other people's tools. */
static void
line_sha1(const struct cert *c, struct buf *b)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(cert_x509(c), EVP_sha1(), digest, &len) == 1) {
		buf_text(b, "sha1: ");
		text_hex(b, bytes_of(digest, len));
		buf_char(b, '\n');
	}
	ERR_clear_error();
}

static void
lines_certificate(
    const struct cert *c, const char *by, int64_t now, struct buf *b)
{
	const char *state = cert_expires(c) < now  ? "ended"
	                    : cert_begins(c) > now ? "not valid yet"
	                                           : "in effect";

	buf_printf(b,
	    "state: %s\nmade-by: %s\nsubject: %s\nserial: %s\n"
	    "begins: ",
	    state, by, cert_subject(c), cert_serial(c));
	text_time(b, cert_begins(c));
	buf_text(b, "\nends: ");
	text_time(b, cert_expires(c));
	buf_printf(b, "\ndays-left: %lld\nsha256: ",
	    (long long)((cert_expires(c) - now) / DAY));
	text_hex(b, bytes_of(cert_fingerprint(c), CERT_FINGERPRINT_LEN));
	buf_char(b, '\n');
	line_sha1(c, b);
}

/* https://mdm.example.com/scep/acme, as enrollment profiles say it. */
static void
line_url(struct txn *t, const struct org *o, struct buf *b)
{
	struct system_url url;

	if (org_url_read(t, o->number, &url, NULL) != ERR_OK) {
		buf_text(b, "url: none: system/url is missing\n");
		return;
	}
	buf_printf(b, "url: %s/scep/", url.text);
	text_url(b, o->name);
	buf_char(b, '\n');
}

/* Another CA, and what it has shown. */
static enum err_code
lines_third_party(struct txn *t, struct page *p, bool *is, struct err *err)
{
	struct third_party known = { .n_certs = 0 };
	struct scep_settings s;
	const struct cert *ca;
	enum err_code rc = scep_settings_read(t, p->org, &s, err);

	if (rc != ERR_OK)
		return rc;
	*is = s.url[0] != '\0';
	if (*is) {
		buf_printf(&p->b, "third-party: %s\nproxy: %s\n", s.url,
		    s.proxy ? "yes" : "no");
		if (s.ndes_url[0] != '\0')
			buf_printf(&p->b, "ndes: %s\n", s.ndes_url);
	}
	if (*is && third_party_read(t, &s, &known, NULL) == ERR_OK) {
		buf_text(&p->b, "asked: ");
		text_time(&p->b, known.fetched_at);
		buf_char(&p->b, '\n');
		ca = third_party_pinned(&known, &s);
		if (ca != NULL)
			lines_certificate(
			    ca, "another CA", engine_now(p->engine), &p->b);
	}
	third_party_fini(&known);
	scep_settings_wipe(&s);
	return ERR_OK;
}

static enum err_code
page_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct identity *ca = NULL;
	struct org o;
	bool other;
	enum err_code rc = org_read(t, p->org, &o, err);

	buf_reset(&p->b);
	if (rc != ERR_OK ||
	    (rc = lines_third_party(t, p, &other, err)) != ERR_OK)
		return rc;
	if (other) {
		buf_printf(&p->b, "devices: %u\n", o.enrolled);
		return ERR_OK;
	}
	rc = slot_identity(t, slot_of(p->org, SLOT_OF_CA), &ca, NULL);
	if (rc == ERR_OK)
		lines_certificate(identity_leaf(ca), "this server",
		    engine_now(p->engine), &p->b);
	else if (rc == ERR_NOT_FOUND)
		buf_text(
		    &p->b, "state: made when the first device asks for it\n");
	else
		return err_set(
		    err, rc, "the organization's CA: %s", err_text(rc));
	identity_free(ca);
	line_url(t, &o, &p->b);
	buf_printf(&p->b, "devices: %u\n", o.enrolled);
	return ERR_OK;
}

enum err_code
org_scep_page(struct engine *e, uint32_t org, struct buf *b, struct err *err)
{
	struct page p = { .engine = e, .org = org };
	enum err_code rc = store_view(e->store, page_txn, &p, err);

	if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&p.b));
		rc = buf_error(b, err);
	}
	buf_free(&p.b);
	return rc;
}
