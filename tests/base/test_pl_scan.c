#include "engine/base/pl_scan.h"

#include "engine/base/pl.h"
#include "tests/tap.h"

static uint32_t seed = 7;

static uint32_t
dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

/* How many bytes of s are taken until it is refused; its length if never. */
static size_t
taken(const char *s)
{
	struct pl_scan scan;
	size_t i;

	pl_scan_init(&scan);
	for (i = 0; s[i] != '\0'; i++)
		if (pl_scan_feed(&scan, bytes_of(s + i, 1), NULL) != ERR_OK)
			return i;
	return i;
}

/* Refused at the last byte of s, not before. */
static bool
refused_at_end(const char *s)
{
	size_t n = taken(s);

	if (n != strlen(s) - 1)
		printf("# at byte %zu of %zu\n", n, strlen(s));
	return n == strlen(s) - 1;
}

static bool
complete(const char *s)
{
	struct pl_scan scan;

	pl_scan_init(&scan);
	return pl_scan_feed(&scan, bytes_text(s), NULL) == ERR_OK &&
	       pl_scan_complete(&scan);
}

static void
test_refusals(void)
{
	ok(refused_at_end("x"), "text is refused at its first byte");
	ok(refused_at_end(" {"), "JSON, too");
	ok(refused_at_end("bplist1"), "and a binary one of another version");
	ok(refused_at_end("<html>"), "HTML at its first tag");
	ok(refused_at_end("<plist><dict><foo>"), "an unknown tag");
	ok(refused_at_end("<plist><dict></array>"), "a wrong closing tag");
	ok(refused_at_end("<plist><dict>x"), "text between tags");
	ok(refused_at_end("<plist><true/></plist>\n<!-- -->\nx"),
	    "anything but white space and comments at the end");
	ok(refused_at_end("<plist><string>a & "), "a bare &");
	ok(refused_at_end("<!DOCTYPE plist ["), "declarations");
}

static void
test_answers(void)
{
	static const char marks[] = "bplist00\0\1\2\377";
	struct pl_scan scan;
	struct err err = { 0 };

	ok(!complete("<plist><true/>"), "a part is not complete");
	ok(complete("<plist><true/></plist>"), "</plist> completes it");
	ok(complete("<plist><true/></plist>\n<!-- -->\n"),
	    "comments may follow");
	ok(!complete("<plist><true/></plist>\n<!-- "),
	    "an open comment may not");
	pl_scan_init(&scan);
	ok(pl_scan_feed(&scan, bytes_of(marks, 12), NULL) == ERR_OK &&
		!pl_scan_complete(&scan) && pl_scan_end(&scan, NULL) == ERR_OK,
	    "a binary one is never refused and never complete");
	pl_scan_init(&scan);
	ok(pl_scan_end(&scan, &err) == ERR_UNDECODABLE &&
		strstr(err.msg, "empty") != NULL,
	    "nothing is not a property list");
	pl_scan_init(&scan);
	ok(pl_scan_feed(&scan, bytes_text("<plist>\n<di"), NULL) == ERR_OK &&
		pl_scan_feed(&scan, bytes_text("ct>\n  x"), &err) ==
		    ERR_UNDECODABLE &&
		strncmp(err.msg, "line 3, column 3:", 17) == 0,
	    "the place is told across pieces");
}

/* A random value, as XML. */
static void
grow(struct buf *b, unsigned depth)
{
	static const char *const leaves[] = { "<true/>", "<false></false >",
		"<string>a&amp;<![CDATA[]]]]>b<!-- x --></string>",
		"<integer> 12 </integer>", "<real>1e3</real>",
		"<date>2026-01-02T03:04:05Z</date>", "<data>AAAA\n AA==</data>",
		"<string/>", "<string>]]>&#65;&#x1F600;</string>" };
	uint32_t n = dice(4), i;

	if (depth == 0 || dice(3) == 0) {
		buf_text(b, leaves[dice(sizeof(leaves) / sizeof(leaves[0]))]);
		return;
	}
	if (dice(2) == 0) {
		buf_text(b, "<array >\n");
		for (i = 0; i < n; i++)
			grow(b, depth - 1);
		buf_text(b, "</array\n>");
		return;
	}
	buf_text(b, "<dict><!-- - -- -->");
	for (i = 0; i < n; i++) {
		buf_printf(b, "<key>k%u</key>\r\n", i);
		grow(b, depth - 1);
	}
	buf_text(b, "<?pi ?x?></dict>");
}

/* Feed b in random pieces; whether the scan took all of it. */
static bool
fed(const struct buf *b)
{
	struct pl_scan scan;
	size_t at = 0, n;

	pl_scan_init(&scan);
	for (; at < b->len; at += n) {
		n = 1 + dice(40);
		if (n > b->len - at)
			n = b->len - at;
		if (pl_scan_feed(&scan, bytes_of(b->p + at, n), NULL) != ERR_OK)
			return false;
	}
	return pl_scan_end(&scan, NULL) == ERR_OK;
}

static void
test_agreement(void)
{
	struct buf b = { 0 };
	struct pl *root;
	int i, valid = 0, kept = 0, damaged = 0, damaged_kept = 0;

	for (i = 0; i < 2000; i++) {
		buf_reset(&b);
		buf_text(&b, dice(2) ? "\xef\xbb\xbf<?xml version='1.0'?>\n"
				       "<!DOCTYPE plist SYSTEM '>['>"
				     : " ");
		buf_text(&b, "<plist version=\"1>0\">");
		grow(&b, 5);
		buf_text(&b, "</plist>\n<!-- end -->\n");
		root = NULL;
		if (pl_parse(buf_view(&b), &root, NULL) == ERR_OK)
			valid++;
		pl_free(root);
		kept += fed(&b);
		b.p[dice((uint32_t)b.len)] = (uint8_t)(32 + dice(95));
		root = NULL;
		if (pl_parse(buf_view(&b), &root, NULL) == ERR_OK) {
			damaged++;
			damaged_kept += fed(&b);
		}
		pl_free(root);
	}
	ok(valid == 2000, "2000 random documents are read");
	ok(kept == 2000, "and never refused in random pieces");
	ok(damaged > 0 && damaged == damaged_kept,
	    "nor are damaged ones that are still read");
	buf_free(&b);
}

int
main(void)
{
	test_refusals();
	test_answers();
	test_agreement();
	return tap_done();
}
