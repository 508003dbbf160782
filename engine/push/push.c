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
	struct sending *done; /* outcomes to be written down, */
	struct sending **end; /* in the order in which they came */
	/* the thread's own: */
	struct batch batch;
	struct ready ready[IDENTITIES];
	size_t oldest;
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

/* The organization's certificate, as TLS wants it; borrowed from p. */
static enum err_code
identity_of(struct push *p, const struct outgoing *o,
    struct apns_identity **ret, struct err *err)
{
	struct load l = { .org = o->org };
	struct apns_identity *fresh = NULL;
	struct ready *r = NULL;
	enum err_code rc;
	size_t i;

	for (i = 0; i < IDENTITIES && r == NULL; i++)
		if (p->ready[i].identity != NULL && p->ready[i].org == o->org)
			r = &p->ready[i];
	if (r != NULL && r->version == o->identity_version) {
		*ret = r->identity;
		return ERR_OK;
	}
	rc = store_view(p->engine->store, load_txn, &l, err);
	if (rc == ERR_OK)
		rc = convert(l.id, &fresh, err);
	identity_free(l.id);
	if (rc != ERR_OK)
		return rc;
	if (r == NULL)
		r = &p->ready[p->oldest++ % IDENTITIES];
	if (r->identity != NULL)
		apns_retire(p->apns, r->identity);
	apns_identity_free(r->identity);
	*r = (struct ready){ o->org, o->identity_version, fresh };
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
	outbox_token_hash(&o->token, s->token);
	push.token = bytes_of(o->token.token, o->token.len);
	push.magic = o->token.magic;
	push.arg = s;
	rc = identity_of(p, o, &push.identity, &err);
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

/* Wait for a wake, an outcome, or the time until; takes the outcomes.  False:
 * it is time to stop. */
static bool
wait_for_work(struct push *p, int64_t until, struct sending **list)
{
	int64_t left = until - engine_now(p->engine);
	struct timespec at;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += until == 0 || left > 3600 ? 3600 : left < 0 ? 0 : left;
	pthread_mutex_lock(&p->mutex);
	while (!p->stop && !p->woken && p->done == NULL &&
	       pthread_cond_timedwait(&p->changed, &p->mutex, &at) != ETIMEDOUT)
		;
	p->woken = false;
	*list = p->done;
	p->done = NULL;
	p->end = &p->done;
	go_on = !p->stop;
	pthread_mutex_unlock(&p->mutex);
	return go_on;
}

static void *
run(void *arg)
{
	struct push *p = arg;
	struct sending *list = NULL;
	struct err err = { 0 };
	int64_t next;

	if (outbox_recover(p->engine, &err) != ERR_OK)
		log_error("push: %s", err.msg);
	next = drain(p);
	while (wait_for_work(p, next, &list)) {
		settle(p, list);
		next = drain(p);
	}
	settle(p, list);
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
	for (i = 0; i < IDENTITIES; i++)
		apns_identity_free(p->ready[i].identity);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
