#include "engine/schema/page.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/schema/command_text.h"
#include "engine/schema/page_priv.h"

#define SHELL_END "> devices/UDID/commands/NAME"

/* Words that go into lines. */
struct lines {
	struct buf *b;
	unsigned indent; /* of the first line */
	unsigned more;   /* of the others beyond that */
	size_t width;
	size_t column; /* 0: a line begins */
};

static void
put_word(struct lines *l, struct bytes word)
{
	if (l->column > l->indent && l->column + 1 + word.len > l->width) {
		buf_char(l->b, '\n');
		l->indent += l->more;
		l->more = 0;
		l->column = 0;
	}
	if (l->column > 0)
		buf_char(l->b, ' ');
	else
		buf_printf(l->b, "%*s", (int)l->indent, "");
	l->column += word.len + (l->column > 0 ? 1 : l->indent);
	buf_bytes(l->b, word);
}

/* How long the word is that text begins with; blanks in quotes are its own. */
static size_t
word_length(const char *text, bool quotes)
{
	size_t n = 0;
	bool inside = false;

	for (; text[n] != '\0' && (inside || text[n] != ' '); n++)
		if (quotes && text[n] == '"')
			inside = !inside;
	return n;
}

static void
put_words(struct lines *l, const char *text, bool quotes)
{
	size_t n;

	for (text += strspn(text, " "); *text != '\0';
	     text += n, text += strspn(text, " ")) {
		n = word_length(text, quotes);
		put_word(l, bytes_of(text, n));
	}
}

void
page_wrap(struct buf *b, unsigned indent, const char *text)
{
	struct lines l = { b, indent, 0, PAGE_WIDTH, 0 };

	put_words(&l, text, false);
	if (l.column > 0)
		buf_char(b, '\n');
}

/* The line for a shell.  A command may be of several lines, so it is broken
 * inside of its quotes. */
static void
written(const char *text, const char *file, struct buf *b)
{
	/* with room for a backslash */
	struct lines l = { b, 4, 4, PAGE_WIDTH - 2, 0 };
	struct buf quoted = { 0 };

	buf_text(&quoted, "'");
	for (; *text != '\0'; text++)
		buf_printf(&quoted, *text == '\'' ? "'\\''" : "%c", *text);
	buf_text(&quoted, file != NULL ? "';" : "'");
	put_words(&l, file != NULL ? "{ echo" : "echo", false);
	put_words(&l, buf_str(&quoted), true);
	if (file != NULL) {
		buf_reset(&quoted);
		buf_printf(&quoted, "cat %s;", file);
		put_word(&l, buf_view(&quoted));
		put_word(&l, bytes_text("}"));
	}
	if (l.column + 1 + strlen(SHELL_END) > PAGE_WIDTH)
		buf_text(b, " \\\n       ");
	buf_printf(b, " %s\n", SHELL_END);
	buf_free(&quoted);
}

static void
as_plist(const struct schema *schema, struct schema_example *x, struct buf *b)
{
	struct buf xml = { 0 };
	struct bytes rest, line;
	struct pl *command = NULL;

	if (x->file != NULL ||
	    schema_command_from_text(
		schema, buf_view(&x->text), &command, NULL) != ERR_OK)
		return;
	pl_write_xml(command, &xml);
	buf_text(b, "\nAs a property list:\n\n");
	rest = buf_view(&xml);
	while (text_line(&rest, &line)) {
		/* those two are not needed, and long */
		if (bytes_begin(line, bytes_text("<?xml")) ||
		    bytes_begin(line, bytes_text("<!DOCTYPE")))
			continue;
		buf_text(b, "    ");
		buf_bytes(b, line);
		buf_char(b, '\n');
	}
	pl_free(command);
	buf_free(&xml);
}

static void
example(
    const struct schema *schema, const struct schema_type *type, struct buf *b)
{
	struct schema_example x = { 0 };
	struct lines l = { b, 4, 4, PAGE_WIDTH, 0 };

	if (schema_example_of(schema, type, &x)) {
		buf_text(b, "\nEXAMPLE\n\n");
		put_words(&l, buf_str(&x.text), true);
		buf_text(b, "\n\nWritten by a shell:\n\n");
		written(buf_str(&x.text), x.file, b);
		as_plist(schema, &x, b);
	}
	buf_free(&x.text);
}

void
schema_page(const struct schema *schema, const struct schema_type *type,
    const char *goes, struct buf *b)
{
	struct buf by = { 0 };

	buf_printf(b, "%s\n\n", type->name);
	page_facts(type, b);
	page_wrap(b, 0, goes);
	page_keys(type, b);
	example(schema, type, b);
	buf_char(b, '\n');
	buf_printf(&by, "(by %s)", schema_release(schema));
	page_wrap(b, 0, buf_str(&by));
	buf_free(&by);
}
