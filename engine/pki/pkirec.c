#include "engine/pki/pkirec_priv.h"

void
pkirec_put(struct buf *b, char kind, struct bytes item)
{
	int i;

	buf_char(b, kind);
	for (i = 24; i >= 0; i -= 8)
		buf_char(b, (char)(item.len >> i & 0xff));
	buf_bytes(b, item);
}

enum err_code
pkirec_open(struct bytes *rest, const char *magic, struct err *err)
{
	if (!bytes_begin(*rest, bytes_text(magic)))
		return err_set(err, ERR_DAMAGED,
		    "a stored key or certificate is not in the format %s",
		    magic);
	rest->p += strlen(magic);
	rest->len -= strlen(magic);
	return ERR_OK;
}

enum err_code
pkirec_next(struct bytes *rest, char *kind, struct bytes *item, struct err *err)
{
	size_t len;

	if (rest->len == 0)
		return err_set(err, ERR_NOT_FOUND, "no further item");
	if (rest->len >= 5) {
		len = (size_t)rest->p[1] << 24 | (size_t)rest->p[2] << 16 |
		      (size_t)rest->p[3] << 8 | rest->p[4];
		if (len <= rest->len - 5) {
			*kind = (char)rest->p[0];
			*item = bytes_of(rest->p + 5, len);
			rest->p += 5 + len;
			rest->len -= 5 + len;
			return ERR_OK;
		}
	}
	return err_set(
	    err, ERR_DAMAGED, "a stored key or certificate is cut short");
}
