/*
 * world.h - an engine with the store in memory, two organizations and a
 * responder, made by hand; requests go straight to the handler.
 */
#ifndef MDMFS_TESTS_SCEP_WORLD_H
#define MDMFS_TESTS_SCEP_WORLD_H

#include <stdio.h>

#include "engine/model/certs.h"
#include "engine/model/challenges.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/slots.h"
#include "engine/scep/scep.h"
#include "tests/scep/client.h"

#define WORLD_NOW INT64_C(1790000000) /* 2026-09-21T14:13:20Z */

struct world {
	struct engine_options options;
	struct engine engine;
	struct scep *scep;
	uint32_t org;
	X509 *ca;         /* as GetCACert gave it */
	const char *peer; /* who asks; NULL: 192.0.2.7 */
};

static inline int64_t
world_clock(void)
{
	return WORLD_NOW * 1000000000;
}

/* One store_update() of a few kinds, so that tests read as sentences. */
struct world_step {
	enum {
		ADD_ORG,
		ADD_CHALLENGE,
		REMOVE_ORG,
		READ_ISSUED,
		STORE_ISSUED
	} what;
	uint32_t org, meant;
	const char *name;
	int64_t when;
	struct issued issued;
};

static inline enum err_code
world_txn(struct txn *t, void *arg, struct err *err)
{
	struct world_step *s = arg;
	struct org o = { 0 };
	enum err_code rc;

	switch (s->what) {
	case ADD_ORG:
		o.number = s->org;
		snprintf(o.name, sizeof(o.name), "%s", s->name);
		return org_store(t, &o, err);
	case REMOVE_ORG:
		if ((rc = org_read(t, s->org, &o, err)) != ERR_OK)
			return rc;
		o.removed_at = s->when;
		return org_store(t, &o, err);
	case ADD_CHALLENGE:
		return challenge_add(
		    t, s->name, s->org, s->meant, s->when, err);
	case READ_ISSUED:
		return issued_read(t, s->issued.fingerprint, &s->issued, err);
	case STORE_ISSUED:
		return issued_store(t, &s->issued, err);
	}
	return ERR_OK;
}

static inline void
world_step(struct world *w, struct world_step *s)
{
	struct err err = { 0 };

	if (store_update(w->engine.store, world_txn, s, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
}

static inline void
world_org(struct world *w, uint32_t number, const char *name)
{
	struct world_step s = { .what = ADD_ORG, .org = number, .name = name };

	world_step(w, &s);
}

static inline void
world_challenge(struct world *w, const char *text)
{
	struct world_step s = { .what = ADD_CHALLENGE,
		.org = w->org,
		.name = text,
		.when = WORLD_NOW + CHALLENGE_LIFE };

	world_step(w, &s);
}

/* What the store knows of a certificate. */
static inline struct issued
world_issued(struct world *w, X509 *x)
{
	struct world_step s = { .what = READ_ISSUED };

	NEED(X509_digest(x, EVP_sha256(), s.issued.fingerprint, NULL) == 1);
	world_step(w, &s);
	return s.issued;
}

static inline void
world_store_issued(struct world *w, const struct issued *i)
{
	struct world_step s = { .what = STORE_ISSUED, .issued = *i };

	world_step(w, &s);
}

/* A request; the answer is to be freed by world_free_exchange(). */
static inline void
world_serve(struct world *w, struct exchange *x)
{
	x->arena = arena_new();
	if (x->params[0] == NULL)
		x->params[0] = "acme";
	if (x->now == 0)
		x->now = WORLD_NOW;
	x->path = "/scep/acme";
	x->peer = w->peer == NULL ? "192.0.2.7" : w->peer;
	scep_serve(x, w->scep);
}

static inline void
world_free_exchange(struct exchange *x)
{
	buf_free(&x->reply);
	arena_free(x->arena);
	x->arena = NULL;
}

/* dir: of a store on the disk; NULL: in memory. */
static inline void
world_open_in(struct world *w, const char *dir)
{
	struct store_options options = { .dir = dir };
	struct exchange x = { .method = "GET",
		.query = bytes_text("operation=GetCACert") };
	struct err err = { 0 };
	const uint8_t *p;

	*w = (struct world){ .org = 1 };
	w->engine.options = &w->options;
	w->engine.clock = world_clock;
	if ((dir == NULL
		    ? store_open_memory(&w->engine.store, &err)
		    : store_open(&options, &w->engine.store, &err)) != ERR_OK ||
	    scep_open(&w->engine, &w->scep, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	world_org(w, 1, "acme");
	world_org(w, 2, "other");
	world_serve(w, &x);
	p = x.reply.p;
	w->ca = d2i_X509(NULL, &p, (long)x.reply.len);
	NEED(w->ca != NULL);
	world_free_exchange(&x);
}

static inline void
world_open(struct world *w)
{
	world_open_in(w, NULL);
}

static inline void
world_close(struct world *w)
{
	X509_free(w->ca);
	scep_close(w->scep);
	store_close(w->engine.store);
}

/* POST a message; the status goes to *status. */
static inline struct answer
world_post(struct world *w, const struct ask *a, int64_t now, int *status)
{
	struct buf message = client_message(a);
	struct exchange x = { .method = "POST",
		.query = bytes_text("operation=PKIOperation"),
		.body = buf_view(&message),
		.now = now };
	struct answer answer = { 0 };

	world_serve(w, &x);
	*status = x.status;
	if (x.status == 200)
		answer = client_read(
		    buf_view(&x.reply), w->ca, a->key, a->cert, NULL);
	world_free_exchange(&x);
	buf_free(&message);
	return answer;
}

/* All events since the beginning; the caller's. */
static inline struct buf
world_events(struct world *w)
{
	struct event_range range;
	struct event_read r = { .max = 1u << 20 };
	struct buf b = { 0 };
	uint64_t next;
	struct err err = { 0 };

	if (event_range(&w->engine, &range, &err) == ERR_OK) {
		r.end = range.end;
		if (event_read(&w->engine, &r, &b, &next, &err) != ERR_OK)
			buf_reset(&b);
	}
	return b;
}

#endif
