#include "engine/model/health.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/health_priv.h"

/* ---- memory ------------------------------------------------------------- */

void *
health_grow(struct look *x, void *p, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap == 0 ? 64 : *cap * 2;
	void *new;

	if (n < *cap)
		return p;
	if ((new = reallocarray(p, more, size)) == NULL) {
		x->failed = true;
		return NULL;
	}
	*cap = more;
	return new;
}

const char *
health_keep(struct look *x, const char *s)
{
	char *copy;

	if (*s == '\0')
		return "";
	copy = arena_text(x->h.arena, bytes_text(s));
	x->failed |= copy == NULL;
	return copy == NULL ? "" : copy;
}

/* ---- what is said ------------------------------------------------------- */

static struct health_check *
add_check(struct look *x, enum health_state state)
{
	struct health_check *k = health_grow(
	    x, x->h.checks, x->h.n_checks, &x->cap_checks, sizeof(*k));

	if (k == NULL)
		return NULL;
	x->h.checks = k;
	k += x->h.n_checks++;
	*k = (struct health_check){ .name = x->row->name,
		.state = state,
		.org = x->org == NULL ? 0 : x->org->number,
		.whose = "",
		.cause = "",
		.remedy = "" };
	if (x->cert != NULL)
		k->whose = x->cert->whose;
	else if (x->org != NULL)
		k->whose = x->org->name;
	return k;
}

__attribute__((format(printf, 2, 0))) static const char *
vtext(struct look *x, const char *fmt, va_list ap)
{
	char text[2048], *s;
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n < 0)
		return "";
	if ((size_t)n >= sizeof(text))
		text[text_fit(bytes_of(text, sizeof(text)), sizeof(text) - 4)] =
		    '\0';
	for (s = text; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' '; /* a page has one line a check */
	return health_keep(x, text);
}

const char *
health_text(struct look *x, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = vtext(x, fmt, ap);
	va_end(ap);
	return text;
}

void
health_say(struct look *x, enum health_state state, const char *fmt, ...)
{
	struct health_check *k;
	va_list ap;

	x->said = false;
	if (state == HEALTH_PASS && health_counts(x)) {
		x->passed[x->row - health_rows].n++;
		return;
	}
	if ((k = add_check(x, state)) == NULL)
		return;
	va_start(ap, fmt);
	k->cause = vtext(x, fmt, ap);
	va_end(ap);
	x->said = true;
	if (x->cert != NULL && state > x->cert->state) {
		x->cert->state = state;
		x->cert->says = k->cause;
	}
}

void
health_do(struct look *x, const char *fmt, ...)
{
	struct health_check *k;
	va_list ap;

	if (!x->said)
		return;
	k = &x->h.checks[x->h.n_checks - 1];
	va_start(ap, fmt);
	k->remedy = vtext(x, fmt, ap);
	va_end(ap);
	if (x->cert != NULL && x->cert->says == k->cause)
		x->cert->todo = k->remedy;
}

/* ---- the walk ----------------------------------------------------------- */

static void
run_rows(struct look *x, enum health_subject of)
{
	size_t i;

	for (i = 0; i < n_health_rows; i++) {
		x->row = &health_rows[i];
		if (x->row->of == of &&
		    (x->cert == NULL || x->cert->present || x->row->missing))
			x->row->check(x);
	}
}

static int
by_number(const void *a, const void *b)
{
	const struct health_org *o = a, *p = b;

	return o->number < p->number ? -1 : o->number > p->number;
}

static void
check_cert(struct look *x, struct health_cert *c)
{
	static const enum health_subject subjects[] = { [HEALTH_TLS] = OF_TLS,
		[HEALTH_SIGNING] = OF_SIGNING,
		[HEALTH_PUSH] = OF_PUSH,
		[HEALTH_DEVICE_CA] = OF_CA,
		[HEALTH_VENDOR] = OF_VENDOR };
	struct health_org key = { .number = c->slot.org };

	x->cert = c;
	x->org = NULL;
	if (c->slot.org != 0)
		x->org =
		    bsearch(&key, x->orgs, x->n_orgs, sizeof(key), by_number);
	run_rows(x, subjects[c->role]);
	if (c->state == HEALTH_PASS && c->present)
		c->says =
		    health_text(x, "it is in use until %s, %lld days more",
			health_date(x, c->ends),
			(long long)((c->ends - x->h.now) / 86400));
	x->cert = NULL;
	x->org = NULL;
}

static void
add_counted(struct look *x)
{
	size_t i;

	x->org = NULL;
	for (i = 0; x->passed != NULL && i < n_health_rows; i++) {
		const struct health_passes *p = &x->passed[i];

		x->row = &health_rows[i];
		if (p->n > 0 && p->days > 0)
			health_say(x, HEALTH_PASS,
			    "fine in %zu organizations, the first has "
			    "days-left=%lld",
			    p->n, (long long)p->days);
		else if (p->n > 0)
			health_say(
			    x, HEALTH_PASS, "fine in %zu organizations", p->n);
	}
}

static void
run(struct look *x)
{
	size_t i;

	if (x->n_orgs > HEALTH_LISTED) {
		x->passed =
		    arena_alloc(x->h.arena, n_health_rows * sizeof(*x->passed));
		x->failed |= x->passed == NULL;
	}
	run_rows(x, OF_SYSTEM);
	for (i = 0; i < x->n_orgs; i++) {
		x->org = &x->orgs[i];
		run_rows(x, OF_ORG);
	}
	for (i = 0; i < x->h.n_certs; i++)
		check_cert(x, &x->h.certs[i]);
	add_counted(x);
}

static int
checks_order(const void *a, const void *b)
{
	const struct health_check *k = a, *l = b;
	int order;

	if (k->state != l->state)
		return k->state > l->state ? -1 : 1;
	if (k->org != l->org)
		return k->org < l->org ? -1 : 1;
	if ((order = strcmp(k->whose, l->whose)) != 0)
		return order;
	if ((order = strcmp(k->name, l->name)) != 0)
		return order;
	return strcmp(k->cause, l->cause);
}

static int
certs_order(const void *a, const void *b)
{
	const struct health_cert *c = a, *d = b;

	if (c->state != d->state)
		return c->state > d->state ? -1 : 1;
	if (c->ends != d->ends)
		return c->ends < d->ends ? -1 : 1;
	if (c->slot.org != d->slot.org)
		return c->slot.org < d->slot.org ? -1 : 1;
	return c->role < d->role ? -1 : c->role > d->role;
}

/* A transaction may be run again. */
static void
begin(struct look *x, struct txn *t)
{
	arena_reset(x->h.arena);
	free(x->h.devices);
	x->h.devices = NULL;
	x->h.n_checks = x->h.n_certs = x->h.n_devices = 0;
	x->n_orgs = x->n_roots = 0;
	x->t = t;
	x->passed = NULL;
	x->cert = NULL;
	x->org = NULL;
	x->failed = false;
}

static enum err_code
examine_txn(struct txn *t, void *arg, struct err *err)
{
	struct look *x = arg;
	enum err_code rc;

	begin(x, t);
	if ((rc = health_gather(x, err)) != ERR_OK)
		return rc;
	if (!x->failed)
		run(x);
	return x->failed ? err_set(err, ERR_NO_MEMORY, "checks") : ERR_OK;
}

enum err_code
health_examine(struct engine *e, health_filter *filter, void *arg,
    struct health *ret, struct err *err)
{
	struct look *x = calloc(1, sizeof(*x));
	enum err_code rc;

	if (x == NULL || (x->h.arena = arena_new()) == NULL) {
		free(x);
		return err_set(err, ERR_NO_MEMORY, "checks");
	}
	x->engine = e;
	x->filter = filter;
	x->arg = arg;
	x->h.now = engine_now(e);
	rc = store_view(e->store, examine_txn, x, err);
	if (rc == ERR_OK) {
		if (x->h.n_checks > 0)
			qsort(x->h.checks, x->h.n_checks, sizeof(*x->h.checks),
			    checks_order);
		if (x->h.n_certs > 0)
			qsort(x->h.certs, x->h.n_certs, sizeof(*x->h.certs),
			    certs_order);
		*ret = x->h;
	} else {
		health_fini(&x->h);
	}
	free(x->orgs);
	free(x);
	return rc;
}

void
health_fini(struct health *h)
{
	free(h->checks);
	free(h->certs);
	free(h->devices);
	arena_free(h->arena);
	*h = (struct health){ 0 };
}

const char *
health_state_name(enum health_state state)
{
	static const char *const names[] = { "pass", "warn", "FAIL" };

	return names[state];
}
