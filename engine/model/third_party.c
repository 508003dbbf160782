#include "engine/model/third_party.h"

#include <string.h>

#include <openssl/evp.h>

#include "engine/base/text.h"
#include "engine/model/challenges.h"
#include "engine/model/events.h"

#define CHAIN_MAX 6

static struct key
kept_key(const struct scep_settings *s)
{
	struct key k = key_of(KIND_MATERIAL);

	key_u64(&k, s->url_ino);
	return k;
}

static enum err_code
read_certs(struct reader *r, struct third_party *p, struct err *err)
{
	uint32_t n = read_u32(r);
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && n-- > 0 && !r->failed &&
	       p->n_certs < THIRD_PARTY_CERTS) {
		rc = cert_parse(read_bytes(r), &p->certs[p->n_certs], err);
		if (rc == ERR_OK)
			p->n_certs++;
	}
	return rc;
}

static void
read_outcome(struct reader *r, struct third_party_outcome *o)
{
	o->at = read_i64(r);
	read_text(r, o->failure, sizeof(o->failure));
}

static void
record_outcome(struct buf *b, const struct third_party_outcome *o)
{
	record_i64(b, o->at);
	record_text(b, o->failure);
}

enum err_code
third_party_read(struct txn *t, const struct scep_settings *s,
    struct third_party *ret, struct err *err)
{
	struct key k = kept_key(s);
	struct third_party p = { .n_certs = 0 };
	struct buf b = { 0 };
	char url[SCEP_URL_MAX] = "";
	uint8_t version;
	struct reader r;
	enum err_code rc = txn_get_sealed(t, key_view(&k), &b, NULL);

	if (rc == ERR_OK) {
		r = reader_of(buf_view(&b), &version);
		read_text(&r, url, sizeof(url));
		p.fetched_at = read_i64(&r);
		read_text(&r, p.caps, sizeof(p.caps));
		if ((rc = read_certs(&r, &p, err)) == ERR_OK) {
			read_outcome(&r, &p.ca);
			read_outcome(&r, &p.ndes);
			rc = record_end(&r, "CA", err);
		}
		if (rc == ERR_OK && strcmp(url, s->url) != 0)
			rc = ERR_NOT_FOUND;
	}
	buf_free(&b);
	if (rc == ERR_OK)
		*ret = p;
	else
		third_party_fini(&p);
	return rc == ERR_NOT_FOUND
	           ? err_set(err, rc, "the CA at %s was not asked yet", s->url)
	           : rc;
}

enum err_code
third_party_store(struct txn *t, const struct scep_settings *s,
    const struct third_party *p, struct err *err)
{
	struct key k = kept_key(s);
	struct buf b = { 0 };
	enum err_code rc;
	size_t i;

	record_u8(&b, 1);
	record_text(&b, s->url);
	record_i64(&b, p->fetched_at);
	record_text(&b, p->caps);
	record_u32(&b, (uint32_t)p->n_certs);
	for (i = 0; i < p->n_certs; i++)
		record_bytes(&b, cert_der(p->certs[i]));
	record_outcome(&b, &p->ca);
	record_outcome(&b, &p->ndes);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put_sealed(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

void
third_party_fini(struct third_party *p)
{
	size_t i;

	for (i = 0; i < p->n_certs; i++)
		cert_free(p->certs[i]);
	p->n_certs = 0;
}

/* ---- judging its certificates -------------------------------------------- */

static bool
has_fingerprint(const struct cert *c, const struct scep_settings *s)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	const EVP_MD *md = s->fingerprint_len == 16   ? EVP_md5()
	                   : s->fingerprint_len == 20 ? EVP_sha1()
	                                              : EVP_sha256();
	struct bytes der = cert_der(c);
	unsigned len = 0;

	return EVP_Digest(der.p, der.len, digest, &len, md, NULL) == 1 &&
	       len == s->fingerprint_len &&
	       memcmp(digest, s->fingerprint, len) == 0;
}

struct cert *
third_party_pinned(const struct third_party *p, const struct scep_settings *s)
{
	size_t i;

	for (i = 0; i < p->n_certs; i++)
		if (cert_is_ca(p->certs[i]) &&
		    (s->fingerprint_len == 0 ||
			has_fingerprint(p->certs[i], s)))
			return p->certs[i];
	return NULL;
}

/* The CA among those that issued c; NULL: none. */
static struct cert *
issuer_of(const struct third_party *p, const struct cert *c)
{
	size_t i;

	for (i = 0; i < p->n_certs; i++)
		if (p->certs[i] != c && cert_is_ca(p->certs[i]) &&
		    cert_issued_by(c, p->certs[i]))
			return p->certs[i];
	return NULL;
}

bool
third_party_issued(const struct third_party *p, const struct scep_settings *s,
    const struct cert *cert)
{
	const struct cert *c = cert;
	int depth;

	for (depth = 0; depth < CHAIN_MAX; depth++) {
		if ((c = issuer_of(p, c)) == NULL)
			return false;
		if (s->fingerprint_len == 0 || has_fingerprint(c, s))
			return true;
	}
	return false;
}

/* ---- the random name ----------------------------------------------------- */

struct search {
	struct txn *t;
	const struct speaker *s;
	struct challenge found;
	bool known;
	bool used;
	bool ended;
};

static void
try_name(struct search *x, const char *name)
{
	struct challenge c;

	if (x->known || challenge_read(x->t, name, &c, NULL) != ERR_OK ||
	    c.org != x->s->org)
		return;
	x->used = c.used_at != 0;
	x->ended = c.expires <= x->s->now;
	x->known = !x->used && !x->ended;
	x->found = c;
}

/* Whole words of the length and the letters of challenge_make(). */
static void
search_text(struct search *x, const char *text)
{
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	char word[CHALLENGE_LEN + 1];
	size_t n;

	for (; *text != '\0'; text += n > 0 ? n : 1) {
		n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (n != CHALLENGE_LEN || strspn(text, letters) < n)
			continue;
		memcpy(word, text, n);
		word[n] = '\0';
		try_name(x, word);
	}
}

static enum err_code
find_name(struct search *x, const struct cert *c, struct err *err)
{
	size_t i;

	search_text(x, cert_subject(c));
	for (i = 0; i < cert_n_names(c); i++)
		search_text(x, cert_name(c, i)->text);
	if (x->known)
		return ERR_OK;
	if (x->used)
		return err_set(err, ERR_DENIED,
		    "%s came with a second certificate for one enrollment "
		    "profile: get a fresh profile",
		    x->s->id);
	if (x->ended)
		return err_set(err, ERR_DENIED,
		    "%s came with a certificate for an enrollment profile that "
		    "has expired: get a fresh profile",
		    x->s->id);
	return err_set(err, ERR_DENIED,
	    "the certificate of %s was not issued here, nor for an enrollment "
	    "profile of this organization",
	    x->s->id);
}

static enum err_code
check_issuer(struct txn *t, const struct scep_settings *settings,
    const struct speaker *s, struct err *err)
{
	struct third_party p;
	enum err_code rc = third_party_read(t, settings, &p, err);

	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND
		           ? err_set(err, ERR_DENIED,
				 "the certificate of %s cannot be judged: the "
				 "CA at %s has shown no certificate yet",
				 s->id, settings->url)
		           : rc;
	if (!third_party_issued(&p, settings, s->cert))
		rc = err_set(err, ERR_DENIED,
		    "the certificate of %s was not issued by the CA at %s",
		    s->id, settings->url);
	third_party_fini(&p);
	return rc;
}

static enum err_code
record(struct txn *t, const struct speaker *s, struct challenge *c,
    struct issued *ret, struct err *err)
{
	struct issued i = { .org = s->org,
		.meant = c->meant,
		.state = CERT_VALID,
		.expires = cert_expires(s->cert),
		.admission = c->admission };
	enum err_code rc;

	memcpy(i.fingerprint, s->fingerprint, sizeof(i.fingerprint));
	memcpy(i.key_id, cert_key_id(s->cert), sizeof(i.key_id));
	memcpy(i.name, c->name, sizeof(i.name));
	c->used_at = s->now;
	memcpy(c->key_id, i.key_id, sizeof(c->key_id));
	memcpy(c->fingerprint, i.fingerprint, sizeof(c->fingerprint));
	if ((rc = challenge_store(t, c, err)) == ERR_OK &&
	    (rc = issued_add(t, &i, s->cert, err)) == ERR_OK)
		rc = event_record(t, s->engine, s->org, err,
		    "scep: certificate %s of %s accepted for device=%s",
		    cert_serial(s->cert), cert_issuer(s->cert), s->id);
	if (rc == ERR_OK)
		rc = issued_read(t, s->fingerprint, ret, err);
	return rc;
}

enum err_code
third_party_accept(
    struct txn *t, const struct speaker *s, struct issued *ret, struct err *err)
{
	struct search x = { .t = t, .s = s };
	struct scep_settings settings;
	enum err_code rc = scep_settings_read(t, s->org, &settings, err);

	if (rc != ERR_OK)
		return rc;
	if (settings.url[0] == '\0' || s->cert == NULL)
		rc = err_set(err, ERR_DENIED,
		    "the certificate of %s was not issued here", s->id);
	/* the name first: it costs less than a signature */
	else if ((rc = find_name(&x, s->cert, err)) == ERR_OK &&
		 cert_begins(s->cert) > s->now + 86400)
		rc = err_set(err, ERR_DENIED,
		    "the certificate of %s is not valid yet", s->id);
	else if (rc == ERR_OK &&
		 (rc = check_issuer(t, &settings, s, err)) == ERR_OK)
		rc = record(t, s, &x.found, ret, err);
	scep_settings_wipe(&settings);
	return rc;
}
