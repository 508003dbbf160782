#include "mdmfs/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int sys;
	int http;
	const char *text;
} codes[] = {
	{ "OK", 0, 200, "no error" },
#define ERR(name, sys, http, text) { #name, sys, http, text },
#include "mdmfs/err.tbl"
};

/* Cut s at the last whole UTF-8 character before its end. */
static void
cut_at_character(char *s)
{
	size_t len = strlen(s), start = len, need = 1;

	while (start > 0 && ((unsigned char)s[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	start--;
	if (((unsigned char)s[start] & 0xe0) == 0xc0)
		need = 2;
	else if (((unsigned char)s[start] & 0xf0) == 0xe0)
		need = 3;
	else if (((unsigned char)s[start] & 0xf8) == 0xf0)
		need = 4;
	if (len - start < need)
		s[start] = '\0';
}

__attribute__((format(printf, 3, 0))) static void
format(char *p, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(p, size, fmt, ap);

	if (n < 0)
		p[0] = '\0';
	else if ((size_t)n >= size)
		cut_at_character(p);
}

enum err_code
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	err->code = code;
	va_start(ap, fmt);
	format(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return code;
}

enum err_code
err_context(struct err *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)], front[sizeof(err->msg)];
	va_list ap;

	if (err == NULL)
		return ERR_INTERNAL;
	va_start(ap, fmt);
	format(front, sizeof(front), fmt, ap);
	va_end(ap);
	memcpy(old, err->msg, sizeof(old));
	if ((size_t)snprintf(err->msg, sizeof(err->msg), "%s: %s", front,
		old) >= sizeof(err->msg))
		cut_at_character(err->msg);
	return err->code;
}

enum err_code
err_add(struct err *err, enum err_code code, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	if (err == NULL)
		return code;
	if (err->code == ERR_OK) {
		err->code = code;
		err->msg[0] = '\0';
	}
	len = strlen(err->msg);
	if (len > 0 && len + 2 < sizeof(err->msg))
		err->msg[len++] = '\n';
	va_start(ap, fmt);
	format(err->msg + len, sizeof(err->msg) - len, fmt, ap);
	va_end(ap);
	return err->code;
}

int
err_errno(enum err_code code)
{
	return codes[code].sys;
}

int
err_http(enum err_code code)
{
	return codes[code].http;
}

const char *
err_text(enum err_code code)
{
	return codes[code].text;
}

const char *
err_name(enum err_code code)
{
	return codes[code].name;
}
