#include "engine/wire/head_priv.h"

#include <string.h>
#include <strings.h>

#include "engine/base/text.h"

/* RFC 9112 2.2: a client may send some after a body. */
#define EMPTY_LINES_MAX 8

static int
too_long(const struct head_scan *s, size_t end)
{
	if (s->headers == 0)
		return end - s->line > HEAD_LINE_MAX ? 414 : 0;
	return end - s->line > HEAD_LINE_MAX || end - s->headers > HEAD_MAX
	           ? 431
	           : 0;
}

/* The line without its CR LF. */
static int
judge_line(struct head_scan *s, struct bytes line)
{
	if (line.len == 0)
		return s->headers != 0 ? HEAD_DONE : HEAD_MORE;
	if (memchr(line.p, '\r', line.len) != NULL ||
	    memchr(line.p, '\0', line.len) != NULL)
		return 400;
	/* RFC 9112 5.2: obs-fold; a way to hide a header from a proxy */
	if (s->headers != 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
		return 400;
	return HEAD_MORE;
}

int
head_scan(struct head_scan *s, struct bytes so_far, size_t *end)
{
	const uint8_t *lf;
	size_t next;
	int rc;

	while (s->looked < so_far.len) {
		lf = memchr(so_far.p + s->looked, '\n', so_far.len - s->looked);
		if (lf == NULL) {
			s->looked = so_far.len;
			return too_long(s, so_far.len);
		}
		next = (size_t)(lf - so_far.p) + 1;
		if ((rc = too_long(s, next)) != 0)
			return rc;
		if (next - s->line < 2 || lf[-1] != '\r')
			return 400;
		rc = judge_line(
		    s, bytes_of(so_far.p + s->line, next - s->line - 2));
		if (rc == HEAD_DONE)
			*end = next;
		if (rc != HEAD_MORE)
			return rc;
		if (s->headers == 0 && next - s->line == 2) {
			if (next > EMPTY_LINES_MAX * 2)
				return 400;
			s->start = next;
		} else if (s->headers == 0) {
			s->headers = next;
		}
		s->line = next;
		s->looked = next;
	}
	return HEAD_MORE;
}

bool
head_name_ok(struct bytes name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9')) &&
		    (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return name.len > 0;
}

bool
head_value_ok(struct bytes value)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if ((value.p[i] < 0x20 && value.p[i] != '\t') ||
		    value.p[i] == 0x7f)
			return false;
	return true;
}

static int
hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
decode(struct bytes s, struct buf *b, size_t *slash)
{
	size_t i, start = b->len;

	for (i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c == '%') {
			if (s.len - i < 3 || hex(s.p[i + 1]) < 0 ||
			    hex(s.p[i + 2]) < 0)
				return false;
			c = (uint8_t)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			if (c == '/' && *slash == SIZE_MAX)
				*slash = b->len - start;
			i += 2;
		}
		buf_char(b, (char)c);
	}
	return b->error == ERR_OK &&
	       text_is_clean(bytes_of(b->p + start, b->len - start));
}

/* RFC 3986 5.2.4 is the client's work; what is left of it is an attack. */
static bool
has_dots(struct bytes path)
{
	size_t i = 0, end;

	while (i < path.len) {
		for (end = i; end < path.len && path.p[end] != '/'; end++)
			;
		if (bytes_equal(
			bytes_of(path.p + i, end - i), bytes_text(".")) ||
		    bytes_equal(
			bytes_of(path.p + i, end - i), bytes_text("..")))
			return true;
		i = end + 1;
	}
	return false;
}

/* Take "https://host" off the front of target. */
static bool
take_host(struct bytes *target, struct bytes *host)
{
	static const char *const schemes[] = { "https://", "http://" };
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = strlen(schemes[i]);
		if (target->len > n &&
		    strncasecmp((const char *)target->p, schemes[i], n) == 0)
			break;
	}
	if (i == 2)
		return false;
	target->p += n;
	target->len -= n;
	for (n = 0; n < target->len; n++)
		if (target->p[n] == '/' || target->p[n] == '?')
			break;
	*host = bytes_of(target->p, n);
	target->p += n;
	target->len -= n;
	return n > 0;
}

bool
head_target(struct bytes target, struct buf *path, size_t *slash,
    struct bytes *query, struct bytes *host)
{
	const uint8_t *mark;
	size_t i, start = path->len;

	*query = *host = BYTES_NONE;
	*slash = SIZE_MAX;
	for (i = 0; i < target.len; i++)
		if (target.p[i] <= 0x20 || target.p[i] >= 0x7f)
			return false;
	if (target.len == 0)
		return false;
	if (target.p[0] != '/' && !take_host(&target, host))
		return false;
	mark = target.len > 0 ? memchr(target.p, '?', target.len) : NULL;
	if (mark != NULL) {
		size_t n = (size_t)(mark - target.p);

		*query = bytes_of(mark + 1, target.len - n - 1);
		target.len = n;
	}
	if (target.len == 0)
		target = bytes_text("/");
	return decode(target, path, slash) &&
	       !has_dots(bytes_of(path->p + start, path->len - start));
}
