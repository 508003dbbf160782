#include "engine/wire/request_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/wire/head_priv.h"

struct request_field {
	uint32_t name;
	uint32_t value;
	uint32_t value_len;
};

struct request *
request_new(struct conn *conn, struct loop *loop)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->x.arena = arena_new();
	if (r->x.arena == NULL) {
		free(r);
		return NULL;
	}
	r->conn = conn;
	r->loop = loop;
	buf_char(&r->text, '\0'); /* offset 0 is "" */
	return r;
}

void
request_free(struct request *r)
{
	if (r == NULL)
		return;
	assert(r->place == REQUEST_HERE && r->taken[BUDGET_SMALL] == 0 &&
	       r->taken[BUDGET_LARGE] == 0);
	arena_free(r->x.arena);
	buf_free(&r->x.reply);
	buf_free(&r->text);
	buf_free(&r->fields);
	/* escrow keys and tokens come this way */
	buf_wipe(&r->body);
	free(r);
}

/* ---- what came ------------------------------------------------------------ */

/* s may stand in the text itself, which moves. */
static size_t
add_text(struct request *r, struct bytes s)
{
	size_t at = r->text.len, from;
	bool own = s.len > 0 && r->text.p != NULL && s.p >= r->text.p &&
	           s.p < r->text.p + r->text.len;

	from = own ? (size_t)(s.p - r->text.p) : 0;
	buf_reserve(&r->text, s.len + 1);
	if (own && r->text.error == ERR_OK)
		s.p = r->text.p + from;
	buf_bytes(&r->text, s);
	buf_char(&r->text, '\0');
	return at;
}

static void
lower(struct request *r, size_t at)
{
	uint8_t *p;

	if (r->text.error != ERR_OK)
		return;
	for (p = r->text.p + at; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (uint8_t)(*p + 32);
}

static int
memory_status(const struct request *r)
{
	return r->text.error != ERR_OK || r->fields.error != ERR_OK ? 503 : 0;
}

int
request_method(struct request *r, struct bytes method)
{
	if (!head_name_ok(method))
		return 400;
	r->is_head = bytes_equal(method, bytes_text("HEAD"));
	r->method = add_text(r, method);
	return memory_status(r);
}

int
request_host(struct request *r, struct bytes host)
{
	size_t i;

	for (i = 0; i < host.len; i++)
		if (host.p[i] <= 0x20 || host.p[i] >= 0x7f ||
		    strchr("/?#@\\,\"<>", host.p[i]) != NULL)
			return 400;
	r->has_host = true;
	r->host = add_text(r, host);
	lower(r, r->host);
	return memory_status(r);
}

int
request_target(struct request *r, struct bytes target)
{
	struct bytes query, host;
	struct buf path = { 0 };
	int rc = 400;

	if (head_target(target, &path, &r->slash, &query, &host)) {
		r->path = add_text(r, buf_view(&path));
		r->query = add_text(r, query);
		r->query_len = query.len;
		rc = host.len > 0 ? request_host(r, host) : memory_status(r);
	}
	buf_free(&path);
	return rc;
}

int
request_field(struct request *r, struct bytes name, struct bytes value)
{
	struct request_field f;

	if (!head_name_ok(name) || !head_value_ok(value))
		return 400;
	if (r->n_fields == HEAD_FIELDS_MAX || r->text.len > UINT32_MAX / 2)
		return 431;
	while (value.len > 0 && (value.p[value.len - 1] == ' ' ||
				    value.p[value.len - 1] == '\t'))
		value.len--;
	f.name = (uint32_t)add_text(r, name);
	lower(r, f.name);
	f.value = (uint32_t)add_text(r, value);
	f.value_len = (uint32_t)value.len;
	buf_put(&r->fields, &f, sizeof(f));
	r->n_fields++;
	return memory_status(r);
}

static struct request_field
field(const struct request *r, size_t i)
{
	struct request_field f;

	memcpy(&f, r->fields.p + i * sizeof(f), sizeof(f));
	return f;
}

static const char *
text(const struct request *r, size_t at)
{
	return (const char *)r->text.p + at;
}

struct bytes
request_header(const struct request *r, const char *name, bool *more)
{
	struct bytes value = BYTES_NONE;
	size_t i;

	if (more != NULL)
		*more = false;
	for (i = 0; i < r->n_fields; i++) {
		struct request_field f = field(r, i);

		if (strcmp(text(r, f.name), name) != 0)
			continue;
		if (value.p != NULL) {
			if (more != NULL)
				*more = true;
			break;
		}
		value = bytes_of(text(r, f.value), f.value_len);
	}
	return value;
}

int
request_route(struct request *r, const struct route *routes, size_t n)
{
	const char *path = text(r, r->path);
	struct buf allow = { 0 };
	char *kept;
	bool known;

	r->route = route_find(routes, n, text(r, r->method), path, &known);
	/* an encoded slash parts no segments: it may only be in the rest */
	if (r->slash != SIZE_MAX &&
	    (r->route == NULL || r->slash < route_rest(r->route, path)))
		return 400;
	if (r->route != NULL)
		return 0;
	if (!known)
		return 404;
	route_allow(routes, n, path, &allow);
	kept = arena_text(r->x.arena, buf_view(&allow));
	buf_free(&allow);
	if (kept != NULL)
		exchange_reply_header(&r->x, "allow", kept);
	return 405;
}

/* ---- the exchange --------------------------------------------------------- */

static bool
make_exchange(struct request *r)
{
	struct exchange_header *headers;
	struct exchange *x = &r->x;
	size_t i;

	headers = arena_alloc(x->arena, (r->n_fields + 1) * sizeof(*headers));
	if (headers == NULL)
		return false;
	for (i = 0; i < r->n_fields; i++) {
		struct request_field f = field(r, i);

		headers[i].name = text(r, f.name);
		headers[i].value = bytes_of(text(r, f.value), f.value_len);
	}
	x->headers = headers;
	x->n_headers = r->n_fields;
	x->method = text(r, r->method);
	x->path = text(r, r->path);
	x->query = bytes_of(text(r, r->query), r->query_len);
	x->host = text(r, r->host);
	x->body = buf_view(&r->body);
	return route_params(r->route, x);
}

void
request_run(struct request *r, void *ctx, const char *peer, struct bytes cert,
    int64_t now)
{
	struct exchange *x = &r->x;

	x->peer = peer;
	x->peer_cert = cert;
	x->now = now;
	if (!make_exchange(r)) {
		request_refuse(r, 503);
		return;
	}
	r->route->handler(x, ctx);
	if (x->reply.error != ERR_OK)
		request_refuse(r, 503);
	else if (x->status < 200 || x->status > 599)
		request_refuse(r, 500);
}

/* clang-format off */
static const struct {
	int status;
	const char *reason;
	const char *text; /* for a person; NULL: the reason says it */
} reasons[] = {
	{ 200, "OK", NULL },
	{ 201, "Created", NULL },
	{ 202, "Accepted", NULL },
	{ 204, "No Content", NULL },
	{ 301, "Moved Permanently", NULL },
	{ 302, "Found", NULL },
	{ 303, "See Other", NULL },
	{ 304, "Not Modified", NULL },
	{ 307, "Temporary Redirect", NULL },
	{ 308, "Permanent Redirect", NULL },
	{ 400, "Bad Request", "this is no HTTP request that can be understood" },
	{ 401, "Unauthorized", NULL },
	{ 403, "Forbidden", NULL },
	{ 404, "Not Found", "nothing is at this address" },
	{ 405, "Method Not Allowed", "this address takes other methods; see Allow" },
	{ 408, "Request Timeout", "the request came too slowly" },
	{ 409, "Conflict", NULL },
	{ 410, "Gone", NULL },
	{ 411, "Length Required", NULL },
	{ 412, "Precondition Failed", NULL },
	{ 413, "Content Too Large", "the body is larger than this address takes" },
	{ 414, "URI Too Long", "the address is longer than 16 KiB" },
	{ 415, "Unsupported Media Type", NULL },
	{ 417, "Expectation Failed", "only 100-continue may be expected" },
	{ 421, "Misdirected Request", NULL },
	{ 422, "Unprocessable Content", NULL },
	{ 429, "Too Many Requests", NULL },
	{ 431, "Request Header Fields Too Large", "a header is longer than 16 KiB, all are longer than 64 KiB, or more than 128" },
	{ 500, "Internal Server Error", "the server failed; its log says why" },
	{ 501, "Not Implemented", "only chunked is known as Transfer-Encoding" },
	{ 502, "Bad Gateway", NULL },
	{ 503, "Service Unavailable", "the server is out of memory; try again later" },
	{ 504, "Gateway Timeout", NULL },
	{ 505, "HTTP Version Not Supported", "HTTP/1.0, HTTP/1.1 and HTTP/2 are known here" },
	{ 507, "Insufficient Storage", NULL },
};
/* clang-format on */

const char *
request_reason(int status)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

void
request_refuse(struct request *r, int status)
{
	const char *why = NULL;
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			why = reasons[i].text;
	if (status != 405)
		r->x.n_reply_headers = 0;
	exchange_text(&r->x, status, "%d %s%s%s", status,
	    request_reason(status), why != NULL ? ": " : "",
	    why != NULL ? why : "");
}

/* ---- the answer ----------------------------------------------------------- */

int
request_status(const struct request *r)
{
	return r->x.status;
}

bool
request_has_length(const struct request *r)
{
	return r->x.status != 204 && r->x.status != 304;
}

struct bytes
request_reply(const struct request *r)
{
	if (r->is_head || !request_has_length(r))
		return BYTES_NONE;
	return buf_view(&r->x.reply);
}

/* A line break in a value would be a header of its own. */
static bool
reply_header_ok(const struct exchange_header *h)
{
	return head_name_ok(bytes_text(h->name)) && head_value_ok(h->value);
}

bool
request_reply_headers(const struct request *r, request_reply_fn *fn, void *arg)
{
	const struct exchange *x = &r->x;
	char date[REQUEST_DATE_LEN + 1], length[24];
	bool cache = false;
	size_t i;

	request_date(date, time(NULL));
	if (!fn(arg, "date", bytes_text(date)))
		return false;
	if (x->content_type != NULL && request_has_length(r) &&
	    !fn(arg, "content-type", bytes_text(x->content_type)))
		return false;
	snprintf(length, sizeof(length), "%zu", x->reply.len);
	if (request_has_length(r) &&
	    !fn(arg, "content-length", bytes_text(length)))
		return false;
	for (i = 0; i < x->n_reply_headers; i++) {
		if (!reply_header_ok(&x->reply_headers[i]))
			continue;
		if (strcmp(x->reply_headers[i].name, "cache-control") == 0)
			cache = true;
		if (!fn(arg, x->reply_headers[i].name,
			x->reply_headers[i].value))
			return false;
	}
	return cache || fn(arg, "cache-control", bytes_text("no-store"));
}

void
request_date(char date[static REQUEST_DATE_LEN + 1], int64_t now)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)now;
	struct tm tm;
	char all[64];

	/* not strftime: its names are those of the locale */
	if (gmtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	snprintf(all, sizeof(all), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(date, all, REQUEST_DATE_LEN);
	date[REQUEST_DATE_LEN] = '\0';
}
