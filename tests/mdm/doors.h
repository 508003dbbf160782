/*
 * doors.h - what a device or a browser asks of mdm, as exchanges without a
 * network.
 */
#ifndef MDMFS_TESTS_MDM_DOORS_H
#define MDMFS_TESTS_MDM_DOORS_H

#include "engine/base/arena.h"
#include "engine/mdm/mdm.h"
#include "engine/portal/enroll_page.h"
#include "tests/model/rules.h"

static struct mdm *mdm;
static uint32_t acme;

struct request {
	const char *method; /* NULL: POST */
	const char *path;   /* NULL: /enroll/acme */
	const char *org;    /* NULL: acme */
	const char *query;
	struct bytes body;
	struct bytes cert;     /* of TLS */
	const char *peer;      /* NULL: 127.0.0.1 */
	const char *header[8]; /* name, value, ... */
	int64_t later;         /* seconds from now */
};

/* Of the last answer. */
static int status;
static char type[64], headers[4096]; /* "name: value\n" for each */
static struct buf reply;

typedef void door_fn(struct exchange *x, struct mdm *m, enroll_form_fn *draw);

static inline void
keep_answer(const struct exchange *x)
{
	size_t i, n = 0;

	status = x->status;
	snprintf(type, sizeof(type), "%s",
	    x->content_type == NULL ? "" : x->content_type);
	buf_reset(&reply);
	buf_bytes(&reply, buf_view(&x->reply));
	headers[0] = '\0';
	for (i = 0; i < x->n_reply_headers; i++)
		n += (size_t)snprintf(headers + n, sizeof(headers) - n,
		    "%s: %.*s\n", x->reply_headers[i].name,
		    (int)x->reply_headers[i].value.len,
		    (const char *)x->reply_headers[i].value.p);
}

/* The status of the answer. */
static inline int
ask(door_fn *door, const struct request *r)
{
	struct exchange_header h[4];
	struct exchange x = { .method = r->method == NULL ? "POST" : r->method,
		.path = r->path == NULL ? "/enroll/acme" : r->path,
		.host = "mdm.example.com",
		.query = r->query == NULL ? BYTES_NONE : bytes_text(r->query),
		.body = r->body,
		.headers = h,
		.peer_cert = r->cert,
		.peer = r->peer == NULL ? "127.0.0.1" : r->peer,
		.params = { r->org == NULL ? "acme" : r->org },
		.now = engine_now(rules) + r->later,
		.arena = arena_new() };

	while (x.n_headers < 4 && r->header[2 * x.n_headers] != NULL) {
		h[x.n_headers].name = r->header[2 * x.n_headers];
		h[x.n_headers].value =
		    bytes_text(r->header[2 * x.n_headers + 1]);
		x.n_headers++;
	}
	door(&x, mdm, enroll_page);
	keep_answer(&x);
	buf_free(&x.reply);
	arena_free(x.arena);
	return status;
}

static inline bool
answers(const char *part)
{
	bool yes = strstr(buf_str(&reply), part) != NULL;

	if (!yes)
		printf("# answers \"%.300s\", not \"%s\"\n", buf_str(&reply),
		    part);
	return yes;
}

static inline void
doors_begin(const struct engine_options *options)
{
	rules_begin(options);
	acme = org_number("acme");
	must(mdm_open(rules, &mdm, &rules_err));
}

static inline int
doors_done(void)
{
	mdm_close(mdm);
	engine_close(rules);
	buf_free(&reply);
	return tap_done();
}

#endif
