#include "engine/wire/server.h"
#include "engine/wire/identity_priv.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <http_parser.h>

#include "engine/wire/conn_priv.h"
#include "engine/wire/head_priv.h"

/* Descriptors that are not connections: the store, the mount, push. */
#define FILES_KEPT 256

static int64_t
clock_now(void)
{
	return time(NULL);
}

static void
default_to(unsigned *option, unsigned value)
{
	if (*option == 0)
		*option = value;
}

/* As many open files as we may have; returns what that allows. */
static unsigned
raise_files(void)
{
	struct rlimit limit;
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 256;
	n = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		n = limit.rlim_max;
	if (n == RLIM_INFINITY || n > 1000 * 1000)
		n = 1000 * 1000;
	return n > 2 * FILES_KEPT ? (unsigned)n - FILES_KEPT
	                          : (unsigned)n / 2 + 1;
}

static void
fill_options(struct server_options *o)
{
	unsigned files = raise_files();

	if (o->now == NULL)
		o->now = clock_now;
	default_to(&o->loops, sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1);
	if (o->loops > SERVER_LOOPS_MAX)
		o->loops = SERVER_LOOPS_MAX;
	default_to(&o->threads, 16);
	default_to(&o->queue, 256);
	default_to(&o->max_connections, 20000);
	if (o->max_connections > files)
		o->max_connections = files;
	if (o->max_body_memory == 0)
		o->max_body_memory = 128 * 1024 * 1024;
	default_to(&o->handshake_ms, 10 * 1000);
	default_to(&o->head_ms, 15 * 1000);
	default_to(&o->body_ms, 30 * 1000);
	default_to(&o->write_ms, 30 * 1000);
	default_to(&o->idle_ms, 60 * 1000);
	default_to(&o->linger_ms, 2 * 1000);
	default_to(&o->stop_ms, 10 * 1000);
	default_to(&o->min_rate, 256);
	o->listen = NULL; /* the caller's */
}

static size_t
largest_body(const struct server_options *o)
{
	size_t i, largest = 0;

	for (i = 0; i < o->n_routes; i++)
		if (o->routes[i].body_limit > largest)
			largest = o->routes[i].body_limit;
	return largest;
}

/* In a request thread. */
static void
run(struct request *r)
{
	const struct conn *c = r->conn;
	const struct server *s = r->loop->server;

	/* nobody waits for it: the client has gone before it began */
	if (!atomic_load(&r->abandoned))
		request_run(
		    r, s->options.ctx, c->peer, c->cert, s->options.now());
	loop_answered(r);
}

static void
room(void *arg, uint32_t loops)
{
	loop_wake_some(arg, loops);
}

static enum err_code
listen_all(
    struct server *s, const char *const *addresses, size_t n, struct err *err)
{
	static const char *const anywhere[] = { "[::]:8443" };
	enum err_code rc;
	size_t i;

	if (n == 0) {
		addresses = anywhere;
		n = 1;
	}
	s->listens = calloc(n, sizeof(*s->listens));
	if (s->listens == NULL)
		return err_set(err, ERR_NO_MEMORY, "listeners");
	for (i = 0; i < n; i++) {
		rc = listen_open(
		    addresses[i], addresses, n, &s->listens[i], err);
		if (rc != ERR_OK)
			return rc;
		s->n_listens++;
	}
	return ERR_OK;
}

static enum err_code
make_parts(struct server *s, struct err *err)
{
	struct pool_options po = { .threads = s->options.threads,
		.queue = s->options.queue,
		.run = run,
		.room = room,
		.arg = s };
	enum err_code rc;

	s->tls = tls_new();
	s->pool = pool_new(&po);
	if (s->tls == NULL || s->pool == NULL)
		return err_set(err, ERR_NO_MEMORY, "HTTPS server");
	while (s->n_loops < s->options.loops) {
		rc = loop_new(s, s->n_loops, &s->loops[s->n_loops], err);
		if (rc != ERR_OK)
			return rc;
		s->n_loops++;
	}
	return ERR_OK;
}

enum err_code
server_open(
    const struct server_options *options, struct server **ret, struct err *err)
{
	struct server *s = calloc(1, sizeof(*s));
	enum err_code rc;

	if (s == NULL)
		return err_set(err, ERR_NO_MEMORY, "HTTPS server");
	s->options = *options;
	refusal_init(&s->refusal);
	fill_options(&s->options);
	/* head_scan() has exact limits; the parser's own would come first */
	http_parser_set_max_header_size(2 * (HEAD_LINE_MAX + HEAD_MAX));
	budget_init(
	    &s->budget, s->options.max_body_memory, largest_body(&s->options));
	if ((rc = listen_all(s, options->listen, options->n_listen, err)) !=
		ERR_OK ||
	    (rc = make_parts(s, err)) != ERR_OK) {
		server_close(s);
		return rc;
	}
	*ret = s;
	return ERR_OK;
}

enum err_code
server_start(struct server *s, struct err *err)
{
	sigset_t all, before;
	enum err_code rc;
	unsigned i;

	/* a client that goes while we write is no reason to die */
	signal(SIGPIPE, SIG_IGN);
	/* other signals are for the threads that wait for them */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->started = true;
	rc = pool_start(s->pool, err);
	for (i = 0; i < s->n_loops && rc == ERR_OK; i++)
		rc = loop_start(s->loops[i], err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != ERR_OK)
		server_stop(s);
	return rc;
}

void
server_stop(struct server *s)
{
	unsigned i;

	if (!s->started || atomic_exchange(&s->stopping, true))
		return;
	for (i = 0; i < s->n_loops; i++)
		loop_wake(s->loops[i]);
	for (i = 0; i < s->n_loops; i++)
		loop_join(s->loops[i]);
	pool_stop(s->pool);
}

void
server_close(struct server *s)
{
	size_t i;

	if (s == NULL)
		return;
	server_stop(s);
	/* what goes may wake those that are left */
	while (s->n_loops > 0)
		loop_free(s->loops[--s->n_loops]);
	for (i = 0; i < s->n_listens; i++)
		if (s->listens[i].fd >= 0)
			close(s->listens[i].fd);
	free(s->listens);
	pool_free(s->pool);
	tls_free(s->tls);
	budget_fini(&s->budget);
	refusal_fini(&s->refusal);
	free(s);
}

uint16_t
server_port(const struct server *s, size_t i)
{
	return i < s->n_listens ? s->listens[i].port : 0;
}

const char *
server_address(const struct server *s, size_t i)
{
	return i < s->n_listens ? s->listens[i].text : NULL;
}

enum err_code
server_set_identities(struct server *s, const struct wire_identity *identities,
    size_t n, struct err *err)
{
	return tls_identities(s->tls, identities, n, err);
}

enum err_code
server_check_identity(const struct wire_identity *identity, struct err *err)
{
	struct identities *ids = NULL;
	enum err_code rc = identities_new(identity, 1, NULL, &ids, err);

	identities_free(ids);
	return rc;
}

enum err_code
server_set_client_cas(
    struct server *s, const struct bytes *certs, size_t n, struct err *err)
{
	return tls_client_cas(s->tls, certs, n, err);
}

void
server_counts(struct server *s, struct server_counts *ret)
{
	ret->connections = atomic_load(&s->n_conns);
	ret->accepted = atomic_load(&s->accepted);
	ret->handshakes_failed = atomic_load(&s->handshakes_failed);
	ret->requests = atomic_load(&s->requests);
	ret->refused = atomic_load(&s->refused);
	ret->body_memory = budget_used(&s->budget);
}

void
server_last_refusal(struct server *s, struct server_refusal *ret)
{
	refusal_get(&s->refusal, ret);
}
