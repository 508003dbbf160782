#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/slots.h"
#include "engine/push/push_priv.h"

/*
 * Whether the push service takes each organization's certificate: asked after
 * each change of one, daily, and when a person wants it.  All organizations are
 * looked at only when one of that can be so.
 */
#define AGAIN   INT64_C(1800) /* after no answer */
#define BLOCKED INT64_C(600)  /* when an outcome cannot be written down */

/* ---- what is due -------------------------------------------------------- */

/* Seconds from one test to the next: not all of them at the same minute. */
static int64_t
interval(const struct probe *p)
{
	uint32_t mixed = (p->org ^ (uint32_t)p->tried_at) * 2654435761u;

	if (p->outcome == PROBE_UNREACHABLE)
		return AGAIN;
	return PROBE_EVERY -
	       (int64_t)(mixed >> 16) * (PROBE_EVERY / 10) / UINT16_MAX;
}

struct scan {
	struct prober *r;
	struct txn *t;
	int64_t now;
};

/* When that organization's certificate is to be tried; INT64_MAX: never. */
static enum err_code
due_at(struct scan *s, uint32_t number, struct probing *ret, int64_t *at,
    struct err *err)
{
	struct slot_facts f;
	struct probe p;
	struct org o;
	enum err_code rc = org_read(s->t, number, &o, err);

	*at = INT64_MAX;
	if (rc != ERR_OK || o.removed_at != 0)
		return rc;
	rc = slot_facts(s->t, slot_of(number, SLOT_OF_APNS), &f, err);
	if (rc != ERR_OK || f.version == 0 || f.expires < s->now)
		return rc; /* that it is missing or has ended is no news */
	if ((rc = probe_read(s->t, number, &p, err)) != ERR_OK)
		return rc;
	*ret = (struct probing){
		.org = number, .version = f.version, .wish = s->r->wish
	};
	*at = p.tried_at + interval(&p);
	if (p.identity_version != f.version || p.wish != s->r->wish ||
	    p.tried_at > s->now + 60)
		*at = 0;
	return ERR_OK;
}

static enum err_code
scan_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct scan *s = arg;
	struct prober *r = s->r;
	struct probing p;
	int64_t at;
	enum err_code rc = due_at(s, key_get_u32(key, 1), &p, &at, err);

	(void)value;
	if (rc != ERR_OK)
		return rc;
	if (at > s->now) {
		if (at < r->next)
			r->next = at;
	} else if (r->n < PROBES_BATCH) {
		r->due[r->n++] = p;
	} else {
		r->next = s->now; /* the rest after these */
		*stop = true;
	}
	return ERR_OK;
}

static enum err_code
scan_txn(struct txn *t, void *arg, struct err *err)
{
	struct key orgs = key_of(KIND_ORG);
	struct scan *s = arg;
	struct prober *r = s->r;
	enum err_code rc;

	s->t = t;
	r->n = r->at = 0;
	r->next = INT64_MAX;
	if ((rc = probe_wish(t, &r->wish, err)) == ERR_OK &&
	    (rc = probe_changes(t, &r->changes, err)) == ERR_OK)
		rc = txn_each(t, key_view(&orgs), BYTES_NONE, scan_one, s, err);
	return rc;
}

/* Two small reads at each wake of the thread. */
static enum err_code
news_txn(struct txn *t, void *arg, struct err *err)
{
	struct prober *r = arg;
	uint64_t wish, changes;
	enum err_code rc;

	r->news = false;
	if ((rc = probe_wish(t, &wish, err)) == ERR_OK &&
	    (rc = probe_changes(t, &changes, err)) == ERR_OK)
		r->news = wish != r->wish || changes != r->changes;
	return rc;
}

bool
prober_next(struct prober *r, int64_t now, struct probing *ret)
{
	struct scan s = { .r = r, .now = now };
	struct err err = { 0 };

	if (r->under_way == PROBES_AT_ONCE)
		return false;
	/* what is under way must not be found again */
	if (r->at == r->n && r->under_way == 0 && now >= r->not_before) {
		if (store_view(r->engine->store, news_txn, r, &err) != ERR_OK ||
		    ((r->news || now >= r->next) &&
			store_view(r->engine->store, scan_txn, &s, &err) !=
			    ERR_OK)) {
			log_error("push tests: %s", err.msg);
			r->n = r->at = 0;
			r->not_before = now + BLOCKED;
		}
	}
	if (r->at == r->n)
		return false;
	*ret = r->due[r->at++];
	r->under_way++;
	if (r->next > now + AGAIN)
		r->next = now + AGAIN; /* then its outcome tells the time */
	return true;
}

int64_t
prober_due(const struct prober *r)
{
	if (r->under_way > 0 || r->at < r->n)
		return 0; /* the next outcome wakes the thread */
	if (r->next < r->not_before)
		return r->not_before;
	return r->next == INT64_MAX ? 0 : r->next;
}

/* ---- outcomes ----------------------------------------------------------- */

static enum probe_outcome
outcome_of(const struct apns_result *r)
{
	switch (r->outcome) {
	case APNS_ACCEPTED:
		return PROBE_ACCEPTED;
	case APNS_WRONG_TOPIC:
	case APNS_BAD_CERTIFICATE:
		return PROBE_REFUSED;
	case APNS_BAD_TOKEN: /* judged as acceptance before */
	case APNS_DEAD_TOKEN:
	case APNS_TRY_LATER:
	case APNS_OUR_FAULT:
		break;
	}
	return PROBE_UNREACHABLE;
}

static enum err_code
tell(struct txn *t, const struct engine *e, const struct probe *p,
    const struct slot_facts *f, struct err *err)
{
	struct org o;
	enum err_code rc = org_read(t, p->org, &o, err);

	if (rc != ERR_OK)
		return rc;
	if (p->outcome == PROBE_ACCEPTED)
		return event_record(t, e, p->org, err,
		    "apns: the push service takes the push certificate of %s, "
		    "serial %s",
		    o.name, f->serial);
	if (p->outcome == PROBE_REFUSED)
		return event_record(t, e, p->org, err,
		    "apns: the push service refuses the push certificate of "
		    "%s, serial %s: %s; status/doctor says what to do",
		    o.name, f->serial, p->text);
	return event_record(t, e, p->org, err,
	    "apns: the push service could not be asked about the push "
	    "certificate of %s: %s; it is asked again in half an hour",
	    o.name, p->text);
}

/* The client promises of pushes what is not so of tests. */
static void
copy_text(char ret[static 160], const char *text)
{
	const char *promise = strstr(text, "; sent again later");

	snprintf(ret, 160, "%.*s",
	    promise == NULL ? 159 : (int)(promise - text), text);
}

struct settle {
	struct engine *engine;
	const struct probing *list;
};

static enum err_code
settle_one(
    struct txn *t, struct engine *e, const struct probing *s, struct err *err)
{
	struct probe old, p = { .org = s->org,
		.identity_version = s->version,
		.wish = s->wish,
		.tried_at = engine_now(e),
		.outcome = outcome_of(&s->result),
		.status = s->result.status };
	struct slot_facts f;
	enum err_code rc = probe_read(t, s->org, &old, err);

	if (rc != ERR_OK)
		return rc;
	copy_text(p.text, s->result.text);
	if ((rc = probe_store(t, &p, err)) != ERR_OK)
		return rc;
	rc = slot_facts(t, slot_of(s->org, SLOT_OF_APNS), &f, err);
	if (rc != ERR_OK || f.version != s->version)
		return rc; /* replaced meanwhile: the next test is what counts */
	/* what is so again and again is said once */
	if (p.outcome == old.outcome &&
	    (p.outcome == PROBE_UNREACHABLE ||
		(p.identity_version == old.identity_version &&
		    strcmp(p.text, old.text) == 0)))
		return ERR_OK;
	return tell(t, e, &p, &f, err);
}

static enum err_code
settle_txn(struct txn *t, void *arg, struct err *err)
{
	struct settle *x = arg;
	const struct probing *s;
	enum err_code rc = ERR_OK;

	for (s = x->list; rc == ERR_OK && s != NULL; s = s->next)
		rc = settle_one(t, x->engine, s, err);
	return rc;
}

void
prober_settle(struct prober *r, struct probing *list)
{
	struct settle x = { r->engine, list };
	struct err err = { 0 };
	struct probing *s;

	if (list == NULL)
		return;
	if (store_update(r->engine->store, settle_txn, &x, &err) != ERR_OK) {
		log_error("push tests: %s", err.msg);
		r->not_before = engine_now(r->engine) + BLOCKED;
	}
	while ((s = list) != NULL) {
		list = s->next;
		free(s);
		r->under_way--;
	}
}
