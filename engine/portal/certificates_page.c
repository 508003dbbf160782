#include <stdlib.h>
#include <string.h>

#include "engine/portal/certificates_priv.h"

#define WIDTH 80
#define KEYS  12 /* columns of a key in a paragraph */

/* ---- lines of 80 columns ------------------------------------------------ */

struct line {
	struct buf *b;
	unsigned at;     /* columns that are taken */
	unsigned indent; /* of further lines */
};

static void
spaces(struct buf *b, unsigned n)
{
	while (n-- > 0)
		buf_char(b, ' ');
}

static unsigned
columns(const char *s, size_t len)
{
	unsigned n = 0, one;

	for (size_t i = 0; i < len; n += one)
		i += words_char(s + i, &one);
	return n;
}

/* One word, in the next line if this one is full.  fresh: nothing stands
 * before it that a space would part. */
static void
word(struct line *l, const char *s, size_t len, bool fresh)
{
	unsigned n = columns(s, len);

	if (!fresh && l->at + 1 + n > WIDTH) {
		buf_char(l->b, '\n');
		spaces(l->b, l->indent);
		l->at = l->indent;
	} else if (!fresh) {
		buf_char(l->b, ' ');
		l->at++;
	}
	buf_put(l->b, s, len);
	l->at += n;
}

/* Text behind what stands in the line, and the line's end. */
static void
text(struct line *l, const char *s)
{
	bool fresh = true;

	while (*s != '\0') {
		size_t len = strcspn(s, " ");

		if (len > 0) {
			word(l, s, len, fresh);
			fresh = false;
		}
		s += len + (s[len] == ' ');
	}
	buf_char(l->b, '\n');
}

static void
paragraph(struct buf *b, const char *s)
{
	struct line l = { .b = b };

	text(&l, s);
}

static void
item(struct buf *b, const char *key, const char *value)
{
	struct line l = { .b = b, .at = KEYS, .indent = KEYS };

	if (value[0] == '\0')
		return;
	buf_printf(b, "  %-*s", KEYS - 2, key);
	text(&l, value);
}

static void
rule(struct buf *b, const char *title)
{
	buf_printf(b, "\n%s\n", title);
	for (unsigned n = columns(title, strlen(title)); n > 0; n--)
		buf_char(b, '-');
	buf_char(b, '\n');
}

/* ---- the summary -------------------------------------------------------- */

/* "HTTPS, push of acme and 2 more", as far as a line goes. */
static void
list_bad(const struct health *h, size_t bad, struct buf *b)
{
	struct buf one = { 0 };
	size_t said = 0;
	unsigned room = WIDTH - columns(buf_str(b), b->len) - 13;

	for (size_t i = 0; i < h->n_certs && said < bad; i++) {
		if (h->certs[i].state == HEALTH_PASS)
			continue;
		buf_reset(&one);
		buf_text(&one, said == 0 ? " " : ", ");
		words_short(&h->certs[i], &one);
		if (columns(buf_str(&one), one.len) > room)
			break;
		room -= columns(buf_str(&one), one.len);
		buf_bytes(b, buf_view(&one));
		said++;
	}
	if (said < bad)
		buf_printf(b, "%s%zu%s", said == 0 ? " " : " and ", bad - said,
		    said == 0 ? " of them" : " more");
	buf_free(&one);
}

static void
summary(const struct health *h, struct buf *b)
{
	struct words_count n = words_count(h);
	struct buf s = { 0 };

	if (n.all == 0) {
		buf_text(&s, "There is no certificate yet.");
	} else if (n.bad > 0) {
		buf_printf(&s, "%zu of %zu certificate%s need%s you:", n.bad,
		    n.all, n.all == 1 ? "" : "s", n.bad == 1 ? "s" : "");
		list_bad(h, n.bad, &s);
	} else {
		buf_printf(&s,
		    n.all == 1 ? "The certificate works: "
			       : "All %zu certificates work; first "
				 "to end: ",
		    n.all);
		words_short(n.next, &s);
		buf_text(&s, n.all == 1 ? ", ends " : ", ");
		words_days(&s, h->now, n.next->ends);
	}
	buf_bytes(b, buf_view(&s));
	buf_text(b, "\nAs of ");
	words_date(b, h->now);
	buf_printf(b,
	    " %02d:%02d UTC, the worst first. status/doctor has "
	    "every check.\n",
	    (int)(h->now / 3600 % 24), (int)(h->now / 60 % 60));
	buf_free(&s);
}

/* ---- one certificate ---------------------------------------------------- */

static int
by_org(const void *a, const void *b)
{
	const struct health_devices *x = a, *y = b;

	return x->org < y->org ? -1 : x->org > y->org;
}

static void
item_for(const struct health *h, const struct health_cert *c, struct buf *b)
{
	static const char *const system[HEALTH_ROLES] = {
		[HEALTH_TLS] = "every device that talks to this server",
		[HEALTH_SIGNING] = "organizations without one of their own",
		[HEALTH_PUSH] = "all organizations",
		[HEALTH_DEVICE_CA] = "all organizations",
		[HEALTH_OTHER_CA] = "all organizations",
		[HEALTH_VENDOR] =
		    "organizations that ask here for a push certificate",
	};
	struct health_devices key = { .org = c->slot.org }, *d = NULL;
	struct buf s = { 0 };

	if (c->slot.org == 0 && c->whose[0] != '\0')
		buf_text(&s, "whoever asks for one of its names");
	else if (c->slot.org == 0)
		buf_text(&s, system[c->role]);
	else
		buf_printf(&s, "organization %s", c->whose);
	if (h->n_devices > 0 && c->slot.org != 0)
		d = bsearch(
		    &key, h->devices, h->n_devices, sizeof(key), by_org);
	if (d != NULL)
		buf_printf(&s, ", %u device%s enrolled", d->enrolled,
		    d->enrolled == 1 ? "" : "s");
	item(b, "for", buf_str(&s));
	buf_free(&s);
}

/* "works", "works, but: It ends in 9 days." */
static void
item_state(const struct health_cert *c, struct buf *b)
{
	struct buf s = { 0 };

	buf_text(&s, words_state(c));
	if (c->says[0] != '\0')
		buf_printf(&s, ": %s", c->says);
	item(b, "state", buf_str(&s));
	buf_free(&s);
}

static void
item_ends(const struct health *h, const struct health_cert *c, struct buf *b)
{
	struct buf s = { 0 };

	words_date(&s, c->facts.expires);
	buf_text(&s, ", ");
	words_days(&s, h->now, c->facts.expires);
	if (c->ends != 0 && c->ends < c->facts.expires) {
		buf_text(&s, "; but a certificate in its chain already ");
		words_date(&s, c->ends);
		buf_text(&s, ", ");
		words_days(&s, h->now, c->ends);
	}
	item(b, c->facts.expires < h->now ? "ended" : "ends", buf_str(&s));
	if (c->facts.begins > h->now) {
		buf_reset(&s);
		words_date(&s, c->facts.begins);
		buf_text(&s, ", ");
		words_days(&s, h->now, c->facts.begins);
		item(b, "begins", buf_str(&s));
	}
	buf_free(&s);
}

static void
full(const struct health *h, const struct health_cert *c, struct buf *b)
{
	struct buf s = { 0 };

	words_title(c, &s);
	if (c->state != HEALTH_PASS)
		buf_printf(&s, ": %s", words_state(c));
	rule(b, buf_str(&s));
	buf_reset(&s);
	words_does(c, &s);
	paragraph(b, buf_str(&s));
	item_for(h, c, b);
	item_state(c, b);
	if (c->own && c->role != HEALTH_DEVICE_CA)
		item(b, "made by", "this server, for want of another one");
	if (c->present) {
		item(b, "subject", c->facts.subject);
		item(b, "serial", c->facts.serial);
		item(b, "issuer", c->facts.issuer);
		if (c->role == HEALTH_PUSH)
			item(b, "topic", c->facts.topic);
		item_ends(h, c, b);
		if (c->role == HEALTH_TLS)
			item(b, "names",
			    c->facts.names[0] != '\0' ? c->facts.names
						      : "none");
	}
	item(b, "next", c->todo[0] != '\0' ? c->todo : "nothing");
	buf_free(&s);
}

/* One line: "Push certificate of acme: works, ends 2027-03-01, in 96 days" */
static void
brief(const struct health *h, const struct health_cert *c, struct buf *b)
{
	struct buf s = { 0 };
	struct line l = { .b = b, .indent = 2 };

	words_title(c, &s);
	if (c->present) {
		buf_printf(&s, ": %s, ends ", words_state(c));
		words_date(&s, c->ends);
		buf_text(&s, ", ");
		words_days(&s, h->now, c->ends);
	} else {
		buf_printf(
		    &s, ": %s", c->says[0] != '\0' ? c->says : words_state(c));
	}
	text(&l, buf_str(&s));
	buf_free(&s);
}

static bool
is_brief(const struct health *h, const struct health_cert *c)
{
	return c->state == HEALTH_PASS &&
	       (!c->present || h->n_certs > CERTIFICATES_FULL);
}

/* Certificates with one line each, present or not. */
static void
brief_ones(
    const struct health *h, bool present, const char *title, struct buf *b)
{
	bool any = false;

	for (size_t i = 0; i < h->n_certs; i++) {
		const struct health_cert *c = &h->certs[i];

		if (!is_brief(h, c) || c->present != present)
			continue;
		if (!any)
			rule(b, title);
		any = true;
		brief(h, c, b);
	}
}

/* ---- devices ------------------------------------------------------------ */

static int
most_first(const void *a, const void *b)
{
	const struct health_devices *x = a, *y = b;

	if (x->enrolled != y->enrolled)
		return x->enrolled > y->enrolled ? -1 : 1;
	return x->org < y->org ? -1 : x->org > y->org;
}

static void
devices(const struct health *h, struct buf *b)
{
	struct health_devices *d = calloc(h->n_devices + 1, sizeof(*d));
	unsigned long long all = 0;
	struct buf s = { 0 };
	size_t n = 0;

	if (d == NULL) {
		b->error = ERR_NO_MEMORY;
		return;
	}
	for (size_t i = 0; i < h->n_devices; i++) {
		all += h->devices[i].enrolled;
		if (h->devices[i].enrolled > 0)
			d[n++] = h->devices[i];
	}
	qsort(d, n, sizeof(*d), most_first);
	rule(b, "Device identities");
	buf_printf(&s,
	    "Each enrolled device has a certificate of its own, by which it "
	    "proves who it is, issued by the device CA of its organization. "
	    "Enrolled: %llu device%s",
	    all, all == 1 ? "" : "s");
	for (size_t i = 0; i < n && i < CERTIFICATES_FULL; i++)
		buf_printf(&s, "%s%s %u", i == 0 ? ": " : ", ", d[i].whose,
		    d[i].enrolled);
	if (n > CERTIFICATES_FULL)
		buf_printf(
		    &s, " and %zu more organizations", n - CERTIFICATES_FULL);
	buf_char(&s, '.');
	paragraph(b, buf_str(&s));
	buf_free(&s);
	free(d);
}

/* ---- what certificate does what ----------------------------------------- */

static const struct {
	const char *kind;
	const char *text;
} kinds[] = {
	{ "SSL",
	    "HTTPS, also called TLS: proves to devices that they talk to this "
	    "server. It must carry the name in system/url. It is made from a "
	    "request: write its subject, CN=mdm.example.com, into "
	    "system/tls/subject, and status/system/tls.csr is the request. A "
	    "public CA signs it, which devices trust by themselves, or a CA "
	    "of your own, whose root certificate goes into system/trust/ and "
	    "so to the devices. Copy the answer into system/tls/. A further "
	    "one, for other names, belongs into system/tls/NAME/, that of an "
	    "organization's own address into orgs/ORG/tls/. Without any the "
	    "server makes one, and its root goes to devices with the "
	    "enrollment profile." },
	{ "signing",
	    "Signs profiles, so that devices show them as Verified. The "
	    "certificate for HTTPS will do, or one for e-mail or code "
	    "signing, of a CA that devices trust. system/signing/ signs for "
	    "everybody; orgs/ORG/signing/ for one organization, and goes "
	    "before." },
	{ "push",
	    "Lets the server wake devices through Apple. Each organization "
	    "has its own, in orgs/ORG/apns/. An MDM vendor countersigns the "
	    "request before Apple signs it: write its subject, CN=ORG, into "
	    "orgs/ORG/apns/subject; with a vendor certificate in "
	    "system/vendor/ the file for identity.apple.com is then "
	    "status/orgs/ORG/apns.push-request. It ends after a year. Renew "
	    "it there with the same Apple Account: a new one has another "
	    "topic, and all enrolled devices fall silent." },
	{ "SCEP",
	    "The identity of each device: made when it enrolls, by the "
	    "organization's own CA in this server (status/orgs/ORG/scep). "
	    "Nothing has to be bought, copied or installed." },
};

void
certificates_page(const struct health *h, struct buf *b)
{
	summary(h, b);
	for (size_t i = 0; i < h->n_certs; i++)
		if (!is_brief(h, &h->certs[i]))
			full(h, &h->certs[i], b);
	brief_ones(h, true, "These work", b);
	brief_ones(h, false, "Not there, and not needed", b);
	devices(h, b);
	rule(b, "What certificate does what");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		item(b, kinds[i].kind, kinds[i].text);
}
