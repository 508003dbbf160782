#include "engine/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/text.h"

#define STRANGERS 20 /* lines a second */

__attribute__((format(printf, 2, 0))) static void
line(int level, const char *fmt, va_list ap)
{
	struct buf b = { 0 };
	char s[1200];
	int n;

	n = vsnprintf(s, sizeof(s), fmt, ap);
	if (n < 0)
		return;
	/* what strangers say must not look like a line of ours, nor reach the
	 * terminal of who reads it */
	if (!text_is_clean(bytes_text(s)))
		text_escape(&b, bytes_text(s));
	/* one call a line, so that threads do not mix their lines */
	if (getenv("JOURNAL_STREAM") != NULL)
		fprintf(stderr, "<%d>%s\n", level, b.len > 0 ? buf_str(&b) : s);
	else
		fprintf(stderr, "mdmfs: %s\n", b.len > 0 ? buf_str(&b) : s);
	buf_free(&b);
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

/* Whether one more line may be written now; *missed: how many were not. */
static bool
may_log(unsigned *missed)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static time_t second; /* protected by mutex, and these: */
	static unsigned lines, lost;
	time_t now = time(NULL);
	bool may;

	pthread_mutex_lock(&mutex);
	*missed = 0;
	if (now != second) {
		*missed = lost;
		second = now;
		lines = lost = 0;
	}
	may = lines < STRANGERS;
	lines += may;
	lost += !may;
	pthread_mutex_unlock(&mutex);
	return may;
}

void
log_stranger(const char *fmt, ...)
{
	unsigned missed;
	va_list ap;

	if (!may_log(&missed))
		return;
	if (missed > 0)
		log_warn("%u more refusals were not logged", missed);
	va_start(ap, fmt);
	line(4, fmt, ap);
	va_end(ap);
}
