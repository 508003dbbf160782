#include "engine/scep/ndes.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "engine/model/challenges.h"
#include "engine/scep/upstream.h"

#define ORGS_MAX 256 /* that are fetched for at a time; the oldest go */
#define WAIT_MAX 30  /* seconds, for one's turn */

struct slot {
	int64_t at; /* seconds; 0: free */
	char id[CHALLENGE_LEN + 1];
};

/* What is outstanding of one organization. */
struct turns {
	uint32_t org; /* 0: free */
	bool busy;    /* somebody is fetching */
	int64_t touched;
	struct slot slots[NDES_OUTSTANDING];
};

struct ndes {
	struct engine *engine;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct turns places[ORGS_MAX]; /* protected by mutex */
	int waiting;                   /* the same */
};

struct ndes *
ndes_new(struct engine *e)
{
	struct ndes *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->engine = e;
	pthread_mutex_init(&n->mutex, NULL);
	pthread_cond_init(&n->changed, NULL);
	return n;
}

void
ndes_free(struct ndes *n)
{
	if (n == NULL)
		return;
	pthread_cond_destroy(&n->changed);
	pthread_mutex_destroy(&n->mutex);
	free(n);
}

/* The organization's place, a new one, or that of who was there longest ago.
 * NULL: everybody is busy.  The caller has the mutex. */
static struct turns *
place_of(struct ndes *n, uint32_t org)
{
	struct turns *oldest = NULL;
	size_t i;

	for (i = 0; i < ORGS_MAX; i++)
		if (n->places[i].org == org)
			return &n->places[i];
	for (i = 0; i < ORGS_MAX; i++)
		if (!n->places[i].busy &&
		    (oldest == NULL || n->places[i].touched < oldest->touched))
			oldest = &n->places[i];
	if (oldest != NULL)
		*oldest = (struct turns){ .org = org };
	return oldest;
}

/* Wait until nobody else fetches for the organization. */
static enum err_code
take_turn(struct ndes *n, uint32_t org, struct err *err)
{
	struct timespec until;
	struct turns *p;
	enum err_code rc = ERR_OK;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_MAX;
	pthread_mutex_lock(&n->mutex);
	n->waiting++;
	while ((p = place_of(n, org)) == NULL || p->busy)
		if (n->waiting > NDES_WAITING ||
		    pthread_cond_timedwait(&n->changed, &n->mutex, &until) ==
			ETIMEDOUT) {
			p = NULL;
			break;
		}
	n->waiting--;
	if (p != NULL) {
		p->busy = true;
		p->touched = engine_now(n->engine);
	}
	pthread_mutex_unlock(&n->mutex);
	if (p == NULL)
		rc = err_set(err, ERR_CHANGED,
		    "NDES: other devices wait for a challenge already: try "
		    "again in a minute");
	return rc;
}

static void
end_turn(struct ndes *n, uint32_t org, const char *id, bool fetched)
{
	struct turns *p;
	size_t i;

	pthread_mutex_lock(&n->mutex);
	p = place_of(n, org);
	if (p != NULL) {
		p->busy = false;
		for (i = 0; fetched && i < NDES_OUTSTANDING; i++)
			if (p->slots[i].at == 0) {
				p->slots[i].at = engine_now(n->engine);
				snprintf(p->slots[i].id, sizeof(p->slots[i].id),
				    "%s", id);
				break;
			}
	}
	pthread_cond_broadcast(&n->changed);
	pthread_mutex_unlock(&n->mutex);
}

/* ---- what is outstanding ------------------------------------------------- */

/* A copy of the slots, whose owner has the turn. */
struct check {
	struct slot slots[NDES_OUTSTANDING];
	int64_t now;
	size_t n;
	int64_t oldest;
};

static enum err_code
check_txn(struct txn *t, void *arg, struct err *err)
{
	struct check *x = arg;
	struct challenge c;
	size_t i;

	(void)err;
	x->n = 0;
	x->oldest = INT64_MAX;
	for (i = 0; i < NDES_OUTSTANDING; i++) {
		struct slot *s = &x->slots[i];

		if (s->at == 0)
			continue;
		if (s->at + SCEP_NDES_LIFE <= x->now ||
		    (challenge_read(t, s->id, &c, NULL) == ERR_OK &&
			c.used_at != 0)) {
			s->at = 0;
			continue;
		}
		x->n++;
		if (s->at < x->oldest)
			x->oldest = s->at;
	}
	return ERR_OK;
}

static enum err_code
check_room(struct ndes *n, uint32_t org, struct err *err)
{
	struct check x = { .now = engine_now(n->engine) };
	struct turns *p;
	size_t i;
	enum err_code rc;

	pthread_mutex_lock(&n->mutex);
	p = place_of(n, org);
	if (p != NULL)
		memcpy(x.slots, p->slots, sizeof(x.slots));
	pthread_mutex_unlock(&n->mutex);
	if ((rc = store_view(n->engine->store, check_txn, &x, err)) != ERR_OK)
		return rc;
	pthread_mutex_lock(&n->mutex);
	p = place_of(n, org);
	/* others may have come free meanwhile: ndes_used() */
	for (i = 0; p != NULL && i < NDES_OUTSTANDING; i++)
		if (x.slots[i].at == 0)
			p->slots[i].at = 0;
	pthread_mutex_unlock(&n->mutex);
	if (x.n < NDES_OUTSTANDING)
		return ERR_OK;
	return err_set(err, ERR_CHANGED,
	    "NDES: %d challenges are fetched and not used yet, and NDES gives "
	    "no more at a time; the oldest is given up in %lld minutes",
	    NDES_OUTSTANDING,
	    (long long)(x.oldest + SCEP_NDES_LIFE - x.now + 59) / 60);
}

void
ndes_used(struct ndes *n, uint32_t org, const char *id)
{
	size_t i, k;

	pthread_mutex_lock(&n->mutex);
	for (i = 0; i < ORGS_MAX; i++)
		for (k = 0; k < NDES_OUTSTANDING; k++)
			if (n->places[i].org == org &&
			    strcmp(n->places[i].slots[k].id, id) == 0)
				n->places[i].slots[k].at = 0;
	pthread_mutex_unlock(&n->mutex);
}

/* ---- fetching ------------------------------------------------------------ */

static enum err_code
judge_status(const struct scep_settings *s, long status, struct err *err)
{
	switch (status) {
	case 200:
		return ERR_OK;
	case 401:
		return err_set(err, ERR_DENIED,
		    "NDES refuses the user %s (HTTP 401): scep/ndes-user or "
		    "scep/ndes-password is wrong, or the account is locked%s",
		    s->ndes_user,
		    strncmp(s->ndes_url, "https:", 6) == 0
			? ""
			: "; over http:// only NTLM is tried, never Basic");
	case 403:
		return err_set(err, ERR_DENIED,
		    "NDES does not let the user %s see the page (HTTP 403): it "
		    "must be allowed on mscep_admin",
		    s->ndes_user);
	case 404:
		return err_set(err, ERR_REMOTE,
		    "there is no page at scep/ndes-url (HTTP 404): it is "
		    "usually https://HOST/certsrv/mscep_admin/");
	default:
		return err_set(err, ERR_REMOTE, "NDES answers with HTTP %ld%s",
		    status,
		    status >= 500 ? ": its application pool may be stopped"
		    : status >= 300 && status < 400
			? ", a redirection: write the address that it leads to "
			  "into scep/ndes-url"
			: "");
	}
}

static enum err_code
fetch(struct ndes *n, const struct scep_settings *s, struct buf *ret,
    struct err *err)
{
	struct upstream u = { .engine = n->engine,
		.url = s->ndes_url,
		.user = s->ndes_user[0] != '\0' ? s->ndes_user : NULL,
		.password = s->ndes_password };
	struct upstream_reply r = { .status = 0 };
	bool timed_out;
	enum err_code rc = upstream_ask(&u, &r, &timed_out, err);

	if (rc != ERR_OK)
		rc = err_context(err, "NDES");
	else if ((rc = judge_status(s, r.status, err)) == ERR_OK &&
		 (rc = ndes_parse(buf_view(&r.body), ret, err)) != ERR_OK)
		rc = err_context(err, "HTTP %ld", r.status);
	buf_wipe(&r.body);
	return rc;
}

enum err_code
ndes_challenge(struct ndes *n, const struct scep_settings *s, const char *id,
    struct buf *ret, struct err *err)
{
	enum err_code rc = take_turn(n, s->org, err);

	if (rc != ERR_OK)
		return rc;
	if ((rc = check_room(n, s->org, err)) == ERR_OK)
		rc = fetch(n, s, ret, err);
	end_turn(n, s->org, id, rc == ERR_OK);
	return rc;
}
