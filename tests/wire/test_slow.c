/* Clients that are slow, many, large or gone; and the end of the server. */
#include "engine/wire/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/wire_client.h"
#include "tests/tap.h"

#define MANY 1000

static struct wire_pair id;
static struct server *s;
static struct buf b;

static struct wire_client
open_client(void)
{
	struct wire_client_options o = { .port = server_port(s, 0),
		.alpn = "http/1.1" };
	struct wire_client c;

	if (!wire_connect(&c, &o))
		exit(1);
	return c;
}

static void
say(struct wire_client *c, const char *text)
{
	if (!wire_send(c, text, strlen(text)))
		exit(1);
}

/* What comes until the server closes, after that beginning. */
static bool
slow(const char *text, const char *want)
{
	struct wire_client c = open_client();
	bool closed;

	say(&c, text);
	closed = wire_closed_with(&c, &b);
	wire_disconnect(&c);
	return closed && (want[0] == '\0' ? b.len == 0
					  : strstr(buf_str(&b), want) != NULL);
}

static void
test_time_outs(void)
{
	struct server_options o = { .head_ms = 300,
		.body_ms = 300,
		.write_ms = 300,
		.idle_ms = 300,
		.linger_ms = 200,
		.min_rate = 1000 };
	struct wire_client c;
	int i;

	s = wire_serve(o, &id);
	ok(slow("", ""), "a client that says nothing is left");
	ok(slow("GET /hel", "HTTP/1.1 408 "), "half a head is 408");
	ok(slow("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
	       "HTTP/1.1 408 "),
	    "half a body is 408");
	ok(slow("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "hello world") &&
		strstr(buf_str(&b), "408") == NULL,
	    "an idle connection is closed without a word");
	c = open_client();
	say(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n");
	/* a byte each 100 ms is progress, but far below the least rate */
	for (i = 0; i < 30 && wire_send(&c, "x", 1); i++)
		usleep(100 * 1000);
	ok(i < 30, "a body below the least rate is cut off");
	wire_disconnect(&c);
	c = open_client();
	/* more than the kernel's buffers hold */
	for (i = 0; i < 8; i++)
		say(&c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	usleep(900 * 1000); /* there is nothing to wait for: we do not read */
	wire_closed_with(&c, &b);
	ok(b.len < 8 * 4 * 1024 * 1024,
	    "an answer that nobody takes is cut off");
	wire_disconnect(&c);
	server_close(s);
}

static void
test_waiting(void)
{
	struct server_options o = {
		.threads = 2, .queue = 1, .max_body_memory = 1
	};
	struct wire_client c[6], huge[3];
	struct server_counts n;
	int i, done = 0;

	s = wire_serve(o, &id);
	for (i = 0; i < 6; i++) {
		c[i] = open_client();
		say(&c[i], "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	wire_waiting(2);
	wire_disconnect(&c[5]); /* goes while it waits or runs */
	wire_go(6);
	for (i = 0; i < 5; i++)
		done += strstr(wire_answer(&c[i], &b),
			    "waited /wait 127.0.0.1") != NULL;
	ok(done == 5, "requests wait for threads and a place in the queue");
	for (i = 0; i < 5; i++)
		wire_disconnect(&c[i]);

	/* memory for one and a half of them */
	for (i = 0; i < 3; i++) {
		huge[i] = open_client();
		say(&huge[i],
		    "PUT /huge HTTP/1.1\r\nHost: a\r\nContent-Length: "
		    "16777216\r\nExpect: 100-continue\r\n\r\n");
		if (i == 0)
			ok(strncmp(wire_answer(&huge[0], &b), "HTTP/1.1 100",
			       12) == 0,
			    "the first large body has memory");
	}
	server_counts(s, &n);
	ok(n.body_memory == 16777216, "the others wait");
	/* who waits is no longer read: the third one may come first */
	wire_disconnect(&huge[2]);
	wire_disconnect(&huge[0]);
	ok(strncmp(wire_answer(&huge[1], &b), "HTTP/1.1 100", 12) == 0,
	    "the next one has it when the first has gone");
	buf_reset(&b);
	buf_resize(&b, 16777216);
	wire_send(&huge[1], b.p, b.len);
	ok(strstr(wire_answer(&huge[1], &b), "16777216 bytes") != NULL,
	    "and is answered");
	wire_disconnect(&huge[1]);
	server_stop(s);
	server_counts(s, &n);
	ok(n.body_memory == 0, "all memory came back");
	server_close(s);
}

static long
resident_kb(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%*s %ld", &pages) != 1)
		exit(1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
test_many(void)
{
	static struct wire_client c[MANY];
	static struct wire_client_options o;
	struct server_counts n;
	long before;
	int i;

	s = wire_serve(
	    (struct server_options){ .head_ms = 600000, .idle_ms = 600000 },
	    &id);
	o = (struct wire_client_options){ .port = server_port(s, 0) };
	before = resident_kb();
	for (i = 0; i < MANY; i++)
		if (!wire_connect(&c[i], &o) ||
		    wire_ask(&c[i], "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
			&b) != 200)
			break;
	ok(i == MANY, "1000 connections are served and stay");
	server_counts(s, &n);
	printf("# %ld KB a connection, both ends\n",
	    (resident_kb() - before) / MANY);
	ok(n.connections == MANY && n.body_memory == 0, "and are counted");
	while (i-- > 0)
		wire_disconnect(&c[i]);
	server_close(s);

	s = wire_serve((struct server_options){ .max_connections = 2 }, &id);
	o.port = server_port(s, 0);
	for (i = 0; i < 5; i++)
		if (!wire_connect(&c[i], &o) ||
		    wire_ask(&c[i], "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
			&b) != 200)
			break;
	ok(i == 5, "beyond the limit the idle make room");
	while (i-- > 0)
		wire_disconnect(&c[i]);
	server_close(s);
}

static void *
stop(void *arg)
{
	server_stop(arg);
	return NULL;
}

static void
test_stop(void)
{
	struct wire_client busy, idle;
	pthread_t t;

	s = wire_serve((struct server_options){ 0 }, &id);
	busy = open_client();
	idle = open_client();
	wire_ask(&idle, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", &b);
	say(&busy, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
	wire_waiting(1);
	pthread_create(&t, NULL, stop, s);
	ok(wire_closed_with(&idle, &b) && b.len == 0,
	    "a stop closes idle connections");
	wire_go(1);
	ok(strstr(wire_answer(&busy, &b), "waited") != NULL &&
		strstr(buf_str(&b), "Connection: close\r\n") != NULL,
	    "and answers what is under way");
	wire_disconnect(&busy);
	wire_disconnect(&idle);
	pthread_join(t, NULL);
	server_close(s);

	s = wire_serve((struct server_options){ .stop_ms = 100 }, &id);
	busy = open_client();
	say(&busy,
	    "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
	idle = open_client();
	say(&idle, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
	wire_waiting(1);
	pthread_create(&t, NULL, stop, s);
	ok(wire_closed(&busy), "a body that does not come does not hold it up");
	/* its connection has gone, its handler runs */
	ok(wire_closed(&idle), "nor does a handler hold a connection");
	wire_go(1);
	pthread_join(t, NULL);
	wire_disconnect(&busy);
	wire_disconnect(&idle);
	server_close(s);
}

static enum err_code
try_listen(const char *one, const char *two, struct err *err)
{
	const char *both[] = { one, two };
	struct server_options o = { .listen = both,
		.n_listen = two != NULL ? 2 : 1,
		.routes = wire_routes,
		.n_routes = wire_n_routes };
	struct server *t = NULL;
	enum err_code rc = server_open(&o, &t, err);

	if (rc == ERR_OK)
		snprintf(err->msg, sizeof(err->msg), "%s",
		    server_address(t, o.n_listen - 1));
	server_close(t);
	return rc;
}

static void
test_listen(void)
{
	static const char *const dual[] = { "[::]:0" };
	char address[64], both[64], want[128];
	struct err err = { 0 };
	uint16_t port;

	s = wire_serve((struct server_options){ 0 }, &id);
	snprintf(address, sizeof(address), "%s", server_address(s, 0));
	snprintf(want, sizeof(want), "%s is taken by another program", address);
	ok(try_listen(address, NULL, &err) == ERR_CHANGED &&
		strstr(err.msg, want) == err.msg,
	    "a port in use is named");
	ok(try_listen("example.com:8443", NULL, &err) == ERR_INVALID &&
		try_listen("8443", NULL, &err) == ERR_INVALID &&
		try_listen("::1:8443", NULL, &err) == ERR_INVALID &&
		try_listen("[::]:99999", NULL, &err) == ERR_INVALID &&
		try_listen("", NULL, &err) == ERR_INVALID &&
		strstr(err.msg, "write [::]:8443") != NULL,
	    "what is no address is explained");
	ok(try_listen("192.0.2.1:0", NULL, &err) == ERR_INVALID &&
		strstr(err.msg, "no network interface") != NULL,
	    "so is an address of another machine");
	port = server_port(s, 0);
	server_close(s);
	snprintf(address, sizeof(address), "[::]:%u", port);
	snprintf(both, sizeof(both), "0.0.0.0:%u", port);
	ok(try_listen(address, both, &err) == ERR_OK &&
		strcmp(err.msg, both) == 0,
	    "both wildcards may be listed");

	s = wire_serve(
	    (struct server_options){ .listen = dual, .n_listen = 1 }, &id);
	ok(wire_once(server_port(s, 0), "GET /who HTTP/1.1\r\nHost: a\r\n\r\n",
	       &b) == 200 &&
		strstr(buf_str(&b), "at 127.0.0.1\n") != NULL,
	    "[::] takes IPv4, whose addresses are shown as such");
	server_close(s);
}

int
main(void)
{
	wire_pair_make(&id, "localhost", 0, -60, 3600);
	test_time_outs();
	test_waiting();
	test_many();
	test_stop();
	test_listen();
	wire_pair_free(&id);
	buf_free(&b);
	return tap_done();
}
