#include <string.h>
#include <time.h>

#include "engine/portal/certificates_priv.h"

#define DAY INT64_C(86400)

/* ---- roles -------------------------------------------------------------- */

static const struct role {
	const char *title;
	const char *word;
	const char *system; /* what the system's does */
	const char *org;    /* what an organization's does; %s: its name */
} roles[HEALTH_ROLES] = {
	[HEALTH_TLS] = { "HTTPS certificate", "HTTPS",
	    "Proves to devices that it is this server they talk to. Devices "
	    "that do not trust it, or do not find the name in system/url in "
	    "it, do not connect: none can enroll or be managed.",
	    "Proves to the devices of %s that it is this server they talk to, "
	    "under the organization's own address. Devices that do not trust "
	    "it do not connect." },
	[HEALTH_SIGNING] = { "Signing certificate", "signing",
	    "Signs the profiles of every organization that has no signing "
	    "certificate of its own, so that devices show them as Verified. "
	    "Without it they still work, but show Not Signed.",
	    "Signs the profiles that %s hands out, so that devices show them "
	    "as Verified. Without it the system's signs, if there is one." },
	[HEALTH_PUSH] = { "Push certificate", "push",
	    "Lets this server wake devices through Apple.",
	    "Lets this server wake the devices of %s through Apple. Without it "
	    "no device can enroll or be reached." },
	[HEALTH_DEVICE_CA] = { "Device CA", "device CA",
	    "Issues the certificates by which devices prove who they are.",
	    "Issues the certificate (SCEP) by which each device of %s proves "
	    "who it is. This server made it; a device that enrolls gets its "
	    "certificate by itself." },
	[HEALTH_OTHER_CA] = { "Certificate of an outer CA", "outer CA",
	    "Belongs to another SCEP server that issues certificates to "
	    "devices.",
	    "Belongs to the other SCEP server that issues the certificate by "
	    "which each device of %s proves who it is." },
	[HEALTH_VENDOR] = { "MDM vendor certificate", "vendor",
	    "Countersigns requests for push certificates before Apple signs "
	    "them. Only who makes such requests on this server needs it.",
	    "Countersigns the requests of %s for push certificates before "
	    "Apple signs them." },
};

static bool
is_org(const struct health_cert *c)
{
	return c->slot.org != 0;
}

/* " of acme", " tls/mail", or what the system's is called. */
static void
whose(const struct health_cert *c, const char *system, struct buf *b)
{
	if (c->whose[0] == '\0')
		buf_text(b, system);
	else
		buf_printf(b, "%s%s", is_org(c) ? " of " : " ", c->whose);
}

void
words_title(const struct health_cert *c, struct buf *b)
{
	buf_text(b, roles[c->role].title);
	whose(c,
	    c->role == HEALTH_TLS       ? " of this server"
	    : c->role == HEALTH_SIGNING ? " of the system"
					: "",
	    b);
}

void
words_short(const struct health_cert *c, struct buf *b)
{
	buf_text(b, roles[c->role].word);
	whose(c, "", b);
}

void
words_does(const struct health_cert *c, struct buf *b)
{
	const char *s = is_org(c) ? roles[c->role].org : roles[c->role].system;
	const char *name = strstr(s, "%s");

	if (!is_org(c) && c->whose[0] != '\0')
		s = "Proves who this server is to devices that come under one "
		    "of the names in it.";
	if (name == NULL || !is_org(c)) {
		buf_text(b, s);
		return;
	}
	buf_put(b, s, (size_t)(name - s));
	buf_printf(b, "%s%s", c->whose, name + 2);
}

const char *
words_state(const struct health_cert *c)
{
	static const char *const present[] = {
		[HEALTH_PASS] = "works",
		[HEALTH_WARN] = "works, but",
		[HEALTH_FAIL] = "DOES NOT WORK",
	};
	static const char *const missing[] = {
		[HEALTH_PASS] = "not there",
		[HEALTH_WARN] = "missing",
		[HEALTH_FAIL] = "MISSING",
	};

	return (c->present ? present : missing)[c->state];
}

/* ---- time --------------------------------------------------------------- */

void
words_date(struct buf *b, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		buf_text(b, "a day that no calendar has");
	else
		buf_printf(b, "%04d-%02d-%02d", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday);
}

void
words_days(struct buf *b, int64_t now, int64_t seconds)
{
	static const struct {
		int64_t from; /* seconds */
		int64_t one;
		const char *name;
	} units[] = {
		{ 3 * 365 * DAY, 365 * DAY, "year" },
		{ DAY, DAY, "day" },
		{ 3600, 3600, "hour" },
		{ 0, 60, "minute" },
	};
	bool past = seconds < now;
	int64_t left = past ? now - seconds : seconds - now, n;
	size_t i = 0;

	while (left < units[i].from)
		i++;
	n = left / units[i].one;
	buf_printf(b, "%s%lld %s%s%s", past ? "" : "in ", (long long)n,
	    units[i].name, n == 1 ? "" : "s", past ? " ago" : "");
}

/* ---- numbers ------------------------------------------------------------ */

struct words_count
words_count(const struct health *h)
{
	struct words_count n = { 0 };
	const struct health_cert *c;

	for (size_t i = 0; i < h->n_certs; i++) {
		c = &h->certs[i];
		n.bad += c->state != HEALTH_PASS;
		n.all += c->present || c->state != HEALTH_PASS;
		if (c->present && c->state == HEALTH_PASS &&
		    (n.next == NULL || c->ends < n.next->ends))
			n.next = c;
	}
	return n;
}

/* ---- characters --------------------------------------------------------- */

/* Scripts whose characters take two columns, roughly. */
static bool
is_wide(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
	       (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
	       (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
	       (c >= 0xffe0 && c <= 0xffe6) || c >= 0x1f300;
}

size_t
words_char(const char *s, unsigned *columns)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = *p < 0xc0 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4, i = 1;
	uint32_t c = n == 1 ? *p : *p & (0x7fu >> n);

	for (; i < n && (p[i] & 0xc0) == 0x80; i++)
		c = c << 6 | (p[i] & 0x3fu);
	*columns = is_wide(c) ? 2 : 1;
	return i;
}
