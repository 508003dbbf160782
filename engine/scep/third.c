#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/pki/bundle.h"
#include "engine/scep/third_priv.h"
#include "engine/scep/upstream.h"

#define FAILED_FOR 60  /* seconds */
#define DENIED_FOR 600 /* a wrong password must not lock the account */

/* ---- failures ------------------------------------------------------------ */

static void
hash_settings(const struct scep_settings *s, uint8_t ret[static 32])
{
	struct buf b = { 0 };

	buf_printf(&b, "%u\n%s\n%s\n%s\n%s\n%s\n", s->org, s->url, s->name,
	    s->ndes_url, s->ndes_user, s->ndes_password);
	buf_put(&b, s->fingerprint, s->fingerprint_len);
	SHA256(b.p, b.len, ret);
	buf_wipe(&b);
}

/* ERR_OK, or the failure that is still fresh. */
static enum err_code
recall(struct third *t, const struct scep_settings *s, struct err *err)
{
	struct failure *f = &t->failures[s->org % THIRD_PLACES];
	enum err_code rc = ERR_OK;
	uint8_t hash[32];

	hash_settings(s, hash);
	pthread_mutex_lock(&t->mutex);
	if (f->until > engine_now(t->engine) &&
	    memcmp(f->of, hash, sizeof(hash)) == 0)
		rc = err_set(err, f->err.code, "%s", f->err.msg);
	pthread_mutex_unlock(&t->mutex);
	return rc;
}

static void
remember(struct third *t, const struct scep_settings *s, enum err_code rc,
    const struct err *err)
{
	struct failure *f = &t->failures[s->org % THIRD_PLACES];
	struct buf b = { 0 };

	/* nobody was asked: it may be possible in a moment */
	if (rc != ERR_CHANGED) {
		pthread_mutex_lock(&t->mutex);
		hash_settings(s, f->of);
		f->until = engine_now(t->engine) +
		           (rc == ERR_DENIED ? DENIED_FOR : FAILED_FOR);
		f->err = *err;
		f->err.code = rc;
		pthread_mutex_unlock(&t->mutex);
	}
	buf_printf(&b, "scep: %s", err->msg);
	teller_say(t->teller, s->org, engine_now(t->engine), buf_str(&b));
	buf_free(&b);
}

/* ---- outcomes, for the doctor -------------------------------------------- */

struct note {
	const struct scep_settings *s;
	bool ndes;
	struct third_party_outcome outcome;
};

static enum err_code
note_txn(struct txn *t, void *arg, struct err *err)
{
	const struct note *n = arg;
	struct third_party p = { .n_certs = 0 };
	enum err_code rc = third_party_read(t, n->s, &p, NULL);

	if (rc != ERR_OK)
		p = (struct third_party){ .n_certs = 0 };
	*(n->ndes ? &p.ndes : &p.ca) = n->outcome;
	rc = third_party_store(t, n->s, &p, err);
	third_party_fini(&p);
	return rc;
}

/* why: NULL if it went well. */
static void
note(struct third *t, const struct scep_settings *s, bool ndes,
    const struct err *why)
{
	struct note n = { s, ndes, { .at = engine_now(t->engine) } };
	struct err err = { 0 };

	if (why != NULL)
		snprintf(n.outcome.failure, sizeof(n.outcome.failure), "%.*s",
		    text_fit(bytes_text(why->msg),
			(int)sizeof(n.outcome.failure) - 1),
		    why->msg);
	if (store_update(t->engine->store, note_txn, &n, &err) != ERR_OK)
		log_warn("scep: %s", err.msg);
}

/* ---- what the CA shows --------------------------------------------------- */

struct learn {
	struct third *t;
	const struct scep_settings *s;
	struct third_party p;
	const char *caps; /* NULL: those that are kept */
};

static bool
is_same(const struct third_party *a, const struct third_party *b)
{
	size_t i;

	for (i = 0; i < a->n_certs && i < b->n_certs; i++)
		if (memcmp(cert_fingerprint(a->certs[i]),
			cert_fingerprint(b->certs[i]),
			CERT_FINGERPRINT_LEN) != 0)
			return false;
	return a->n_certs == b->n_certs;
}

static enum err_code
learn_txn(struct txn *t, void *arg, struct err *err)
{
	struct learn *l = arg;
	const struct cert *ca = third_party_pinned(&l->p, l->s);
	struct third_party old = { .n_certs = 0 };
	enum err_code rc = third_party_read(t, l->s, &old, NULL);
	bool same = rc == ERR_OK && is_same(&old, &l->p);

	snprintf(l->p.caps, sizeof(l->p.caps), "%s",
	    l->caps != NULL ? l->caps : old.caps);
	l->p.ndes = old.ndes;
	l->p.ca = (struct third_party_outcome){ .at = l->p.fetched_at };
	third_party_fini(&old);
	rc = third_party_store(t, l->s, &l->p, err);
	if (rc != ERR_OK || same)
		return rc;
	return event_record(t, l->t->engine, l->s->org, err,
	    "scep: the CA at %s is %s; %zu certificate%s", l->s->url,
	    cert_label(ca), l->p.n_certs, l->p.n_certs == 1 ? "" : "s");
}

/* The certificates in an answer to GetCACert. */
static enum err_code
read_certs(struct bytes reply, struct third_party *p, struct err *err)
{
	struct bundle *b = NULL;
	size_t i;
	enum err_code rc = bundle_parse(reply, NULL, 0, &b, err);

	if (rc != ERR_OK || bundle_n_certs(b) == 0) {
		bundle_free(b);
		return err_set(err, ERR_UNDECODABLE,
		    "its answer to GetCACert is no certificate");
	}
	for (i = 0; i < bundle_n_certs(b) && i < THIRD_PARTY_CERTS; i++)
		p->certs[p->n_certs++] = cert_ref(bundle_cert(b, i));
	bundle_free(b);
	return ERR_OK;
}

static enum err_code
not_pinned(const struct third_party *p, struct err *err)
{
	struct buf hex = { 0 };
	enum err_code rc;

	text_hex(&hex, bytes_of(cert_fingerprint(p->certs[0]), 32));
	rc = err_set(err, ERR_DENIED,
	    "no CA certificate that it shows has the fingerprint in "
	    "scep/fingerprint; the first one it shows is %s, SHA-256 %s",
	    cert_label(p->certs[0]), buf_str(&hex));
	buf_free(&hex);
	return rc;
}

enum err_code
third_learn(struct third *t, const struct scep_settings *s, struct bytes reply,
    const char *caps, struct err *err)
{
	struct learn l = { .t = t, .s = s, .caps = caps };
	enum err_code rc;

	l.p.fetched_at = engine_now(t->engine);
	if ((rc = read_certs(reply, &l.p, err)) == ERR_OK &&
	    third_party_pinned(&l.p, s) == NULL)
		rc = s->fingerprint_len > 0 ? not_pinned(&l.p, err)
		                            : err_set(err, ERR_DENIED,
						  "none of the certificates "
						  "that it shows is a CA's");
	if (rc != ERR_OK)
		rc = err_context(err, "the CA at %s", s->url);
	else
		rc = store_update(t->engine->store, learn_txn, &l, err);
	third_party_fini(&l.p);
	return rc;
}

/* ---- asking -------------------------------------------------------------- */

/* Append ?operation=OPERATION[&message=NAME] */
static void
put_query(const struct scep_settings *s, const char *operation, struct buf *b)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-._~";
	const char *p;

	buf_printf(b, "%s?operation=%s", s->url, operation);
	if (s->name[0] == '\0')
		return;
	buf_text(b, "&message=");
	for (p = s->name; *p != '\0'; p++)
		if (strchr(plain, *p) != NULL)
			buf_char(b, *p);
		else
			buf_printf(b, "%%%02X", (unsigned char)*p);
}

static enum err_code
get(struct third *t, const struct scep_settings *s, const char *operation,
    struct upstream_reply *ret, struct err *err)
{
	struct buf url = { 0 };
	struct upstream u = { .engine = t->engine };
	bool timed_out;
	enum err_code rc;

	put_query(s, operation, &url);
	u.url = buf_str(&url);
	if ((rc = buf_error(&url, err)) == ERR_OK)
		rc = upstream_ask(&u, ret, &timed_out, err);
	buf_free(&url);
	if (rc != ERR_OK)
		return err_context(err, "the CA: %s", operation);
	return ERR_OK;
}

static enum err_code
ask(struct third *t, const struct scep_settings *s, struct err *err)
{
	struct upstream_reply caps = { .status = 0 }, certs = { .status = 0 };
	char words[THIRD_PARTY_CAPS + 1] = "";
	enum err_code rc = get(t, s, "GetCACert", &certs, err);

	/* old ones do not know GetCACaps (RFC 8894 3.5.1) */
	if (rc == ERR_OK && get(t, s, "GetCACaps", &caps, NULL) == ERR_OK &&
	    caps.status == 200 && caps.body.len > 0 &&
	    text_is_utf8(buf_view(&caps.body)) &&
	    memchr(caps.body.p, '\0', caps.body.len) == NULL)
		snprintf(words, sizeof(words), "%.*s", (int)caps.body.len,
		    buf_str(&caps.body));
	if (rc == ERR_OK && certs.status != 200)
		rc = err_set(err, ERR_REMOTE,
		    "the CA at %s answers GetCACert with HTTP %ld: is "
		    "scep/url the address of a SCEP server?",
		    s->url, certs.status);
	if (rc == ERR_OK)
		rc = third_learn(t, s, buf_view(&certs.body), words, err);
	buf_free(&caps.body);
	buf_free(&certs.body);
	return rc;
}

struct fresh {
	const struct scep_settings *s;
	int64_t now;
	bool fresh;
	bool usable; /* pinned, but old */
};

static enum err_code
fresh_txn(struct txn *t, void *arg, struct err *err)
{
	struct fresh *f = arg;
	struct third_party p = { .n_certs = 0 };

	(void)err;
	f->fresh = f->usable = false;
	if (third_party_read(t, f->s, &p, NULL) != ERR_OK)
		return ERR_OK;
	f->usable = third_party_pinned(&p, f->s) != NULL;
	f->fresh = f->usable && p.fetched_at + THIRD_PARTY_FRESH > f->now;
	third_party_fini(&p);
	return ERR_OK;
}

static enum err_code
prepare(void *ctx, const struct scep_settings *s, struct err *err)
{
	struct third *t = ctx;
	struct fresh f = { .s = s, .now = engine_now(t->engine) };
	struct err why = { 0 };
	enum err_code rc = store_view(t->engine->store, fresh_txn, &f, err);

	if (rc != ERR_OK || f.fresh)
		return rc;
	if ((rc = recall(t, s, &why)) == ERR_OK &&
	    (rc = ask(t, s, &why)) != ERR_OK) {
		remember(t, s, rc, &why);
		if (rc != ERR_CHANGED)
			note(t, s, false, &why);
	}
	/* a CA that cannot be reached today has not changed */
	if (rc == ERR_OK ||
	    (f.usable && (rc == ERR_REMOTE || rc == ERR_CHANGED)))
		return ERR_OK;
	return err_set(err, ERR_REMOTE, "%s", why.msg);
}

static enum err_code
challenge(void *ctx, const struct scep_settings *s, const char *id,
    struct buf *ret, struct err *err)
{
	struct third *t = ctx;
	struct err why = { 0 };
	enum err_code rc = recall(t, s, &why);

	if (rc == ERR_OK) {
		rc = ndes_challenge(t->ndes, s, id, ret, &why);
		if (rc != ERR_OK)
			remember(t, s, rc, &why);
		if (rc != ERR_CHANGED)
			note(t, s, true, rc == ERR_OK ? NULL : &why);
	}
	return rc == ERR_OK ? rc : err_set(err, ERR_REMOTE, "%s", why.msg);
}

/* ---- on demand ----------------------------------------------------------- */

struct live {
	struct third *t;
	uint32_t after;
	struct scep_settings s;
	bool found;
};

static enum err_code
next_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct live *l = arg;

	(void)value;
	(void)err;
	l->after = key_get_u32(key, 1);
	*stop = true;
	l->found = true;
	return ERR_OK;
}

/* The organization behind l->after. */
static enum err_code
next_txn(struct txn *t, void *arg, struct err *err)
{
	struct live *l = arg;
	struct key prefix = key_of(KIND_ORG), from = key_of(KIND_ORG);
	enum err_code rc;

	l->found = false;
	l->s.url[0] = '\0';
	key_u32(&from, l->after + 1);
	rc = txn_each(t, key_view(&prefix), key_view(&from), next_one, l, err);
	if (rc == ERR_OK && l->found &&
	    scep_settings_read(t, l->after, &l->s, NULL) != ERR_OK)
		l->s.url[0] = '\0';
	return rc;
}

static void
ask_ndes_live(struct third *t, const struct scep_settings *s)
{
	/* of no profile: it is outstanding for an hour */
	static const char id[] = "doctor";
	struct given *g = &t->given[s->org % THIRD_PLACES];
	int64_t now = engine_now(t->engine);
	struct buf secret = { 0 };
	struct err why = { 0 };
	uint8_t hash[32];
	enum err_code rc;

	hash_settings(s, hash);
	if (g->until > now && memcmp(g->to, hash, sizeof(hash)) == 0)
		return;
	rc = ndes_challenge(t->ndes, s, id, &secret, &why);
	if (rc == ERR_OK) {
		memcpy(g->to, hash, sizeof(hash));
		g->until = now + SCEP_NDES_LIFE;
	} else {
		remember(t, s, rc, &why);
	}
	note(t, s, true, rc == ERR_OK ? NULL : &why);
	buf_wipe(&secret);
}

static void
ask_live(struct third *t, const struct scep_settings *s)
{
	struct err why = { 0 };
	enum err_code rc = ask(t, s, &why);

	if (rc == ERR_OK) {
		if (s->ndes_url[0] != '\0')
			ask_ndes_live(t, s);
		return;
	}
	remember(t, s, rc, &why);
	note(t, s, false, &why);
}

static void *
run_live(void *arg)
{
	struct live l = { .t = arg };

	while (!atomic_load(&l.t->stop) &&
	       store_view(l.t->engine->store, next_txn, &l, NULL) == ERR_OK &&
	       l.found)
		if (l.s.url[0] != '\0')
			ask_live(l.t, &l.s);
	scep_settings_wipe(&l.s);
	atomic_store(&l.t->asking, false);
	return NULL;
}

/* One thread at a time; a wish while it asks is granted by it. */
static void
live(void *ctx)
{
	struct third *t = ctx;

	if (atomic_exchange(&t->asking, true))
		return;
	pthread_mutex_lock(&t->mutex);
	if (t->has_thread)
		pthread_join(t->thread, NULL);
	t->has_thread = pthread_create(&t->thread, NULL, run_live, t) == 0;
	if (!t->has_thread)
		atomic_store(&t->asking, false);
	pthread_mutex_unlock(&t->mutex);
}

/* ---- the whole ----------------------------------------------------------- */

enum err_code
third_new(struct engine *e, struct teller *teller, struct third **ret,
    struct err *err)
{
	struct third *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->ndes = ndes_new(e)) == NULL) {
		free(t);
		return err_set(err, ERR_NO_MEMORY, "SCEP");
	}
	t->engine = e;
	t->teller = teller;
	pthread_mutex_init(&t->mutex, NULL);
	t->source = (struct scep_source){ t, prepare, challenge, live };
	*ret = t;
	return ERR_OK;
}

void
third_free(struct third *t)
{
	if (t == NULL)
		return;
	atomic_store(&t->stop, true);
	if (t->has_thread)
		pthread_join(t->thread, NULL);
	ndes_free(t->ndes);
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

const struct scep_source *
third_source(struct third *t)
{
	return &t->source;
}
