#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tests/lib/wire_client.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* protected by mutex */
static int n_waiting, n_go;

void
wire_waiting(int n)
{
	pthread_mutex_lock(&mutex);
	while (n_waiting < n)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

void
wire_go(int n)
{
	pthread_mutex_lock(&mutex);
	n_go += n;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void
on_wait(struct exchange *x, void *ctx)
{
	(void)ctx;
	pthread_mutex_lock(&mutex);
	n_waiting++;
	pthread_cond_broadcast(&changed);
	while (n_go == 0)
		pthread_cond_wait(&changed, &mutex);
	n_go--;
	n_waiting--;
	pthread_mutex_unlock(&mutex);
	/* what is borrowed is still there, whoever has gone */
	exchange_text(x, 200, "waited %s %s", x->path, x->peer);
}

static void
on_hello(struct exchange *x, void *ctx)
{
	exchange_text(x, 200, "hello %s host=%s query=%.*s now=%lld",
	    (const char *)ctx, x->host, (int)x->query.len,
	    (const char *)x->query.p, (long long)x->now);
}

static void
on_who(struct exchange *x, void *ctx)
{
	const unsigned char *p = x->peer_cert.p;
	char cn[128] = "nobody";
	X509 *cert = NULL;

	(void)ctx;
	if (x->peer_cert.len > 0)
		cert = d2i_X509(NULL, &p, (long)x->peer_cert.len);
	if (cert != NULL)
		X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
		    NID_commonName, cn, sizeof(cn));
	X509_free(cert);
	ERR_clear_error();
	exchange_text(x, 200, "you are %s at %s", cn, x->peer);
}

static void
on_big(struct exchange *x, void *ctx)
{
	(void)ctx;
	x->status = 200;
	x->content_type = "application/octet-stream";
	buf_resize(&x->reply, 4 * 1024 * 1024);
}

static void
on_zero(struct exchange *x, void *ctx)
{
	(void)x;
	(void)ctx;
}

static void
on_evil(struct exchange *x, void *ctx)
{
	(void)ctx;
	exchange_reply_header(x, "x-good", "yes");
	exchange_reply_header(x, "cache-control", "max-age=60");
	exchange_reply_header(x, "x-bad", "a\r\nx-worse: b");
	exchange_text(x, 200, "evil");
}

static void
on_gone(struct exchange *x, void *ctx)
{
	(void)ctx;
	x->status = 204;
}

static void
on_echo(struct exchange *x, void *ctx)
{
	struct bytes type = exchange_header(x, "content-type");

	(void)ctx;
	x->status = 200;
	x->content_type = arena_text(x->arena, type);
	buf_bytes(&x->reply, x->body);
}

static void
on_length(struct exchange *x, void *ctx)
{
	(void)ctx;
	exchange_text(x, 200, "%zu bytes", x->body.len);
}

static void
on_org(struct exchange *x, void *ctx)
{
	(void)ctx;
	exchange_text(x, 200, "%s org=%s", x->method, x->params[0]);
}

/* clang-format off */
const struct route wire_routes[] = {
	{ "GET", "/hello",     0,                on_hello },
	{ "GET", "/who",       0,                on_who },
	{ "GET", "/big",       0,                on_big },
	{ "GET", "/zero",      0,                on_zero },
	{ "GET", "/evil",      0,                on_evil },
	{ "GET", "/gone",      0,                on_gone },
	{ "GET", "/wait",      0,                on_wait },
	{ "PUT", "/echo",      1024 * 1024,      on_echo },
	{ "PUT", "/huge",      16 * 1024 * 1024, on_length },
	{ "PUT", "/small",     100,              on_length },
	{ "GET", "/mdm/{org}", 0,                on_org },
	{ "PUT", "/mdm/{org}", 1024,             on_org },
	{ "GET", "/rest/*",    0,                on_org },
};
/* clang-format on */
const size_t wire_n_routes = sizeof(wire_routes) / sizeof(wire_routes[0]);

struct server *
wire_serve(struct server_options o, const struct wire_pair *p)
{
	static const char *const listen[] = { "127.0.0.1:0" };
	static char ctx[] = "world";
	struct server *s = NULL;
	struct err err = { 0 };

	if (o.n_listen == 0) {
		o.listen = listen;
		o.n_listen = 1;
	}
	o.routes = wire_routes;
	o.n_routes = wire_n_routes;
	o.ctx = ctx;
	if (server_open(&o, &s, &err) != ERR_OK ||
	    server_start(s, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	if (p != NULL)
		wire_identify(s, p);
	return s;
}
