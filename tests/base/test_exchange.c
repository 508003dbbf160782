#include "engine/base/exchange.h"

#include "tests/tap.h"

static bool
query_is(const struct exchange *x, const char *name, struct bytes want)
{
	size_t len = 99;
	const char *s = exchange_query(x, name, &len);

	return s != NULL && bytes_equal(bytes_of(s, len), want);
}

int
main(void)
{
	const struct exchange_header headers[] = {
		{ "host", bytes_text("mdm.example.com") },
		{ "mdm-signature", bytes_text("AAAA") },
	};
	struct exchange x = {
		.headers = headers,
		.n_headers = 2,
		.query = bytes_text("operation=PKIOperation&message=a%2Bb+%00c"
				    "&e=&bad=%4&worse=%zz&xoperation=2"),
		.arena = arena_new(),
	};
	size_t len;

	ok(bytes_equal(
	       exchange_header(&x, "mdm-signature"), bytes_text("AAAA")),
	    "a header by its name");
	ok(exchange_header(&x, "cookie").p == NULL, "one that is not there");
	ok(query_is(&x, "operation", bytes_text("PKIOperation")),
	    "a value of the query");
	ok(query_is(&x, "message", bytes_of("a+b+\0c", 6)),
	    "percent-decoded once, + stays, NUL inside");
	ok(query_is(&x, "e", BYTES_NONE), "an empty value");
	ok(query_is(&x, "bad", bytes_text("%4")) &&
		query_is(&x, "worse", bytes_text("%zz")),
	    "what is not percent-encoded stays");
	ok(exchange_query(&x, "oper", &len) == NULL &&
		exchange_query(&x, "none", &len) == NULL,
	    "no part of a name");
	exchange_reply_header(&x, "Allow", "GET");
	ok(x.n_reply_headers == 1 &&
		bytes_equal(x.reply_headers[0].value, bytes_text("GET")),
	    "a header of the answer");
	exchange_text(&x, 404, "no %s", "such page");
	ok(x.status == 404 &&
		bytes_equal(buf_view(&x.reply), bytes_text("no such page\n")) &&
		strncmp(x.content_type, "text/plain", 10) == 0,
	    "a line of text as answer");
	exchange_text(&x, 500, "sorry");
	ok(bytes_equal(buf_view(&x.reply), bytes_text("sorry\n")),
	    "which a later one replaces");
	buf_free(&x.reply);
	arena_free(x.arena);
	return tap_done();
}
