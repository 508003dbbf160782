/* The page and the time line of certificates. */
#include "tests/portal/world.h"

#include <unistd.h>

#include "engine/base/text.h"
#include "tests/tap.h"

static struct buf made;

static const char *
page(const struct health *h)
{
	buf_reset(&made);
	certificates_page(h, &made);
	return buf_str(&made);
}

static const char *
svg(const struct health *h)
{
	buf_reset(&made);
	certificates_svg(h, &made);
	return buf_str(&made);
}

static bool
has(const char *s, const char *what)
{
	if (strstr(s, what) != NULL)
		return true;
	printf("# no: %s in %.200s\n", what, s);
	return false;
}

static bool
fits(const char *s)
{
	for (size_t n; *s != '\0'; s += n + (s[n] == '\n')) {
		size_t columns = 0;

		n = strcspn(s, "\n");
		for (size_t i = 0; i < n; i++)
			columns += ((unsigned char)s[i] & 0xc0) != 0x80;
		if (columns > 80) {
			printf("# %zu columns: %.*s\n", columns, (int)n, s);
			return false;
		}
	}
	return true;
}

static bool
is_xml(const char *s)
{
	char path[] = "/tmp/test-certificates.XXXXXX", command[256];
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	int status = -1;

	if (f != NULL && fputs(s, f) >= 0 && fclose(f) == 0) {
		snprintf(command, sizeof(command),
		    "python3 -c 'import sys, xml.dom.minidom as m; "
		    "m.parse(sys.argv[1])' %s",
		    path);
		status = system(command);
	}
	unlink(path);
	return status == 0;
}

/* ---- the page ----------------------------------------------------------- */

static struct health_cert certs[1200];
static struct health_devices devices[] = { { 1, "acme", 12 },
	{ 2, "umbrella", 1 }, { 3, "Müller_Söhne 2.0", 0 } };

static struct health
world(void)
{
	size_t n = 0;

	certs[n] = world_cert(HEALTH_PUSH, 1, "acme", 368, -3);
	certs[n].state = HEALTH_FAIL;
	certs[n].says = "It ended 3 days ago.";
	certs[n].todo = "Renew it with the same Apple Account and copy the "
			"answer, which Apple's portal hands out as "
			"MDM_acme_Certificate.pem, into orgs/acme/apns/.";
	certs[n].facts.topic = "com.apple.mgmt.External.1";
	n++;
	certs[n] = world_missing(HEALTH_PUSH, 2, "umbrella");
	certs[n].state = HEALTH_FAIL;
	certs[n++].says = "There is none.";
	certs[n] = world_cert(HEALTH_TLS, 0, "", 30, 367);
	certs[n].state = HEALTH_WARN;
	certs[n].says = "This server made it.";
	certs[n].own = true;
	certs[n++].facts.names = "mdm.example.com, 192.0.2.1";
	certs[n] = world_cert(HEALTH_TLS, 0, "tls/mail", 1, 90);
	certs[n++].facts.names = "mail.example.com";
	certs[n++] = world_cert(HEALTH_SIGNING, 0, "", 10, 200);
	certs[n++] = world_cert(HEALTH_SIGNING, 3, "Müller_Söhne 2.0", -5, 600);
	certs[n++] = world_cert(HEALTH_DEVICE_CA, 1, "acme", 100, 7205);
	certs[n++] = world_missing(HEALTH_VENDOR, 0, "");
	return (struct health){ .now = WORLD_NOW,
		.certs = certs,
		.n_certs = n,
		.devices = devices,
		.n_devices = 3 };
}

static void
test_page(void)
{
	struct health h = world();
	const char *s = page(&h);

	ok(has(s, "3 of 7 certificates need you: push of acme, push of "
		  "umbrella, HTTPS\n"),
	    "the first line says how many need somebody, and which");
	ok(has(s, "\nAs of 2026-11-25 17:41 UTC"), "the second one says when");
	ok(fits(s), "no line has more than 80 columns");
	ok(has(s, "\nPush certificate of acme: DOES NOT WORK\n---------"),
	    "a certificate has a paragraph of its own");
	ok(has(s, "wake the devices of acme through Apple"),
	    "it says what the certificate does");
	ok(has(s, "  for       organization acme, 12 devices enrolled\n"),
	    "for whom");
	ok(has(s, "  state     DOES NOT WORK: It ended 3 days ago.\n"),
	    "whether it works");
	ok(has(s, "  subject   CN=subject\n") &&
		has(s, "  serial    0A1B2C\n") &&
		has(s, "  issuer    CN=issuer\n") &&
		has(s, "  topic     com.apple.mgmt.External.1\n"),
	    "what is in it");
	ok(has(s, "  ended     2026-11-22, 2 days ago\n") &&
		has(s, "  ends      2027-11-27, in 367 days\n") &&
		has(s, "  ends      2046-08-17, in 19 years\n"),
	    "when it ends or has ended");
	ok(has(s, "  begins    2026-11-30, in 5 days\n"),
	    "when it begins, if that is to come");
	ok(has(s, "  next      Renew it with the same Apple Account and copy "
		  "the answer, which\n            Apple's portal"),
	    "what to do next");
	ok(has(s, "  names     mdm.example.com, 192.0.2.1\n") &&
		has(s, "  made by   this server"),
	    "names, and who made it");
	ok(has(s, "Push certificate of umbrella: MISSING\n"),
	    "one that is needed and missing has a paragraph, too");
	ok(has(s, "Not there, and not needed\n") &&
		has(s, "MDM vendor certificate: not there\n"),
	    "one that is not needed has a line");
	ok(has(s, "Enrolled: 13 devices: acme 12,"), "devices are counted");
	ok(count(strstr(s, "What certificate does what"), "\n  S") == 2 &&
		has(s, "\n  SSL       ") && has(s, "\n  signing   ") &&
		has(s, "\n  push      ") && has(s, "\n  SCEP      "),
	    "and what certificate does what is explained");
}

static void
test_summary(void)
{
	struct health h = world();

	h.certs += 3;
	h.n_certs = 4;
	ok(has(page(&h), "All 4 certificates work; first to end: HTTPS "
			 "tls/mail, in 90 days\nAs of"),
	    "if all work the first to end is named");
	h.n_certs = 1;
	ok(has(page(&h), "The certificate works: HTTPS tls/mail, ends in 90 "
			 "days\n"),
	    "a single one, too");
	h.certs = certs;
	ok(has(page(&h), "1 of 1 certificate needs you: push of acme\n"),
	    "one alone needs somebody");
	h.n_certs = h.n_devices = 0;
	ok(has(page(&h), "There is no certificate yet.\n") &&
		has(page(&h), "Enrolled: 0 devices."),
	    "nothing at all has a page");
}

static void
test_many(void)
{
	struct health h = world();
	char names[1200][80];
	const char *s;

	h.n_certs = 1200;
	for (size_t i = 0; i < h.n_certs; i++) {
		snprintf(names[i], sizeof(names[i]), "tenant-%zu", i);
		certs[i] = world_cert(
		    HEALTH_PUSH, (uint32_t)i + 1, names[i], 100, 200 + (int)i);
		if (i < 70)
			certs[i].state = HEALTH_FAIL;
	}
	s = page(&h);
	ok(count(s, "\n  serial ") == 70 && count(s, ": works, ends ") == 1130,
	    "of many the bad ones are shown in full, the good ones in a line");
	ok(has(s, "70 of 1200 certificates need you: push of tenant-0 and 69 "
		  "more\nAs of"),
	    "the summary names what fits");
	s = svg(&h);
	ok(count(s, "<g>\n") == CERTIFICATES_BARS && has(s, "and 1000 more"),
	    "the time line has so many bars and counts the rest");
	ok(is_xml(s), "and is well-formed");
}

/* ---- the time line ------------------------------------------------------ */

static void
test_svg(void)
{
	struct health h = world();
	const char *s = svg(&h);

	ok(is_xml(s), "the time line is well-formed");
	ok(count(s, "<g>\n") == 7 && has(s, ">push of umbrella</text>") &&
		has(s, ">MISSING</text>"),
	    "it has a row for each that is there or missed");
	ok(strstr(s, "http://www.w3.org/2000/svg") != NULL &&
		count(s, "http") == 1 && count(s, "<script") == 0 &&
		count(s, "@import") == 0,
	    "it refers to nothing outside and runs nothing");
	ok(has(s, "prefers-color-scheme:dark"), "it knows light and dark");
	ok(count(s, "href=\"#fail\"") == 3 && count(s, "href=\"#warn\"") == 2 &&
		count(s, "href=\"#pass\"") == 5,
	    "states have signs, also in the legend");
	ok(has(s, "url(#pfail)") && has(s, "url(#pwarn)"), "and hatching");
	ok(has(s, ">2027</text>") && has(s, ">2028</text>") &&
		has(s, ">Jul</text>") && has(s, ">today</text>"),
	    "years, months and today are marked");
	ok(has(s, "<title>Push certificate of acme: DOES NOT WORK: It ended "
		  "3 days ago. Valid from 2025-11-22 to 2026-11-22, subject "
		  "CN=subject, serial 0A1B2C. Next: Renew"),
	    "what a row is about shows on hovering");
	ok(has(s, "&#8250;"), "what goes on beyond the drawing is marked");
	h.n_certs = 0;
	ok(is_xml(svg(&h)), "an empty one is well-formed, too");
}

static void
test_chain(void)
{
	struct health h = world();

	certs[4].ends = WORLD_NOW + 20 * DAY + 60;
	ok(has(page(&h), "  ends      2027-06-13, in 200 days; but a "
			 "certificate in its chain already\n"
			 "            2026-12-15, in 20 days\n") &&
		has(svg(&h), ">ends in 20 days</text>"),
	    "a certificate above that ends earlier is what counts");
}

static void
test_hostile(void)
{
	struct health h = world();
	const char *s;

	certs[0].facts.subject = "CN=<script>&\"'\x01\xef\xbf\xbf]]>";
	certs[0].whose = "<b>&";
	certs[1].says = "cut in a char\xc3";
	certs[2].facts.begins = INT64_MIN / 2;
	certs[2].facts.expires = certs[2].ends = INT64_MAX / 2;
	certs[3].facts.begins = certs[3].facts.expires = WORLD_NOW;
	certs[4].facts.expires = WORLD_NOW - 10000 * DAY;
	certs[4].facts.begins = WORLD_NOW + 10000 * DAY;
	s = svg(&h);
	ok(is_xml(s) && count(s, "<script") == 0 && count(s, "<b>") == 0,
	    "hostile names are escaped");
	ok(fits(page(&h)), "and break no page");
}

int
main(void)
{
	test_page();
	test_summary();
	test_many();
	test_svg();
	test_chain();
	test_hostile();
	buf_free(&made);
	return tap_done();
}
