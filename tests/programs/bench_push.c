/*
 * bench_push: pushes per second against nghttpd, for the table in
 * tests/bench.
 *
 *   bench_push [PUSHES [CONNECTIONS [WAITING]]]
 *
 * h2load against the same nghttpd runs beside it.  nghttpd answers 404, which
 * costs the client more than a 200 (there is a body to read), so the number
 * errs on the safe side.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/lib/push_service.h"

struct count {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	size_t answered, limit, sent;
};

static void
answered(void *arg, const struct apns_result *r)
{
	struct count *c = arg;

	if (r->status == 0) {
		fprintf(stderr, "bench_push: %s\n", r->text);
		exit(1);
	}
	pthread_mutex_lock(&c->mutex);
	c->answered++;
	if (c->sent - c->answered == c->limit / 2 || c->answered == c->sent)
		pthread_cond_signal(&c->cond);
	pthread_mutex_unlock(&c->mutex);
}

static double
seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static double
clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return seconds(&u.ru_utime) + seconds(&u.ru_stime);
}

static void
push_all(struct apns *a, struct apns_identity *id, struct count *c, size_t n)
{
	uint8_t token[32] = { 0xaa };
	struct apns_push push = { .identity = id,
		.token = { token, sizeof(token) },
		.magic = "F6A4B1D2-0000-4000-8000-00000000000A",
		.expiration = 1790000000,
		.arg = c };
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		memcpy(token + 24, &i, sizeof(i));
		pthread_mutex_lock(&c->mutex);
		if (c->sent - c->answered >= c->limit)
			while (c->sent - c->answered > c->limit / 2)
				pthread_cond_wait(&c->cond, &c->mutex);
		c->sent++;
		pthread_mutex_unlock(&c->mutex);
		if (apns_send(a, &push, answered, &err) != ERR_OK) {
			fprintf(stderr, "bench_push: %s\n", err.msg);
			exit(1);
		}
	}
	pthread_mutex_lock(&c->mutex);
	while (c->answered < n)
		pthread_cond_wait(&c->cond, &c->mutex);
	pthread_mutex_unlock(&c->mutex);
}

static void
h2load(const struct push_service *s, size_t n, unsigned connections)
{
	char cmd[256];

	fflush(stdout);
	snprintf(cmd, sizeof(cmd),
	    "h2load -n %zu -c %u -m 1000 https://127.0.0.1:%d/3/device/aa | "
	    "sed -n 's/^finished in/h2load: finished in/p'",
	    n, connections, s->port);
	if (system(cmd) != 0)
		fprintf(stderr, "bench_push: no h2load\n");
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
	unsigned connections =
	    argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
	struct count c = { .mutex = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER,
		.limit = argc > 3 ? strtoul(argv[3], NULL, 10) : 10000 };
	struct push_service s;
	char trust[128], root[128];
	struct apns_options o = { .trust_file = trust,
		.connections = connections };
	struct apns_identity *id = push_identity("push");
	struct apns *a = NULL;
	struct err err = { 0 };
	double wall, cpu;

	snprintf(trust, sizeof(trust), "%s/ca.pem", push_dir());
	snprintf(root, sizeof(root), "--htdocs=%s", push_dir());
	nghttpd_start(&s, root, "--max-concurrent-streams=1000");
	o.url = s.url;
	if (apns_open(&o, &a, &err) != ERR_OK) {
		fprintf(stderr, "bench_push: %s\n", err.msg);
		return 1;
	}
	wall = clock_s();
	cpu = cpu_s();
	push_all(a, id, &c, n);
	wall = clock_s() - wall;
	cpu = cpu_s() - cpu;
	printf("push: %zu over %u connections: %.0f/s, %.2f us CPU each\n", n,
	    connections, (double)n / wall, cpu / (double)n * 1e6);
	apns_close(a);
	apns_identity_free(id);
	h2load(&s, n, connections);
	push_service_stop(&s);
	return 0;
}
