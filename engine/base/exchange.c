#include "engine/base/exchange.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

struct bytes
exchange_header(const struct exchange *x, const char *name)
{
	size_t i;

	for (i = 0; i < x->n_headers; i++)
		if (strcmp(x->headers[i].name, name) == 0)
			return x->headers[i].value;
	return BYTES_NONE;
}

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *
decode(struct arena *arena, struct bytes s, size_t *len)
{
	char *p = arena_alloc(arena, s.len + 1);
	size_t i, n = 0;

	if (p == NULL)
		return NULL;
	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '%' && i + 2 < s.len && digit(s.p[i + 1]) >= 0 &&
		    digit(s.p[i + 2]) >= 0) {
			p[n++] =
			    (char)(digit(s.p[i + 1]) << 4 | digit(s.p[i + 2]));
			i += 2;
		} else {
			p[n++] = (char)s.p[i];
		}
	}
	*len = n;
	return p;
}

const char *
exchange_query(const struct exchange *x, const char *name, size_t *len)
{
	struct bytes rest = x->query, want = bytes_text(name);

	while (rest.len > 0) {
		const uint8_t *amp = memchr(rest.p, '&', rest.len);
		size_t n = amp == NULL ? rest.len : (size_t)(amp - rest.p);
		struct bytes pair = bytes_of(rest.p, n);

		if (bytes_begin(pair, want) && pair.len > want.len &&
		    pair.p[want.len] == '=')
			return decode(x->arena,
			    bytes_of(
				pair.p + want.len + 1, pair.len - want.len - 1),
			    len);
		rest.p += n;
		rest.len -= n;
		if (rest.len > 0) {
			rest.p++;
			rest.len--;
		}
	}
	return NULL;
}

void
exchange_reply_header(struct exchange *x, const char *name, const char *value)
{
	assert(x->n_reply_headers <
	       sizeof(x->reply_headers) / sizeof(x->reply_headers[0]));
	x->reply_headers[x->n_reply_headers++] =
	    (struct exchange_header){ name, bytes_text(value) };
}

void
exchange_text(struct exchange *x, int status, const char *fmt, ...)
{
	va_list ap;

	x->status = status;
	x->content_type = "text/plain; charset=utf-8";
	buf_reset(&x->reply);
	va_start(ap, fmt);
	buf_vprintf(&x->reply, fmt, ap);
	va_end(ap);
	buf_char(&x->reply, '\n');
}
