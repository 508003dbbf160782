#include "engine/base/text.h"

#include "tests/tap.h"

static bool
is(struct buf *b, const char *want)
{
	bool same = bytes_equal(buf_view(b), bytes_text(want));

	if (!same)
		printf("# %s\n", buf_str(b));
	buf_reset(b);
	return same;
}

static void
test_escapes(struct buf *b)
{
	text_escape(b, bytes_of("a\n\t\r\\\0\x7f\xff\xc2\x85\xc3\xa4", 12));
	ok(is(b, "a\\n\\t\\r\\\\\\x00\\x7f\\xff\\xc2\\x85\xc3\xa4"),
	    "one line of UTF-8, whatever it was");
	buf_reset(b);
	text_escape(b, bytes_text("a\xe2\x80\xae"
				  "b\xe2\x81\xa6\xe2\x80\x9d"));
	ok(is(b, "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6\xe2\x80\x9d"),
	    "a name that reads backwards is seen through");
	ok(text_is_clean(bytes_text("\xc3\xa4 b")) &&
		!text_is_clean(bytes_text("a\n")) &&
		!text_is_clean(bytes_text("\xff")),
	    "clean text has no control characters");
	ok(text_is_utf8(bytes_text("a\n\xf0\x9f\x98\x80")) &&
		!text_is_utf8(bytes_text("\xc0\x80")) &&
		!text_is_utf8(bytes_text("\xed\xa0\x80")) &&
		!text_is_utf8(bytes_text("\xf4\x90\x80\x80")) &&
		!text_is_utf8(bytes_text("\xe2\x82")),
	    "UTF-8 is the shortest form, no surrogates, whole");
	text_xml(b, bytes_text("<a b=\"c\">&"));
	ok(is(b, "&lt;a b=&quot;c&quot;&gt;&amp;"), "XML");
}

static void
test_hex(struct buf *b)
{
	text_hex(b, bytes_of("\x01\xab", 2));
	ok(is(b, "01ab"), "hex");
	text_hex_upper(b, bytes_of("\x01\xab", 2));
	ok(is(b, "01AB"), "upper-case hex");
	ok(text_unhex(bytes_text("4a4B"), b, NULL) == ERR_OK && is(b, "JK"),
	    "and back");
	ok(text_unhex(bytes_text("4"), b, NULL) == ERR_UNDECODABLE,
	    "half a byte");
	buf_reset(b);
	ok(text_unhex(bytes_text("4g"), b, NULL) == ERR_UNDECODABLE,
	    "no digit");
	buf_reset(b);
	text_uuid(b, (const uint8_t *)"\0\0\0\0\0\0\xff\0\xff\0\0\0\0\0\0\x1");
	ok(is(b, "00000000-0000-4F00-BF00-000000000001"), "UUIDs");
}

static void
test_base64(struct buf *b)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" } };
	static const char *const wrong[] = { "Zg=", "Z", "Zm9v=", "Zg==Zg",
		"Zm9*", "Z===", "=" };
	size_t i;

	for (i = 0; i < 5; i++) {
		text_base64(b, bytes_text(pairs[i][0]));
		ok(is(b, pairs[i][1]), "RFC 4648 10: base64");
		ok(text_unbase64(bytes_text(pairs[i][1]), b, NULL) == ERR_OK &&
			is(b, pairs[i][0]),
		    "  and back");
	}
	ok(text_unbase64(bytes_text(" Zm\n8"), b, NULL) == ERR_OK &&
		is(b, "fo"),
	    "white space, no padding");
	for (i = 1; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ok(text_unbase64(bytes_text(wrong[i]), b, NULL) ==
			ERR_UNDECODABLE,
		    wrong[i]);
		buf_reset(b);
	}
}

/* The time that s means, -1 if refused. */
static int64_t
untime(const char *s)
{
	int64_t t = -1;

	return text_untime(bytes_text(s), &t, NULL) == ERR_OK ? t : -1;
}

static void
test_time(struct buf *b)
{
	static const char *const wrong[] = { "", "2026-11-25",
		"2026-11-25T14:11:00", "2026-13-25T14:11:00Z",
		"2026-02-29T14:11:00Z", "2026-11-25T24:00:00Z",
		"2026-11-25T14:60:00Z", "2026-11-25T14:11:00Zx",
		"2026-11-25T14:11:00+1:00", "0000-01-01T00:00:00Z",
		"26-11-25T14:11:00Z", "2026-11-25T14:11:00+25:00" };
	size_t i;

	text_time(b, 1795615860);
	ok(is(b, "2026-11-25T14:11:00Z"), "RFC 3339");
	ok(untime("2026-11-25T14:11:00Z") == 1795615860, "and back");
	ok(untime("2026-11-25T15:11:00.999+01:00") == 1795615860,
	    "with an offset and a fraction");
	ok(untime("2024-02-29t00:00:00z") == 1709164800, "leap days");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ok(untime(wrong[i]) == -1, wrong[i]);
}

static void
test_lines(void)
{
	struct bytes rest = bytes_text("a\r\n\nb"), line = BYTES_NONE;

	ok(text_line(&rest, &line) && bytes_equal(line, bytes_text("a")),
	    "a line ends with CR LF");
	ok(text_line(&rest, &line) && line.len == 0, "an empty one");
	ok(text_line(&rest, &line) && bytes_equal(line, bytes_text("b")),
	    "the last one has no end");
	ok(!text_line(&rest, &line), "then there is none");
	ok(bytes_equal(text_trim(bytes_text(" \ta b\n")), bytes_text("a b")),
	    "trimmed at both ends");
	ok(text_trim(bytes_text(" \n")).len == 0, "to nothing");
}

int
main(void)
{
	struct buf b = { 0 };

	test_escapes(&b);
	test_hex(&b);
	test_base64(&b);
	test_time(&b);
	test_lines();
	buf_reset(&b);
	text_url(&b, "Zoë & Co_1.-~/?");
	ok(strcmp(buf_str(&b), "Zo%C3%AB%20%26%20Co_1.-~%2F%3F") == 0,
	    "a segment of a path in a URL");
	buf_free(&b);
	return tap_done();
}
