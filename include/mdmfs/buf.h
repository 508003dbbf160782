/*
 * buf.h - bytes that grow.
 *
 * A struct buf latches its first error: append as often as you like and ask
 * buf_error() once.  A zeroed struct buf is empty and usable.
 */
#ifndef MDMFS_BUF_H
#define MDMFS_BUF_H

#include <stdarg.h>

#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

struct buf {
	uint8_t *p;
	size_t len;
	size_t cap;
	enum err_code error; /* ERR_NO_MEMORY once an append has failed */
};

void buf_put(struct buf *b, const void *p, size_t len);
void buf_bytes(struct buf *b, struct bytes bytes);
void buf_text(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Make the length len; new bytes are zero. */
void buf_resize(struct buf *b, size_t len);

/* Make room for len more bytes, so that the next appends cannot fail. */
void buf_reserve(struct buf *b, size_t len);

/* What was appended; good until the next change of b. */
struct bytes buf_view(const struct buf *b);

/* The contents with a NUL behind them (not counted); "" after an error. */
const char *buf_str(struct buf *b);

/* ERR_OK or the latched error, also into err. */
enum err_code buf_error(const struct buf *b, struct err *err);

/* Empty it, keep the memory, forget the error. */
void buf_reset(struct buf *b);

void buf_free(struct buf *b);

/* The same, with the bytes wiped first: for secrets. */
void buf_wipe(struct buf *b);

#endif
