#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/text.h"
#include "engine/portal/certificates_priv.h"

#define DAY INT64_C(86400)

/* The drawing, in its own units. */
#define WIDTH   1000
#define LABEL   34  /* columns of a bar's name */
#define LABEL_X 40  /* where names begin; the sign stands before them */
#define LEFT    290 /* of the time line */
#define RIGHT   840
#define SAYS_X  852 /* what stands behind a bar */
#define TOP     112 /* of the first bar's row */
#define ROW     28
#define BAR     12 /* height of a bar */

#define PAST_DAYS   183 /* the span around today */
#define FUTURE_DAYS 731

struct drawing {
	const struct health *h;
	struct buf *b;
	int64_t from, to; /* the span; seconds */
	size_t rows;      /* bars that are shown */
	unsigned bottom;  /* of the last row */
};

/* ---- text --------------------------------------------------------------- */

/* U+FFFE and U+FFFF are no characters of XML (XML 1.0, 2.2), nor are control
 * characters: of a certificate's name they may come. */
static void
xml_char(const char *s, size_t n, struct buf *b)
{
	if ((n == 1 && (unsigned char)*s < 0x20) ||
	    (n == 3 && memcmp(s, "\xef\xbf", 2) == 0 &&
		((unsigned char)s[2] == 0xbe || (unsigned char)s[2] == 0xbf)))
		buf_text(b, "\xef\xbf\xbd");
	else
		text_xml(b, bytes_of(s, n));
}

/* At most so many columns; what does not fit is cut with an ellipsis. */
static void
xml_cut(const char *s, unsigned max, struct buf *b)
{
	unsigned at = 0, all = 0, one;
	size_t i, n;

	for (i = 0; s[i] != '\0'; all += one)
		i += words_char(s + i, &one);
	if (!text_is_utf8(bytes_text(s)))
		s = "?";
	for (i = 0; s[i] != '\0'; i += n, at += one) {
		n = words_char(s + i, &one);
		if (all > max && at + one > max - 1) {
			buf_text(b, "\xe2\x80\xa6");
			return;
		}
		xml_char(s + i, n, b);
	}
}

static void
xml(const char *s, struct buf *b)
{
	xml_cut(s, ~0u, b);
}

/* ---- what is the same in each drawing ----------------------------------- */

/* Colours after Okabe and Ito, which eyes of all kinds tell apart; the signs
 * and the hatching say the same without any. */
static const char style[] =
    "<style>\n"
    "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',"
    "sans-serif;fill:#1f2328}\n"
    ".h{font-size:18px;font-weight:600}\n"
    ".s{fill:#59636e;font-size:12px}\n"
    ".e{text-anchor:middle}\n"
    ".bg{fill:#ffffff}\n"
    ".m{stroke:#e4e7eb;stroke-width:1}\n"
    ".y{stroke:#aab2bb;stroke-width:1}\n"
    ".now{stroke:#0969da;stroke-width:2}\n"
    ".nowt{fill:#0969da;font-size:12px;font-weight:600}\n"
    ".pass{fill:#009e73}\n"
    ".warn{fill:#e69f00}\n"
    ".fail{fill:#d1432b}\n"
    ".old{opacity:.45}\n"
    ".hatch{stroke:#ffffff;stroke-width:2.5;fill:none}\n"
    ".sign{stroke:#ffffff;stroke-width:2;fill:none;stroke-linecap:round;"
    "stroke-linejoin:round}\n"
    ".dark{stroke:#1f2328}\n"
    ".gap{fill:none;stroke-width:1.5;stroke-dasharray:4 3}\n"
    ".gfail{stroke:#d1432b}\n"
    ".gwarn{stroke:#b87f00}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#e6edf3}\n"
    ".s{fill:#9198a1}\n"
    ".bg{fill:#0d1117}\n"
    ".m{stroke:#21262d}\n"
    ".y{stroke:#4a525c}\n"
    ".now{stroke:#58a6ff}\n"
    ".nowt{fill:#58a6ff}\n"
    ".pass{fill:#2fb88f}\n"
    ".warn{fill:#f0b429}\n"
    ".fail{fill:#f0624d}\n"
    ".hatch{stroke:#0d1117}\n"
    ".sign{stroke:#0d1117}\n"
    ".dark{stroke:#0d1117}\n"
    ".gfail{stroke:#f0624d}\n"
    ".gwarn{stroke:#f0b429}\n"
    "}\n"
    "</style>\n";

/* The signs are 18 wide, around 0,0: a disc with a tick, a triangle with an
 * exclamation mark, a square with a cross. */
static const char defs[] =
    "<defs>\n"
    "<pattern id=\"pwarn\" width=\"8\" height=\"8\" "
    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
    "<path class=\"hatch\" d=\"M0 0V8\"/></pattern>\n"
    "<pattern id=\"pfail\" width=\"8\" height=\"8\" "
    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
    "<path class=\"hatch\" d=\"M0 0V8M0 0H8\"/></pattern>\n"
    "<g id=\"pass\"><circle class=\"pass\" r=\"8.5\"/>"
    "<path class=\"sign\" d=\"M-4 .5L-1.2 3.5L4 -3\"/></g>\n"
    "<g id=\"warn\"><path class=\"warn\" d=\"M0 -9.5L9.5 7.5H-9.5Z\"/>"
    "<path class=\"sign dark\" d=\"M0 -4V1.5M0 5V5.1\"/></g>\n"
    "<g id=\"fail\"><path class=\"fail\" d=\"M-8.5 -8.5H8.5V8.5H-8.5Z\"/>"
    "<path class=\"sign\" d=\"M-4 -4L4 4M4 -4L-4 4\"/></g>\n"
    "</defs>\n";

static const char *const marks[] = {
	[HEALTH_PASS] = "pass", [HEALTH_WARN] = "warn", [HEALTH_FAIL] = "fail"
};

/* ---- the frame ---------------------------------------------------------- */

/* Tenths of a unit from the left. */
static int64_t
at(const struct drawing *d, int64_t seconds)
{
	if (seconds < d->from)
		seconds = d->from;
	if (seconds > d->to)
		seconds = d->to;
	return LEFT * 10 +
	       (seconds - d->from) * ((RIGHT - LEFT) * 10) / (d->to - d->from);
}

/* A number of tenths. */
static void
tenths(struct buf *b, int64_t n)
{
	buf_printf(b, "%lld.%lld", (long long)(n / 10), (long long)(n % 10));
}

static void
line(const struct drawing *d, const char *class, int64_t x, unsigned top)
{
	buf_printf(d->b, "<path class=\"%s\" d=\"M", class);
	tenths(d->b, x);
	buf_printf(d->b, " %uV%u\"/>\n", top, d->bottom);
}

static void
head(const struct drawing *d, unsigned height)
{
	struct words_count n = words_count(d->h);
	struct buf *b = d->b;

	buf_printf(b,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" "
	    "width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\">\n"
	    "<title>Certificates</title>\n"
	    "<desc>When each certificate of this server begins and ends, the "
	    "worst first. status/certificates says the same in words.</desc>\n",
	    WIDTH, height, WIDTH, height);
	buf_text(b, style);
	buf_text(b, defs);
	buf_printf(b,
	    "<rect class=\"bg\" width=\"%d\" height=\"%u\"/>\n"
	    "<text class=\"h\" x=\"20\" y=\"32\">",
	    WIDTH, height);
	if (n.all == 0)
		buf_text(b, "There is no certificate yet");
	else if (n.bad == 0)
		buf_printf(b,
		    n.all == 1 ? "The certificate works"
			       : "All %zu certificates work",
		    n.all);
	else
		buf_printf(b, "%zu of %zu certificate%s need%s you", n.bad,
		    n.all, n.all == 1 ? "" : "s", n.bad == 1 ? "s" : "");
	buf_text(b, "</text>\n<text class=\"s\" x=\"20\" y=\"52\">As of ");
	words_date(b, d->h->now);
	buf_printf(b, " %02d:%02d UTC, the worst first</text>\n",
	    (int)(d->h->now / 3600 % 24), (int)(d->h->now / 60 % 60));
}

static void
legend(const struct drawing *d)
{
	static const struct {
		const char *mark, *text;
		unsigned x;
	} rows[] = {
		{ "pass", "works", 380 },
		{ "warn", "works, but needs you", 480 },
		{ "fail", "does not work", 680 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		buf_printf(d->b,
		    "<use href=\"#%s\" x=\"%u\" y=\"27\"/>"
		    "<text x=\"%u\" y=\"32\">%s</text>\n",
		    rows[i].mark, rows[i].x, rows[i].x + 16, rows[i].text);
	buf_text(d->b, "<path class=\"gap gfail\" d=\"M836 21H864V33H836Z\"/>"
		       "<text x=\"872\" y=\"32\">missing</text>\n");
	buf_printf(d->b,
	    "<text class=\"s\" x=\"372\" y=\"52\">The pale part of a bar is "
	    "over. &#8249; &#8250;: it goes on beyond the drawing.</text>\n");
}

/* Words there would stand upon another. */
static bool
near(int64_t x, int64_t y)
{
	return x - y < 360 && y - x < 360;
}

/* A line for the first of each month, a stronger one and a number for each
 * year, names for each quarter. */
static void
months(const struct drawing *d)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)d->from;
	struct tm tm;
	int64_t s;

	if (gmtime_r(&t, &tm) == NULL)
		return;
	tm = (struct tm){
		.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = 1
	};
	for (;;) {
		tm.tm_mon++;
		s = timegm(&tm); /* also makes month 12 the next January */
		if (s > d->to)
			return;
		line(d, tm.tm_mon == 0 ? "y" : "m", at(d, s),
		    tm.tm_mon == 0 ? 78 : 98);
		if (tm.tm_mon % 3 != 0 ||
		    (tm.tm_mon != 0 && near(at(d, s), at(d, d->h->now))))
			continue;
		buf_text(d->b, "<text class=\"s e\" x=\"");
		tenths(d->b, at(d, s));
		if (tm.tm_mon == 0)
			buf_printf(
			    d->b, "\" y=\"74\">%d</text>\n", tm.tm_year + 1900);
		else
			buf_printf(
			    d->b, "\" y=\"92\">%s</text>\n", names[tm.tm_mon]);
	}
}

/* ---- bars --------------------------------------------------------------- */

static void
rect(const struct drawing *d, const char *attributes, int64_t x, int64_t to,
    unsigned y)
{
	if (to - x < 20) /* two units: it can be seen */
		x = to - 20;
	buf_text(d->b, "<rect x=\"");
	tenths(d->b, x);
	buf_printf(d->b, "\" y=\"%u\" width=\"", y);
	tenths(d->b, to - x);
	buf_printf(d->b, "\" height=\"%d\" rx=\"2\" %s/>\n", BAR, attributes);
}

/* What is over, pale; what is to come; both with the state's hatching. */
static void
bar(const struct drawing *d, const struct health_cert *c, unsigned y)
{
	const struct health_facts *f = &c->facts;
	int64_t begin = at(d, f->begins), end = at(d, c->ends);
	int64_t today = at(d, d->h->now);
	const char *mark = marks[c->state];
	char class[64];

	snprintf(class, sizeof(class), "class=\"%s old\"", mark);
	if (f->begins < d->h->now)
		rect(d, class, begin, end < today ? end : today, y);
	snprintf(class, sizeof(class), "class=\"%s\"", mark);
	if (c->ends > d->h->now)
		rect(d, class, begin > today ? begin : today, end, y);
	snprintf(class, sizeof(class), "fill=\"url(#p%s)\"", mark);
	if (c->state != HEALTH_PASS)
		rect(d, class, begin, end, y);
	if (c->ends < d->h->now) { /* since when it is missed */
		buf_printf(d->b, "<path class=\"gap g%s\" d=\"M",
		    c->state == HEALTH_WARN ? "warn" : "fail");
		tenths(d->b, end);
		buf_printf(d->b, " %uH", y + BAR / 2);
		tenths(d->b, today);
		buf_text(d->b, "\"/>\n");
	}
	if (f->begins < d->from)
		buf_printf(d->b,
		    "<text class=\"e\" x=\"%d\" y=\"%u\">&#8249;</text>\n",
		    LEFT - 6, y + BAR - 1);
	if (c->ends > d->to)
		buf_printf(d->b,
		    "<text class=\"e\" x=\"%d\" y=\"%u\">&#8250;</text>\n",
		    RIGHT + 6, y + BAR - 1);
}

static void
tip(const struct drawing *d, const struct health_cert *c)
{
	struct buf s = { 0 };

	words_title(c, &s);
	buf_printf(&s, ": %s", words_state(c));
	if (c->says[0] != '\0')
		buf_printf(&s, ": %s", c->says);
	if (c->present) {
		buf_text(&s, " Valid from ");
		words_date(&s, c->facts.begins);
		buf_text(&s, " to ");
		words_date(&s, c->facts.expires);
		buf_printf(&s, ", subject %s, serial %s.", c->facts.subject,
		    c->facts.serial);
	}
	if (c->todo[0] != '\0')
		buf_printf(&s, " Next: %s", c->todo);
	buf_text(d->b, "<title>");
	xml(buf_str(&s), d->b);
	buf_text(d->b, "</title>\n");
	buf_free(&s);
}

static void
row(const struct drawing *d, const struct health_cert *c, unsigned y)
{
	unsigned bar_y = y + (ROW - BAR) / 2, text_y = y + ROW / 2 + 5;
	struct buf s = { 0 };

	buf_text(d->b, "<g>\n");
	tip(d, c);
	buf_printf(d->b,
	    "<rect x=\"0\" y=\"%u\" width=\"%d\" height=\"%d\" "
	    "fill-opacity=\"0\"/>\n"
	    "<use href=\"#%s\" x=\"24\" y=\"%u\"/>"
	    "<text x=\"%d\" y=\"%u\">",
	    y, WIDTH, ROW, marks[c->state], y + ROW / 2, LABEL_X, text_y);
	words_short(c, &s);
	xml_cut(buf_str(&s), LABEL, d->b);
	buf_text(d->b, "</text>\n");
	if (c->present)
		bar(d, c, bar_y);
	else
		buf_printf(d->b,
		    "<path class=\"gap g%s\" d=\"M%d %uH%dV%uH%dZ\"/>\n",
		    c->state == HEALTH_FAIL ? "fail" : "warn", LEFT, bar_y,
		    RIGHT, bar_y + BAR, LEFT);
	buf_printf(d->b, "<text x=\"%d\" y=\"%u\">", SAYS_X, text_y);
	if (c->present && c->facts.begins > d->h->now) {
		buf_text(d->b, "begins ");
		words_days(d->b, d->h->now, c->facts.begins);
	} else if (c->present) {
		buf_text(d->b, c->ends < d->h->now ? "ended " : "ends ");
		words_days(d->b, d->h->now, c->ends);
	} else {
		buf_text(d->b, words_state(c));
	}
	buf_text(d->b, "</text>\n</g>\n");
	buf_free(&s);
}

static bool
is_shown(const struct health_cert *c)
{
	return c->present || c->state != HEALTH_PASS;
}

void
certificates_svg(const struct health *h, struct buf *b)
{
	struct words_count n = words_count(h);
	struct drawing d = { .h = h,
		.b = b,
		.from = h->now - PAST_DAYS * DAY,
		.to = h->now + FUTURE_DAYS * DAY };
	size_t i, shown = 0;

	d.rows = n.all < CERTIFICATES_BARS ? n.all : CERTIFICATES_BARS;
	d.bottom = TOP + (unsigned)d.rows * ROW;
	head(&d, d.bottom + (n.all > d.rows ? 44 : 20));
	legend(&d);
	months(&d);
	for (i = 0; i < h->n_certs && shown < d.rows; i++)
		if (is_shown(&h->certs[i]))
			row(&d, &h->certs[i], TOP + (unsigned)shown++ * ROW);
	line(&d, "now", at(&d, h->now), 98);
	buf_text(b, "<text class=\"nowt e\" x=\"");
	tenths(b, at(&d, h->now));
	buf_text(b, "\" y=\"92\">today</text>\n");
	if (n.all > d.rows)
		buf_printf(b,
		    "<text class=\"s\" x=\"%d\" y=\"%u\">and %zu more</text>\n",
		    LABEL_X, d.bottom + 24, n.all - d.rows);
	buf_text(b, "</svg>\n");
}
