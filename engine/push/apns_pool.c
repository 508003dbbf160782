#include "engine/push/apns_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	apns_pool_settle(arg);
}

static struct pool *
pool_new(struct apns *a, struct apns_identity *id)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->timer = evtimer_new(a->base, on_timer, pool);
	if (pool->timer == NULL) {
		free(pool);
		return NULL;
	}
	pool->apns = a;
	pool->id = apns_identity_ref(id);
	TAILQ_INIT(&pool->queue);
	TAILQ_INIT(&pool->conns);
	return pool;
}

struct pool *
apns_pool_get(struct apns *a, struct apns_identity *id, bool create)
{
	struct pools *bucket = &a->pools[((uintptr_t)id / 64) % POOL_BUCKETS];
	struct pool *pool;

	LIST_FOREACH(pool, bucket, link)
	if (pool->id == id)
		return pool;
	if (!create || (pool = pool_new(a, id)) == NULL)
		return NULL;
	LIST_INSERT_HEAD(bucket, pool, link);
	a->n_pools++;
	return pool;
}

/* Without queue and connections. */
static void
pool_free(struct pool *pool)
{
	LIST_REMOVE(pool, link);
	pool->apns->n_pools--;
	event_free(pool->timer);
	apns_identity_free(pool->id);
	free(pool);
}

/* ---- answers ------------------------------------------------------------ */

/* All that wait for a place, or only the probes among them. */
static void
queue_answer(
    struct pool *pool, const struct apns_result *result, bool probes_only)
{
	struct request *r, *next;

	for (r = TAILQ_FIRST(&pool->queue); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (probes_only && !r->probe)
			continue;
		TAILQ_REMOVE(&pool->queue, r, link);
		apns_finish(pool->apns, r, result);
	}
}

static void
streams_answer(
    struct pool *pool, struct conn *c, const struct apns_result *result)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&c->streams)) != NULL) {
		apns_h2_cancel(c, r);
		if (r->answer->complete && r->answer->status != 0)
			apns_pool_answered(pool, c, r);
		else
			apns_finish(pool->apns, r, result);
	}
}

/* What an impossible token's fate says of the certificate. */
static void
probe_judge(struct apns_result *result)
{
	char text[sizeof(result->text)];

	if (result->outcome != APNS_BAD_TOKEN &&
	    result->outcome != APNS_DEAD_TOKEN &&
	    result->outcome != APNS_ACCEPTED)
		return;
	snprintf(text, sizeof(text),
	    "the push service takes the certificate (it answered a test with "
	    "%d %s)",
	    result->status, result->reason);
	memcpy(result->text, text, sizeof(text));
	result->outcome = APNS_ACCEPTED;
	result->dead_since = 0;
}

void
apns_pool_answered(struct pool *pool, struct conn *c, struct request *r)
{
	struct apns_result result;
	enum apns_then then;

	then = apns_answer_judge(r->answer, apns_now(pool->apns), &result);
	if (r->answer->status < 500 && then != THEN_RETREAT && !c->draining) {
		c->answered++;
		pool->failures = 0;
		pool->not_before_ms = 0;
		pool->why[0] = '\0';
	}
	if (c->ceiling < MAX_STREAMS)
		c->ceiling++;
	if (then == THEN_RENEW) {
		c->draining = true;
		c->busy = r->answer->status >= 500;
		snprintf(c->why, sizeof(c->why), "the service answered %d %s",
		    result.status, result.reason);
	}
	if (then == THEN_RETREAT)
		apns_pool_refuse(pool, &result);
	if (r->probe)
		probe_judge(&result);
	apns_finish(pool->apns, r, &result);
}

void
apns_pool_resend(struct pool *pool, struct request *r, const char *why)
{
	struct apns_result result;

	free(r->answer);
	r->answer = NULL;
	if (++r->tries < MAX_TRIES) {
		TAILQ_INSERT_HEAD(&pool->queue, r, link);
		return;
	}
	apns_result_set(&result, APNS_TRY_LATER,
	    "not processed after %u attempts (%s); sent again later", r->tries,
	    why);
	apns_finish(pool->apns, r, &result);
}

void
apns_pool_refuse(struct pool *pool, const struct apns_result *result)
{
	if (pool->refused)
		return;
	pool->refused = true;
	pool->refusal = *result;
	pool->refusal.apns_id[0] = '\0';
}

/* ---- connections -------------------------------------------------------- */

/* When the next attempt may be made, now that c takes no more. */
static void
end_note(struct pool *pool, struct conn *c)
{
	const struct apns_times *t = &pool->apns->times;
	int64_t delay = t->backoff_first_ms;
	unsigned i;

	if (c->noted)
		return;
	c->noted = true;
	memcpy(pool->why, c->why, sizeof(pool->why));
	if (c->answered > 0 && !c->busy) {
		/* it worked: no punishment, but no hammering either */
		pool->not_before_ms = c->started_ms + delay;
		return;
	}
	for (i = 0; i < pool->failures && delay < t->backoff_last_ms; i++)
		delay *= 2;
	if (delay > t->backoff_last_ms)
		delay = t->backoff_last_ms;
	pool->failures++;
	delay -= (int64_t)arc4random_uniform((uint32_t)(delay / 2 + 1));
	pool->not_before_ms = apns_clock_ms() + delay;
}

static void
conn_remove(struct pool *pool, struct conn *c)
{
	TAILQ_REMOVE(&pool->conns, c, link);
	apns_conn_free(c);
}

/* c is dead: its pushes' fate is unknown, and pushing twice does no harm. */
static void
conn_bury(struct pool *pool, struct conn *c)
{
	struct apns_result result;

	end_note(pool, c);
	apns_result_set(&result, APNS_TRY_LATER,
	    "connection lost: %s; sent again later", c->why);
	streams_answer(pool, c, &result);
	apns_result_set(
	    &result, APNS_TRY_LATER, "%s; sent again later", c->why);
	if (!c->heard_settings)
		queue_answer(pool, &result, c->end != END_HOPELESS);
	conn_remove(pool, c);
}

static bool
any_is_dead(struct pool *pool)
{
	struct conn *c;

	TAILQ_FOREACH(c, &pool->conns, link)
	if (c->state == CONN_DEAD)
		return true;
	return false;
}

/* Free what has ended. */
static void
conns_sweep(struct pool *pool)
{
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&pool->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->draining)
			end_note(pool, c);
		if (c->state == CONN_DEAD)
			conn_bury(pool, c);
		else if (c->draining && c->n_streams == 0)
			conn_remove(pool, c);
	}
}

/* Apple: close every connection that was made with such a certificate. */
static void
certificate_retreat(struct pool *pool)
{
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&pool->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		c->answered = 0;
		end_note(pool, c);
		streams_answer(pool, c, &pool->refusal);
		conn_remove(pool, c);
	}
	queue_answer(pool, &pool->refusal, false);
	memcpy(pool->why, pool->refusal.text, sizeof(pool->why) - 1);
	pool->why[sizeof(pool->why) - 1] = '\0';
	pool->refused = false;
}

/* ---- sending ------------------------------------------------------------ */

static struct conn *
conn_roomiest(struct pool *pool)
{
	struct conn *c, *best = NULL;
	size_t room, most = 0;

	TAILQ_FOREACH(c, &pool->conns, link)
	{
		room = apns_h2_room(c);
		if (room > most) {
			most = room;
			best = c;
		}
	}
	return best;
}

static void
queue_expire(struct pool *pool)
{
	const struct apns_times *t = &pool->apns->times;
	int64_t now = apns_clock_ms();
	struct apns_result result;
	struct request *r;

	while ((r = TAILQ_FIRST(&pool->queue)) != NULL &&
	       r->since_ms + t->queue_ms <= now) {
		apns_result_set(&result, APNS_TRY_LATER,
		    "not sent within %lld seconds (%s); sent again later",
		    (long long)(t->queue_ms / 1000),
		    pool->why[0] != '\0' ? pool->why
					 : "all connections are full");
		TAILQ_REMOVE(&pool->queue, r, link);
		apns_finish(pool->apns, r, &result);
	}
}

/* Fill the connections' streams from the queue. */
static void
queue_send(struct pool *pool)
{
	struct conn *c;
	struct request *r;
	size_t room;

	while (
	    !TAILQ_EMPTY(&pool->queue) && (c = conn_roomiest(pool)) != NULL) {
		for (room = apns_h2_room(c);
		     room > 0 && (r = TAILQ_FIRST(&pool->queue)) != NULL;
		     room--) {
			TAILQ_REMOVE(&pool->queue, r, link);
			if (apns_h2_start(c, r))
				continue;
			TAILQ_INSERT_HEAD(&pool->queue, r, link);
			return;
		}
		apns_conn_flush(c);
	}
}

/* One more connection, if it would help and is due. */
static void
pool_grow(struct pool *pool)
{
	unsigned n = 0;
	struct conn *c;

	if (TAILQ_EMPTY(&pool->queue))
		return;
	TAILQ_FOREACH(c, &pool->conns, link)
	{
		if (c->draining)
			continue;
		if (c->state != CONN_OPEN || !c->heard_settings)
			return; /* it may yet have room */
		n++;
	}
	if (n >= pool->apns->connections ||
	    apns_clock_ms() < pool->not_before_ms)
		return;
	c = apns_conn_new(pool);
	if (c != NULL)
		TAILQ_INSERT_TAIL(&pool->conns, c, link);
	else
		pool->not_before_ms =
		    apns_clock_ms() + pool->apns->times.backoff_first_ms;
}

static void
timer_set(struct pool *pool)
{
	const struct request *r = TAILQ_FIRST(&pool->queue);
	int64_t at, now = apns_clock_ms();

	if (r == NULL) {
		event_del(pool->timer);
		return;
	}
	at = r->since_ms + pool->apns->times.queue_ms;
	if (pool->not_before_ms > now && pool->not_before_ms < at)
		at = pool->not_before_ms;
	apns_timer(pool->timer, at - now);
}

/* Nothing on its way and nothing waiting. */
static bool
pool_is_quiet(struct pool *pool)
{
	struct conn *c;

	if (!TAILQ_EMPTY(&pool->queue))
		return false;
	TAILQ_FOREACH(c, &pool->conns, link)
	if (c->n_streams > 0)
		return false;
	return true;
}

void
apns_pool_settle(struct pool *pool)
{
	struct apns_result result;
	struct conn *c;

	do {
		if (pool->refused)
			certificate_retreat(pool);
		conns_sweep(pool);
		if (pool->apns->winding_up) {
			apns_result_set(&result, APNS_TRY_LATER,
			    "mdmfs is stopping; sent again later");
			queue_answer(pool, &result, false);
		}
		queue_expire(pool);
		queue_send(pool);
		pool_grow(pool);
	} while (pool->refused || any_is_dead(pool));

	if (!pool->retiring || !pool_is_quiet(pool)) {
		timer_set(pool);
		return;
	}
	while ((c = TAILQ_FIRST(&pool->conns)) != NULL)
		conn_remove(pool, c);
	pool_free(pool);
}

void
apns_pool_push(struct pool *pool, struct request *r)
{
	if (r->probe) /* what is so now is asked, not a minute ago */
		pool->not_before_ms = 0;
	r->since_ms = apns_clock_ms();
	TAILQ_INSERT_TAIL(&pool->queue, r, link);
}

void
apns_pool_abandon(struct pool *pool, const char *why)
{
	struct apns_result result;
	struct conn *c;

	apns_result_set(&result, APNS_TRY_LATER, "%s; sent again later", why);
	while ((c = TAILQ_FIRST(&pool->conns)) != NULL) {
		streams_answer(pool, c, &result);
		conn_remove(pool, c);
	}
	queue_answer(pool, &result, false);
	pool_free(pool);
}
