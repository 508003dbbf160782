#include "engine/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void
line(int level, const char *fmt, va_list ap)
{
	char s[1200];
	int n;

	n = vsnprintf(s, sizeof(s), fmt, ap);
	if (n < 0)
		return;
	/* one call a line, so that threads do not mix their lines */
	if (getenv("JOURNAL_STREAM") != NULL)
		fprintf(stderr, "<%d>%s\n", level, s);
	else
		fprintf(stderr, "mdmfs: %s\n", s);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(3, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(4, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(6, fmt, ap);
	va_end(ap);
}
