#include "engine/wire/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tests/lib/wire_client.h"
#include "tests/tap.h"

static const char who[] = "GET /who HTTP/1.1\r\nHost: a\r\n\r\n";

static struct server *s;
static struct wire_pair rsa, ec, other, client, expired;
static struct buf b;

static struct wire_client_options
options(void)
{
	return (struct wire_client_options){ .port = server_port(s, 0),
		.alpn = "http/1.1" };
}

/* The CN of the server's certificate; "" if TLS fails. */
static const char *
server_cn(const struct wire_client_options *o)
{
	static char cn[64];
	struct wire_client c;
	X509 *x;

	cn[0] = '\0';
	if (wire_connect(&c, o) &&
	    (x = SSL_get0_peer_certificate(c.ssl)) != NULL)
		X509_NAME_get_text_by_NID(
		    X509_get_subject_name(x), NID_commonName, cn, sizeof(cn));
	wire_disconnect(&c);
	return cn;
}

static void
test_client_certificate(void)
{
	struct wire_client_options o = options();
	struct wire_client c;

	ok(wire_connect(&c, &o) && wire_ask(&c, who, &b) == 200 &&
		strstr(buf_str(&b), "you are nobody at 127.0.0.1\n") != NULL,
	    "a client without certificate is served");
	ok(c.session == NULL, "and gets no ticket: it may get a certificate");
	wire_disconnect(&c);
	o.own = &expired;
	ok(wire_connect(&c, &o) && wire_ask(&c, who, &b) == 200 &&
		strstr(buf_str(&b), "you are expired at") != NULL,
	    "an expired certificate of nobody's reaches the handler");
	wire_disconnect(&c);
}

static void
test_resumption(int version, const char *name)
{
	struct wire_client_options o = options();
	struct wire_client first, again, third;
	char what[128];

	o.version = version;
	o.own = &client;
	snprintf(what, sizeof(what), "%s: a session with a certificate", name);
	ok(wire_connect(&first, &o) && wire_ask(&first, who, &b) == 200 &&
		strstr(buf_str(&b), "you are client at") != NULL,
	    what);
	o.session = first.session;
	/* the certificate comes out of the ticket, not from the client */
	o.own = NULL;
	snprintf(what, sizeof(what), "%s: is resumed with it", name);
	ok(first.session != NULL && wire_connect(&again, &o) &&
		wire_ask(&again, who, &b) == 200 &&
		SSL_session_reused(again.ssl) == 1 &&
		strstr(buf_str(&b), "you are client at") != NULL,
	    what);
	/* also after the identity was replaced */
	wire_identify(s, &rsa);
	o.session = again.session != NULL ? again.session : first.session;
	snprintf(what, sizeof(what), "%s: again, after a new identity", name);
	ok(wire_connect(&third, &o) && wire_ask(&third, who, &b) == 200 &&
		SSL_session_reused(third.ssl) == 1 &&
		strstr(buf_str(&b), "you are client at") != NULL,
	    what);
	wire_disconnect(&third);
	wire_disconnect(&again);
	wire_disconnect(&first);
}

static void
test_versions(void)
{
	struct wire_client_options o = options();
	struct wire_client c;

	o.version = TLS1_1_VERSION;
	ok(!wire_connect(&c, &o), "TLS 1.1 is refused");
	wire_disconnect(&c);
	o = options();
	o.alpn = "spdy/3";
	ok(!wire_connect(&c, &o), "an unknown protocol (ALPN) is refused");
	wire_disconnect(&c);
	o.alpn = NULL;
	ok(wire_connect(&c, &o) && wire_ask(&c, who, &b) == 200,
	    "without ALPN it is HTTP/1.1");
	wire_disconnect(&c);
	o.version = TLS1_2_VERSION;
	o.ciphers = "AES128-SHA";
	ok(!wire_connect(&c, &o),
	    "a cipher without forward secrecy is refused");
	wire_disconnect(&c);
}

static void
test_identities(void)
{
	static const char *const names[] = { "other.example",
		"*.wild.example" };
	struct bytes certs[] = { buf_view(&rsa.cert_der),
		buf_view(&ec.cert_der), buf_view(&other.cert_der) };
	struct wire_identity ids[] = {
		{ .key = buf_view(&rsa.key_der),
		    .certs = &certs[0],
		    .n_certs = 1 },
		{ .key = buf_view(&ec.key_der),
		    .certs = &certs[1],
		    .n_certs = 1 },
		{ .key = buf_view(&other.key_der),
		    .certs = &certs[2],
		    .n_certs = 1,
		    .names = names,
		    .n_names = 2 },
	};
	struct wire_client_options o = options();
	struct err err = { 0 };

	ok(server_set_identities(s, ids, 3, &err) == ERR_OK,
	    "RSA and P-256 for everybody, another for names");
	ok(strcmp(server_cn(&o), "ec") == 0, "P-256 is preferred");
	o.version = TLS1_2_VERSION;
	o.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
	ok(strcmp(server_cn(&o), "rsa") == 0, "who knows RSA alone gets RSA");
	o = options();
	o.sni = "OTHER.example";
	ok(strcmp(server_cn(&o), "other") == 0, "a name has its identity");
	o.sni = "a.wild.example";
	ok(strcmp(server_cn(&o), "other") == 0, "a star is one label");
	o.sni = "a.b.wild.example";
	ok(strcmp(server_cn(&o), "ec") == 0, "and not two");
	ids[0].key = buf_view(&ec.key_der);
	ok(server_set_identities(s, ids, 3, &err) == ERR_KEY_REJECTED &&
		strstr(err.msg, "identity 1") != NULL,
	    "a key of another certificate is rejected, by number");
	ids[0].key = bytes_text("nonsense");
	ok(server_set_identities(s, ids, 3, &err) == ERR_INVALID &&
		strcmp(server_cn(&o), "ec") == 0,
	    "so is nonsense, and the old ones serve on");
	ok(ERR_peek_error() == 0, "no OpenSSL error is left");
}

/* "nN.example", N from 1 */
#define MANY 3000

static void
test_many(void)
{
	static char text[MANY][32];
	static const char *names[MANY];
	static struct wire_identity ids[MANY + 1];
	struct bytes certs[] = { buf_view(&rsa.cert_der),
		buf_view(&ec.cert_der), buf_view(&other.cert_der) };
	struct wire_client_options o = options();
	struct err err = { 0 };
	size_t i;

	ids[MANY] = (struct wire_identity){ .key = buf_view(&rsa.key_der),
		.certs = &certs[0],
		.n_certs = 1,
		.version = 1 };
	for (i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "n%zu.example", i + 1);
		names[i] = text[i];
		ids[i] = (struct wire_identity){ .key = buf_view(&ec.key_der),
			.certs = &certs[1],
			.n_certs = 1,
			.version = i + 2,
			.names = &names[i],
			.n_names = 1 };
	}
	ok(server_set_identities(s, ids, MANY + 1, &err) == ERR_OK,
	    "thousands of identities");
	o.sni = "n2999.example";
	ok(strcmp(server_cn(&o), "ec") == 0, "each for its name");
	o.sni = "n3001.example";
	ok(strcmp(server_cn(&o), "rsa") == 0, "one for all others");
	for (i = 0; i <= MANY; i++) {
		ids[i].key = BYTES_NONE;
		ids[i].n_certs = 0;
	}
	ids[2998] = (struct wire_identity){ .key = buf_view(&other.key_der),
		.certs = &certs[2],
		.n_certs = 1,
		.version = 5000,
		.names = &names[2998],
		.n_names = 1 };
	ok(server_set_identities(s, ids, MANY + 1, &err) == ERR_OK,
	    "one is exchanged, the others are known by their version");
	o.sni = "n2999.example";
	ok(strcmp(server_cn(&o), "other") == 0, "the new one");
	o.sni = "n2998.example";
	ok(strcmp(server_cn(&o), "ec") == 0, "the ones beside it");
	ids[7].version = 7000;
	ok(server_set_identities(s, ids, MANY + 1, &err) == ERR_NOT_FOUND,
	    "a version that nobody knows has no bytes");
	ok(server_set_identities(s, ids, SERVER_MAX_IDENTITIES + 1, &err) ==
		ERR_TOO_BIG,
	    "too many are refused");
	ok(strcmp(server_cn(&o), "ec") == 0, "nothing has changed by that");
}

static void
test_kinds_for_a_name(void)
{
	static const char *const names[] = { "both.example" };
	struct bytes certs[] = { buf_view(&other.cert_der),
		buf_view(&rsa.cert_der), buf_view(&ec.cert_der) };
	struct wire_identity ids[] = {
		{ .key = buf_view(&other.key_der),
		    .certs = &certs[0],
		    .n_certs = 1 },
		{ .key = buf_view(&rsa.key_der),
		    .certs = &certs[1],
		    .n_certs = 1,
		    .names = names,
		    .n_names = 1 },
		{ .key = buf_view(&ec.key_der),
		    .certs = &certs[2],
		    .n_certs = 1,
		    .names = names,
		    .n_names = 1 },
	};
	struct wire_client_options o = options();
	struct err err = { 0 };

	ok(server_set_identities(s, ids, 3, &err) == ERR_OK,
	    "RSA and P-256 for one name");
	o.sni = "both.example";
	ok(strcmp(server_cn(&o), "ec") == 0, "P-256 is preferred there, too");
	o.version = TLS1_2_VERSION;
	o.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
	ok(strcmp(server_cn(&o), "rsa") == 0, "who knows RSA alone gets RSA");
	o.sni = NULL;
	ok(server_cn(&o)[0] == '\0', "but not for other names");
	ids[2].n_certs = 0;
	ok(server_check_identity(&ids[1], &err) == ERR_OK &&
		server_check_identity(&ids[2], &err) == ERR_INVALID,
	    "one alone can be checked");
	ids[2] = ids[1];
	o = options();
	o.sni = "both.example";
	ok(server_set_identities(s, ids, 2, &err) == ERR_OK &&
		strcmp(server_cn(&o), "rsa") == 0,
	    "a name's RSA is not mixed with the P-256 of all");
}

static void
test_replacing(void)
{
	struct wire_client_options o = options();
	struct wire_client c;

	wire_identify(s, &rsa);
	ok(wire_connect(&c, &o) && wire_ask(&c, who, &b) == 200,
	    "a connection stands");
	wire_identify(s, &other);
	ok(wire_ask(&c, who, &b) == 200, "it goes on with a new identity");
	ok(strcmp(server_cn(&o), "other") == 0, "that the next one sees");
	wire_disconnect(&c);
}

static void
test_cas(void)
{
	struct bytes ca = buf_view(&client.cert_der);
	struct wire_client_options o = options();
	const STACK_OF(X509_NAME) * names;
	struct err err = { 0 };
	struct wire_client c;

	ok(server_set_client_cas(s, &ca, 1, &err) == ERR_OK, "CAs are named");
	o.version = TLS1_2_VERSION;
	ok(wire_connect(&c, &o) &&
		(names = SSL_get0_peer_CA_list(c.ssl)) != NULL &&
		sk_X509_NAME_num(names) == 1 &&
		X509_NAME_cmp(sk_X509_NAME_value(names, 0),
		    X509_get_subject_name(client.cert)) == 0,
	    "the client sees them in the CertificateRequest");
	wire_disconnect(&c);
	ca.len--;
	ok(server_set_client_cas(s, &ca, 1, &err) == ERR_INVALID,
	    "a cut certificate is not one");
}

static void
test_broken(void)
{
	static const unsigned char hello[] = { 0x16, 3, 1, 2, 0, 1, 0, 1,
		0xfc };
	struct wire_client_options o = options();
	struct server_counts before, after;
	struct wire_client c;
	char byte;
	int fd;

	server_counts(s, &before);
	fd = wire_dial(server_port(s, 0));
	ok(write(fd, hello, sizeof(hello)) == sizeof(hello) &&
		read(fd, &byte, 1) == 0,
	    "half a ClientHello ends by the time-out");
	close(fd);
	fd = wire_dial(server_port(s, 0));
	ok(write(fd, "\x80\x00nonsense", 10) == 10 && read(fd, &byte, 1) >= 0,
	    "nonsense gets an alert");
	close(fd);
	server_counts(s, &after);
	ok(after.handshakes_failed >= before.handshakes_failed + 1,
	    "both are counted");
	ok(wire_connect(&c, &o) &&
		wire_send(&c, "PUT /echo HTTP/1.1\r\nHost: a\r\n", 29),
	    "a request begins");
	shutdown(c.fd, SHUT_WR); /* no close_notify */
	ok(wire_closed_with(&c, &b) && b.len == 0,
	    "a connection that is cut off in a head is closed silently");
	wire_disconnect(&c);
	server_set_identities(s, NULL, 0, NULL) == ERR_OK ? (void)0 : exit(1);
	ok(!wire_connect(&c, &o), "without identity clients are turned away");
	wire_disconnect(&c);
}

int
main(void)
{
	struct server_options o = { .handshake_ms = 300 };

	wire_pair_make(&rsa, "rsa", 2048, -60, 3600);
	wire_pair_make(&ec, "ec", 0, -60, 3600);
	wire_pair_make(&other, "other", 0, -60, 3600);
	wire_pair_make(&client, "client", 2048, -60, 3600);
	wire_pair_make(&expired, "expired", 0, -7200, -3600);
	s = wire_serve(o, &ec);
	test_client_certificate();
	test_resumption(TLS1_2_VERSION, "TLS 1.2");
	test_resumption(TLS1_3_VERSION, "TLS 1.3");
	test_versions();
	test_identities();
	test_many();
	test_kinds_for_a_name();
	test_replacing();
	test_cas();
	test_broken();
	server_close(s);
	wire_pair_free(&rsa);
	wire_pair_free(&ec);
	wire_pair_free(&other);
	wire_pair_free(&client);
	wire_pair_free(&expired);
	buf_free(&b);
	return tap_done();
}
