#include <string.h>
#include <strings.h>

#include "engine/wire/h1_priv.h"

/* ---- the parser's callbacks ----------------------------------------------- */

static int
note(struct h1 *h, int status)
{
	if (status != 0 && h->refuse == 0)
		h->refuse = status;
	return status != 0 ? -1 : 0;
}

static int
on_url(http_parser *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	return note(h, request_target(h->r, bytes_of(at, len)));
}

static int
on_name(http_parser *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	h->name = bytes_of(at, len);
	return 0;
}

static int
on_value(http_parser *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	/* headers behind a chunked body: nothing of ours */
	if (h->state == H1_BODY)
		return 0;
	return note(h, request_field(h->r, h->name, bytes_of(at, len)));
}

static int
on_body(http_parser *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	buf_put(&h->r->body, at, len);
	h->received += len;
	return note(h, h->r->body.error != ERR_OK ? 503 : 0);
}

static int
on_complete(http_parser *p)
{
	struct h1 *h = p->data;

	h->complete = true;
	http_parser_pause(p, 1); /* the rest is another request */
	return 0;
}

const http_parser_settings h1_settings = {
	.on_url = on_url,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

/* ---- the head ------------------------------------------------------------- */

/* RFC 9112 6.3: two ways to say where the body ends are a way to smuggle. */
static int
check_framing(struct h1 *h)
{
	bool more_coding, more_length;
	struct bytes coding =
	    request_header(h->r, "transfer-encoding", &more_coding);
	struct bytes length =
	    request_header(h->r, "content-length", &more_length);
	size_t i;

	if ((coding.p != NULL && length.p != NULL) || more_coding ||
	    more_length || (coding.p != NULL && h->parser.http_minor == 0))
		return 400;
	if (coding.p != NULL &&
	    (coding.len != 7 ||
		strncasecmp((const char *)coding.p, "chunked", 7) != 0))
		return 501;
	for (i = 0; i < length.len; i++)
		if (length.p[i] < '0' || length.p[i] > '9')
			return 400;
	return length.p != NULL && length.len == 0 ? 400 : 0;
}

static int
check_host(struct h1 *h)
{
	bool more;
	struct bytes host = request_header(h->r, "host", &more);

	/* RFC 9112 3.2 */
	if (more || (host.p == NULL && h->parser.http_minor > 0))
		return 400;
	/* an absolute target comes first */
	return h->r->has_host ? 0 : request_host(h->r, host);
}

static int
check_expect(struct h1 *h)
{
	struct bytes expect = request_header(h->r, "expect", NULL);

	if (expect.p == NULL || h->parser.http_minor == 0)
		return 0;
	h->expect_continue =
	    expect.len == 12 &&
	    strncasecmp((const char *)expect.p, "100-continue", 12) == 0;
	return h->expect_continue ? 0 : 417;
}

bool
h1_is_chunked(const struct h1 *h)
{
	return (h->parser.flags & F_CHUNKED) != 0;
}

/* What the body may have, when the head is here: *size is to be set aside. */
static int
check_body(struct h1 *h, size_t *size)
{
	size_t limit = h->r->route->body_limit;

	*size = 0;
	if (h->complete)
		return 0;
	if (h1_is_chunked(h)) {
		*size = limit < BUDGET_SMALL_MAX ? limit : BUDGET_SMALL_MAX;
		return 0;
	}
	if (h->parser.content_length > limit)
		return 413;
	*size = (size_t)h->parser.content_length;
	return 0;
}

int
h1_judge_head(struct conn *c, size_t *size)
{
	const struct server_options *o = &c->loop->server->options;
	struct h1 *h = c->session;
	int rc;

	/* http_parser leaves the method as a number */
	if ((rc = request_method(
		 h->r, bytes_text(http_method_str(
			   (enum http_method)h->parser.method)))) != 0 ||
	    (rc = check_framing(h)) != 0 || (rc = check_host(h)) != 0 ||
	    (rc = check_expect(h)) != 0 ||
	    (rc = request_route(h->r, o->routes, o->n_routes)) != 0)
		return rc;
	return check_body(h, size);
}

int
h1_parse_head(struct h1 *h, struct bytes head)
{
	enum http_errno error;

	http_parser_init(&h->parser, HTTP_REQUEST);
	h->parser.data = h;
	h->refuse = 0;
	h->complete = false;
	h->expect_continue = false;
	h->received = 0;
	http_parser_execute(
	    &h->parser, &h1_settings, (const char *)head.p, head.len);
	error = HTTP_PARSER_ERRNO(&h->parser);
	if (h->refuse != 0)
		return h->refuse;
	if (error == HPE_INVALID_VERSION)
		return 505;
	if (error != HPE_OK && error != HPE_PAUSED)
		return 400;
	if (h->parser.http_major != 1 || h->parser.http_minor > 1)
		return 505;
	return 0;
}
