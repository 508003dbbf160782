#include "fs/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#define WIDTH  80
#define INDENT 6 /* of cause and remedy */

struct line {
	enum doctor_exit state; /* never UNKNOWN */
	struct bytes name, whose, cause, remedy;
};

struct page {
	struct line *lines;
	size_t n;
	size_t count[DOCTOR_CRITICAL + 1];
};

static const char *const states[] = { "pass", "warn", "FAIL" };

/* ---- reading ------------------------------------------------------------ */

static struct bytes
field(struct bytes *rest, char end)
{
	const uint8_t *p =
	    rest->len == 0 ? NULL : memchr(rest->p, end, rest->len);
	struct bytes f = *rest;

	if (p != NULL)
		f.len = (size_t)(p - rest->p);
	rest->p += p == NULL ? f.len : f.len + 1;
	rest->len -= p == NULL ? f.len : f.len + 1;
	return f;
}

static bool
read_line(struct bytes text, struct line *l)
{
	struct bytes state = field(&text, '\t');
	unsigned i = 0;

	while (i < 3 && !bytes_equal(state, bytes_text(states[i])))
		i++;
	l->state = (enum doctor_exit)i;
	l->name = field(&text, '\t');
	l->whose = field(&text, '\t');
	l->cause = field(&text, '\t');
	l->remedy = field(&text, '\t');
	return i < 3 && l->name.len > 0 && l->cause.len > 0;
}

/* N of "days-left=N"; LONG_MAX if there is none. */
static long
days_left(const struct line *l)
{
	static const char word[] = "days-left=";
	const char *p =
	    memmem(l->cause.p, l->cause.len, word, sizeof(word) - 1);
	char number[24];
	size_t n;

	if (p == NULL)
		return LONG_MAX;
	p += sizeof(word) - 1;
	n = (size_t)((const char *)l->cause.p + l->cause.len - p);
	if (n >= sizeof(number))
		n = sizeof(number) - 1;
	memcpy(number, p, n);
	number[n] = '\0';
	return strtol(number, NULL, 10);
}

static void
apply_days(struct line *l, long days)
{
	if (days < 0 || l->state == DOCTOR_CRITICAL || days_left(l) > days)
		return;
	l->state = DOCTOR_CRITICAL;
	if (bytes_equal(l->remedy, bytes_text("-")))
		l->remedy = bytes_text("renew it before it ends, "
				       "status/certificates says how");
}

static bool
read_page(struct bytes text, long days, struct page *ret)
{
	struct page p = { 0 };
	size_t i, max = 1;

	for (i = 0; i < text.len; i++)
		max += text.p[i] == '\n';
	p.lines = calloc(max, sizeof(*p.lines));
	while (p.lines != NULL && text.len > 0) {
		struct line *l = &p.lines[p.n];

		if (!read_line(field(&text, '\n'), l)) {
			p.n = 0;
			break;
		}
		apply_days(l, days);
		p.count[l->state]++;
		p.n++;
	}
	*ret = p;
	return p.n > 0;
}

/* ---- showing ------------------------------------------------------------ */

/* The columns that a word takes; what cannot be shown becomes a '?'. */
static size_t
word(struct bytes s, struct buf *ret)
{
	mbstate_t state = { 0 };
	size_t columns = 0;
	wchar_t c;

	while (s.len > 0) {
		size_t n = mbrtowc(&c, (const char *)s.p, s.len, &state);
		int width = n == 0 || n > s.len ? -1 : wcwidth(c);

		if (width >= 0) {
			buf_put(ret, s.p, n);
			columns += (size_t)width;
		} else {
			buf_char(ret, '?');
			columns++;
			state = (mbstate_t){ 0 };
			if (n == 0 || n > s.len)
				n = 1;
		}
		s.p += n;
		s.len -= n;
	}
	return columns;
}

/* Text behind lead, in lines of WIDTH columns, the further ones indented. */
static void
paragraph(struct buf *b, const char *lead, struct bytes text)
{
	struct buf w = { 0 };
	size_t column = strlen(lead), used;
	bool first = true;

	buf_text(b, lead);
	while (text.len > 0) {
		buf_reset(&w);
		used = word(field(&text, ' '), &w);
		if (!first && column + 1 + used > WIDTH) {
			buf_printf(b, "\n%*s", INDENT, "");
			column = INDENT;
		} else if (!first) {
			buf_char(b, ' ');
			column++;
		}
		first = false;
		buf_bytes(b, buf_view(&w));
		column += used;
	}
	buf_char(b, '\n');
	buf_free(&w);
}

static void
show_pretty(const struct line *l, struct buf *b)
{
	static const char *const leads[] = { "pass  ", "warn  ", "FAIL  " };
	struct buf head = { 0 };

	word(l->name, &head);
	if (!bytes_equal(l->whose, bytes_text("-"))) {
		buf_text(&head, " of ");
		word(l->whose, &head);
	}
	paragraph(b, leads[l->state], buf_view(&head));
	paragraph(b, "      ", l->cause);
	if (!bytes_equal(l->remedy, bytes_text("-")))
		paragraph(b, "   -> ", l->remedy);
	buf_free(&head);
}

static void
show_plain(const struct line *l, struct buf *b)
{
	const struct bytes fields[] = { l->name, l->whose, l->cause,
		l->remedy };
	size_t i;

	buf_text(b, states[l->state]);
	for (i = 0; i < 4; i++) {
		buf_char(b, '\t');
		buf_bytes(b, fields[i]);
	}
	buf_char(b, '\n');
}

static void
show_group(
    const struct page *p, enum doctor_exit state, bool pretty, struct buf *b)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->lines[i].state != state)
			continue;
		if (pretty)
			show_pretty(&p->lines[i], b);
		else
			show_plain(&p->lines[i], b);
	}
	if (pretty && p->count[state] > 0)
		buf_char(b, '\n');
}

enum doctor_exit
doctor_show(struct bytes text, long days, bool pretty, struct buf *ret)
{
	enum doctor_exit worst = DOCTOR_UNKNOWN;
	struct page p;
	int i, state;

	if (read_page(text, days, &p)) {
		worst = DOCTOR_OK;
		for (i = DOCTOR_OK; i <= DOCTOR_CRITICAL; i++) {
			state = pretty ? i : DOCTOR_CRITICAL - i;
			show_group(&p, (enum doctor_exit)state, pretty, ret);
			if (p.count[state] > 0 && state > (int)worst)
				worst = (enum doctor_exit)state;
		}
		if (pretty)
			buf_printf(ret, "%zu fail, %zu warn, %zu pass\n",
			    p.count[DOCTOR_CRITICAL], p.count[DOCTOR_WARNING],
			    p.count[DOCTOR_OK]);
	}
	free(p.lines);
	return worst;
}

/* ---- the program -------------------------------------------------------- */

/* A line as of the page, so that whoever reads those can read this one. */
static int
unknown(const char *path, const char *why)
{
	printf("UNKNOWN\tmount\t-\t%s: %s\tis the server running, and mounted "
	       "there? mdmfs STATE_DIR MOUNTPOINT\n",
	    path, why);
	return DOCTOR_UNKNOWN;
}

/* 0, or errno. */
static int
read_file(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	char part[65536];
	ssize_t n;

	if (fd < 0)
		return errno;
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_put(b, part, (size_t)n);
	if (n < 0)
		rc = errno;
	else if (b->error != ERR_OK)
		rc = ENOMEM;
	close(fd);
	return rc;
}

static int
examine(const char *mountpoint, long days)
{
	struct buf page = { 0 }, shown = { 0 };
	enum doctor_exit rc = DOCTOR_UNKNOWN;
	char *path = NULL;
	int error = ENOMEM;

	if (asprintf(&path, "%s/status/doctor", mountpoint) < 0)
		path = NULL;
	if (path != NULL && (error = read_file(path, &page)) == 0)
		rc = doctor_show(
		    buf_view(&page), days, isatty(STDOUT_FILENO) == 1, &shown);
	if (error != 0)
		unknown(path == NULL ? mountpoint : path, strerror(error));
	else if (rc == DOCTOR_UNKNOWN || shown.error != ERR_OK)
		rc = (enum doctor_exit)unknown(
		    path, "it is not a page of mdmfs");
	else
		fwrite(shown.p, 1, shown.len, stdout);
	if (fflush(stdout) != 0)
		rc = DOCTOR_UNKNOWN;
	free(path);
	buf_free(&page);
	buf_free(&shown);
	return (int)rc;
}

int
doctor_main(int argc, char **argv)
{
	long days = -1;
	char *end = NULL;

	if (argc == 5 && strcmp(argv[2], "--days") == 0) {
		days = strtol(argv[3], &end, 10);
		if (end != argv[3] && *end == '\0' && days >= 0)
			return examine(argv[4], days);
	} else if (argc == 3 && argv[2][0] != '-') {
		return examine(argv[2], days);
	}
	fprintf(stderr, "Usage: mdmfs doctor [--days N] MOUNTPOINT\n");
	return DOCTOR_UNKNOWN; /* 2 would be: critical */
}
