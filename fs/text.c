#include "fs/text.h"

#include <time.h>

void
text_line_safe(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\\')
			buf_text(b, "\\\\");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else
			buf_char(b, *s);
	}
}

void
text_unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] == '\\')
			s++;
		*to++ = *s;
	}
	*to = '\0';
}

void
text_rfc3339(struct buf *b, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char s[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL &&
	    strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		buf_text(b, s);
}

void
text_fault(struct buf *b, const char *path, const struct err *err)
{
	const char *line = err->msg;

	do {
		size_t n = strcspn(line, "\n");

		buf_printf(b, "%s: %s: %.*s\n", path,
		    strerrorname_np(err_errno(err->code)), (int)n, line);
		line += n + (line[n] != '\0');
	} while (*line != '\0');
}
