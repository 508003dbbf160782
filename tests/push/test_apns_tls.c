/*
 * Other people's HTTP/2 and TLS: nghttpd and OpenSSL's s_server.
 */
#include "engine/push/apns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/push_service.h"
#include "tests/tap.h"

static struct apns_identity *id;

static struct apns *
open_to(const struct push_service *s)
{
	char trust[128];
	struct apns_options o = { .url = s->url, .trust_file = trust };
	struct apns *a = NULL;
	struct err err = { 0 };

	snprintf(trust, sizeof(trust), "%s/ca.pem", push_dir());
	if (apns_open(&o, &a, &err) != ERR_OK) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	return a;
}

static size_t
send_many(const struct push_service *s, size_t n, enum apns_outcome *all)
{
	struct apns *a = open_to(s);
	struct pushes_sent *p = pushes_new();
	size_t i;

	for (i = 0; i < n; i++)
		if (pushes_send(p, a, id, "aa", i) != ERR_OK)
			break;
	if (i < n || pushes_wait(p, n) != n || !pushes_once(p, n))
		n = 0;
	*all = p->last.outcome;
	for (i = 1; i < n; i++)
		if (p->of[i] != p->of[0])
			n = 0;
	apns_close(a);
	return n;
}

static void
nghttpd(void)
{
	struct push_service s;
	enum apns_outcome all = APNS_ACCEPTED;
	char root[128];

	snprintf(root, sizeof(root), "--htdocs=%s", push_dir());
	nghttpd_start(&s, root, NULL);
	ok(send_many(&s, 10000, &all) == 10000 && all == APNS_OUR_FAULT,
	    "nghttpd answers 10,000 pushes with 404");
	push_service_stop(&s);

	nghttpd_start(&s, root, "--verify-client");
	ok(send_many(&s, 100, &all) == 100 && all == APNS_OUR_FAULT,
	    "also when it demands a client certificate");
	push_service_stop(&s);

	nghttpd_start(&s, root, "--max-concurrent-streams=1");
	ok(send_many(&s, 500, &all) == 500 && all == APNS_OUR_FAULT,
	    "also with a single stream");
	push_service_stop(&s);
}

static void
alerts(void)
{
	static const char *const tls[] = { "-tls1_2", "-tls1_3" };
	struct push_service s;
	char what[80];
	struct apns *a;
	struct pushes_sent *p;
	size_t i;

	for (i = 0; i < 2; i++) {
		picky_start(&s, tls[i]);
		a = open_to(&s);
		p = pushes_new();
		snprintf(what, sizeof(what),
		    "a TLS alert (%s) for the certificate is told as such",
		    tls[i] + 1);
		ok(pushes_send(p, a, id, "aa", 0) == ERR_OK &&
			pushes_send(p, a, id, "aa", 1) == ERR_OK &&
			pushes_wait(p, 2) == 2 &&
			p->outcomes[APNS_BAD_CERTIFICATE] == 2 &&
			strstr(p->last.text, "alert") != NULL,
		    what);
		apns_close(a);
		push_service_stop(&s);
	}
}

static void
no_pair(void)
{
	struct apns_identity *bad = NULL;
	uint8_t key[2048], cert[2048];
	char path[128];
	struct bytes k, c;
	struct err err = { 0 };
	FILE *f;

	snprintf(path, sizeof(path), "%s/other.key.der", push_dir());
	f = fopen(path, "r");
	k = bytes_of(key, f != NULL ? fread(key, 1, sizeof(key), f) : 0);
	if (f != NULL)
		fclose(f);
	snprintf(path, sizeof(path), "%s/push.der", push_dir());
	f = fopen(path, "r");
	c = bytes_of(cert, f != NULL ? fread(cert, 1, sizeof(cert), f) : 0);
	if (f != NULL)
		fclose(f);
	ok(apns_identity_new(k, &c, 1, TEST_TOPIC, &bad, &err) ==
		    ERR_KEY_REJECTED &&
		bad == NULL,
	    "a key that is not the certificate's is refused");
	ok(apns_identity_new(BYTES_NONE, &c, 1, TEST_TOPIC, &bad, &err) ==
		ERR_UNDECODABLE,
	    "as is no key");
}

int
main(void)
{
	id = push_identity("push");
	nghttpd();
	alerts();
	no_pair();
	apns_identity_free(id);
	return tap_done();
}
