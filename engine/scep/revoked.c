#include "engine/scep/revoked.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* More organizations than this share places; the last one used stays. */
#define PLACES 64

struct kept {
	uint32_t org; /* 0: the place is free */
	int64_t made_at;
	uint8_t ca[CERT_FINGERPRINT_LEN];
	struct buf der;
};

struct revoked {
	struct engine *engine;
	pthread_mutex_t mutex; /* also: one list is made at a time */
	struct kept kept[PLACES];
};

struct revoked *
revoked_new(struct engine *e)
{
	struct revoked *r = calloc(1, sizeof(*r));

	if (r == NULL || pthread_mutex_init(&r->mutex, NULL) != 0) {
		free(r);
		return NULL;
	}
	r->engine = e;
	return r;
}

void
revoked_free(struct revoked *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < PLACES; i++)
		buf_free(&r->kept[i].der);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}

struct gather {
	uint32_t org;
	int64_t now;
	const struct identity *ca;
	struct crl *crl;
};

enum crl_reason
revoked_reason(enum cert_state state)
{
	switch (state) {
	case CERT_SUPERSEDED:
		return CRL_SUPERSEDED;
	case CERT_CEASED:
		return CRL_CEASED;
	case CERT_REVOKED:
	case CERT_VALID:
		break;
	}
	return CRL_UNSPECIFIED;
}

/* Another CA's certificates are not ours to revoke; its name alone proves
 * nothing. */
static enum err_code
gather_one(void *arg, struct txn *t, const struct issued *i, bool *stop,
    struct err *err)
{
	struct gather *g = arg;
	struct cert *c = NULL;
	enum err_code rc;

	(void)stop;
	if (i->state == CERT_VALID || i->expires < g->now)
		return ERR_OK;
	rc = issued_cert(t, i->fingerprint, &c, err);
	if (rc == ERR_OK && cert_issued_by(c, identity_leaf(g->ca)))
		rc = crl_add(g->crl, c,
		    i->ended_at != 0 ? i->ended_at : cert_begins(c),
		    revoked_reason(i->state), err);
	cert_free(c);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err_code
gather_txn(struct txn *t, void *arg, struct err *err)
{
	struct gather *g = arg;
	enum err_code rc;

	crl_free(g->crl);
	g->crl = NULL;
	if ((rc = crl_new(g->ca, &g->crl, err)) != ERR_OK)
		return rc;
	return issued_each(t, g->org, gather_one, g, err);
}

/* The caller has the mutex. */
static enum err_code
make(struct revoked *r, struct kept *k, struct gather *g, struct err *err)
{
	struct buf der = { 0 };
	enum err_code rc = store_view(r->engine->store, gather_txn, g, err);

	if (rc == ERR_OK)
		/* it must grow with each list */
		rc = crl_sign(g->crl, (uint64_t)engine_now_ns(r->engine) / 1000,
		    g->now, g->now + REVOKED_GOOD, &der, err);
	crl_free(g->crl);
	if (rc != ERR_OK) {
		buf_free(&der);
		return rc;
	}
	buf_free(&k->der);
	k->der = der;
	k->org = g->org;
	k->made_at = g->now;
	memcpy(k->ca, cert_fingerprint(identity_leaf(g->ca)), sizeof(k->ca));
	return ERR_OK;
}

enum err_code
revoked_list(struct revoked *r, uint32_t org, const struct identity *ca,
    int64_t now, struct buf *ret, struct err *err)
{
	struct gather g = { .org = org, .now = now, .ca = ca };
	struct kept *k = &r->kept[org % PLACES];
	enum err_code rc = ERR_OK;

	pthread_mutex_lock(&r->mutex);
	if (k->org != org || now >= k->made_at + REVOKED_MAKE ||
	    now < k->made_at ||
	    memcmp(k->ca, cert_fingerprint(identity_leaf(ca)), sizeof(k->ca)) !=
		0)
		rc = make(r, k, &g, err);
	if (rc == ERR_OK)
		buf_bytes(ret, buf_view(&k->der));
	pthread_mutex_unlock(&r->mutex);
	return rc == ERR_OK ? buf_error(ret, err) : rc;
}
