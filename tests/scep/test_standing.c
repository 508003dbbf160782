/* Whoever asks after certificates too often is told to wait. */
#include <openssl/ocsp.h>

#include "tests/scep/talk.h"
#include "tests/tap.h"

static struct buf request;
static char retry_after[16];

/* The answer's state (RFC 6960 4.2.1); -1: it is none. */
static int
ask(const char *peer, int64_t now)
{
	struct exchange x = { .method = "POST",
		.path = "/ocsp/acme",
		.params = { "acme" },
		.body = buf_view(&request),
		.peer = peer,
		.now = now,
		.arena = arena_new() };
	OCSP_RESPONSE *r;
	const uint8_t *p;
	int said = -1;
	size_t i;

	scep_ocsp(&x, w.scep);
	p = x.reply.p;
	r = d2i_OCSP_RESPONSE(NULL, &p, (long)x.reply.len);
	if (x.status == 200 && r != NULL)
		said = OCSP_response_status(r);
	retry_after[0] = '\0';
	for (i = 0; i < x.n_reply_headers; i++)
		if (strcmp(x.reply_headers[i].name, "retry-after") == 0)
			snprintf(retry_after, sizeof(retry_after), "%.*s",
			    (int)x.reply_headers[i].value.len,
			    (const char *)x.reply_headers[i].value.p);
	OCSP_RESPONSE_free(r);
	buf_free(&x.reply);
	arena_free(x.arena);
	return said;
}

/* How many of n in a row are answered. */
static int
answered(const char *peer, int64_t now, int n)
{
	int yes = 0;

	while (n-- > 0)
		yes += ask(peer, now) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
	return yes;
}

int
main(void)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	uint8_t *der = NULL;

	world_open(&w);
	w.options.proxies[0] = "10.0.0.0/8";
	NEED(
	    OCSP_request_add0_id(r, OCSP_cert_to_id(NULL, w.ca, w.ca)) != NULL);
	request = client_take_der(&der, i2d_OCSP_REQUEST(r, &der));
	ok(answered("192.0.2.1", WORLD_NOW, 310) == 300,
	    "one address has 300 answers at once");
	ok(ask("192.0.2.1", WORLD_NOW) == OCSP_RESPONSE_STATUS_TRYLATER &&
		strcmp(retry_after, "10") == 0,
	    "and is told to try later then");
	ok(answered("192.0.2.1", WORLD_NOW + 1, 40) == 30, "30 a second");
	ok(answered("192.0.2.2", WORLD_NOW + 1, 1) == 1,
	    "another address does not wait for it");
	ok(answered("10.0.0.1", WORLD_NOW + 1, 400) == 400,
	    "a proxy speaks for many");
	OCSP_REQUEST_free(r);
	buf_free(&request);
	world_close(&w);
	return tap_done();
}
