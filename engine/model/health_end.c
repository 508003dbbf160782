#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "engine/base/text.h"
#include "engine/model/health_priv.h"

#define DAY       INT64_C(86400)
#define FACTS_CUT (sizeof(((struct slot_facts *)0)->root) - 4)

/* What the checks of all roles share. */

const char *
health_date(struct look *x, int64_t seconds)
{
	struct buf b = { 0 };
	const char *date;

	text_time(&b, seconds);
	date = health_text(x, "%.10s", buf_str(&b));
	buf_free(&b);
	return date;
}

const char *
health_shell(struct look *x, const char *fmt, ...)
{
	struct buf path = { 0 }, b = { 0 };
	const char *s, *ret;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&path, fmt, ap);
	va_end(ap);
	s = buf_str(&path);
	if (s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-_./")] != '\0') {
		buf_char(&b, '\'');
		for (; *s != '\0'; s++)
			if (*s == '\'')
				buf_text(&b, "'\\''");
			else
				buf_char(&b, *s);
		buf_char(&b, '\'');
		s = buf_str(&b);
	}
	ret = health_keep(x, s);
	buf_free(&path);
	buf_free(&b);
	return ret;
}

const char *
health_home(struct look *x)
{
	return x->org == NULL ? "system"
	                      : health_text(x, "orgs/%s", x->org->name);
}

bool
health_has_file(struct look *x, const char *dir, const char *name)
{
	uint64_t at = x->org == NULL ? FILE_INO_SYSTEM : x->org->dir;
	struct node n;

	if (dir != NULL) {
		if (node_find(x->t, at, dir, &n, NULL) != ERR_OK)
			return false;
		at = n.n.ino;
	}
	return node_find(x->t, at, name, &n, NULL) == ERR_OK;
}

bool
health_trusts(const struct look *x, const char *subject)
{
	size_t i, len = strlen(subject);

	/* in facts it may be cut */
	for (i = 0; i < x->n_roots && len > 0; i++)
		if (len < FACTS_CUT
			? strcmp(x->roots[i].subject, subject) == 0
			: strncmp(x->roots[i].subject, subject, len) == 0)
			return true;
	return false;
}

const struct health_cert *
health_tls_next(const struct look *x, const struct health_org *o, size_t *i)
{
	size_t end = o == NULL ? x->h.n_certs : o->first_cert + o->n_certs;

	for (;;) {
		/* those of thousands of organizations come between */
		if (o != NULL && *i >= x->n_system && *i < o->first_cert)
			*i = o->first_cert;
		if (*i >= end)
			return NULL;
		if (x->h.certs[*i].role == HEALTH_TLS && x->h.certs[*i].present)
			return &x->h.certs[(*i)++];
		(*i)++;
	}
}

/* RFC 6125: a star stands for one whole label, the first. */
static bool
name_covers(const char *name, size_t len, const char *host)
{
	const char *dot;

	if (len > 2 && name[0] == '*' && name[1] == '.') {
		dot = strchr(host, '.');
		if (dot == NULL || dot == host)
			return false;
		host = dot;
		name++;
		len--;
	}
	return strlen(host) == len && strncasecmp(name, host, len) == 0;
}

bool
health_covers(const char *names, const char *host)
{
	const char *comma;
	size_t len;

	while (*names != '\0') {
		comma = strstr(names, ", ");
		len = comma == NULL ? strlen(names) : (size_t)(comma - names);
		if (name_covers(names, len, host))
			return true;
		names += len + (comma == NULL ? 0 : 2);
	}
	return false;
}

/* A year's certificate is renewed two months before its end, one of 90 days
 * three weeks: certbot does it earlier, so that nothing is said. */
static int64_t
notice(const struct look *x, const struct health_facts *f)
{
	int64_t quarter = (f->expires - f->begins) / 4;

	return quarter < x->soon ? quarter : x->soon;
}

static void
count_days(struct look *x, int64_t left)
{
	struct health_passes *p;

	if (!health_counts(x))
		return;
	p = &x->passed[x->row - health_rows];
	if (p->days == 0 || left < p->days)
		p->days = left;
}

static void
say_coming(struct look *x, const struct health_end *e, int64_t left)
{
	const struct health_cert *c = x->cert;
	bool chain = c->ends < c->facts.expires;
	const char *what = e->what;

	if (c->facts.begins > x->h.now) {
		health_say(x, HEALTH_FAIL,
		    "%s is valid only from %s on, days-left=%lld", e->what,
		    health_date(x, c->facts.begins), (long long)left);
		health_do(x,
		    "look at this machine's clock (date -u); if it is right, "
		    "wait, or put one that is valid now into %s/",
		    c->path);
		return;
	}
	if (chain)
		what = health_text(x, "a certificate above %s", e->what);
	if (e->renews_itself || left * DAY >= notice(x, &c->facts)) {
		count_days(x, left);
		health_say(x, HEALTH_PASS, "%s ends %s, days-left=%lld", what,
		    health_counts(x) ? "" : health_date(x, c->ends),
		    (long long)left);
		return;
	}
	health_say(x, HEALTH_WARN,
	    "%s ends %s%s, days-left=%lld: after that %s", what,
	    left <= 10 ? "very soon, " : "", health_date(x, c->ends),
	    (long long)left, e->after);
	health_do(x, "%s",
	    chain ? health_text(x,
			"renew that one at the authority that issued it, and "
			"put the new chain into %s/",
			c->path)
		  : e->renew);
}

void
health_end(struct look *x, const struct health_end *e)
{
	const struct health_cert *c = x->cert;
	int64_t left = (c->ends - x->h.now) / DAY;

	if (c->ends >= x->h.now) {
		say_coming(x, e, left);
		return;
	}
	health_say(x, HEALTH_FAIL, "%s%s ended %s, days-left=%lld: %s",
	    c->ends < c->facts.expires ? "a certificate above " : "", e->what,
	    health_date(x, c->ends), (long long)(left == 0 ? -1 : left),
	    e->after);
	health_do(x, "%s", e->renew);
}
