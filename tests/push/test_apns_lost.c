/*
 * What happens when the service goes away, refuses, or falls silent: each
 * push has exactly one answer, and none is lost.
 */
#include "engine/push/apns.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/push_service.h"
#include "tests/tap.h"

static struct push_service service;
static struct apns_identity *id;

static struct apns *
open_with(const struct apns_times *times, unsigned connections)
{
	char trust[128];
	struct apns_options o = { .url = service.url,
		.trust_file = trust,
		.connections = connections,
		.times = *times };
	struct apns *a = NULL;
	struct err err = { 0 };

	snprintf(trust, sizeof(trust), "%s/ca.pem", push_dir());
	if (apns_open(&o, &a, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	return a;
}

static const struct apns_times quick = { .backoff_first_ms = 10,
	.backoff_last_ms = 100 };

/* n pushes; true when all are queued. */
static bool
send_many(struct pushes_sent *p, struct apns *a, const char *prefix, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (pushes_send(p, a, id, prefix, i) != ERR_OK)
			return false;
	return true;
}

static bool
all_accepted(struct pushes_sent *p, size_t n)
{
	return pushes_wait(p, n) == n && pushes_once(p, n) &&
	       p->outcomes[APNS_ACCEPTED] == n;
}

static void
many(void)
{
	struct apns *a = open_with(&quick, 0);
	struct pushes_sent *p = pushes_new();

	ok(send_many(p, a, "a0", 5000) && all_accepted(p, 5000),
	    "5,000 pushes have 5,000 answers");
	ok(pushd_logged(&service, "\"token\":\"a0", "\"status\":200") == 5000,
	    "and arrive once each");
	ok(apns_waiting(a) == 0, "then none is waiting");
	apns_close(a);
}

struct sender {
	pthread_t thread;
	struct pushes_sent *p;
	struct apns *a;
	size_t first;
	bool fine;
};

static void *
send_500(void *arg)
{
	struct sender *s = arg;
	size_t i;

	s->fine = true;
	for (i = s->first; i < s->first + 500; i++)
		s->fine =
		    s->fine && pushes_send(s->p, s->a, id, "c0", i) == ERR_OK;
	return NULL;
}

static void
many_threads(void)
{
	struct apns *a = open_with(&quick, 2);
	struct pushes_sent *p = pushes_new();
	struct sender senders[4];
	bool fine = true;
	size_t i;

	for (i = 0; i < 4; i++) {
		senders[i] =
		    (struct sender){ .p = p, .a = a, .first = i * 500 };
		if (pthread_create(
			&senders[i].thread, NULL, send_500, &senders[i]) != 0)
			exit(1);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(senders[i].thread, NULL);
		fine = fine && senders[i].fine;
	}
	ok(fine && all_accepted(p, 2000),
	    "four threads send at once, each push has its answer");
	apns_close(a);
}

struct again {
	struct pushes_sent *p;
	struct apns *a;
	size_t left;
};

/* Each answer sends the next push. */
static void
send_again(void *arg, const struct apns_result *r)
{
	struct again *again = arg;
	static const uint8_t token[32] = { 0xc1 };
	struct apns_push push = { .identity = id,
		.token = { token, sizeof(token) },
		.magic = "x",
		.arg = again };
	struct err err = { 0 };

	if (--again->left == 0 ||
	    apns_send(again->a, &push, send_again, &err) != ERR_OK)
		pushes_done(&again->p->calls[0], r);
}

static void
from_a_callback(void)
{
	struct again again = {
		.p = pushes_new(), .a = open_with(&quick, 1), .left = 101
	};
	struct apns_result none = { 0 };

	send_again(&again, &none);
	ok(pushes_wait(again.p, 1) == 1 && again.left == 0,
	    "a callback may send the next push");
	apns_close(again.a);
}

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
no_hammering(void)
{
	const struct apns_times t = { .backoff_first_ms = 50,
		.backoff_last_ms = 200 };
	struct apns *a = open_with(&t, 2);
	struct pushes_sent *p = pushes_new();
	int64_t began = clock_ms();
	size_t i;

	pushd_tell(&service, "/next",
	    "{\"action\":\"drop\",\"count\":-1,\"token\":\"c2\"}", NULL, 0);
	for (i = 0; i < 5; i++)
		if (pushes_send(p, a, id, "c2", i) != ERR_OK ||
		    pushes_wait(p, i + 1) != i + 1)
			break;
	ok(i == 5 && p->outcomes[APNS_TRY_LATER] == 5,
	    "a service that drops every connection");
	/* half of 50, 100, 200 and 200 at least */
	ok(clock_ms() - began >= 275, "is not hammered");
	pushd_tell(&service, "/clear", "", NULL, 0);
	apns_close(a);
}

static void
stream_limit(void)
{
	struct push_service narrow;
	struct push_service whole = service;
	struct apns *a;
	struct pushes_sent *p = pushes_new();

	pushd_start(&narrow, 0, "--streams", "3");
	service = narrow;
	a = open_with(&quick, 2);
	ok(send_many(p, a, "a1", 300) && all_accepted(p, 300),
	    "a service with 3 streams gets all");
	ok(pushd_stat(&narrow, "most") <= 3 &&
		pushd_stat(&narrow, "refused") == 0,
	    "never more than 3 at a time on a connection");
	ok(pushd_stat(&narrow, "connections") == 2,
	    "a second connection is opened when the first is full, not a "
	    "third");
	p = pushes_new();
	pushd_tell(&narrow, "/streams", "{\"max\":1}", NULL, 0);
	ok(send_many(p, a, "a2", 50) && all_accepted(p, 50),
	    "a limit that is lowered while connected is kept");
	apns_close(a);
	push_service_stop(&narrow);
	service = whole;
}

static void
goaway(void)
{
	struct apns *a = open_with(&quick, 1);
	struct pushes_sent *p = pushes_new();
	long before = pushd_stat(&service, "connections");

	pushd_tell(&service, "/next",
	    "{\"action\":\"goaway\",\"skip\":200,\"token\":\"a3\",\"debug\":"
	    "\"{\\\"reason\\\":\\\"Shutdown\\\"}\"}",
	    NULL, 0);
	ok(send_many(p, a, "a3", 500) && all_accepted(p, 500),
	    "a GOAWAY in the middle of 500 pushes costs none");
	ok(pushd_logged(&service, "\"token\":\"a3", NULL) == 500,
	    "none is sent twice");
	ok(pushd_stat(&service, "connections") == before + 2,
	    "the unprocessed ones go to a new connection");

	p = pushes_new();
	pushd_tell(&service, "/next",
	    "{\"action\":\"goaway\",\"count\":-1,\"token\":\"a4\"}", NULL, 0);
	ok(send_many(p, a, "a4", 1) && pushes_wait(p, 1) == 1 &&
		p->outcomes[APNS_TRY_LATER] == 1 &&
		strstr(p->last.text, "8 attempts") != NULL,
	    "a push that is turned away for ever is given up");
	pushd_tell(&service, "/clear", "", NULL, 0);

	p = pushes_new();
	ok(send_many(p, a, "a5", 10) && all_accepted(p, 10), "all is well");
	pushd_tell(&service, "/goaway",
	    "{\"debug\":\"{\\\"reason\\\":\\\"BadCertificate\\\"}\"}", NULL, 0);
	p = pushes_new();
	ok(send_many(p, a, "a6", 10) && pushes_wait(p, 10) == 10 &&
		pushes_once(p, 10),
	    "a GOAWAY for the certificate loses none either");
	apns_close(a);
}

static void
refused_streams(void)
{
	struct apns *a = open_with(&quick, 2);
	struct pushes_sent *p = pushes_new();

	ok(send_many(p, a, "dead0001", 500) && all_accepted(p, 500),
	    "500 refused streams are sent again");
	p = pushes_new();
	pushd_tell(&service, "/next",
	    "{\"action\":\"refuse\",\"count\":-1,\"token\":\"a7\"}", NULL, 0);
	ok(send_many(p, a, "a7", 1) && pushes_wait(p, 1) == 1 &&
		p->outcomes[APNS_TRY_LATER] == 1,
	    "but not for ever");
	pushd_tell(&service, "/clear", "", NULL, 0);
	p = pushes_new();
	pushd_tell(&service, "/next", "{\"action\":\"reset\"}", NULL, 0);
	ok(send_many(p, a, "a8", 1) && pushes_wait(p, 1) == 1 &&
		p->outcomes[APNS_TRY_LATER] == 1,
	    "a stream that is reset otherwise is for the caller to repeat");
	apns_close(a);
}

static void
dropped(void)
{
	struct apns *a = open_with(&quick, 2);
	struct pushes_sent *p = pushes_new();

	pushd_tell(&service, "/next",
	    "[{\"action\":\"drop\",\"skip\":100,\"token\":\"a9\"},"
	    "{\"action\":\"drop\",\"skip\":200,\"token\":\"a9\"}]",
	    NULL, 0);
	ok(send_many(p, a, "a9", 500) && pushes_wait(p, 500) == 500 &&
		pushes_once(p, 500),
	    "500 pushes over lost connections have 500 answers");
	ok(p->outcomes[APNS_ACCEPTED] + p->outcomes[APNS_TRY_LATER] == 500 &&
		p->outcomes[APNS_TRY_LATER] > 0,
	    "those under way are for the caller to repeat");
	pushd_tell(&service, "/clear", "", NULL, 0);
	p = pushes_new();
	ok(send_many(p, a, "aa", 500) && all_accepted(p, 500),
	    "and the next ones have a new connection");
	apns_close(a);
}

static void
retreat(void)
{
	struct apns *a = open_with(&quick, 2);
	struct pushes_sent *p = pushes_new();

	pushd_tell(&service, "/next",
	    "{\"status\":403,\"reason\":\"BadCertificate\",\"skip\":100,"
	    "\"token\":\"ab\"}",
	    NULL, 0);
	ok(send_many(p, a, "ab", 3000) && pushes_wait(p, 3000) == 3000 &&
		pushes_once(p, 3000),
	    "3,000 pushes with a revoked certificate have 3,000 answers");
	ok(p->outcomes[APNS_BAD_CERTIFICATE] > 1 &&
		p->outcomes[APNS_BAD_CERTIFICATE] +
			p->outcomes[APNS_ACCEPTED] ==
		    3000,
	    "all that were not through are told of the certificate");
	apns_close(a);
}

static void
busy(void)
{
	struct apns *a = open_with(&quick, 1);
	struct pushes_sent *p = pushes_new();
	long before = pushd_stat(&service, "connections");

	ok(send_many(p, a, "dead0503", 1) && pushes_wait(p, 1) == 1 &&
		p->outcomes[APNS_TRY_LATER] == 1,
	    "503 is for later");
	ok(send_many(p, a, "ac", 1) && pushes_wait(p, 2) == 2 &&
		pushd_stat(&service, "connections") == before + 2,
	    "and the next push is on a new connection");
	apns_close(a);
}

static void
no_answer(void)
{
	const struct apns_times t = { .stream_ms = 200 };
	struct apns *a = open_with(&t, 1);
	struct pushes_sent *p = pushes_new();

	ok(send_many(p, a, "dead0005", 50) && pushes_wait(p, 50) == 50 &&
		pushes_once(p, 50) && p->outcomes[APNS_TRY_LATER] == 50 &&
		strstr(p->last.text, "no answer within") != NULL,
	    "a push without answer is given up after a while");
	p = pushes_new();
	ok(send_many(p, a, "ad", 50) && all_accepted(p, 50),
	    "the connection lives on");
	apns_close(a);
}

static void
silence(void)
{
	const struct apns_times t = { .backoff_first_ms = 10,
		.idle_ms = 50,
		.silence_ms = 50,
		.answer_ms = 300 };
	struct apns *a = open_with(&t, 1);
	struct pushes_sent *p = pushes_new();
	long pings = pushd_stat(&service, "pings");
	int i;

	ok(send_many(p, a, "ae", 1) && all_accepted(p, 1), "one push");
	for (i = 0; i < 1000 && pushd_stat(&service, "pings") == pings; i++)
		continue;
	ok(pushd_stat(&service, "pings") > pings,
	    "an idle connection is asked whether it lives");
	kill(service.pid, SIGSTOP);
	ok(send_many(p, a, "af", 10) && pushes_wait(p, 11) == 11 &&
		p->outcomes[APNS_TRY_LATER] == 10 &&
		strstr(p->last.text, "silent") != NULL,
	    "a service that has fallen silent is noticed");
	kill(service.pid, SIGCONT);
	p = pushes_new();
	ok(send_many(p, a, "b0", 10) && pushes_wait(p, 10) == 10 &&
		pushes_once(p, 10),
	    "and used again when it speaks");
	apns_close(a);
}

static void
down(void)
{
	const struct apns_times t = {
		.backoff_first_ms = 20, .backoff_last_ms = 100, .queue_ms = 300
	};
	struct apns *a = open_with(&t, 2);
	struct pushes_sent *p = pushes_new();
	int port = service.port;

	push_service_stop(&service);
	ok(send_many(p, a, "b1", 500) && pushes_wait(p, 500) == 500 &&
		pushes_once(p, 500) && p->outcomes[APNS_TRY_LATER] == 500 &&
		strstr(p->last.text, "cannot connect") != NULL,
	    "while the service is down, pushes wait a while and are told why");
	apns_close(a);

	a = open_with(&quick, 2);
	p = pushes_new();
	ok(send_many(p, a, "b2", 500), "500 pushes wait for the service");
	pushd_start(&service, port, NULL, NULL);
	ok(all_accepted(p, 500), "and are sent when it comes back");
	apns_close(a);
}

static void
stopping(void)
{
	struct apns *a = open_with(&quick, 1);
	struct pushes_sent *p = pushes_new();

	ok(send_many(p, a, "dead0004", 500) && send_many(p, a, "b3", 0),
	    "500 slow pushes");
	apns_stop(a);
	ok(pushes_send(p, a, id, "b4", 500) == ERR_STANDBY,
	    "a stopping client takes no more");
	apns_close(a);
	ok(pushes_once(p, 500) &&
		p->outcomes[APNS_ACCEPTED] + p->outcomes[APNS_TRY_LATER] == 500,
	    "and answers all that it has");
}

static void
stopping_under_way(void)
{
	const struct apns_times t = { .close_ms = 50 };
	struct apns *a = open_with(&quick, 1);
	struct pushes_sent *p = pushes_new();

	ok(send_many(p, a, "b5", 1) && pushes_wait(p, 1) == 1 &&
		send_many(p, a, "dead0004", 1) &&
		pushes_send(p, a, id, "dead0004", 1) == ERR_OK,
	    "one that takes a while");
	while (pushd_stat(&service, "most") < 1)
		continue;
	apns_close(a);
	ok(p->n == 3, "it has its answer when closing is done");

	a = open_with(&t, 1);
	p = pushes_new();
	ok(send_many(p, a, "dead0005", 100), "and 100 that take for ever");
	apns_close(a);
	ok(pushes_once(p, 100) && p->outcomes[APNS_TRY_LATER] == 100,
	    "are for later");
}

static void
too_many(void)
{
	struct apns_options o = { .url = "https://localhost:1", .waiting = 10 };
	struct apns *a = NULL;
	struct pushes_sent *p = pushes_new();
	struct err err = { 0 };

	ok(apns_open(&o, &a, &err) == ERR_OK && send_many(p, a, "b6", 10),
	    "ten pushes may wait");
	ok(pushes_send(p, a, id, "b6", 10) == ERR_FULL, "an eleventh not");
	ok(apns_waiting(a) == 10, "they are counted");
	apns_close(a);
	ok(pushes_once(p, 10), "and answered at the end");
}

int
main(void)
{
	pushd_start(&service, 0, NULL, NULL);
	id = push_identity("push");
	many();
	many_threads();
	from_a_callback();
	no_hammering();
	stream_limit();
	goaway();
	refused_streams();
	dropped();
	retreat();
	busy();
	no_answer();
	silence();
	down();
	stopping();
	stopping_under_way();
	too_many();
	apns_identity_free(id);
	push_service_stop(&service);
	return tap_done();
}
