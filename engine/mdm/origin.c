/*
 * Whose address a request came from, where a proxy speaks for many.
 *
 * X-Forwarded-For grows at its right end; a proxy may append to the field or
 * add one of its own.  What stands left of the first address that is no trusted
 * proxy's was written by the client, and means nothing.
 */
#include <arpa/inet.h>
#include <string.h>

#include "engine/base/net.h"
#include "engine/base/text.h"
#include "engine/mdm/mdm_priv.h"

/* The address in one element: "192.0.2.1", "192.0.2.1:80", "2001:db8::1",
 * "[2001:db8::1]:80". */
static bool
parse(struct bytes s, char ret[static ORIGIN_MAX])
{
	uint8_t binary[16];
	const uint8_t *end;

	s = text_trim(s);
	if (s.len > 1 && s.p[0] == '[') {
		if ((end = memchr(s.p, ']', s.len)) == NULL)
			return false;
		s = bytes_of(s.p + 1, (size_t)(end - s.p) - 1);
	} else if (s.len > 0 && (end = memchr(s.p, ':', s.len)) != NULL &&
		   memrchr(s.p, ':', s.len) == end) {
		s.len = (size_t)(end - s.p);
	}
	if (s.len == 0 || s.len >= ORIGIN_MAX)
		return false;
	memcpy(ret, s.p, s.len);
	ret[s.len] = '\0';
	return inet_pton(AF_INET, ret, binary) == 1 ||
	       inet_pton(AF_INET6, ret, binary) == 1;
}

/* The last element of *s, which goes. */
static struct bytes
take_last(struct bytes *s)
{
	const uint8_t *comma = s->len > 0 ? memrchr(s->p, ',', s->len) : NULL;
	struct bytes last = *s;

	if (comma == NULL) {
		s->len = 0;
		return last;
	}
	last = bytes_of(comma + 1, (size_t)(s->p + s->len - comma) - 1);
	s->len = (size_t)(comma - s->p);
	return last;
}

bool
origin_forwarded(
    const struct mdm *m, const struct exchange *x, char ret[static ORIGIN_MAX])
{
	size_t i = x->n_headers;
	struct bytes v;

	while (i-- > 0) {
		if (strcmp(x->headers[i].name, "x-forwarded-for") != 0)
			continue;
		for (v = x->headers[i].value; v.len > 0;) {
			if (!parse(take_last(&v), ret))
				return false;
			if (!door_is_proxy(m, ret))
				return true;
		}
	}
	return false;
}

bool
origin_may_ask(const struct mdm *m, const struct exchange *x)
{
	char address[ORIGIN_MAX];
	bool for_many = exchange_header(x, "x-forwarded-for").p != NULL ||
	                exchange_header(x, "forwarded").p != NULL;

	if (!door_from_proxy(m, x))
		return rate_take(m->rate, x->peer,
		    for_many && rate_is_here(x->peer), x->now);
	if (!origin_forwarded(m, x, address))
		return rate_take(m->rate, x->peer, true, x->now);
	/* this machine as a client of its own proxy, or a client that says so */
	return rate_take(m->rate, address, rate_is_here(address), x->now);
}
