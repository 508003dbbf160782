#include "engine/model/notices.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/settings.h"
#include "engine/model/tls.h"

#define DAY      INT64_C(86400)
#define AT_LEAST 3600 /* seconds between looks without a cause */
#define PAUSE    5    /* at least, while things change */
#define RETRY    60   /* after a failure */
#define BATCH    64   /* events in one transaction */

/* ---- what a certificate is for ------------------------------------------ */

static const struct role {
	enum slot slot;
	const char *word;
	const char *dir; /* where its files go; NULL: it has none */
	const char *after;
	const char *remedy; /* %s: the place of its files */
} roles[] = {
	{ SLOT_OF_APNS, "push", "apns", "devices are not woken",
	    "renew it at identity.apple.com with the same Apple Account and "
	    "copy the answer into %s" },
	{ SLOT_OF_SIGNING, "signing", "signing",
	    "devices show profiles as not verified",
	    "copy a renewed one with its key into %s" },
	{ SLOT_OF_TLS, "tls", "tls", "devices refuse to connect",
	    "copy a renewed one with its key and chain into %s" },
	{ SLOT_OF_TLS_CA, "tls-root", NULL,
	    "devices refuse the certificate that this server made itself",
	    "copy an HTTPS certificate with its key into system/tls/" },
	{ SLOT_OF_CA, "device-ca", NULL, "no device certificate is accepted",
	    "devices have to enroll again, under a new CA" },
	{ SLOT_OF_VENDOR, "vendor", "vendor",
	    "requests for push certificates cannot be signed",
	    "renew it at developer.apple.com and copy it into %s" },
};

static const struct role *
role_of(enum slot slot)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (roles[i].slot == slot)
			return &roles[i];
	return NULL;
}

/* ---- levels: what was said last ----------------------------------------- */

/* A threshold in days, or after the end -1, -2 ... for each day; they only
 * fall. */
#define LEVEL_NONE INT64_MAX

static int64_t
level_at(const struct notice_days *days, int64_t now, int64_t ends)
{
	int64_t level = LEVEL_NONE;

	if (ends < now)
		return -1 - (now - ends - 1) / DAY;
	for (unsigned i = 0; i < days->n; i++) /* they fall */
		if ((ends - now) / DAY <= days->days[i])
			level = days->days[i];
	return level;
}

/* When the level falls next. */
static int64_t
level_next(const struct notice_days *days, int64_t now, int64_t ends)
{
	int64_t level = level_at(days, now, ends);

	if (level < 0)
		return ends + 1 - level * DAY;
	for (unsigned i = 0; i < days->n; i++)
		if (days->days[i] < level)
			return ends - (days->days[i] + 1) * DAY + 1;
	return ends + 1;
}

struct said {
	uint8_t fingerprint[32];
	int64_t ends;
	int64_t level;
};

static struct key
said_key(struct slot_id id)
{
	struct key k = key_of(KIND_NOTICE);

	key_u32(&k, id.org);
	key_u8(&k, (uint8_t)id.slot);
	key_u64(&k, id.dir);
	return k;
}

static enum err_code
said_read(struct txn *t, struct slot_id id, struct said *ret, struct err *err)
{
	struct key k = said_key(id);
	struct said s = { .level = LEVEL_NONE };
	struct bytes value;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc == ERR_OK) {
		r = reader_of(value, &version);
		read_raw(&r, s.fingerprint, sizeof(s.fingerprint));
		s.ends = read_i64(&r);
		s.level = read_i64(&r);
		rc = record_end(&r, "notice", err);
	} else if (rc == ERR_NOT_FOUND) {
		rc = ERR_OK;
	} else {
		rc = err_set(err, rc, "notice: %s", err_text(rc));
	}
	if (rc == ERR_OK)
		*ret = s;
	return rc;
}

static enum err_code
said_store(
    struct txn *t, struct slot_id id, const struct said *s, struct err *err)
{
	struct key k = said_key(id);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_raw(&b, s->fingerprint, sizeof(s->fingerprint));
	record_i64(&b, s->ends);
	record_i64(&b, s->level);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

/* ---- one certificate ---------------------------------------------------- */

struct round {
	struct engine *engine;
	int64_t now;
	struct txn *t;
	struct notice_days days;
	uint64_t version;
	bool own_tls;   /* system/tls is empty */
	struct org org; /* the one that was looked at last */
	int64_t next;
	struct slot_id *due;
	size_t n_due, cap_due;
	size_t from, to; /* of due: what one transaction says */
};

static enum err_code
round_begin(struct round *r, struct txn *t, struct err *err)
{
	struct tls_state tls;
	enum err_code rc = tls_state(t, &tls, err);

	r->t = t;
	r->own_tls = rc == ERR_OK && tls.own;
	r->org = (struct org){ 0 };
	return rc == ERR_OK ? notice_days_read(t, &r->days, err) : rc;
}

/* Whose it is; false for what is not in use, or not spoken of: the server
 * renews its own HTTPS certificate by itself. */
static bool
is_in_use(struct round *r, struct slot_id id)
{
	if (role_of(id.slot) == NULL ||
	    (id.slot == SLOT_OF_TLS_CA && !r->own_tls))
		return false;
	if (id.org == 0)
		return true;
	if (r->org.number != id.org &&
	    org_read(r->t, id.org, &r->org, NULL) != ERR_OK) {
		r->org = (struct org){ 0 };
		return false;
	}
	return r->org.removed_at == 0;
}

struct notice {
	struct slot_id id;
	struct slot_facts facts;
	struct said before; /* level LEVEL_NONE: nothing of this certificate */
	struct said now;
	int64_t next;
	bool due;
};

static enum err_code
judge(struct round *r, struct slot_id id, struct notice *n, struct err *err)
{
	struct slot_facts *f = &n->facts;
	int64_t ends;
	enum err_code rc = slot_facts(r->t, id, f, err);

	n->id = id;
	n->due = false;
	n->next = INT64_MAX;
	if (rc == ERR_OK)
		rc = said_read(r->t, id, &n->before, err);
	if (rc != ERR_OK || f->version == 0)
		return rc;
	ends = f->chain_ends != 0 && f->chain_ends < f->expires ? f->chain_ends
	                                                        : f->expires;
	if (ends != n->before.ends ||
	    memcmp(f->fingerprint, n->before.fingerprint,
		sizeof(f->fingerprint)) != 0)
		n->before.level = LEVEL_NONE;
	n->now = (struct said){ .ends = ends,
		.level = level_at(&r->days, r->now, ends) };
	memcpy(n->now.fingerprint, f->fingerprint, sizeof(f->fingerprint));
	n->due = n->now.level < n->before.level;
	n->next = level_next(&r->days, r->now, ends);
	return ERR_OK;
}

/* ---- the event ---------------------------------------------------------- */

/* A value of key=value: quoted if it holds what would end it. */
static void
value(struct buf *b, const char *s)
{
	struct buf text = { 0 };

	text_escape(&text, bytes_text(s));
	if (strpbrk(s, " \"=:") != NULL)
		buf_printf(b, "\"%s\"", buf_str(&text));
	else
		buf_text(b, buf_str(&text));
	buf_free(&text);
}

static void
remedy(struct buf *b, const char *s, const char *place)
{
	const char *at = strstr(s, "%s");

	if (at == NULL) {
		buf_text(b, s);
		return;
	}
	buf_put(b, s, (size_t)(at - s));
	buf_printf(b, "%s%s", place, at + 2);
}

static void
place_of(const struct round *r, const struct role *role, const char *name,
    struct buf *b)
{
	if (r->org.number != 0)
		buf_printf(b, "orgs/%s/%s/", r->org.name, role->dir);
	else
		buf_printf(b, "system/%s/", role->dir);
	if (name[0] != '\0')
		buf_printf(b, "%s/", name);
}

static void
write_text(const struct round *r, const struct notice *n, const char *name,
    struct buf *b)
{
	const struct role *role = role_of(n->id.slot);
	bool ended = n->now.level < 0;
	struct buf place = { 0 };

	buf_printf(b, "certificate-%s org=", ended ? "ended" : "ends");
	value(b, n->id.org == 0 ? "-" : r->org.name);
	buf_printf(b, " role=%s", role->word);
	if (name[0] != '\0') {
		buf_text(b, " name=");
		value(b, name);
	}
	buf_printf(b, " days-left=%lld ends=",
	    ended ? (long long)n->now.level
		  : (long long)((n->now.ends - r->now) / DAY));
	text_time(b, n->now.ends);
	buf_printf(b, " serial=%s: %s%s%s; ",
	    n->facts.serial[0] != '\0' ? n->facts.serial : "-",
	    n->now.ends < n->facts.expires ? "one in its chain ends first; "
					   : "",
	    ended ? "" : "after that ", role->after);
	if (role->dir != NULL)
		place_of(r, role, name, &place);
	remedy(b, role->remedy, buf_str(&place));
	buf_free(&place);
}

static enum err_code
say(struct round *r, const struct notice *n, struct err *err)
{
	struct node dir = { .name = "" };
	struct buf b = { 0 };
	enum err_code rc = ERR_OK;

	/* the directory of a named one may be gone for two seconds yet */
	if (n->id.dir != 0 && node_get(r->t, n->id.dir, &dir, NULL) != ERR_OK)
		dir.name[0] = '\0';
	if (n->id.org == 0)
		r->org = (struct org){ 0 };
	write_text(r, n, dir.name, &b);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = event_record(
		    r->t, r->engine, n->id.org, err, "%s", buf_str(&b));
	if (rc == ERR_OK)
		rc = said_store(r->t, n->id, &n->now, err);
	buf_free(&b);
	return rc;
}

/* ---- all ---------------------------------------------------------------- */

static enum err_code
note_due(struct round *r, struct slot_id id, struct err *err)
{
	if (r->n_due == r->cap_due) {
		size_t cap = r->cap_due == 0 ? 16 : r->cap_due * 2;
		struct slot_id *p = realloc(r->due, cap * sizeof(*p));

		if (p == NULL)
			return err_set(err, ERR_NO_MEMORY, "notices");
		r->due = p;
		r->cap_due = cap;
	}
	r->due[r->n_due++] = id;
	return ERR_OK;
}

static enum err_code
look_one(void *arg, struct bytes key, struct bytes bytes, bool *stop,
    struct err *err)
{
	struct round *r = arg;
	struct slot_id id = { .org = key_get_u32(key, 1),
		.slot = (enum slot)key.p[5],
		.dir = key.len >= 14 ? key_get_u64(key, 6) : 0 };
	struct notice n;
	enum err_code rc;

	(void)bytes;
	(void)stop;
	if (!is_in_use(r, id))
		return ERR_OK;
	if ((rc = judge(r, id, &n, err)) != ERR_OK)
		return rc;
	if (n.next < r->next)
		r->next = n.next;
	return n.due ? note_due(r, id, err) : ERR_OK;
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct round *r = arg;
	struct key prefix = key_of(KIND_SLOT);
	enum err_code rc = round_begin(r, t, err);

	r->next = r->now + AT_LEAST;
	r->n_due = 0;
	if (rc == ERR_OK)
		rc = txn_each(
		    t, key_view(&prefix), BYTES_NONE, look_one, r, err);
	return rc;
}

/* What was found due is judged again: it may have been replaced meanwhile. */
static enum err_code
say_txn(struct txn *t, void *arg, struct err *err)
{
	struct round *r = arg;
	struct notice n;
	enum err_code rc = round_begin(r, t, err);

	for (size_t i = r->from; rc == ERR_OK && i < r->to; i++) {
		if (!is_in_use(r, r->due[i]))
			continue;
		rc = judge(r, r->due[i], &n, err);
		if (rc == ERR_OK && n.due)
			rc = say(r, &n, err);
	}
	return rc;
}

static enum err_code
version_txn(struct txn *t, void *arg, struct err *err)
{
	return counter_last(t, "version", arg, err);
}

enum err_code
notices_run(struct engine *e, struct notices_watch *watch, int64_t *next,
    struct err *err)
{
	struct round r = { .engine = e, .now = engine_now(e) };
	bool back = r.now < watch->looked_at; /* the clock was set back */
	int64_t pause = watch->looked_at + PAUSE;
	enum err_code rc = store_view(e->store, version_txn, &r.version, err);

	if (rc != ERR_OK) {
		*next = r.now + RETRY;
		return rc;
	}
	if (r.version == watch->version || watch->look_at < pause)
		pause = watch->look_at;
	if (!back && r.now < pause) {
		*next = pause;
		return ERR_OK;
	}
	rc = store_view(e->store, look_txn, &r, err);
	for (; rc == ERR_OK && r.from < r.n_due; r.from = r.to) {
		r.to = r.n_due - r.from < BATCH ? r.n_due : r.from + BATCH;
		rc = store_update(e->store, say_txn, &r, err);
	}
	free(r.due);
	if (rc != ERR_OK)
		r.next = r.now + RETRY;
	*watch = (struct notices_watch){ r.version, r.now, r.next };
	*next = r.next;
	return rc;
}
