#include "engine/wire/server.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/wire_client.h"
#include "tests/tap.h"

static struct server *s;
static struct wire_pair id, client;
static uint16_t port;
static struct buf b;

static bool
has(const char *text)
{
	return strstr(buf_str(&b), text) != NULL;
}

/* Frames by hand: RFC 9113 4.1. */
static void
frame(struct buf *to, unsigned type, unsigned flags, unsigned stream,
    const void *p, size_t len)
{
	unsigned char head[9] = { (unsigned char)(len >> 16),
		(unsigned char)(len >> 8), (unsigned char)len,
		(unsigned char)type, (unsigned char)flags,
		(unsigned char)(stream >> 24), (unsigned char)(stream >> 16),
		(unsigned char)(stream >> 8), (unsigned char)stream };

	buf_put(to, head, sizeof(head));
	buf_put(to, p, len);
}

/* GET and https of HPACK's static table, :authority and :path literal. */
static void
headers(struct buf *to, unsigned stream, const char *path, unsigned flags)
{
	struct buf block = { 0 };

	buf_put(&block, "\x82\x87\x01\x01\x61\x04", 6);
	buf_char(&block, (char)strlen(path));
	buf_text(&block, path);
	frame(to, 1, flags, stream, block.p, block.len);
	buf_free(&block);
}

static void
hostile_open(struct wire_client *c, struct buf *to)
{
	struct wire_client_options o = { .port = port, .alpn = "h2" };

	if (!wire_connect(c, &o))
		exit(1);
	buf_reset(to);
	buf_text(to, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	frame(to, 4, 0, 0, NULL, 0);
}

/* Read until a frame of that type; its first payload bytes in got. */
static bool
read_frame(struct wire_client *c, unsigned type, unsigned char *got)
{
	unsigned char head[9], byte;
	size_t len, i, n;

	for (;;) {
		for (i = 0; i < sizeof(head); i++)
			if (SSL_read_ex(c->ssl, head + i, 1, &n) != 1)
				return false;
		len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
		for (i = 0; i < len; i++) {
			if (SSL_read_ex(c->ssl, &byte, 1, &n) != 1)
				return false;
			if (head[3] == type && i < 8)
				got[i] = byte;
		}
		if (head[3] == type)
			return true;
	}
}

static void
test_curl(void)
{
	const char *pem = wire_pair_pem(&client);

	ok(wire_shell(&b,
	       "curl -sk --http2 -i --cert %s https://127.0.0.1:%u/who", pem,
	       port) == 0 &&
		has("HTTP/2 200") && has("you are client at 127.0.0.1") &&
		has("cache-control: no-store") && has("date: "),
	    "curl with a certificate");
	remove(pem);
	ok(wire_shell(&b,
	       "head -c 16777216 /dev/zero | curl -sk --http2 -T - "
	       "https://127.0.0.1:%u/huge",
	       port) == 0 &&
		has("16777216 bytes"),
	    "16 MiB up, of unknown length");
	ok(wire_shell(&b,
	       "head -c 16777217 /dev/zero | curl -sk --http2 -T - "
	       "https://127.0.0.1:%u/huge -w '%%{http_code}'",
	       port) == 0 &&
		has("413"),
	    "one byte more is 413");
	ok(wire_shell(&b,
	       "head -c 101 /dev/zero | curl -sk --http2 --data-binary @- -X "
	       "PUT https://127.0.0.1:%u/small -w '%%{http_code}'",
	       port) == 0 &&
		has("413"),
	    "so is a content-length above the limit");
	ok(wire_shell(&b, "curl -sk --http2 https://127.0.0.1:%u/big | wc -c",
	       port) == 0 &&
		atoi(buf_str(&b)) == 4 * 1024 * 1024,
	    "4 MiB down");
	ok(wire_shell(&b, "curl -skI --http2 https://127.0.0.1:%u/big", port) ==
		    0 &&
		has("content-length: 4194304"),
	    "HEAD");
	ok(wire_shell(&b,
	       "curl -ski --http2 -X DELETE https://127.0.0.1:%u/mdm/acme",
	       port) == 0 &&
		has("HTTP/2 405") && has("allow: GET, HEAD, PUT"),
	    "405 has Allow");
	ok(wire_shell(&b,
	       "curl -sk --http2 https://127.0.0.1:%u/hello?x=1 -H "
	       "'Host: MDM.example'",
	       port) == 0 &&
		has("host=mdm.example query=x=1"),
	    ":authority is the host");
	ok(wire_shell(&b,
	       "curl -sk --http2 --path-as-is -o /dev/null -w '%%{http_code}' "
	       "https://127.0.0.1:%u/mdm/../hello",
	       port) == 0 &&
		has("400"),
	    "dots in the path are 400");
	ok(wire_shell(&b,
	       "head -c 17000 /dev/zero | tr '\\0' a | (printf 'X: '; cat) > "
	       "/tmp/wire-h2-$$; curl -sk --http2 -H @/tmp/wire-h2-$$ -w "
	       "'%%{http_code}' https://127.0.0.1:%u/hello; rm "
	       "/tmp/wire-h2-$$",
	       port) == 0 &&
		has("431"),
	    "a header above 16 KiB is 431");
}

static void
test_parallel(void)
{
	struct wire_client c;
	struct buf to = { 0 };
	unsigned char got[8];

	hostile_open(&c, &to);
	headers(&to, 1, "/wait", 5);
	headers(&to, 3, "/wait", 5);
	headers(&to, 5, "/hello", 5);
	ok(wire_send(&c, to.p, to.len), "three requests at once");
	wire_waiting(2);
	ok(read_frame(&c, 0, got) && memcmp(got, "hello", 5) == 0,
	    "the third is answered while two run");
	/* it goes away while its handlers run */
	wire_disconnect(&c);
	wire_go(2);
	hostile_open(&c, &to);
	frame(&to, 6, 0, 0, "12345678", 8);
	wire_send(&c, to.p, to.len);
	ok(read_frame(&c, 6, got) && memcmp(got, "12345678", 8) == 0,
	    "a ping is answered");
	wire_disconnect(&c);
	buf_free(&to);
}

/* GOAWAY's error code. */
static int
goaway(struct wire_client *c)
{
	unsigned char got[8] = { 0 };

	return read_frame(c, 7, got) ? got[7] : -1;
}

/* Requests that are reset, with that error code, before their answer. */
static void
rapid_resets(const char *error, const char *what)
{
	struct wire_client c;
	struct buf to = { 0 };
	unsigned i;

	hostile_open(&c, &to);
	for (i = 0; i < 300; i++) {
		headers(&to, 2 * i + 1, "/hello", 5);
		frame(&to, 3, 0, 2 * i + 1, error, 4);
	}
	wire_send(&c, to.p, to.len);
	ok(goaway(&c) == 11 && wire_closed(&c), what);
	wire_disconnect(&c);
	buf_free(&to);
}

/* Bodies that are refused by their heads, whose rest nobody sends: curl resets
 * the streams.  More of them than nghttp2 would take. */
static void
test_refused(void)
{
	struct wire_client c;
	struct buf to = { 0 };
	unsigned char got[8];
	unsigned i;

	hostile_open(&c, &to);
	for (i = 0; i < 1500; i++) {
		headers(&to, 2 * i + 1, "/nowhere", 4);
		wire_send(&c, to.p, to.len);
		if (!read_frame(&c, 0, got))
			break;
		buf_reset(&to);
		frame(&to, 3, 0, 2 * i + 1, "\0\0\0\x05", 4);
	}
	headers(&to, 2 * i + 1, "/hello", 5);
	wire_send(&c, to.p, to.len);
	ok(i == 1500 && read_frame(&c, 0, got) && memcmp(got, "hello", 5) == 0,
	    "answered streams that are reset do not end the connection");
	wire_disconnect(&c);
	buf_free(&to);
}

static void
test_hostile(void)
{
	struct wire_client c;
	struct buf to = { 0 };
	unsigned i;

	rapid_resets("\0\0\0\x08", "rapid resets end in ENHANCE_YOUR_CALM");
	rapid_resets("\0\0\0\0", "so do those that say NO_ERROR");

	hostile_open(&c, &to);
	headers(&to, 1, "/hello", 1);
	for (i = 0; i < 200; i++)
		frame(&to, 9, 0, 1, "\x00\x01x\x01y", 5);
	wire_send(&c, to.p, to.len);
	ok(wire_closed(&c), "endless CONTINUATION ends the connection");
	wire_disconnect(&c);

	hostile_open(&c, &to);
	headers(&to, 2, "/hello", 5);
	wire_send(&c, to.p, to.len);
	ok(goaway(&c) == 1 && wire_closed(&c),
	    "a stream of the server's is a PROTOCOL_ERROR");
	wire_disconnect(&c);

	hostile_open(&c, &to);
	buf_reset(&to);
	buf_text(&to, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	wire_send(&c, to.p, to.len);
	ok(wire_closed(&c), "HTTP/1.1 after ALPN h2 is the end");
	wire_disconnect(&c);
	buf_free(&to);
}

static void
test_slow(void)
{
	struct wire_client c;
	struct buf to = { 0 };
	unsigned char got[8] = { 0 };

	hostile_open(&c, &to);
	wire_send(&c, to.p, to.len);
	ok(goaway(&c) == 0 && wire_closed(&c),
	    "an idle connection gets GOAWAY and goes");
	wire_disconnect(&c);

	hostile_open(&c, &to);
	/* PUT /small of a length that never comes */
	frame(&to, 1, 4, 1, "\x02\x03PUT\x87\x01\x01\x61\x04\x06/small", 17);
	wire_send(&c, to.p, to.len);
	ok(read_frame(&c, 3, got) && got[3] == 8,
	    "a body that does not come is reset");
	wire_disconnect(&c);

	hostile_open(&c, &to);
	headers(&to, 1, "/hello", 1); /* no END_HEADERS */
	wire_send(&c, to.p, to.len);
	ok(wire_closed(&c), "half a head ends the connection");
	wire_disconnect(&c);

	hostile_open(&c, &to);
	headers(&to, 1, "/big", 5); /* and no WINDOW_UPDATE */
	wire_send(&c, to.p, to.len);
	ok(read_frame(&c, 3, got) && got[3] == 8,
	    "an answer that is not taken is reset");
	wire_disconnect(&c);
	buf_free(&to);
}

int
main(void)
{
	struct server_options o = {
		.head_ms = 400, .body_ms = 400, .write_ms = 400, .idle_ms = 400
	};
	struct server_counts counts;

	wire_pair_make(&id, "localhost", 0, -60, 3600);
	wire_pair_make(&client, "client", 0, -60, 3600);
	s = wire_serve((struct server_options){ 0 }, &id);
	port = server_port(s, 0);
	test_curl();
	test_parallel();
	test_refused();
	test_hostile();
	ok(wire_shell(&b,
	       "h2load -n 2000 -c 20 -m 50 https://127.0.0.1:%u/hello",
	       port) == 0 &&
		has("2000 succeeded, 0 failed"),
	    "h2load: 20 connections of 50 streams");
	server_close(s);
	s = wire_serve(o, &id);
	port = server_port(s, 0);
	test_slow();
	server_stop(s);
	server_counts(s, &counts);
	ok(counts.connections == 0 && counts.body_memory == 0,
	    "nothing is left behind");
	server_close(s);
	wire_pair_free(&id);
	wire_pair_free(&client);
	buf_free(&b);
	return tap_done();
}
