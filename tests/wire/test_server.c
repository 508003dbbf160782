#include "engine/wire/server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/wire_client.h"
#include "tests/tap.h"

static int64_t
fixed_now(void)
{
	return 1234567890;
}

static struct server *s;
static uint16_t port;
static struct buf b;

static bool
has(const char *text)
{
	return strstr(buf_str(&b), text) != NULL;
}

static int
once(const char *text)
{
	return wire_once(port, text, &b);
}

static struct wire_client
open_client(void)
{
	struct wire_client_options o = { .port = port, .alpn = "http/1.1" };
	struct wire_client c;

	if (!wire_connect(&c, &o))
		exit(1);
	return c;
}

static void
test_answers(void)
{
	static const char heads[] =
	    "HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n"
	    "GET /gone HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct wire_client c = open_client();

	ok(once(
	       "GET /hello?a=%20b HTTP/1.1\r\nHost: MDM.Example.com\r\n\r\n") ==
		    200 &&
		has("hello world host=mdm.example.com query=a=%20b "
		    "now=1234567890\n"),
	    "a handler sees host, raw query, ctx and the injected time");
	ok(has("\r\nDate: ") && has(" GMT\r\n") &&
		has("\r\nCache-Control: no-store\r\n") &&
		has("\r\nContent-Type: text/plain; charset=utf-8\r\n") &&
		!has("Server:") && !has("Connection:"),
	    "answers have Date, Cache-Control, Content-Type and no Server");
	ok(once("GET /zero HTTP/1.1\r\nHost: a\r\n\r\n") == 500,
	    "a handler that sets no status answers 500");
	ok(once("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n") == 200 &&
		has("X-Good: yes\r\n") && !has("orse") &&
		has("Cache-Control: max-age=60\r\n") && !has("no-store"),
	    "reply headers are sent, those with line breaks are not");
	ok(once("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n") == 404,
	    "an unknown path is 404");
	ok(once("DELETE /mdm/acme HTTP/1.1\r\nHost: a\r\n\r\n") == 405 &&
		has("\r\nAllow: GET, HEAD, PUT\r\n"),
	    "another method of a known path is 405 with Allow");
	ok(once("GET /mdm/acme%20b HTTP/1.1\r\nHost: a\r\n\r\n") == 200 &&
		has("GET org=acme b\n"),
	    "a segment arrives decoded as a parameter");
	ok(once("GET https://h.example/mdm/acme HTTP/1.1\r\nHost: a\r\n\r\n") ==
		    200 &&
		has("org=acme"),
	    "an absolute target is understood");

	wire_send(&c, heads, strlen(heads));
	wire_closed_with(&c, &b);
	ok(has("Content-Length: 4194304\r\n") &&
		has("\r\n\r\nHTTP/1.1 204 No Content\r\n"),
	    "HEAD is answered without a body, 204 follows at once");
	wire_disconnect(&c);
}

static void
test_keep_alive(void)
{
	struct wire_client c = open_client();
	static const char pipelined[] =
	    "GET /mdm/one HTTP/1.1\r\nHost: a\r\n\r\n"
	    "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	    "GET /mdm/two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

	ok(wire_ask(&c, pipelined, &b) == 200 && has("org=one") &&
		strstr(wire_answer(&c, &b), "\r\n\r\nabc") != NULL &&
		strstr(wire_answer(&c, &b), "org=two") != NULL &&
		has("Connection: close\r\n") && wire_closed(&c),
	    "pipelined requests are answered in order; close is respected");
	wire_disconnect(&c);
	c = open_client();
	ok(wire_ask(&c, "GET /hello HTTP/1.0\r\n\r\n", &b) == 200 &&
		has("Connection: close\r\n") && wire_closed(&c),
	    "HTTP/1.0 without Host is answered and closed");
	wire_disconnect(&c);
	c = open_client();
	ok(wire_ask(&c, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	       &b) == 200 &&
		has("Connection: keep-alive\r\n") &&
		wire_ask(&c, "GET /hello HTTP/1.0\r\n\r\n", &b) == 200,
	    "HTTP/1.0 keeps alive when asked");
	wire_disconnect(&c);
}

static void
test_bodies(void)
{
	struct server_refusal refusal;
	struct wire_client c = open_client();

	ok(once("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\n"
		"Transfer-Encoding: chunked\r\n\r\n"
		"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: railer\r\n\r\n") == 200 &&
		has("\r\n\r\nabcde") && has("Content-Type: text/x\r\n") &&
		has("Content-Length: 5\r\n"),
	    "a chunked body arrives, extensions and trailers apart");
	ok(wire_ask(&c,
	       "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
	       "Expect: 100-continue\r\n\r\n",
	       &b) == 100 &&
		wire_ask(&c, "abc", &b) == 200 && has("\r\n\r\nabc"),
	    "100-continue is told before the body");
	wire_disconnect(&c);
	ok(once("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
		"Expect: magic\r\n\r\nabc") == 417,
	    "another expectation is 417");
	c = open_client();
	ok(wire_ask(&c,
	       "PUT /small HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n"
	       "Expect: 100-continue\r\n\r\n",
	       &b) == 413 &&
		has("Connection: close\r\n") && wire_closed(&c),
	    "a Content-Length above the route's limit is 413 unread");
	server_last_refusal(s, &refusal);
	ok(refusal.n == 1 && refusal.status == 413 && refusal.limit == 100 &&
		strcmp(refusal.method, "PUT") == 0 &&
		strcmp(refusal.path, "/small") == 0 && refusal.peer[0] != '\0',
	    "which is remembered");
	wire_disconnect(&c);
	c = open_client();
	ok(wire_ask(&c,
	       "PUT /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
	       "chunked\r\n\r\n64\r\n"
	       "012345678901234567890123456789012345678901234567890123456789012"
	       "3"
	       "456789012345678901234567890123456789\r\n1\r\nx\r\n0\r\n\r\n",
	       &b) == 413 &&
		wire_closed(&c),
	    "a chunked body one byte above the limit is 413");
	wire_disconnect(&c);
	ok(once("PUT /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		"chunked\r\n\r\n64\r\n"
		"012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789\r\n0\r\n\r\n") ==
		    200 &&
		has("100 bytes"),
	    "one of exactly the limit is taken");
	ok(once("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: "
		"1\r\n\r\nx") == 413,
	    "a route without bodies takes none");
}

struct hostile {
	const char *what;
	const char *text;
	int status;
};

/* clang-format off */
static const struct hostile hostile[] = {
	{ "Content-Length beside Transfer-Encoding",
	  "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
	{ "two Content-Length",
	  "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400 },
	{ "a Content-Length that is no number",
	  "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400 },
	{ "a Content-Length beyond all numbers",
	  "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc", 400 },
	{ "a blank in front of the colon",
	  "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400 },
	{ "a folded header",
	  "GET /hello HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400 },
	{ "a bare line feed",
	  "GET /hello HTTP/1.1\r\nHost: a\nX: a\r\n\r\n", 400 },
	{ "a bare carriage return",
	  "GET /hello HTTP/1.1\r\nHost: a\rX: a\r\n\r\n", 400 },
	{ "an unknown Transfer-Encoding",
	  "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501 },
	{ "chunked in HTTP/1.0",
	  "PUT /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
	{ "a chunk size that is no number",
	  "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400 },
	{ "a chunk without its line end",
	  "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400 },
	{ "no Host in HTTP/1.1", "GET /hello HTTP/1.1\r\n\r\n", 400 },
	{ "two Hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
	{ "a Host with a path", "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
	{ "HTTP/2.0 in words", "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
	{ "HTTP/0.9", "GET /hello\r\n\r\n", 505 },
	{ "garbage", "\x16\x03\x01\r\n\r\n", 400 },
	{ "%00 in the path", "GET /mdm/a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "%2F in the path", "GET /mdm/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "%2F before the rest", "GET /rest%2Fa/b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "a broken escape", "GET /mdm/a%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "dots in the path", "GET /mdm/../hello HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "escaped dots", "GET /mdm/%2e%2E HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "a control character", "GET /mdm/a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "what is not UTF-8", "GET /mdm/%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
};
/* clang-format on */

static void
test_hostile(void)
{
	char what[128];
	size_t i;

	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct wire_client c = open_client();
		int status = wire_ask(&c, hostile[i].text, &b);

		snprintf(what, sizeof(what), "%s is %d and the end (%d)",
		    hostile[i].what, hostile[i].status, status);
		ok(status == hostile[i].status && wire_closed(&c), what);
		wire_disconnect(&c);
	}
}

/* A request with a target and a header of these sizes. */
static int
ask_sizes(size_t target, size_t header, size_t n_headers)
{
	struct buf text = { 0 };
	size_t i;
	int status;

	buf_text(&text, "GET /hello?");
	for (i = 0; i < target; i++)
		buf_char(&text, 'a');
	buf_text(&text, " HTTP/1.1\r\nHost: a\r\n");
	while (n_headers-- > 0) {
		buf_text(&text, "X: ");
		for (i = 0; i < header; i++)
			buf_char(&text, 'a');
		buf_text(&text, "\r\n");
	}
	buf_text(&text, "\r\n");
	status = once(buf_str(&text));
	buf_free(&text);
	return status;
}

static void
test_limits(void)
{
	/* "GET /hello?" and " HTTP/1.1" CR LF are 22 bytes */
	ok(ask_sizes(16384 - 22, 1, 1) == 200, "16 KiB of request line pass");
	ok(ask_sizes(16384 - 21, 1, 1) == 414, "one byte more is 414");
	ok(ask_sizes(1, 16384 - 5, 1) == 200, "16 KiB of a header pass");
	ok(ask_sizes(1, 16384 - 4, 1) == 431, "one byte more is 431");
	ok(ask_sizes(16384 - 22, 16000, 4) == 200, "nearly 64 KiB pass");
	ok(ask_sizes(1, 16000, 5) == 431, "more than 64 KiB are 431");
	ok(ask_sizes(1, 1, 127) == 200, "128 headers pass");
	ok(ask_sizes(1, 1, 128) == 431, "129 are 431");
}

static void
test_curl(void)
{
	ok(wire_shell(&b,
	       "head -c 3000000 /dev/zero | curl -sk --http1.1 -T - "
	       "https://127.0.0.1:%u/huge -w '%%{http_version}'",
	       port) == 0 &&
		has("3000000 bytes\n1.1"),
	    "curl uploads in chunks");
	ok(wire_shell(&b,
	       "head -c 16777217 /dev/zero | curl -sk --http1.1 --data-binary "
	       "@- -X PUT https://127.0.0.1:%u/huge -w '%%{http_code}'",
	       port) == 0 &&
		has("413"),
	    "curl sees 413 although it was still sending");
	ok(wire_shell(&b, "curl -sk --http1.1 https://127.0.0.1:%u/big | wc -c",
	       port) == 0 &&
		atoi(buf_str(&b)) == 4 * 1024 * 1024,
	    "curl gets 4 MiB");
	ok(wire_shell(
	       &b, "curl -skI --http1.1 https://127.0.0.1:%u/big", port) == 0 &&
		has("Content-Length: 4194304\r\n"),
	    "HEAD has the length alone");
	ok(wire_shell(&b, "curl -ski --http1.1 https://127.0.0.1:%u/gone",
	       port) == 0 &&
		has("HTTP/1.1 204 No Content") && !has("Content-"),
	    "204 has no body and no length");
	ok(wire_shell(&b, "curl -s http://127.0.0.1:%u/hello", port) == 0 &&
		has("400 this port speaks HTTPS: use https://127.0.0.1:"),
	    "plain HTTP gets an answer that a person understands");
}

int
main(void)
{
	struct server_options o = { .now = fixed_now };
	struct server_counts counts;
	struct wire_pair id;

	wire_pair_make(&id, "localhost", 0, -60, 3600);
	s = wire_serve(o, &id);
	port = server_port(s, 0);
	test_answers();
	test_keep_alive();
	test_bodies();
	test_hostile();
	test_limits();
	test_curl();
	server_stop(s);
	server_counts(s, &counts);
	ok(counts.connections == 0 && counts.body_memory == 0 &&
		counts.refused > 20,
	    "nothing is left behind");
	server_close(s);
	wire_pair_free(&id);
	buf_free(&b);
	return tap_done();
}
