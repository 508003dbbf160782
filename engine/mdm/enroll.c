#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "engine/mdm/mdm_priv.h"
#include "engine/mdm/profile.h"
#include "engine/model/events.h"
#include "engine/model/tls.h"
#include "mdmfs/org.h"

#define PROFILE_TYPE "application/x-apple-aspen-config"

/*
 * What status/orgs/ORG/enroll.mobileconfig shows: kept with its challenge, so
 * that every reader sees the same bytes until the challenge is used.
 */
struct shown {
	char challenge[CHALLENGE_LEN + 1];
	uint8_t inputs[32]; /* hash of what it was made from */
	struct buf profile;
};

struct enroll {
	struct engine *engine;
	uint32_t org;
	const char *name; /* of trust: the host */
	/* who asks, and gets a challenge of its own; NULL: the administrator */
	const struct enroll_grant *grant;
	struct admission admission;
	struct profile_inputs in;
	struct buf found; /* the profile that is still good */
	struct shown old; /* what is kept; challenge "" if nothing is */
	struct shown fresh;
};

static struct key
enroll_key(uint32_t org)
{
	struct key k = key_of(KIND_ENROLL);

	key_u32(&k, org);
	return k;
}

static void
shown_fini(struct shown *s)
{
	buf_wipe(&s->profile);
	OPENSSL_cleanse(s, sizeof(*s));
}

static enum err_code
shown_read(struct txn *t, uint32_t org, struct shown *ret, struct err *err)
{
	struct key k = enroll_key(org);
	struct buf b = { 0 };
	struct reader r;
	uint8_t version;
	enum err_code rc;

	shown_fini(ret);
	rc = txn_get_sealed(t, key_view(&k), &b, NULL);
	if (rc == ERR_OK) {
		r = reader_of(buf_view(&b), &version);
		read_text(&r, ret->challenge, sizeof(ret->challenge));
		read_raw(&r, ret->inputs, sizeof(ret->inputs));
		buf_bytes(&ret->profile, read_bytes(&r));
		rc = record_end(&r, "enrollment profile", err);
	} else if (rc == ERR_NOT_FOUND) {
		rc = ERR_OK;
	} else {
		rc = err_set(err, rc, "enrollment profile: %s", err_text(rc));
	}
	buf_wipe(&b);
	return rc;
}

static enum err_code
shown_write(struct txn *t, uint32_t org, const struct shown *s, struct err *err)
{
	struct key k = enroll_key(org);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_text(&b, s->challenge);
	record_raw(&b, s->inputs, sizeof(s->inputs));
	record_bytes(&b, buf_view(&s->profile));
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put_sealed(t, key_view(&k), buf_view(&b), err);
	buf_wipe(&b);
	return rc;
}

static bool
still_good(struct txn *t, const struct enroll *x)
{
	struct challenge c;

	return x->old.challenge[0] != '\0' &&
	       memcmp(x->old.inputs, x->in.hash, sizeof(x->in.hash)) == 0 &&
	       challenge_read(t, x->old.challenge, &c, NULL) == ERR_OK &&
	       c.used_at == 0 && c.expires > engine_now(x->engine);
}

/* What the gate says, and what the way adds to it. */
static void
complete(const struct enroll_grant *g, struct admission *a)
{
	a->mode = g->mode;
	if (g->apple_id != NULL)
		snprintf(a->apple_id, sizeof(a->apple_id), "%s", g->apple_id);
	if (g->token != NULL)
		memcpy(a->token, g->token, sizeof(a->token));
}

/* The gate, and for whom the profile is. */
static enum err_code
admit(struct txn *t, struct enroll *x, struct err *err)
{
	const struct admission_ask *a = x->grant->ask;
	enum err_code rc = admission_check(t, a, &x->admission, err);

	if (rc == ERR_OK)
		rc = profile_inputs(t, x->engine, x->org, &x->in, err);
	if (rc != ERR_OK)
		return rc;
	complete(x->grant, &x->admission);
	profile_admission(&x->in, &x->admission);
	return profile_for(t, &x->in, a->udid, a->serial, err);
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct enroll *x = arg;
	enum err_code rc;

	buf_reset(&x->found);
	profile_inputs_fini(&x->in);
	if (x->grant != NULL)
		return admit(t, x, err);
	rc = profile_inputs(t, x->engine, x->org, &x->in, err);
	if (rc == ERR_OK)
		rc = shown_read(t, x->org, &x->old, err);
	if (rc == ERR_OK && still_good(t, x))
		buf_bytes(&x->found, buf_view(&x->old.profile));
	return rc;
}

/* The file in status/ is another one from now on. */
static enum err_code
keep_shown(
    struct txn *t, struct enroll *x, struct challenge *c, struct err *err)
{
	struct shown kept = { .challenge = "" };
	enum err_code rc = shown_read(t, x->org, &kept, err);

	if (rc == ERR_OK && strcmp(kept.challenge, x->old.challenge) != 0)
		rc = err_set(err, ERR_CHANGED, "another reader was faster");
	shown_fini(&kept);
	c->admission.way = ADMISSION_FILE;
	return rc == ERR_OK ? shown_write(t, x->org, &x->fresh, err) : rc;
}

static enum err_code
keep_txn(struct txn *t, void *arg, struct err *err)
{
	struct enroll *x = arg;
	int64_t now = engine_now(x->engine);
	struct challenge c = { .org = x->org };
	enum err_code rc;

	c.expires = now + scep_challenge_life(&x->in.scep, x->grant != NULL);
	if (x->grant == NULL) {
		rc = keep_shown(t, x, &c, err);
	} else {
		rc = admission_take(
		    t, x->engine, x->grant->ask, &c.admission, err);
		complete(x->grant, &c.admission);
		if (x->grant->ask->udid != NULL)
			snprintf(
			    c.name, sizeof(c.name), "%s", x->grant->ask->udid);
	}
	if (rc == ERR_OK)
		rc = challenge_put(t, &c, x->fresh.challenge, err);
	/* whoever makes many takes as many old ones away */
	if (rc == ERR_OK)
		rc = challenges_trim(t, now, err);
	return rc;
}

static enum err_code
make(struct enroll *x, struct err *err)
{
	enum err_code rc;

	buf_reset(&x->fresh.profile);
	memcpy(x->fresh.inputs, x->in.hash, sizeof(x->in.hash));
	if ((rc = challenge_make(x->fresh.challenge, err)) == ERR_OK &&
	    (rc = profile_make(
		 &x->in, x->fresh.challenge, &x->fresh.profile, err)) == ERR_OK)
		rc = store_update(x->engine->store, keep_txn, x, err);
	return rc;
}

/*
 * An address that was written a moment ago: the server's own certificate for
 * it may not be made yet, and who reads now shall not be refused for that.
 */
static enum err_code
look(struct enroll *x, struct err *err)
{
	struct tls_watch nothing_seen = { .look_at = 0 };
	enum err_code rc = store_view(x->engine->store, look_txn, x, err);

	if (rc == ERR_KEY_REJECTED &&
	    tls_ensure(x->engine, &nothing_seen, NULL) == ERR_OK)
		rc = store_view(x->engine->store, look_txn, x, err);
	return rc;
}

/* Append the profile that may be handed out now. */
static enum err_code
enroll(struct enroll *x, struct buf *b, struct err *err)
{
	enum err_code rc;

	do {
		rc = look(x, err);
		if (rc == ERR_OK && x->found.len == 0)
			rc = make(x, err);
	} while (rc == ERR_CHANGED);
	if (rc == ERR_OK) {
		buf_bytes(b,
		    buf_view(x->found.len > 0 ? &x->found : &x->fresh.profile));
		rc = buf_error(b, err);
	}
	profile_inputs_fini(&x->in);
	buf_wipe(&x->found);
	shown_fini(&x->old);
	shown_fini(&x->fresh);
	return rc;
}

enum err_code
org_enroll_profile(
    struct engine *e, uint32_t org, struct buf *b, struct err *err)
{
	struct enroll x = { .engine = e, .org = org };

	return enroll(&x, b, err);
}

enum err_code
enroll_profile(struct engine *e, const struct enroll_grant *g, struct buf *b,
    struct err *err)
{
	struct enroll x = { .engine = e, .org = g->ask->org, .grant = g };
	enum err_code rc = enroll(&x, b, err);

	/* strangers read it: names of servers and users are in the event */
	if (rc == ERR_REMOTE)
		rc = err_set(err, rc,
		    "the certificate authority of the organization does not "
		    "answer as it should: try again later, or tell your "
		    "administrator");
	return rc;
}

void
enroll_answer(struct exchange *x, const char *disposition)
{
	x->status = 200;
	x->content_type = PROFILE_TYPE;
	exchange_reply_header(x, "content-disposition", disposition);
}

bool
enroll_too_often(struct exchange *x, struct mdm *m)
{
	if (origin_may_ask(m, x))
		return false;
	exchange_text(x, 429,
	    "too many profiles were asked for: try again in %s seconds",
	    RATE_RETRY_AFTER);
	exchange_reply_header(x, "retry-after", RATE_RETRY_AFTER);
	return true;
}

static enum err_code
trust_txn(struct txn *t, void *arg, struct err *err)
{
	struct enroll *x = arg;

	profile_inputs_fini(&x->in);
	return profile_roots(t, x->engine, x->name, &x->in, err);
}

void
mdm_trust(struct exchange *x, struct mdm *m)
{
	char host[256];
	struct enroll e = { .engine = m->engine, .name = host };
	struct err err = { 0 };
	enum err_code rc;

	if (enroll_too_often(x, m))
		return;
	/* an IPv6 address in brackets is cut short: it names no certificate */
	snprintf(
	    host, sizeof(host), "%.*s", (int)strcspn(x->host, ":"), x->host);
	rc = store_view(m->engine->store, trust_txn, &e, &err);
	if (rc == ERR_OK && e.in.n_roots == 0)
		rc = err_set(&err, ERR_NOT_FOUND,
		    "devices need no further trust: the chain of this server "
		    "ends outside of it");
	if (rc == ERR_OK)
		rc = profile_make_trust(&e.in, &x->reply, &err);
	profile_inputs_fini(&e.in);
	if (rc == ERR_OK)
		enroll_answer(x, "attachment; filename=\"trust.mobileconfig\"");
	else
		exchange_text(x, err_http(rc), "%s", err.msg);
}
