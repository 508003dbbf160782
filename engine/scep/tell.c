#include "engine/scep/tell.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/model/events.h"

#define PLACES      64
#define QUIET_AFTER 30 /* a minute */

struct quiet {
	int64_t minute;
	unsigned told;
	unsigned untold;
};

struct teller {
	struct engine *engine;
	pthread_mutex_t mutex;
	struct quiet quiet[PLACES]; /* protected by mutex */
};

struct teller *
teller_new(struct engine *e)
{
	struct teller *t = calloc(1, sizeof(*t));

	if (t == NULL || pthread_mutex_init(&t->mutex, NULL) != 0) {
		free(t);
		return NULL;
	}
	t->engine = e;
	return t;
}

void
teller_free(struct teller *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

/* Whether one more is told; *untold is how many were not since the last. */
static bool
may_tell(struct teller *t, uint32_t org, int64_t now, unsigned *untold)
{
	struct quiet *q = &t->quiet[org % PLACES];
	bool yes;

	pthread_mutex_lock(&t->mutex);
	if (q->minute != now / 60) {
		q->minute = now / 60;
		q->told = 0;
	}
	yes = q->told < QUIET_AFTER;
	if (yes) {
		q->told++;
		*untold = q->untold;
		q->untold = 0;
	} else {
		q->untold++;
	}
	pthread_mutex_unlock(&t->mutex);
	return yes;
}

struct say {
	struct engine *engine;
	uint32_t org;
	const char *text;
	unsigned untold;
};

static enum err_code
say_txn(struct txn *t, void *arg, struct err *err)
{
	const struct say *s = arg;
	int len = (int)strcspn(s->text, "\n");

	if (s->untold == 0)
		return event_record(
		    t, s->engine, s->org, err, "%.*s", len, s->text);
	return event_record(t, s->engine, s->org, err,
	    "%.*s (and %u more that are not listed)", len, s->text, s->untold);
}

void
teller_say(struct teller *t, uint32_t org, int64_t now, const char *text)
{
	struct say s = { .engine = t->engine, .org = org, .text = text };
	struct err err = { 0 };

	if (may_tell(t, org, now, &s.untold) &&
	    store_update(t->engine->store, say_txn, &s, &err) != ERR_OK)
		log_warn("no event (%s): %s", err.msg, text);
}
