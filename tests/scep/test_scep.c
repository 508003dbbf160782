#include "engine/scep/scep.h"

#include "engine/base/text.h"
#include "tests/scep/talk.h"
#include "tests/tap.h"

/* ---- operations --------------------------------------------------------- */

static bool
get_answers(const char *query, int code, const char *type, const char *text)
{
	struct exchange x = { .method = "GET", .query = bytes_text(query) };
	bool fine;

	world_serve(&w, &x);
	fine = x.status == code && strcmp(x.content_type, type) == 0 &&
	       strstr(buf_str(&x.reply), text) != NULL;
	if (!fine)
		printf("# %d %s %s\n", x.status, x.content_type,
		    buf_str(&x.reply));
	world_free_exchange(&x);
	return fine;
}

static void
test_operations(void)
{
	const char *plain = "text/plain; charset=utf-8";
	struct exchange x = { .method = "GET",
		.query = bytes_text("operation=GetCACert&message=7") };
	const uint8_t *p;
	X509 *ca;

	ok(get_answers("operation=GetCACaps&message=0", 200, "text/plain",
	       "AES\nDES3\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\n"
	       "SHA-512\nSCEPStandard\n"),
	    "GetCACaps lists what is taken, one a line");
	world_serve(&w, &x);
	p = x.reply.p;
	ca = d2i_X509(NULL, &p, (long)x.reply.len);
	ok(x.status == 200 &&
		strcmp(x.content_type, "application/x-x509-ca-cert") == 0,
	    "GetCACert has the exact type of a single certificate");
	ok(ca != NULL && p == x.reply.p + x.reply.len &&
		X509_cmp(ca, w.ca) == 0,
	    "and is the organization's CA, whatever message says");
	ok((X509_get_key_usage(ca) &
	       (KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT)) ==
		(KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT),
	    "which may sign messages and be encrypted for");
	X509_free(ca);
	world_free_exchange(&x);
	ok(get_answers("operation=GetNextCACert", 404, plain, "no next CA"),
	    "GetNextCACert is not found");
	ok(get_answers("operation=GetCAChain", 404, plain, "no chain"),
	    "nor is GetCAChain");
	ok(get_answers("", 400, plain, "This is a SCEP address"),
	    "a browser is told what this is");
	ok(get_answers("operation=Nothing", 400, plain, "GetCACert"),
	    "an unknown operation is refused");
	ok(get_answers("operation=PKIOperation", 400, plain, "&message="),
	    "a GET of a PKIOperation needs its message");
	ok(get_answers(
	       "operation=PKIOperation&message=!!", 400, plain, "base64"),
	    "in base64");
	ok(get_answers(
	       "operation=PKIOperation&message=MAA=", 400, plain, "pkiMessage"),
	    "and a pkiMessage");
}

static void
test_organizations(void)
{
	struct exchange x = { .method = "GET",
		.query = bytes_text("operation=GetCACert"),
		.params = { "nobody" } };
	struct world_step back = { .what = ADD_ORG, .org = 2, .name = "other" };
	struct world_step gone = {
		.what = REMOVE_ORG, .org = 2, .when = WORLD_NOW
	};

	world_serve(&w, &x);
	ok(x.status == 404 &&
		strstr(buf_str(&x.reply), "no organization") != NULL,
	    "an unknown organization is not found, in plain words");
	world_free_exchange(&x);
	x.params[0] = "other";
	world_serve(&w, &x);
	ok(x.status == 200 && x.reply.len > 0, "another one has its own CA");
	world_free_exchange(&x);
	world_step(&w, &gone);
	world_serve(&w, &x);
	ok(x.status == 404,
	    "a removed one is not found, although it was known");
	world_free_exchange(&x);
	world_step(&w, &back);
}

/* ---- other messages and hostile ones ------------------------------------ */

static void
test_other_types(void)
{
	struct client c = client_new(2048);

	world_challenge(&w, "UNUSED");
	ok(refused(enroll(&c, "20", c.key, "UNUSED", 0), "4", "pending"),
	    "CertPoll: nothing is ever pending");
	ok(refused(enroll(&c, "21", c.key, "UNUSED", 0), "2", "fetched"),
	    "GetCert is refused");
	ok(refused(enroll(&c, "22", c.key, "UNUSED", 0), "2", "fetched"),
	    "GetCRL is refused");
	ok(refused(enroll(&c, "3", c.key, "UNUSED", 0), "2", "messageType"),
	    "a client sends no CertRep");
	ok(refused(enroll(&c, "99", c.key, "UNUSED", 0), "2", "messageType"),
	    "nor what nobody knows");
	client_free(&c);
}

static void
test_hostile(void)
{
	struct client c = client_new(2048), other = client_new(2048);
	struct buf csr = client_csr(c.key, "device", "UNUSED", NULL);
	struct ask a = { .type = "19",
		.transaction = "x\n\x01\xff",
		.nonce = "1",
		.digest = EVP_md5(),
		.key = c.key,
		.cert = c.cert,
		.ca = w.ca,
		.content = buf_view(&csr) };
	struct buf junk = { 0 }, message;
	struct exchange x = { .method = "POST" };
	struct answer r;

	r = world_post(&w, &a, 0, &status);
	ok(strcmp(r.transaction, a.transaction) == 0 && r.digest == NID_sha256,
	    "any transactionID is echoed; the answer is over SHA-256");
	ok(refused(r, "0", "MD5"), "MD5 is badAlg");
	ok(event_says("transaction x\\n\\x01\\xff, from"),
	    "an event escapes what a client says");
	a.digest = NULL;
	a.transaction = "1";
	a.ca = other.cert;
	ok(refused(world_post(&w, &a, 0, &status), "1", "not encrypted for"),
	    "a message for another CA is badMessageCheck");
	a.ca = w.ca;
	a.cipher = EVP_camellia_128_cbc();
	ok(refused(world_post(&w, &a, 0, &status), "0", "CAMELLIA"),
	    "an unknown cipher is badAlg");
	a.cipher = NULL;
	a.content = bytes_of("\x30\x03\x02\x01\x01", 5);
	ok(refused(world_post(&w, &a, 0, &status), "2", "signing request"),
	    "what is no request is badRequest");
	csr.p[csr.len - 9] ^= 1;
	a.content = buf_view(&csr);
	ok(refused(world_post(&w, &a, 0, &status), "2", "its own key"),
	    "so is one that its key did not sign");
	csr.p[csr.len - 9] ^= 1;

	message = client_message(&a);
	message.p[message.len - 9] ^= 1;
	x.body = buf_view(&message);
	world_serve(&w, &x);
	status = x.status;
	ok(refused(client_read(buf_view(&x.reply), w.ca, c.key, c.cert, NULL),
	       "1", "signature does not hold"),
	    "a wrong signature is badMessageCheck");
	world_free_exchange(&x);
	x.body.len /= 2;
	world_serve(&w, &x);
	ok(x.status == 400, "a message that is cut short is a 400");
	world_free_exchange(&x);
	buf_free(&message);

	buf_resize(&junk, 1u << 20);
	x.body = buf_view(&junk);
	world_serve(&w, &x);
	ok(x.status == 413, "1 MiB of junk is too much");
	world_free_exchange(&x);
	x.body.len = SCEP_MESSAGE_MAX;
	world_serve(&w, &x);
	ok(x.status == 400, "and less of it is no message");
	world_free_exchange(&x);
	buf_free(&junk);
	ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");

	r = world_post(&w, &a, 0, &status);
	ok(granted(&r), "after all that the same client is served");
	answer_free(&r);
	buf_free(&csr);
	client_free(&c);
	client_free(&other);
}

/* A PKIOperation by GET; plus: how '+' is written, lines: of the base64. */
static bool
get_works(const struct ask *a, const char *plus, size_t lines)
{
	struct buf message = client_message(a), base64 = { 0 }, query = { 0 };
	struct exchange x = { .method = "GET" };
	struct answer r;
	bool fine;
	size_t i;

	text_base64(&base64, buf_view(&message));
	buf_text(&query, "operation=PKIOperation&message=");
	for (i = 0; i < base64.len; i++) {
		if (base64.p[i] == '+')
			buf_text(&query, plus);
		else if (base64.p[i] == '=')
			buf_text(&query, "%3D");
		else
			buf_char(&query, (char)base64.p[i]);
		if (lines > 0 && i % lines == lines - 1)
			buf_text(&query, "%0A");
	}
	x.query = buf_view(&query);
	world_serve(&w, &x);
	status = x.status;
	r = client_read(buf_view(&x.reply), w.ca, a->key, a->cert, NULL);
	fine = granted(&r);
	answer_free(&r);
	world_free_exchange(&x);
	buf_free(&query);
	buf_free(&base64);
	buf_free(&message);
	return fine;
}

static void
test_get(void)
{
	struct client c = client_new(2048);
	struct buf csr = client_csr(c.key, "device", "BY-GET", NULL);
	struct ask a = { .type = "19",
		.transaction = "1",
		.nonce = "1",
		.key = c.key,
		.cert = c.cert,
		.ca = w.ca,
		.content = buf_view(&csr) };

	world_challenge(&w, "BY-GET");
	ok(get_works(&a, "%2B", 64),
	    "GET: lines with %0A and %2B, as strongSwan sends them");
	ok(get_works(&a, "+", 0), "GET: raw '+' and '/', as macOS sends them");
	buf_free(&csr);
	client_free(&c);
}

static void
test_quiet(void)
{
	struct client c = client_new(2048);
	struct exchange x = { .method = "POST", .now = WORLD_NOW + 600 };
	struct ask a = { .type = "20",
		.transaction = "FLOOD",
		.nonce = "1",
		.key = c.key,
		.cert = c.cert,
		.ca = w.ca,
		.content = bytes_text("x") };
	struct buf message = client_message(&a), events;
	const char *p;
	int i, n = 0;

	x.body = buf_view(&message);
	w.peer = "127.0.0.1"; /* others are not heard so often */
	for (i = 0; i < 100; i++) {
		world_serve(&w, &x);
		world_free_exchange(&x);
		buf_reset(&x.reply);
		x.reply = (struct buf){ 0 };
	}
	events = world_events(&w);
	for (p = buf_str(&events); (p = strstr(p, "FLOOD")) != NULL; p++)
		n++;
	ok(n == 30, "a flood of refusals does not flood the events");
	buf_free(&events);
	x.now += 60;
	world_serve(&w, &x);
	ok(event_says("(and 70 more that are not listed)"),
	    "and they are counted");
	world_free_exchange(&x);
	buf_free(&message);
	client_free(&c);
}

int
main(void)
{
	world_open(&w);
	test_operations();
	test_organizations();
	test_other_types();
	test_hostile();
	test_get();
	test_quiet();
	world_close(&w);
	return tap_done();
}
