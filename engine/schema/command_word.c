/* The words of a command's text: quotes, escapes, comments. */
#include "engine/schema/command_priv.h"

static bool
is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void
skip(struct bytes *rest, unsigned *line)
{
	if (rest->p[0] == '\n')
		++*line;
	rest->p++;
	rest->len--;
}

/* Blanks and comments in front of a word. */
static void
skip_blanks(struct bytes *rest, unsigned *line)
{
	while (rest->len > 0) {
		if (rest->p[0] == '#')
			while (rest->len > 0 && rest->p[0] != '\n')
				skip(rest, line);
		else if (is_blank(rest->p[0]))
			skip(rest, line);
		else
			return;
	}
}

/* Behind a backslash in "...". */
static char
escaped(uint8_t c)
{
	if (c == 'n')
		return '\n';
	return c == 't' ? '\t' : (char)c;
}

static enum err_code
quoted(struct bytes *rest, unsigned *line, struct word *w, struct err *err)
{
	uint8_t quote = rest->p[0];
	unsigned begin = *line;

	skip(rest, line);
	w->quoted = true;
	while (rest->len > 0 && rest->p[0] != quote) {
		uint8_t c = rest->p[0];

		if (quote == '"' && c == '\\' && rest->len > 1) {
			skip(rest, line);
			c = (uint8_t)escaped(rest->p[0]);
		}
		buf_char(&w->text, (char)c);
		skip(rest, line);
	}
	if (rest->len == 0)
		return err_set(err, ERR_UNDECODABLE,
		    "line %u: the quote %c is not closed", begin, quote);
	skip(rest, line);
	return ERR_OK;
}

enum err_code
word_next(struct bytes *rest, unsigned *line, struct word *w, bool *found,
    struct err *err)
{
	enum err_code e;

	skip_blanks(rest, line);
	buf_reset(&w->text);
	w->has_equals = false;
	w->quoted = false;
	w->line = *line;
	*found = rest->len > 0;
	while (rest->len > 0 && !is_blank(rest->p[0])) {
		uint8_t c = rest->p[0];

		if (c == '\'' || c == '"') {
			if ((e = quoted(rest, line, w, err)) != ERR_OK)
				return e;
			continue;
		}
		if (c == '=' && !w->has_equals) {
			w->has_equals = true;
			w->equals = w->text.len;
		}
		buf_char(&w->text, c == ',' ? WORD_COMMA : (char)c);
		skip(rest, line);
	}
	return buf_error(&w->text, err);
}
