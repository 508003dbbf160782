#include "engine/base/text.h"

#include <time.h>

/*
 * The length of the UTF-8 character at s (RFC 3629 4), 0 if there is none.
 */
static size_t
utf8_length(struct bytes s)
{
	uint8_t c = s.p[0];
	size_t n, i;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		n = 2;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4;
	else
		return 0;
	if (s.len < n)
		return 0;
	for (i = 1; i < n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && s.p[1] < 0xa0) || (c == 0xed && s.p[1] > 0x9f) ||
	    (c == 0xf0 && s.p[1] < 0x90) || (c == 0xf4 && s.p[1] > 0x8f))
		return 0;
	return n;
}

static bool
is_control(struct bytes s, size_t n)
{
	return (n == 1 && (s.p[0] < 0x20 || s.p[0] == 0x7f)) ||
	       (n == 2 && s.p[0] == 0xc2 && s.p[1] < 0xa0);
}

/* What ends a line or turns the order of letters around, so that a name is read
 * as another one: U+2028 to U+202E, U+2066 to U+2069. */
static bool
is_misleading(struct bytes s, size_t n)
{
	return n == 3 && s.p[0] == 0xe2 &&
	       ((s.p[1] == 0x80 && s.p[2] >= 0xa8 && s.p[2] <= 0xae) ||
		   (s.p[1] == 0x81 && s.p[2] >= 0xa6 && s.p[2] <= 0xa9));
}

static void
escape_byte(struct buf *b, uint8_t c)
{
	if (c == '\n')
		buf_text(b, "\\n");
	else if (c == '\t')
		buf_text(b, "\\t");
	else if (c == '\r')
		buf_text(b, "\\r");
	else
		buf_printf(b, "\\x%02x", c);
}

void
text_escape(struct buf *b, struct bytes s)
{
	while (s.len > 0) {
		size_t i, n = utf8_length(s);

		if (n == 0 || is_control(s, n) || is_misleading(s, n)) {
			n = n == 0 ? 1 : n;
			for (i = 0; i < n; i++)
				escape_byte(b, s.p[i]);
		} else if (s.p[0] == '\\') {
			buf_text(b, "\\\\");
		} else {
			buf_put(b, s.p, n);
		}
		s.p += n;
		s.len -= n;
	}
}

bool
text_is_clean(struct bytes s)
{
	while (s.len > 0) {
		size_t n = utf8_length(s);

		if (n == 0 || is_control(s, n))
			return false;
		s.p += n;
		s.len -= n;
	}
	return true;
}

void
text_url(struct buf *b, const char *s)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-._~";

	for (; *s != '\0'; s++)
		if (strchr(plain, *s) != NULL)
			buf_char(b, *s);
		else
			buf_printf(b, "%%%02X", (unsigned char)*s);
}

int
text_fit(struct bytes s, int max)
{
	int n = max;

	if (s.len <= (size_t)max)
		return (int)s.len;
	while (n > 0 && (s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

bool
text_is_utf8(struct bytes s)
{
	while (s.len > 0) {
		size_t n = utf8_length(s);

		if (n == 0)
			return false;
		s.p += n;
		s.len -= n;
	}
	return true;
}

static void
hex(struct buf *b, struct bytes s, const char *digits)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		buf_char(b, digits[s.p[i] >> 4]);
		buf_char(b, digits[s.p[i] & 15]);
	}
}

void
text_hex(struct buf *b, struct bytes s)
{
	hex(b, s, "0123456789abcdef");
}

void
text_hex_upper(struct buf *b, struct bytes s)
{
	hex(b, s, "0123456789ABCDEF");
}

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err_code
text_unhex(struct bytes s, struct buf *b, struct err *err)
{
	size_t i;

	if (s.len % 2 != 0)
		return err_set(err, ERR_UNDECODABLE, "half a hex byte");
	for (i = 0; i < s.len; i += 2) {
		int hi = digit(s.p[i]), lo = digit(s.p[i + 1]);

		if (hi < 0 || lo < 0)
			return err_set(
			    err, ERR_UNDECODABLE, "not a hex digit at %zu", i);
		buf_char(b, (char)(hi << 4 | lo));
	}
	return buf_error(b, err);
}

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
text_base64(struct buf *b, struct bytes s)
{
	buf_reserve(b, s.len / 3 * 4 + 4);
	for (; s.len > 0; s.p += 3) {
		uint32_t v = (uint32_t)s.p[0] << 16;

		if (s.len > 1)
			v |= (uint32_t)s.p[1] << 8;
		if (s.len > 2)
			v |= s.p[2];
		buf_char(b, base64[v >> 18]);
		buf_char(b, base64[v >> 12 & 63]);
		buf_char(b, s.len > 1 ? base64[v >> 6 & 63] : '=');
		buf_char(b, s.len > 2 ? base64[v & 63] : '=');
		if (s.len <= 3)
			break;
		s.len -= 3;
	}
}

static int
sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

enum err_code
text_unbase64(struct bytes s, struct buf *b, struct err *err)
{
	uint32_t v = 0;
	size_t i, n = 0, padding = 0;

	buf_reserve(b, s.len / 4 * 3 + 3);
	for (i = 0; i < s.len; i++) {
		int x = sextet(s.p[i]);

		if (is_space(s.p[i]))
			continue;
		if (s.p[i] == '=' && n % 4 >= 2 && padding < 2) {
			padding++;
			continue;
		}
		if (x < 0 || padding > 0)
			return err_set(
			    err, ERR_UNDECODABLE, "not base64 at byte %zu", i);
		v = v << 6 | (uint32_t)x;
		n++;
		if (n % 4 == 0) {
			uint8_t out[3] = { (uint8_t)(v >> 16),
				(uint8_t)(v >> 8), (uint8_t)v };
			buf_put(b, out, 3);
		}
	}
	if (n % 4 == 1)
		return err_set(err, ERR_UNDECODABLE, "base64 is cut short");
	if (n % 4 == 2)
		buf_char(b, (char)(v >> 4));
	if (n % 4 == 3) {
		buf_char(b, (char)(v >> 10));
		buf_char(b, (char)(v >> 2));
	}
	return buf_error(b, err);
}

static void
put_digits(char *s, int digits, int n)
{
	for (; digits > 0; n /= 10)
		s[--digits] = (char)('0' + n % 10);
}

void
text_time(struct buf *b, int64_t seconds)
{
	char s[] = "0000-00-00T00:00:00Z";
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL) {
		buf_printf(b, "@%lld", (long long)seconds);
		return;
	}
	if (tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
		buf_printf(b, "%lld-%02d-%02dT%02d:%02d:%02dZ",
		    tm.tm_year + 1900LL, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		return;
	}
	/* pages are full of them, and strftime() is slow */
	put_digits(s, 4, tm.tm_year + 1900);
	put_digits(s + 5, 2, tm.tm_mon + 1);
	put_digits(s + 8, 2, tm.tm_mday);
	put_digits(s + 11, 2, tm.tm_hour);
	put_digits(s + 14, 2, tm.tm_min);
	put_digits(s + 17, 2, tm.tm_sec);
	buf_put(b, s, sizeof(s) - 1);
}

/* Take digits and the character behind them off s: -1 if they are not there. */
static int
take_number(struct bytes *s, size_t digits, char after)
{
	size_t i, len = digits + (after != '\0');
	int n = 0;

	if (s->len < len)
		return -1;
	for (i = 0; i < digits; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return -1;
		n = n * 10 + (s->p[i] - '0');
	}
	if (after != '\0' && s->p[digits] != (uint8_t)after &&
	    s->p[digits] != (uint8_t)(after | 0x20))
		return -1;
	*s = bytes_of(s->p + len, s->len - len);
	return n;
}

/* Z or +hh:mm at the end of a time, in seconds east of UTC. */
static bool
take_zone(struct bytes s, int *ret)
{
	int sign, hours, minutes;

	if (s.len == 1 && (s.p[0] == 'Z' || s.p[0] == 'z')) {
		*ret = 0;
		return true;
	}
	if (s.len != 6 || (s.p[0] != '+' && s.p[0] != '-'))
		return false;
	sign = s.p[0] == '-' ? -1 : 1;
	s = bytes_of(s.p + 1, s.len - 1);
	hours = take_number(&s, 2, ':');
	minutes = take_number(&s, 2, '\0');
	*ret = sign * (hours * 60 + minutes) * 60;
	return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

enum err_code
text_untime(struct bytes s, int64_t *ret, struct err *err)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	struct tm tm = { 0 };
	int year = take_number(&s, 4, '-'), zone = 0, month, last;

	month = take_number(&s, 2, '-');
	tm.tm_mday = take_number(&s, 2, 'T');
	tm.tm_hour = take_number(&s, 2, ':');
	tm.tm_min = take_number(&s, 2, ':');
	tm.tm_sec = take_number(&s, 2, '\0');
	if (s.len > 1 && s.p[0] == '.')
		do
			s = bytes_of(s.p + 1, s.len - 1);
		while (s.len > 0 && s.p[0] >= '0' && s.p[0] <= '9');
	if (year < 1 || month < 1 || month > 12 || tm.tm_hour < 0 ||
	    tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 ||
	    tm.tm_sec < 0 || tm.tm_sec > 60 || !take_zone(s, &zone))
		goto wrong;
	last = days[month - 1] + (month == 2 && year % 4 == 0 &&
				     (year % 100 != 0 || year % 400 == 0));
	if (tm.tm_mday < 1 || tm.tm_mday > last)
		goto wrong;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	*ret = (int64_t)timegm(&tm) - zone;
	return ERR_OK;
wrong:
	return err_set(err, ERR_INVALID,
	    "a time like 2026-11-25T14:11:00Z (RFC 3339) is expected");
}

void
text_xml(struct buf *b, struct bytes s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		switch (s.p[i]) {
		case '&':
			buf_text(b, "&amp;");
			break;
		case '<':
			buf_text(b, "&lt;");
			break;
		case '>':
			buf_text(b, "&gt;");
			break;
		case '"':
			buf_text(b, "&quot;");
			break;
		default:
			buf_char(b, (char)s.p[i]);
		}
	}
}

struct bytes
text_trim(struct bytes s)
{
	while (s.len > 0 && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

bool
text_line(struct bytes *rest, struct bytes *line)
{
	const uint8_t *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->p, '\n', rest->len);
	*line = bytes_of(
	    rest->p, end == NULL ? rest->len : (size_t)(end - rest->p));
	rest->p += line->len;
	rest->len -= line->len;
	if (end != NULL) {
		rest->p++;
		rest->len--;
	}
	if (line->len > 0 && line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

void
text_uuid(struct buf *b, const uint8_t random[static 16])
{
	uint8_t u[16];
	size_t i;

	memcpy(u, random, 16);
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf_char(b, '-');
		text_hex_upper(b, bytes_of(u + i, 1));
	}
}
