#include "engine/push/apns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/push_service.h"
#include "tests/tap.h"

static struct push_service service;
static struct apns_identity *id;

static struct apns *
open_to(const char *url, const struct apns_times *times)
{
	char trust[128];
	struct apns_options o = { .url = url, .trust_file = trust };
	struct apns *a = NULL;
	struct err err = { 0 };

	snprintf(trust, sizeof(trust), "%s/ca.pem", push_dir());
	if (times != NULL)
		o.times = *times;
	if (apns_open(&o, &a, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	return a;
}

static struct apns_result
send_one(struct apns *a, struct apns_identity *with, const char *prefix)
{
	struct pushes_sent *p = pushes_new();
	struct apns_result none = { .text = "no answer" };

	if (pushes_send(p, a, with, prefix, 0) != ERR_OK ||
	    pushes_wait(p, 1) != 1)
		return none;
	return p->last;
}

static void
one_push(void)
{
	struct apns *a = open_to(service.url, NULL);
	struct apns_result r = send_one(a, id, "aa");

	ok(r.outcome == APNS_ACCEPTED && r.status == 200,
	    "a push is accepted by a service that is as strict as Apple's");
	ok(strcmp(r.apns_id, "00000000-0000-4000-8000-000000000001") == 0,
	    "its apns-id is told");
	ok(pushd_logged(&service, "{\"token\":\"aa000000000000000000",
	       "00\",\"magic\":\"F6A4B1D2-0000-4000-8000-00000000000A\","
	       "\"topic\":\"" TEST_TOPIC "\",\"expiration\":1790000000,"
	       "\"priority\":10,") == 1,
	    "token, magic, topic, expiration and priority arrive");
	ok(pushd_logged(&service, "\"token\":\"aa", "\"indexed\":false") == 1,
	    "the path stays out of HPACK's table");
	r = send_one(a, id, "ab");
	ok(r.outcome == APNS_ACCEPTED &&
		pushd_stat(&service, "connections") == 1,
	    "the next push uses the same connection");
	apns_close(a);
}

static void
magic_is_escaped(void)
{
	struct apns *a = open_to(service.url, NULL);
	struct pushes_sent *p = pushes_new();
	static const uint8_t token[32] = { 0xbb };
	struct apns_push push = { .identity = id,
		.token = { token, 32 },
		.magic = "a\"b\\c\n\xc3\xa9",
		.arg = &p->calls[0] };
	struct err err = { 0 };

	ok(apns_send(a, &push, pushes_done, &err) == ERR_OK &&
		pushes_wait(p, 1) == 1 && p->last.outcome == APNS_ACCEPTED &&
		pushd_logged(&service, "\"token\":\"bb",
		    "\"magic\":\"a\\\"b\\\\c\\n\xc3\xa9\"") == 1,
	    "a PushMagic is escaped for JSON");
	apns_close(a);
}

static void
refused_at_once(void)
{
	struct apns *a = open_to(service.url, NULL);
	static const uint8_t token[300];
	static char huge[5000];
	struct apns_push push = {
		.identity = id, .token = { token, 0 }, .magic = "x"
	};
	struct err err = { 0 };

	ok(apns_send(a, &push, pushes_done, &err) == ERR_INVALID,
	    "an empty token cannot be sent");
	push.token.len = 257;
	ok(apns_send(a, &push, pushes_done, &err) == ERR_INVALID,
	    "nor one that is too long");
	push.token.len = 32;
	push.magic = "";
	ok(apns_send(a, &push, pushes_done, &err) == ERR_INVALID,
	    "nor an empty PushMagic");
	push.magic = "\xff\xfe";
	ok(apns_send(a, &push, pushes_done, &err) == ERR_INVALID,
	    "nor one that is no UTF-8");
	memset(huge, 'x', sizeof(huge) - 1);
	push.magic = huge;
	ok(apns_send(a, &push, pushes_done, &err) == ERR_TOO_BIG,
	    "nor one that exceeds Apple's 4,096 bytes");
	push.magic = "x";
	push.topic = "a\r\nb: c";
	ok(apns_send(a, &push, pushes_done, &err) == ERR_INVALID,
	    "nor a topic with a line end");
	ok(apns_waiting(a) == 0, "and nothing of it waits");
	apns_close(a);
}

static void
outcomes(void)
{
	static const struct {
		const char *prefix;
		enum apns_outcome outcome;
		int status;
	} rows[] = {
		{ "dead0400", APNS_BAD_TOKEN, 400 },
		{ "dead0401", APNS_WRONG_TOPIC, 400 },
		{ "dead0410", APNS_DEAD_TOKEN, 410 },
		{ "dead0429", APNS_TRY_LATER, 429 },
		{ "dead0500", APNS_TRY_LATER, 500 },
		{ "dead0503", APNS_TRY_LATER, 503 },
		{ "dead0403", APNS_BAD_CERTIFICATE, 403 },
	};
	const struct apns_times quick = { .backoff_first_ms = 10 };
	struct apns *a = open_to(service.url, &quick);
	struct apns_result r;
	char what[64];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = send_one(a, id, rows[i].prefix);
		snprintf(what, sizeof(what), "a service's %d is %s",
		    rows[i].status, apns_outcome_name(rows[i].outcome));
		ok(r.outcome == rows[i].outcome && r.status == rows[i].status,
		    what);
		if (r.outcome == APNS_DEAD_TOKEN)
			ok(r.dead_since == 1700000000, "and since when");
	}
	ok(send_one(a, id, "cc").outcome == APNS_ACCEPTED,
	    "after each of them pushes go on");
	apns_close(a);
}

static void
topic_of_another(void)
{
	struct apns *a = open_to(service.url, NULL);
	struct pushes_sent *p = pushes_new();
	static const uint8_t token[32] = { 0xbc };
	struct apns_push push = { .identity = id,
		.topic = "com.apple.mgmt.External.other",
		.token = { token, 32 },
		.magic = "x",
		.arg = &p->calls[0] };
	struct apns_identity *other = push_identity("other");
	struct err err = { 0 };

	ok(apns_send(a, &push, pushes_done, &err) == ERR_OK &&
		pushes_wait(p, 1) == 1 && p->last.outcome == APNS_WRONG_TOPIC,
	    "a topic that is not the certificate's is an alarm");
	ok(send_one(a, other, "bd").outcome == APNS_ACCEPTED,
	    "each certificate has its connection");
	ok(pushd_logged(&service, "\"token\":\"bd",
	       "\"topic\":\"com.apple.mgmt.External.other\"") == 1,
	    "and its topic");
	apns_identity_free(other);
	apns_close(a);
}

static struct apns_result
probe(struct apns *a, struct apns_identity *with)
{
	struct pushes_sent *p = pushes_new();
	struct apns_result none = { .outcome = APNS_OUR_FAULT };
	struct err err = { 0 };

	if (apns_probe(a, with, pushes_done, &p->calls[0], &err) != ERR_OK ||
	    pushes_wait(p, 1) != 1)
		return none;
	return p->last;
}

static void
probes(void)
{
	struct apns *a = open_to(service.url, NULL);
	struct apns_result r = probe(a, id);

	ok(r.outcome == APNS_ACCEPTED &&
		strcmp(r.reason, "BadDeviceToken") == 0,
	    "a probe that comes back as BadDeviceToken proves the certificate");
	pushd_tell(&service, "/next",
	    "{\"status\":403,\"reason\":\"BadCertificate\"}", NULL, 0);
	ok(probe(a, id).outcome == APNS_BAD_CERTIFICATE,
	    "a probe tells of a revoked certificate");
	apns_close(a);

	a = open_to("https://localhost:1", NULL);
	r = probe(a, id);
	ok(r.outcome == APNS_TRY_LATER && r.status == 0 &&
		strstr(r.text, "cannot connect to localhost:1") != NULL,
	    "a probe tells at once that the service cannot be reached");
	ok(strstr(probe(a, id).text, "cannot connect to localhost:1") != NULL,
	    "and the next one tries again");
	apns_close(a);
}

static void
wrong_services(void)
{
	struct push_service old;
	struct apns_options o = { .url = service.url };
	struct apns *a = NULL;
	struct apns_result r;
	char url[64];
	struct err err = { 0 };

	pushd_start(&old, 0, "--no-h2", NULL);
	a = open_to(old.url, NULL);
	r = send_one(a, id, "a1");
	ok(r.outcome == APNS_TRY_LATER &&
		strstr(r.text, "does not speak HTTP/2") != NULL,
	    "a service without HTTP/2 is named");
	apns_close(a);
	push_service_stop(&old);

	ok(apns_open(&o, &a, &err) == ERR_OK, "the system's roots are there");
	r = send_one(a, id, "a2");
	ok(r.outcome == APNS_TRY_LATER &&
		strstr(r.text, "is not trusted") != NULL,
	    "a service of an unknown root gets nothing");
	apns_close(a);

	snprintf(url, sizeof(url), "https://127.0.0.1:%d", service.port);
	a = open_to(url, NULL);
	r = probe(a, id);
	ok(r.outcome == APNS_TRY_LATER &&
		strstr(r.text, "is not trusted: IP address mismatch") != NULL,
	    "nor a service of another name");
	apns_close(a);

	a = open_to("https://no-such-host.invalid", NULL);
	r = probe(a, id);
	ok(r.outcome == APNS_TRY_LATER && strstr(r.text, "cannot") != NULL,
	    "a name that does not exist is named");
	apns_close(a);
}

static int64_t
in_the_year_2100(void *arg)
{
	(void)arg;
	return INT64_C(4102444800);
}

static void
clock_is_injected(void)
{
	char trust[128];
	struct apns_options o = {
		.url = service.url, .trust_file = trust, .now = in_the_year_2100
	};
	struct apns *a = NULL;
	struct err err = { 0 };

	snprintf(trust, sizeof(trust), "%s/ca.pem", push_dir());
	ok(apns_open(&o, &a, &err) == ERR_OK &&
		strstr(probe(a, id).text, "expired") != NULL,
	    "the service's certificate is judged by the clock that was given");
	apns_close(a);
}

static void
bad_options(void)
{
	static const char *const urls[] = { "", "http://x", "https://",
		"https://x:", "https://x:0", "https://x:65536", "https://x:1a",
		"https://x/y", "https://[::1", "https://[x]", "https://a b",
		"https://u@x" };
	struct apns_options o = { 0 };
	struct apns *a = NULL;
	struct err err = { 0 };
	bool all = true;
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		o.url = urls[i];
		all = all && apns_open(&o, &a, &err) == ERR_INVALID;
	}
	ok(all && a == NULL, "what is no https://HOST:PORT is refused");
	o.url = NULL;
	o.trust_file = "/no/such/file";
	ok(apns_open(&o, &a, &err) == ERR_NOT_FOUND,
	    "a trust file must be there");
	o.trust_file = "Makefile";
	ok(apns_open(&o, &a, &err) == ERR_UNDECODABLE, "and hold certificates");
	apns_close(NULL);
}

static void
bad_identities(void)
{
	struct bytes no = bytes_text("no");
	struct apns_identity *bad = NULL;
	struct err err = { 0 };

	ok(apns_identity_new(no, NULL, 0, "x", &bad, &err) == ERR_INVALID,
	    "an identity has a certificate");
	ok(apns_identity_new(no, &no, 1, "", &bad, &err) == ERR_INVALID,
	    "and a topic");
	ok(apns_identity_new(no, &no, 1, "x", &bad, &err) == ERR_UNDECODABLE,
	    "in DER");
	ok(bad == NULL && strcmp(apns_identity_topic(id), TEST_TOPIC) == 0,
	    "and knows its topic");
	apns_identity_free(NULL);
}

static void
retired(void)
{
	struct apns *a = open_to(service.url, NULL);
	struct apns_identity *old = push_identity("push");
	struct pushes_sent *p = pushes_new();
	int i;

	for (i = 0; i < 20; i++)
		if (pushes_send(p, a, old, "dead0004", (size_t)i) != ERR_OK)
			break;
	apns_retire(a, old);
	apns_identity_free(old);
	ok(i == 20 && pushes_wait(p, 20) == 20 &&
		p->outcomes[APNS_ACCEPTED] == 20,
	    "a replaced certificate finishes what was sent with it");
	for (i = 0; i < 500 && pushd_stat(&service, "open") > 0; i++)
		usleep(10000);
	ok(pushd_stat(&service, "open") == 0, "and its connection closes");
	apns_close(a);
}

int
main(void)
{
	/* so that the second address of localhost is needed */
	pushd_start(&service, 0, "--host", "127.0.0.1");
	id = push_identity("push");
	one_push();
	magic_is_escaped();
	refused_at_once();
	outcomes();
	topic_of_another();
	probes();
	wrong_services();
	clock_is_injected();
	bad_options();
	bad_identities();
	retired();
	apns_identity_free(id);
	push_service_stop(&service);
	return tap_done();
}
