#include "engine/push/push.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "engine/base/log.h"
#include "engine/model/slots.h"
#include "engine/push/push_priv.h"

#define KEPT_FOR    INT64_C(7 * 86400) /* Apple stores a push this long */
#define WAITING_MAX 10000 /* pushes under way before more are leased */
#define IDENTITIES  1024  /* organizations whose keys are ready */
#define PROBED_MAX  64 /* of them that only a test has needed: see probe_one() */

struct ready {
	uint32_t org;
	uint64_t version;
	struct apns_identity *identity;
};

struct push {
	struct engine *engine;
	struct apns *apns;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool stop; /* protected by mutex, and these: */
	bool woken;
	struct sending *done;   /* outcomes to be written down, */
	struct sending **end;   /* in the order in which they came */
	struct probing *probed; /* the same of tests */
	/* the thread's own: */
	struct batch batch;
	struct ready ready[IDENTITIES];
	size_t oldest;
	struct prober prober;
};

void
push_wake(struct push *p)
{
	pthread_mutex_lock(&p->mutex);
	p->woken = true;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->mutex);
}

/* In the client's thread: only hand it over. */
static void
sent(void *arg, const struct apns_result *r)
{
	struct sending *s = arg;
	struct push *p = s->push;

	s->result = *r;
	pthread_mutex_lock(&p->mutex);
	s->next = NULL;
	*p->end = s;
	p->end = &s->next;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->mutex);
}

static void
probed(void *arg, const struct apns_result *r)
{
	struct probing *s = arg;
	struct push *p = s->push;

	s->result = *r;
	pthread_mutex_lock(&p->mutex);
	s->next = p->probed;
	p->probed = s;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->mutex);
}

/* ---- identities --------------------------------------------------------- */

struct load {
	uint32_t org;
	struct identity *id;
};

static enum err_code
load_txn(struct txn *t, void *arg, struct err *err)
{
	struct load *l = arg;

	identity_free(l->id);
	l->id = NULL;
	return slot_identity(t, slot_of(l->org, SLOT_OF_APNS), &l->id, err);
}

static enum err_code
convert(const struct identity *id, struct apns_identity **ret, struct err *err)
{
	struct bytes chain[IDENTITY_MAX_CHAIN];
	struct buf key = { 0 };
	size_t i, n = identity_n_sent(id);
	const char *topic = cert_topic(identity_leaf(id));
	enum err_code rc = pkey_encode(identity_key(id), &key, err);

	for (i = 0; i < n; i++)
		chain[i] = cert_der(identity_cert(id, i));
	if (rc == ERR_OK)
		rc = apns_identity_new(buf_view(&key), chain, n,
		    topic == NULL ? "" : topic, ret, err);
	buf_wipe(&key);
	return rc;
}

/* The caller's. */
static enum err_code
load(struct push *p, uint32_t org, struct apns_identity **ret, struct err *err)
{
	struct load l = { .org = org };
	enum err_code rc = store_view(p->engine->store, load_txn, &l, err);

	if (rc == ERR_OK)
		rc = convert(l.id, ret, err);
	identity_free(l.id);
	return rc;
}

static struct ready *
ready_of(struct push *p, uint32_t org)
{
	size_t i;

	for (i = 0; i < IDENTITIES; i++)
		if (p->ready[i].identity != NULL && p->ready[i].org == org)
			return &p->ready[i];
	return NULL;
}

/* The organization's certificate, as TLS wants it; borrowed from p. */
static enum err_code
identity_of(struct push *p, uint32_t org, uint64_t version,
    struct apns_identity **ret, struct err *err)
{
	struct apns_identity *fresh = NULL;
	struct ready *r = ready_of(p, org);
	enum err_code rc;

	if (r != NULL && r->version == version) {
		*ret = r->identity;
		return ERR_OK;
	}
	if ((rc = load(p, org, &fresh, err)) != ERR_OK)
		return rc;
	if (r == NULL)
		r = &p->ready[p->oldest++ % IDENTITIES];
	if (r->identity != NULL)
		apns_retire(p->apns, r->identity);
	apns_identity_free(r->identity);
	*r = (struct ready){ org, version, fresh };
	*ret = fresh;
	return ERR_OK;
}

/* ---- the thread --------------------------------------------------------- */

static void
send_one(struct push *p, const struct outgoing *o)
{
	struct sending *s = calloc(1, sizeof(*s));
	struct apns_push push = { .expiration = p->batch.now + KEPT_FOR };
	struct err err = { 0 };
	enum err_code rc;

	if (s == NULL)
		return; /* the lease runs out, then it is tried again */
	s->push = p;
	s->id = o->id;
	s->lease = o->lease;
	s->newest = o->newest;
	s->org = o->org;
	s->identity_version = o->identity_version;
	outbox_token_hash(&o->token, s->token);
	push.token = bytes_of(o->token.token, o->token.len);
	push.magic = o->token.magic;
	push.arg = s;
	rc = identity_of(p, o->org, o->identity_version, &push.identity, &err);
	if (rc == ERR_OK)
		rc = apns_send(p->apns, &push, sent, &err);
	if (rc != ERR_OK) {
		struct apns_result r = { .outcome = rc == ERR_FULL ||
			                                    rc == ERR_STANDBY ||
			                                    rc == ERR_NO_MEMORY
			                                ? APNS_TRY_LATER
			                                : APNS_OUR_FAULT };

		memcpy(r.text, err.msg, sizeof(r.text) - 1);
		sent(s, &r);
	}
}

/* Where there are many organizations, a test leaves no connection behind that
 * no push needs. */
static void
probe_one(struct push *p, const struct probing *due)
{
	struct probing *s = malloc(sizeof(*s));
	struct apns_identity *identity = NULL;
	struct err err = { 0 };
	enum err_code rc;

	if (s == NULL) {
		p->prober.under_way--;
		return; /* it is found again */
	}
	*s = *due;
	s->push = p;
	if (ready_of(p, s->org) != NULL || p->oldest < PROBED_MAX) {
		rc = identity_of(p, s->org, s->version, &identity, &err);
	} else {
		rc = load(p, s->org, &s->identity, &err);
		identity = s->identity;
	}
	if (rc == ERR_OK)
		rc = apns_probe(p->apns, identity, probed, s, &err);
	if (rc != ERR_OK) {
		struct apns_result r = { .outcome = APNS_TRY_LATER };

		memcpy(r.text, err.msg, sizeof(r.text) - 1);
		probed(s, &r);
	}
}

static void
settle_probes(struct push *p, struct probing *list)
{
	struct probing *s;

	for (s = list; s != NULL; s = s->next) {
		if (s->identity != NULL)
			apns_retire(p->apns, s->identity);
		apns_identity_free(s->identity);
	}
	prober_settle(&p->prober, list);
}

static void
settle(struct push *p, struct sending *list)
{
	struct err err = { 0 };
	struct sending *s;

	if (outbox_settle(p->engine, list, &err) != ERR_OK)
		log_error("push: outcomes are not written down: %s", err.msg);
	while ((s = list) != NULL) {
		list = s->next;
		free(s);
	}
}

/* Begin the tests that are due; as drain(). */
static int64_t
probe(struct push *p)
{
	struct probing due;

	while (prober_next(&p->prober, engine_now(p->engine), &due))
		probe_one(p, &due);
	return prober_due(&p->prober);
}

/* Send what is due; returns when to look again (seconds), 0: when woken. */
static int64_t
drain(struct push *p)
{
	struct err err = { 0 };
	size_t i;

	p->batch.now = engine_now(p->engine);
	p->batch.next = 0;
	p->batch.n = 0;
	if (apns_waiting(p->apns) > WAITING_MAX)
		return p->batch.now + 1; /* outcomes wake it earlier */
	if (outbox_lease(&p->batch, &err) != ERR_OK) {
		log_error("push: %s", err.msg);
		return p->batch.now + 10;
	}
	for (i = 0; i < p->batch.n; i++)
		send_one(p, &p->batch.out[i]);
	OPENSSL_cleanse(p->batch.out, p->batch.n * sizeof(p->batch.out[0]));
	return p->batch.next;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Wait for a wake, an outcome, or the time until; takes the outcomes.  False:
 * it is time to stop. */
static bool
wait_for_work(struct push *p, int64_t until, struct sending **list,
    struct probing **probes)
{
	int64_t left = until - engine_now(p->engine);
	struct timespec at;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += until == 0 || left > 3600 ? 3600 : left < 0 ? 0 : left;
	pthread_mutex_lock(&p->mutex);
	while (!p->stop && !p->woken && p->done == NULL && p->probed == NULL &&
	       pthread_cond_timedwait(&p->changed, &p->mutex, &at) != ETIMEDOUT)
		;
	p->woken = false;
	*list = p->done;
	p->done = NULL;
	p->end = &p->done;
	*probes = p->probed;
	p->probed = NULL;
	go_on = !p->stop;
	pthread_mutex_unlock(&p->mutex);
	return go_on;
}

static void *
run(void *arg)
{
	struct push *p = arg;
	struct sending *list = NULL;
	struct probing *probes = NULL;
	struct err err = { 0 };
	int64_t next;

	if (outbox_recover(p->engine, &err) != ERR_OK)
		log_error("push: %s", err.msg);
	next = earlier(drain(p), probe(p));
	while (wait_for_work(p, next, &list, &probes)) {
		settle(p, list);
		settle_probes(p, probes);
		next = earlier(drain(p), probe(p));
	}
	settle(p, list);
	settle_probes(p, probes);
	return NULL;
}

enum err_code
push_open(struct engine *e, const char *url, const char *trust,
    struct push **ret, struct err *err)
{
	struct apns_options options = { .url = url, .trust_file = trust };
	struct push *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;
	enum err_code rc;

	if (p == NULL)
		return err_set(err, ERR_NO_MEMORY, "push");
	p->engine = e;
	p->end = &p->done;
	p->batch.engine = e;
	p->prober.engine = e;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	rc = apns_open(&options, &p->apns, err);
	if (rc == ERR_OK && pthread_create(&p->thread, NULL, run, p) != 0)
		rc = err_set(err, ERR_INTERNAL, "no thread for pushes");
	if (rc == ERR_OK) {
		*ret = p;
		return ERR_OK;
	}
	apns_close(p->apns);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->mutex);
	free(p);
	return rc;
}

/* They are begun anew by the next process: that this one ends says nothing of
 * the certificate. */
static void
forget_probes(struct push *p)
{
	struct probing *s;

	while ((s = p->probed) != NULL) {
		p->probed = s->next;
		apns_identity_free(s->identity);
		free(s);
	}
}

void
push_close(struct push *p)
{
	size_t i;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->mutex);
	pthread_join(p->thread, NULL);
	apns_close(p->apns); /* every push is answered behind this */
	settle(p, p->done);
	forget_probes(p);
	for (i = 0; i < IDENTITIES; i++)
		apns_identity_free(p->ready[i].identity);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
