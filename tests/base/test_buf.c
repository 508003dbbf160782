#include "mdmfs/buf.h"

#include "tests/tap.h"

int
main(void)
{
	struct buf b = { 0 };
	struct err err = { 0 };
	int i;

	ok(strcmp(buf_str(&b), "") == 0 && b.len == 0, "a zeroed one is empty");
	buf_text(&b, "ab");
	buf_char(&b, 'c');
	buf_bytes(&b, bytes_text("de"));
	buf_bytes(&b, BYTES_NONE);
	buf_printf(&b, "%03d", 7);
	ok(bytes_equal(buf_view(&b), bytes_text("abcde007")), "it grows");
	ok(strcmp(buf_str(&b), "abcde007") == 0 && b.len == 8,
	    "the NUL is not counted");
	buf_resize(&b, 3);
	buf_resize(&b, 5);
	ok(bytes_equal(buf_view(&b), bytes_of("abc\0\0", 5)),
	    "new bytes are zero");
	buf_reset(&b);
	for (i = 0; i < 100000; i++)
		buf_printf(&b, "%d,", i % 10);
	ok(b.len == 200000 && b.p[199998] == '9', "it grows far");
	ok(buf_error(&b, &err) == ERR_OK, "and has not failed");
	buf_reserve(&b, SIZE_MAX / 2);
	ok(buf_error(&b, &err) == ERR_NO_MEMORY && err.code == ERR_NO_MEMORY,
	    "what cannot be had is an error");
	buf_text(&b, "x");
	ok(b.len == 200000 && strcmp(buf_str(&b), "") == 0, "which is latched");
	buf_reset(&b);
	buf_text(&b, "y");
	ok(strcmp(buf_str(&b), "y") == 0, "until a reset");
	buf_wipe(&b);
	ok(b.p == NULL && b.len == 0, "wiped is empty");
	buf_free(&b);
	ok(bytes_begin(bytes_text("abc"), bytes_text("ab")) &&
		!bytes_begin(bytes_text("a"), bytes_text("ab")) &&
		bytes_equal(BYTES_NONE, bytes_text("")),
	    "bytes compare");
	return tap_done();
}
