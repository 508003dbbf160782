#include "engine/wire/head_priv.h"

#include <string.h>

#include "tests/tap.h"

/* The verdict when the bytes come step by step. */
static int
scan(const char *text, size_t step, size_t *start, size_t *end)
{
	struct head_scan s = { 0 };
	size_t len = strlen(text), n;
	int rc = HEAD_MORE;

	for (n = step; rc == HEAD_MORE; n += step) {
		rc = head_scan(&s, bytes_of(text, n < len ? n : len), end);
		if (n >= len)
			break;
	}
	*start = s.start;
	return rc;
}

struct row {
	const char *what;
	const char *text;
	int rc;
	size_t start;
	size_t end; /* if HEAD_DONE */
};

/* clang-format off */
static const struct row rows[] = {
	{ "a whole head",            "GET / HTTP/1.1\r\nA: b\r\n\r\nrest", HEAD_DONE, 0, 24 },
	{ "a head without headers",  "GET / HTTP/1.0\r\n\r\n",             HEAD_DONE, 0, 18 },
	{ "empty lines in front",    "\r\n\r\nGET / HTTP/1.0\r\n\r\n",     HEAD_DONE, 4, 22 },
	{ "half a head",             "GET / HTTP/1.1\r\nA: b\r\n",         HEAD_MORE, 0, 0 },
	{ "half a line",             "GET / HT",                           HEAD_MORE, 0, 0 },
	{ "too many empty lines",    "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", 400, 16, 0 },
	{ "a bare line feed",        "GET / HTTP/1.1\nA: b\r\n\r\n",       400, 0, 0 },
	{ "a bare carriage return",  "GET / HTTP/1.1\rA: b\r\n\r\n",       400, 0, 0 },
	{ "a folded header",         "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", 400, 0, 0 },
};
/* clang-format on */

static size_t slash; /* of the last target */

static bool
target(const char *text, const char *path, const char *query, const char *host)
{
	struct bytes q, h;
	struct buf b = { 0 };
	bool good = head_target(bytes_text(text), &b, &slash, &q, &h) &&
	            strcmp(buf_str(&b), path) == 0 &&
	            bytes_equal(q, bytes_text(query)) &&
	            bytes_equal(h, bytes_text(host));

	buf_free(&b);
	return good;
}

static bool
refused(const char *text)
{
	struct bytes q, h;
	struct buf b = { 0 };
	bool good = !head_target(bytes_text(text), &b, &slash, &q, &h);

	buf_free(&b);
	return good;
}

int
main(void)
{
	size_t i, step, start, end;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool same = true;

		for (step = 1; step < 40; step++) {
			end = 0;
			if (scan(rows[i].text, step, &start, &end) !=
				rows[i].rc ||
			    start != rows[i].start || end != rows[i].end)
				same = false;
		}
		ok(same, rows[i].what);
	}
	ok(target("/a%20b?c=%2F&d", "/a b", "c=%2F&d", ""),
	    "the path is decoded, the query is not");
	ok(target("https://H.example:8443/x", "/x", "", "H.example:8443") &&
		target("http://h?q", "/", "q", "h"),
	    "an absolute target has a host");
	ok(target("/%c3%a9/", "/\xc3\xa9/", "", ""), "UTF-8 is text");
	ok(refused("") && refused("*") && refused("h:443") &&
		refused("https://") && refused("https:///x"),
	    "what is no path is refused");
	ok(refused("/%00") && refused("/%0a") && refused("/%") &&
		refused("/%4") && refused("/%zz"),
	    "so are NUL, controls and broken escapes");
	ok(target("/a/b%2Fc", "/a/b/c", "", "") && slash == 4 &&
		target("/a/b", "/a/b", "", "") && slash == SIZE_MAX,
	    "it is told where a slash was encoded");
	ok(refused("/..") && refused("/a/../b") && refused("/.") &&
		refused("/a/%2e%2e") && refused("/a%2f..") &&
		target("/...", "/...", "", "") &&
		target("/a..", "/a..", "", ""),
	    "so are segments of dots, and only these");
	ok(refused("/\x80") && refused("/a b") && refused("/%ff"),
	    "so is what is not ASCII, or no UTF-8 when decoded");
	ok(head_name_ok(bytes_text("X-a_1")) && !head_name_ok(BYTES_NONE) &&
		!head_name_ok(bytes_text("a b")) &&
		!head_name_ok(bytes_of("a\0b", 3)) &&
		!head_name_ok(bytes_text("a:")),
	    "names are tokens");
	ok(head_value_ok(bytes_text("a\tb \xc3\xa9")) &&
		!head_value_ok(bytes_text("a\nb")) &&
		!head_value_ok(bytes_of("\0", 1)),
	    "values have no controls but the tab");
	return tap_done();
}
