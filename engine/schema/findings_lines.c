/*
 * Lines of findings: the document was parsed, so its tags can be trusted to be
 * balanced; what does not look like that ends the search.
 */
#include <string.h>

#include "engine/base/pl.h"
#include "engine/base/text.h"
#include "engine/schema/findings.h"

#define LEVELS 80 /* validate_priv.h: WALK_DEPTH_MAX */

struct level {
	bool array;
	size_t path;  /* its length, with this level's step */
	size_t items; /* of an array so far */
};

struct search {
	struct schema_findings *s;
	struct bytes rest;
	unsigned line;
	struct buf path;
	struct level levels[LEVELS];
	size_t depth;
	unsigned key_line; /* where the key of the next value stands */
	bool has_key;
};

static void
skip(struct search *x, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		x->line += x->rest.p[i] == '\n';
	x->rest.p += n;
	x->rest.len -= n;
}

/* Up to and with the text; false if it does not come. */
static bool
skip_past(struct search *x, const char *text, struct bytes *before)
{
	size_t len = strlen(text);
	const uint8_t *at =
	    x->rest.len == 0 ? NULL : memmem(x->rest.p, x->rest.len, text, len);

	if (at == NULL)
		return false;
	if (before != NULL)
		*before = bytes_of(x->rest.p, (size_t)(at - x->rest.p));
	skip(x, (size_t)(at - x->rest.p) + len);
	return true;
}

/* The findings at the path and below get the line: what is missing has that of
 * the dictionary that misses it, what is inside of data that of the data. */
static void
found(struct search *x, unsigned line)
{
	const char *path = buf_str(&x->path);
	size_t i, len = x->path.len;

	for (i = 0; i < x->s->n; i++) {
		struct schema_finding *f = &x->s->list[i];
		bool same = strcmp(f->path, path) == 0;
		bool child =
		    strncmp(f->path, path, len) == 0 &&
		    (len == 0 || f->path[len] == '/' || f->path[len] == '[');

		if (same || child)
			f->line = line;
	}
}

/* A value begins: its step joins the path. */
static void
begin(struct search *x, bool container, bool is_array)
{
	struct level *top = x->depth > 0 ? &x->levels[x->depth - 1] : NULL;
	unsigned line = x->has_key ? x->key_line : x->line;

	/* a key's step is there already */
	if (top != NULL && top->array)
		buf_printf(&x->path, "[%zu]", top->items++);
	x->has_key = false;
	found(x, line);
	if (container)
		x->levels[x->depth++] =
		    (struct level){ is_array, x->path.len, 0 };
	else
		buf_resize(&x->path, top != NULL ? top->path : 0);
}

static void
end(struct search *x)
{
	if (x->depth == 0)
		return;
	x->depth--;
	buf_resize(&x->path, x->depth > 0 ? x->levels[x->depth - 1].path : 0);
}

static bool
key(struct search *x)
{
	unsigned line = x->line;
	struct bytes name;
	struct level *top = x->depth > 0 ? &x->levels[x->depth - 1] : NULL;

	if (!skip_past(x, "</key>", &name) || top == NULL || top->array)
		return false;
	buf_resize(&x->path, top->path);
	if (x->path.len > 0)
		buf_char(&x->path, '/');
	text_escape(&x->path, bytes_of(name.p, (size_t)text_fit(name, 100)));
	x->key_line = line;
	x->has_key = true;
	return true;
}

static bool
is(struct bytes tag, const char *name)
{
	size_t n = strlen(name);

	return tag.len >= n && memcmp(tag.p, name, n) == 0 &&
	       (tag.len == n || strchr(" \t\r\n/", tag.p[n]) != NULL);
}

/* Behind "<TAG>". */
static bool
element(struct search *x, struct bytes tag)
{
	bool empty = tag.len > 0 && tag.p[tag.len - 1] == '/';
	bool dict = is(tag, "dict"), list = is(tag, "array");
	char close[40];

	if (tag.len == 0 || is(tag, "plist"))
		return true;
	if (tag.p[0] == '/') {
		if (is(tag, "/dict") || is(tag, "/array"))
			end(x);
		return true;
	}
	if (is(tag, "key"))
		return key(x);
	if (x->depth == LEVELS)
		return false;
	begin(x, dict || list, list);
	if (empty && (dict || list))
		end(x);
	if (empty || dict || list)
		return true;
	if (tag.len + 4 > sizeof(close) || memchr(tag.p, ' ', tag.len) != NULL)
		return true;
	close[0] = '<';
	close[1] = '/';
	memcpy(close + 2, tag.p, tag.len);
	close[tag.len + 2] = '>';
	close[tag.len + 3] = '\0';
	return skip_past(x, close, NULL);
}

static bool
next(struct search *x)
{
	struct bytes tag;

	if (!skip_past(x, "<", NULL))
		return false;
	if (bytes_begin(x->rest, bytes_text("!--")))
		return skip_past(x, "-->", NULL);
	if (!skip_past(x, ">", &tag))
		return false;
	if (tag.len > 0 && (tag.p[0] == '?' || tag.p[0] == '!'))
		return true;
	return element(x, tag);
}

void
schema_findings_lines(struct schema_findings *s, struct bytes document)
{
	struct search x = { .s = s, .rest = document, .line = 1 };

	if (s->n == 0 || !pl_looks_like(document) ||
	    bytes_begin(document, bytes_text("bplist")))
		return;
	while (buf_error(&x.path, NULL) == ERR_OK && next(&x))
		;
	buf_free(&x.path);
}
