#include "engine/pki/der_priv.h"

bool
der_header(struct bytes b, size_t *header, size_t *content)
{
	size_t i, n, len = 0;

	if (b.len < 2 || (b.p[0] & 0x1f) == 0x1f)
		return false;
	if (b.p[1] < 0x80) {
		*header = 2;
		*content = b.p[1];
		return true;
	}
	n = b.p[1] & 0x7f;
	if (n == 0 || n > 4 || b.len < 2 + n || b.p[2] == 0)
		return false;
	for (i = 0; i < n; i++)
		len = len << 8 | b.p[2 + i];
	if (len < 0x80)
		return false;
	*header = 2 + n;
	*content = len;
	return true;
}

bool
der_next(struct bytes *rest, struct der *ret)
{
	size_t header, content;

	if (!der_header(*rest, &header, &content) ||
	    content > rest->len - header)
		return false;
	ret->tag = rest->p[0];
	ret->whole = bytes_of(rest->p, header + content);
	ret->content = bytes_of(rest->p + header, content);
	rest->p += header + content;
	rest->len -= header + content;
	return true;
}

bool
der_take(struct bytes *rest, uint8_t tag, struct bytes *ret)
{
	struct bytes r = *rest;
	struct der d;

	if (!der_next(&r, &d) || d.tag != tag)
		return false;
	*rest = r;
	*ret = d.content;
	return true;
}

bool
der_peek(struct bytes *rest, struct der *ret)
{
	size_t header = 2, content;

	if (rest->len < 2 || (rest->p[0] & 0x1f) == 0x1f)
		return false;
	if (rest->p[1] == 0x80) {
		content = rest->len - 2;
	} else {
		if (!der_header(*rest, &header, &content))
			return false;
		if (content > rest->len - header)
			content = rest->len - header; /* cut short */
	}
	ret->tag = rest->p[0];
	ret->whole = bytes_of(rest->p, header + content);
	ret->content = bytes_of(rest->p + header, content);
	rest->p += header + content;
	rest->len -= header + content;
	return true;
}
