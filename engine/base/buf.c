#include "mdmfs/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

void
buf_reserve(struct buf *b, size_t len)
{
	size_t cap = b->cap ? b->cap : 64;
	uint8_t *p;

	if (b->error != ERR_OK || b->cap - b->len > len)
		return;
	/* one more than asked for: room for buf_str()'s NUL */
	if (len >= SIZE_MAX / 2 - b->len) {
		b->error = ERR_NO_MEMORY;
		return;
	}
	while (cap <= b->len + len)
		cap *= 2;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->error = ERR_NO_MEMORY;
		return;
	}
	b->p = p;
	b->cap = cap;
}

void
buf_put(struct buf *b, const void *p, size_t len)
{
	buf_reserve(b, len);
	if (b->error != ERR_OK || len == 0)
		return;
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

void
buf_bytes(struct buf *b, struct bytes bytes)
{
	buf_put(b, bytes.p, bytes.len);
}

void
buf_text(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_char(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n = -1;

	buf_reserve(b, 32); /* mostly enough */
	if (b->error != ERR_OK)
		return;
	va_copy(again, ap);
	n = vsnprintf((char *)b->p + b->len, b->cap - b->len, fmt, ap);
	if (n >= 0 && (size_t)n >= b->cap - b->len) {
		buf_reserve(b, (size_t)n + 1);
		if (b->error == ERR_OK)
			vsnprintf(
			    (char *)b->p + b->len, (size_t)n + 1, fmt, again);
	}
	if (n >= 0 && b->error == ERR_OK)
		b->len += (size_t)n;
	va_end(again);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_resize(struct buf *b, size_t len)
{
	if (len > b->len) {
		buf_reserve(b, len - b->len);
		if (b->error != ERR_OK)
			return;
		memset(b->p + b->len, 0, len - b->len);
	}
	b->len = len;
}

struct bytes
buf_view(const struct buf *b)
{
	return bytes_of(b->p, b->len);
}

const char *
buf_str(struct buf *b)
{
	buf_reserve(b, 1);
	if (b->error != ERR_OK)
		return "";
	b->p[b->len] = '\0';
	return (const char *)b->p;
}

enum err_code
buf_error(const struct buf *b, struct err *err)
{
	if (b->error == ERR_OK)
		return ERR_OK;
	return err_set(err, b->error, "%s", err_text(b->error));
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->error = ERR_OK;
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}
