#include "engine/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/log.h"
#include "engine/mdm/renew.h"
#include "engine/model/certs.h"
#include "engine/model/challenges.h"
#include "engine/model/events.h"
#include "engine/model/group_settle.h"
#include "engine/model/mass.h"
#include "engine/model/notices.h"
#include "engine/model/org_purge.h"
#include "engine/model/queue_expiry.h"
#include "engine/model/removal.h"
#include "engine/model/tls.h"
#include "engine/tls.h"

#define HOUSEKEEPING 3600 /* seconds between rounds without a cause */
#define RELAX        30   /* seconds between givings back of memory */
#define REFUSALS     10   /* seconds between looks at them */

struct keeper {
	struct engine *engine;
	struct server *server;
	struct tls_served *tls; /* what the server has */
	struct tls_watch tls_watch;
	struct notices_watch notices;
	struct groups_watch groups;
	int64_t trim_at; /* seconds */
	int64_t certs_at;
	int64_t purge_at;
	int64_t relax_at;
	int64_t refusals_at;
	uint64_t refusals; /* that were told */
	pthread_t thread;
	bool running;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool stop;  /* protected by mutex */
	bool woken; /* protected by mutex */
};

static enum err_code
trim_txn(struct txn *t, void *arg, struct err *err)
{
	const struct engine *e = arg;

	return challenges_trim(t, engine_now(e), err);
}

/* ---- chores: each is looked at after a commit, and when its time has come - */

/* *next is when to look again at the latest (seconds), 0: at the next commit. */
typedef enum err_code chore_fn(
    struct keeper *k, int64_t *next, struct err *err);

static enum err_code
remove_due(struct keeper *k, int64_t *next, struct err *err)
{
	return removal_run(k->engine, next, err);
}

static enum err_code
find_members(struct keeper *k, int64_t *next, struct err *err)
{
	return groups_settle(k->engine, &k->groups, next, err);
}

static enum err_code
many(struct keeper *k, int64_t *next, struct err *err)
{
	return mass_run(k->engine, next, err);
}

static enum err_code
expire(struct keeper *k, int64_t *next, struct err *err)
{
	return queue_expire(k->engine, next, err);
}

static enum err_code
serve_tls(struct keeper *k, int64_t *next, struct err *err)
{
	enum err_code rc = tls_ensure(k->engine, &k->tls_watch, err);

	*next = engine_now(k->engine) + HOUSEKEEPING;
	return rc == ERR_OK ? tls_serve(k->engine, k->server, &k->tls, err)
	                    : rc;
}

static enum err_code
say_ends(struct keeper *k, int64_t *next, struct err *err)
{
	return notices_run(k->engine, &k->notices, next, err);
}

/* Whether a chore that is done now and then is due; the next time is noted. */
static bool
is_time(struct keeper *k, int64_t *at, int64_t every, int64_t *next)
{
	int64_t now = engine_now(k->engine);
	bool yes = now >= *at;

	if (yes)
		*at = now + every;
	*next = *at;
	return yes;
}

static enum err_code
renew(struct keeper *k, int64_t *next, struct err *err)
{
	return renew_due(k->engine, next, err);
}

static enum err_code
relax(struct keeper *k, int64_t *next, struct err *err)
{
	(void)err;
	if (is_time(k, &k->relax_at, RELAX, next))
		store_relax(k->engine->store);
	return ERR_OK;
}

struct refused {
	const struct engine *engine;
	const struct server_refusal *last;
	uint64_t others;
};

static enum err_code
refused_txn(struct txn *t, void *arg, struct err *err)
{
	const struct refused *r = arg;
	const struct server_refusal *last = r->last;
	char why[80], more[64] = "";

	if (last->status == 413)
		snprintf(why, sizeof(why),
		    "it is longer than the %zu bytes that are taken there",
		    last->limit);
	else
		snprintf(why, sizeof(why), "it came too slowly");
	if (r->others > 0)
		snprintf(more, sizeof(more),
		    " (and %llu more that are not listed)",
		    (unsigned long long)r->others);
	return event_record(t, r->engine, 0, err,
	    "https: %s %s from %s was refused unread, %d: %s%s", last->method,
	    last->path, last->peer, last->status, why, more);
}

/* One event for all that came since the last look: strangers cause them. */
static enum err_code
say_refusals(struct keeper *k, int64_t *next, struct err *err)
{
	struct server_refusal last;
	struct refused r = { k->engine, &last, 0 };

	if (!is_time(k, &k->refusals_at, REFUSALS, next) || k->server == NULL)
		return ERR_OK;
	server_last_refusal(k->server, &last);
	if (last.n == k->refusals)
		return ERR_OK;
	r.others = last.n - k->refusals - 1;
	k->refusals = last.n;
	return store_update(k->engine->store, refused_txn, &r, err);
}

static enum err_code
trim(struct keeper *k, int64_t *next, struct err *err)
{
	if (!is_time(k, &k->trim_at, HOUSEKEEPING, next))
		return ERR_OK;
	return store_update(k->engine->store, trim_txn, k->engine, err);
}

struct trim_certs {
	int64_t now;
	bool more;
};

static enum err_code
trim_certs_txn(struct txn *t, void *arg, struct err *err)
{
	struct trim_certs *x = arg;

	return issued_trim(t, x->now, &x->more, err);
}

static enum err_code
trim_certs(struct keeper *k, int64_t *next, struct err *err)
{
	struct trim_certs x = { .now = engine_now(k->engine) };
	enum err_code rc;

	if (!is_time(k, &k->certs_at, HOUSEKEEPING, next))
		return ERR_OK;
	rc = store_update(k->engine->store, trim_certs_txn, &x, err);
	if (rc == ERR_OK && x.more) /* the rest in the next round */
		*next = k->certs_at = x.now + 1;
	return rc;
}

static enum err_code
purge(struct keeper *k, int64_t *next, struct err *err)
{
	if (!is_time(k, &k->purge_at, HOUSEKEEPING, next))
		return ERR_OK;
	return orgs_purge(k->engine, err);
}

/* clang-format off */
static const struct {
	const char *what; /* in the log, when it fails */
	chore_fn *run;
} chores[] = {
	{ "removals",                 remove_due },
	{ "expired commands",         expire },
	{ "members of groups",        find_members },
	{ "commands for many",        many },
	{ "the HTTPS certificate",    serve_tls },
	{ "the ends of certificates", say_ends },
	{ "renewals",                 renew },
	{ "old challenges",           trim },
	{ "ended certificates",       trim_certs },
	{ "removed organizations",    purge },
	{ "memory",                   relax },
	{ "refused requests",         say_refusals },
};
/* clang-format on */

/* One round; returns when the next one is due at the latest (seconds). */
static int64_t
keep_house(struct keeper *k)
{
	int64_t next, first = engine_now(k->engine) + HOUSEKEEPING;
	size_t i;

	for (i = 0; i < sizeof(chores) / sizeof(chores[0]); i++) {
		struct err err = { 0 };

		next = 0;
		if (chores[i].run(k, &next, &err) != ERR_OK)
			log_error("%s: %s", chores[i].what, err.msg);
		if (next != 0 && next < first)
			first = next;
	}
	return first;
}

static void *
run(void *arg)
{
	struct keeper *k = arg;
	int64_t next, left; /* left: nanoseconds */
	struct timespec at;
	bool stop = false;

	while (!stop) {
		next = keep_house(k);
		left = next * 1000000000 - engine_now_ns(k->engine);
		clock_gettime(CLOCK_MONOTONIC, &at);
		left = at.tv_nsec + (left > 0 ? left : 0);
		at.tv_sec += left / 1000000000;
		at.tv_nsec = left % 1000000000;
		pthread_mutex_lock(&k->mutex);
		while (!k->stop && !k->woken &&
		       pthread_cond_timedwait(&k->changed, &k->mutex, &at) !=
			   ETIMEDOUT)
			;
		k->woken = false;
		stop = k->stop;
		pthread_mutex_unlock(&k->mutex);
	}
	return NULL;
}

enum err_code
keeper_new(struct engine *e, struct keeper **ret, struct err *err)
{
	struct keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t attr;

	if (k == NULL)
		return err_set(err, ERR_NO_MEMORY, "keeper");
	k->engine = e;
	pthread_mutex_init(&k->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &attr);
	pthread_condattr_destroy(&attr);
	*ret = k;
	return ERR_OK;
}

enum err_code
keeper_serve(struct keeper *k, struct server *s, struct err *err)
{
	int64_t next;

	k->server = s;
	return serve_tls(k, &next, err);
}

enum err_code
keeper_start(struct keeper *k, struct err *err)
{
	if (pthread_create(&k->thread, NULL, run, k) != 0)
		return err_set(err, ERR_INTERNAL, "no thread for the house");
	k->running = true;
	return ERR_OK;
}

void
keeper_wake(struct keeper *k)
{
	pthread_mutex_lock(&k->mutex);
	k->woken = true;
	pthread_cond_signal(&k->changed);
	pthread_mutex_unlock(&k->mutex);
}

void
keeper_stop(struct keeper *k)
{
	if (!k->running)
		return;
	pthread_mutex_lock(&k->mutex);
	k->stop = true;
	pthread_cond_signal(&k->changed);
	pthread_mutex_unlock(&k->mutex);
	pthread_join(k->thread, NULL);
	k->running = false;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	keeper_stop(k);
	groups_watch_fini(&k->groups);
	tls_served_free(k->tls);
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->mutex);
	free(k);
}
