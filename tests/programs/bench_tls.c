/*
 * bench_tls: what one organization's new HTTPS certificate costs when many
 * have one.
 *
 *   bench_tls [ORGANIZATIONS]
 *
 * 100 of them if nothing is said, in memory.  How long the server takes until
 * it serves all of them, and until who comes next sees a new one.
 */
#include "engine/pki/bundle.h"
#include "engine/pki/ca.h"
#include "engine/pki/pem.h"
#include "tests/programs/tls_world.h"

static struct identity *root;

/* Certificate and key of a host, PEM. */
static void
make_host(const char *host, struct buf *pem)
{
	struct san name = { SAN_DNS, host };
	struct ca_server server = { .names = &name, .n_names = 1, .days = 30 };
	int64_t now = (int64_t)time(NULL);
	struct pkey *key = NULL;
	struct cert *c = NULL;
	struct buf der = { 0 };

	buf_reset(pem);
	need(pkey_generate_p256(&key, &err) == ERR_OK &&
		 ca_issue_server(root, key, &server, now, &c, &err) == ERR_OK,
	    host);
	cert_pem(c, pem);
	need(pkey_encode(key, &der, &err) == ERR_OK, host);
	pem_put(pem, "PRIVATE KEY", buf_view(&der));
	buf_wipe(&der);
	pkey_free(key);
	cert_free(c);
}

/* Seconds until a client who asks for host sees its certificate. */
static double
until_seen(uint16_t port, const char *host, struct bytes fingerprint)
{
	struct wire_client_options o = {
		.port = port, .alpn = "http/1.1", .sni = host
	};
	double begin = now_s();
	unsigned char md[32];
	unsigned len = 0;
	bool yes = false;

	while (!yes && now_s() - begin < 30) {
		struct wire_client c;
		X509 *x;

		yes = wire_connect(&c, &o) &&
		      (x = SSL_get0_peer_certificate(c.ssl)) != NULL &&
		      X509_digest(x, EVP_sha256(), md, &len) == 1 &&
		      bytes_equal(bytes_of(md, len), fingerprint);
		wire_disconnect(&c);
	}
	return yes ? now_s() - begin : -1;
}

static double
give(uint16_t port, uint64_t slot, const char *host)
{
	struct buf pem = { 0 };
	struct bundle *b = NULL;
	double took;

	make_host(host, &pem);
	need(bundle_parse(buf_view(&pem), NULL, 0, &b, &err) == ERR_OK, host);
	put(slot, "pair.pem", PLACE_TLS_FILE, buf_view(&pem));
	took = port == 0 ? 0
	                 : until_seen(port, host,
			       bytes_of(cert_fingerprint(bundle_cert(b, 0)),
				   CERT_FINGERPRINT_LEN));
	bundle_free(b);
	buf_wipe(&pem);
	return took;
}

static void
many_organizations(int orgs)
{
	struct engine_options o = { .listen = { "127.0.0.1:0" },
		.apns_url = "https://localhost:1" };
	uint64_t slot = 0;
	char name[64];
	double begin, took, slowest = 0;
	long before;
	int i;

	need(ca_create("Root", (int64_t)time(NULL), &root, &err) == ERR_OK,
	    "root");
	need(engine_open(&o, &engine, &err) == ERR_OK, "store");
	for (i = 1; i <= orgs; i++) {
		snprintf(name, sizeof(name), "org%d", i);
		slot = put(FILE_INO_ORGS, name, PLACE_ORG, BYTES_NONE);
		slot = put(slot, "tls", PLACE_TLS, BYTES_NONE);
		snprintf(name, sizeof(name), "org%d.example.com", i);
		give(0, slot, name);
	}
	before = memory();
	begin = now_s();
	need(engine_start(engine, &err) == ERR_OK, "start");
	printf("# %d organizations: served after %.2f s, %ld KiB\n", orgs,
	    now_s() - begin, memory() - before);
	for (i = 0; i < 20; i++) {
		took = give(port_of(), slot, name);
		if (took < 0 || took > slowest)
			slowest = took;
		if (took < 0)
			break;
	}
	printf("# a new certificate of one is seen after %.1f ms at the "
	       "latest\n",
	    slowest * 1000);
	ok(slowest >= 0, "one of many organizations' certificates is replaced");
	engine_close(engine);
	identity_free(root);
}

int
main(int argc, char **argv)
{
	many_organizations(argc > 1 ? atoi(argv[1]) : 100);
	return tap_done();
}
