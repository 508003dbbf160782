/*
 * replace: certificates are replaced again and again while clients come.
 *
 *   replace [REPLACEMENTS [DIR]]
 *
 * First in the server alone (server_set_identities()), then through the slots
 * of a whole engine with its store in DIR (default: a new folder in /var/tmp,
 * which goes away): HTTPS each time, push and signing every tenth time, with
 * the enrollment profile.  TAP: no connection fails, the next one sees the new
 * certificate, memory does not grow; with a sanitizer, nothing leaks.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/text.h"
#include "engine/pki/cms.h"
#include "mdmfs/org.h"
#include "tests/programs/tls_world.h"

#define PAIRS   8
#define CLIENTS 2

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif
/* KiB: buffers of the C library and of threads find their size */
#define GROWTH (6 * 1024)

static char dir[256];

static void
check_memory(long before)
{
	long after = memory();

	printf("# memory: %ld KiB after a fifth, %ld KiB at the end\n", before,
	    after);
	ok(SANITIZED || after - before < GROWTH, "memory does not grow");
}

/* ---- clients ------------------------------------------------------------ */

static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct load {
	const char *request;
	uint16_t port;
	atomic_bool stop;
	atomic_ulong served, failed;
};

static void *
client(void *arg)
{
	struct load *l = arg;
	struct wire_client_options o = {
		.port = l->port, .alpn = "http/1.1", .sni = "localhost"
	};
	struct buf b = { 0 };

	while (!atomic_load(&l->stop)) {
		struct wire_client c;
		bool fine =
		    wire_connect(&c, &o) && wire_ask(&c, l->request, &b) == 200;

		atomic_fetch_add(fine ? &l->served : &l->failed, 1);
		wire_disconnect(&c);
	}
	buf_free(&b);
	return NULL;
}

/* The common name that a new client sees; "" if it fails. */
static void
seen(uint16_t port, char name[static 64])
{
	struct wire_client_options o = {
		.port = port, .alpn = "http/1.1", .sni = "localhost"
	};
	struct wire_client c;
	X509 *x;

	name[0] = '\0';
	if (wire_connect(&c, &o) &&
	    (x = SSL_get0_peer_certificate(c.ssl)) != NULL)
		X509_NAME_get_text_by_NID(
		    X509_get_subject_name(x), NID_commonName, name, 64);
	wire_disconnect(&c);
}

struct round {
	struct load load;
	pthread_t threads[CLIENTS];
	struct wire_client kept; /* one connection for all the time */
	struct buf answer;
	int n;
	int late;     /* replacements that the next connection did not see */
	int kept_bad; /* requests that failed on the kept connection */
	long memory;
	double begin, slowest;
};

static void
round_begin(struct round *r, uint16_t port, const char *request, int n)
{
	struct wire_client_options o = { .port = port, .alpn = "http/1.1" };
	size_t i;

	r->n = n;
	r->load.request = request;
	r->load.port = port;
	need(wire_connect(&r->kept, &o), "the first connection");
	for (i = 0; i < CLIENTS; i++)
		need(
		    pthread_create(&r->threads[i], NULL, client, &r->load) == 0,
		    "thread");
	r->begin = now_s();
}

/* After replacement i: who comes next sees name, at once or (wait) soon. */
static void
round_look(struct round *r, int i, const char *name, bool wait)
{
	double begin = now_s(), took;
	char got[64];

	do {
		seen(r->load.port, got);
	} while (wait && strcmp(got, name) != 0 && now_s() - begin < 5);
	took = now_s() - begin;
	if (took > r->slowest)
		r->slowest = took;
	r->late += strcmp(got, name) != 0;
	r->kept_bad += wire_ask(&r->kept, r->load.request, &r->answer) != 200;
	if (i == r->n / 5)
		r->memory = memory();
}

static void
round_end(struct round *r)
{
	double took = now_s() - r->begin;
	unsigned long served, failed;
	size_t i;

	atomic_store(&r->load.stop, true);
	for (i = 0; i < CLIENTS; i++)
		pthread_join(r->threads[i], NULL);
	wire_disconnect(&r->kept);
	buf_free(&r->answer);
	served = atomic_load(&r->load.served);
	failed = atomic_load(&r->load.failed);
	printf("# %d replacements in %.1f s, %lu connections beside them, the "
	       "new one seen after %.1f ms at the latest\n",
	    r->n, took, served, r->slowest * 1000);
	ok(served > 0 && failed == 0, "no connection fails");
	ok(r->late == 0, "each certificate is seen by who comes next");
	ok(r->kept_bad == 0, "a connection that stands goes on");
	check_memory(r->memory);
}

/* ---- the server alone --------------------------------------------------- */

static void
server_alone(int n)
{
	static struct wire_pair pairs[PAIRS];
	static struct round r;
	struct server_options o = { .queue = 0 };
	struct server *s;
	char name[64];
	int i;

	for (i = 0; i < PAIRS; i++) {
		snprintf(name, sizeof(name), "pair%d", i);
		wire_pair_make(
		    &pairs[i], name, i % 2 == 0 ? 0 : 2048, -60, 86400);
	}
	s = wire_serve(o, &pairs[0]);
	round_begin(
	    &r, server_port(s, 0), "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", n);
	for (i = 1; i <= n; i++) {
		snprintf(name, sizeof(name), "pair%d", i % PAIRS);
		wire_identify(s, &pairs[i % PAIRS]);
		round_look(&r, i, name, false);
	}
	round_end(&r);
	server_close(s);
	for (i = 0; i < PAIRS; i++)
		wire_pair_free(&pairs[i]);
}

/* ---- a whole engine ----------------------------------------------------- */

static struct buf
load_file(const char *name, int i)
{
	struct buf b = { 0 };

	need(wire_shell(&b, "cat '%s/%s%d.pem'", dir, name, i) == 0, name);
	return b;
}

static void
make_pairs(void)
{
	struct buf b = { 0 };

	need(wire_shell(&b,
		 "cd '%s' && exec 2>/dev/null && for i in 0 1 2 3 4 5 6 7; do "
		 "[ $((i %% 2)) = 0 ] && a='-newkey ec -pkeyopt "
		 "ec_paramgen_curve:P-256' || a='-newkey rsa:2048'; "
		 "openssl req -x509 $a -nodes -keyout k -out c -days 30 "
		 "-subj /CN=tls$i -addext subjectAltName=DNS:localhost && "
		 "cat c k >tls$i.pem && "
		 "openssl req -x509 $a -nodes -keyout k -out c -days 30 "
		 "-subj /CN=sign$i -addext keyUsage=digitalSignature && "
		 "cat c k >sign$i.pem && "
		 "openssl req -x509 $a -nodes -keyout k -out c -days 30 -subj "
		 "/UID=com.apple.mgmt.External.1/CN=push$i -addext "
		 "extendedKeyUsage=clientAuth && cat c k >push$i.pem || "
		 "exit 1; done",
		 dir) == 0,
	    "certificates");
	buf_free(&b);
}

static bool
signed_by(uint32_t org, const char *name)
{
	struct buf profile = { 0 }, xml = { 0 };
	struct cert *c = NULL;
	bool yes;

	yes =
	    org_enroll_profile(engine, org, &profile, &err) == ERR_OK &&
	    cms_verify_attached(buf_view(&profile), &xml, &c, &err) == ERR_OK &&
	    strcmp(cert_common_name(c), name) == 0;
	cert_free(c);
	buf_free(&profile);
	buf_free(&xml);
	return yes;
}

static void
whole_engine(int n)
{
	static struct round r;
	char state[300], url[64], name[64];
	struct engine_options o = { .state_dir = state,
		.listen = { "127.0.0.1:0" },
		.apns_url = "https://localhost:1" };
	struct buf tls[PAIRS], sign[PAIRS], push[PAIRS];
	uint64_t acme, slot[3];
	struct org_view org;
	int i, unsigned_ones = 0;

	snprintf(state, sizeof(state), "%s/state", dir);
	make_pairs();
	need(engine_open(&o, &engine, &err) == ERR_OK, "store");
	need(engine_start(engine, &err) == ERR_OK, "start");
	snprintf(url, sizeof(url), "https://localhost:%u", port_of());
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL, bytes_text(url));
	slot[0] = put(FILE_INO_SYSTEM, "tls", PLACE_TLS, BYTES_NONE);
	acme = put(FILE_INO_ORGS, "acme", PLACE_ORG, BYTES_NONE);
	slot[1] = put(acme, "signing", PLACE_SIGNING, BYTES_NONE);
	slot[2] = put(acme, "apns", PLACE_APNS, BYTES_NONE);
	need(org_find(engine, "acme", &org, &err) == ERR_OK, "acme");
	for (i = 0; i < PAIRS; i++) {
		tls[i] = load_file("tls", i);
		sign[i] = load_file("sign", i);
		push[i] = load_file("push", i);
	}
	round_begin(&r, port_of(), ask, n);
	for (i = 1; i <= n; i++) {
		put(slot[0], "pair.pem", PLACE_TLS_FILE,
		    buf_view(&tls[i % PAIRS]));
		snprintf(name, sizeof(name), "tls%d", i % PAIRS);
		round_look(&r, i, name, true);
		if (i % 10 != 0 && i != 1)
			continue;
		put(slot[2], "push.pem", PLACE_APNS_FILE,
		    buf_view(&push[i / 10 % PAIRS]));
		put(slot[1], "sign.pem", PLACE_SIGNING_FILE,
		    buf_view(&sign[i / 10 % PAIRS]));
		snprintf(name, sizeof(name), "sign%d", i / 10 % PAIRS);
		unsigned_ones += !signed_by(org.number, name);
	}
	round_end(&r);
	ok(unsigned_ones == 0,
	    "each new signer signs the profile that is read next");
	engine_close(engine);
	for (i = 0; i < PAIRS; i++) {
		buf_wipe(&tls[i]);
		buf_wipe(&sign[i]);
		buf_wipe(&push[i]);
	}
}

int
main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1000;
	struct buf b = { 0 };

	snprintf(dir, sizeof(dir), "%s/mdmfs-replace-XXXXXX",
	    argc > 2 ? argv[2] : "/var/tmp");
	need(n > 4 && mkdtemp(dir) != NULL, "replace [REPLACEMENTS [DIR]]");
	server_alone(n);
	whole_engine(n);
	(void)wire_shell(&b, "rm -rf '%s'", dir);
	buf_free(&b);
	return tap_done();
}
