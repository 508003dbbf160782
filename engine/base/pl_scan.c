#include "engine/base/pl_scan.h"

#include <strings.h>

#include "engine/base/pl_priv.h"
#include "engine/base/pl_scan_priv.h"

/* The piece that is being looked at. */
struct piece {
	const uint8_t *begin;
	const uint8_t *p;
	const uint8_t *end;
	struct err *err;
};

void
pl_scan_init(struct pl_scan *scan)
{
	*scan = (struct pl_scan){ .state = START };
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' ||
	       c == '.' || c >= 0x80;
}

/* False if the word would be too long. */
static bool
word_add(struct pl_scan *s, uint8_t c)
{
	if (s->word_len + 1U >= sizeof(s->word))
		return false;
	s->word[s->word_len++] = (char)c;
	s->word[s->word_len] = '\0';
	return true;
}

static void
word_begin(struct pl_scan *s)
{
	s->word_len = 0;
	s->word[0] = '\0';
}

static bool
word_is(const struct pl_scan *s, const char *word)
{
	return strcmp(s->word, word) == 0;
}

/* ---- the beginning ------------------------------------------------------ */

static enum err_code
on_start(struct pl_scan *s, struct piece *x)
{
	uint8_t c = *x->p;

	if (c == 0xef && s->offset == 0 && x->p == x->begin) {
		s->state = BOM;
		s->matched = 1;
	} else if (c == 'b' && s->offset == 0 && x->p == x->begin) {
		s->state = BINARY_MARK;
		s->matched = 1;
	} else if (c == '<') {
		s->state = MARKUP;
	} else if (!is_space(c)) {
		return err_set(x->err, ERR_UNDECODABLE,
		    "%s, not a property list: '<' or \"bplist\" expected",
		    pl_guess(bytes_of(x->p, (size_t)(x->end - x->p))));
	}
	x->p++;
	return ERR_OK;
}

static enum err_code
on_bom(struct pl_scan *s, struct piece *x)
{
	static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };

	if (*x->p++ != bom[s->matched])
		return err_set(
		    x->err, ERR_UNDECODABLE, "text, not a property list");
	s->matched++;
	if (s->matched == sizeof(bom))
		s->state = CONTENT;
	return ERR_OK;
}

static enum err_code
on_binary_mark(struct pl_scan *s, struct piece *x)
{
	static const char mark[] = "bplist00";

	if (*x->p != (uint8_t)mark[s->matched])
		return err_set(x->err, ERR_UNDECODABLE,
		    s->matched < 6
			? "text, not a property list"
			: "a binary property list of an unknown version: "
			  "bplist00 expected");
	x->p++;
	s->matched++;
	if (mark[s->matched] == '\0')
		s->state = BINARY;
	return ERR_OK;
}

static enum err_code
on_binary(struct pl_scan *s, struct piece *x)
{
	(void)s;
	x->p = x->end;
	return ERR_OK;
}

/* ---- between tags ------------------------------------------------------- */

static enum err_code
on_content(struct pl_scan *s, struct piece *x)
{
	uint8_t c = *x->p;

	if (c == '<') {
		s->state = MARKUP;
	} else if (!is_space(c)) {
		if (s->tag_flags & ENDED)
			return err_set(x->err, ERR_UNDECODABLE,
			    "something follows </plist>: the document must end "
			    "there");
		return err_set(x->err, ERR_UNDECODABLE,
		    "text stands where a tag is expected%s%s",
		    s->depth > 0 ? ", in a " : "",
		    pl_tag_name(pl_scan_top(s) & ~HAS_KEY));
	}
	x->p++;
	return ERR_OK;
}

static enum err_code
on_markup(struct pl_scan *s, struct piece *x)
{
	uint8_t c = *x->p;

	word_begin(s);
	s->tag_flags &= (uint8_t) ~(CLOSING | EMPTY);
	s->matched = 0;
	s->quote = 0;
	if (c == '!') {
		s->state = BANG;
	} else if (c == '?' && s->tag == TAG_NONE) {
		s->state = INSTRUCTION;
	} else if (c == '/') {
		s->tag_flags |= CLOSING;
		s->state = NAME;
	} else if (is_name(c)) {
		s->state = NAME;
		return ERR_OK;
	} else {
		return err_set(x->err, ERR_UNDECODABLE,
		    "'<' is not followed by a tag (in text write &lt;)");
	}
	x->p++;
	return ERR_OK;
}

static enum err_code
on_bang(struct pl_scan *s, struct piece *x)
{
	bool fits = word_add(s, *x->p);
	struct bytes word = bytes_of(s->word, s->word_len);

	x->p++;
	s->matched = 0;
	if (word_is(s, "--")) {
		s->state = COMMENT;
	} else if (word_is(s, "[CDATA[") && s->tag > TAG_NONE) {
		s->state = CDATA;
	} else if (word_is(s, "DOCTYPE") && !(s->tag_flags & BEGUN)) {
		s->state = DOCTYPE;
		s->tag_flags &= (uint8_t)~NAME_DONE;
		word_begin(s);
	} else if (!fits ||
		   (!bytes_begin(bytes_text("--"), word) &&
		       !bytes_begin(bytes_text("[CDATA["), word) &&
		       !bytes_begin(bytes_text("DOCTYPE"), word)) ||
		   word_is(s, "[CDATA[") || word_is(s, "DOCTYPE")) {
		if (bytes_begin(word, bytes_text("d")))
			return err_set(x->err, ERR_UNDECODABLE,
			    "HTML, not a property list");
		return err_set(x->err, ERR_UNDECODABLE,
		    "<! stands where no such thing may stand");
	}
	return ERR_OK;
}

/* Behind a comment, instruction or document type. */
static void
resume(struct pl_scan *s)
{
	s->state = s->tag == TAG_NONE ? CONTENT : TEXT;
}

static enum err_code
on_comment(struct pl_scan *s, struct piece *x)
{
	uint8_t c = *x->p++;

	if (c == '-') {
		if (s->matched < 2)
			s->matched++;
	} else if (c == '>' && s->matched == 2) {
		resume(s);
	} else {
		s->matched = 0;
	}
	return ERR_OK;
}

static enum err_code
on_instruction(struct pl_scan *s, struct piece *x)
{
	uint8_t c = *x->p++;

	if (c == '>' && s->matched == 1)
		resume(s);
	s->matched = c == '?';
	return ERR_OK;
}

static enum err_code
on_doctype(struct pl_scan *s, struct piece *x)
{
	uint8_t c = *x->p++;

	if (s->quote != 0) {
		if (c == s->quote)
			s->quote = 0;
		return ERR_OK;
	}
	if (!(s->tag_flags & NAME_DONE)) {
		if (is_space(c) && s->word_len == 0)
			return ERR_OK;
		if (is_name(c) && word_add(s, c))
			return ERR_OK;
		if (!word_is(s, "plist"))
			return err_set(x->err, ERR_UNDECODABLE,
			    "%s, not a property list",
			    strcasecmp(s->word, "html") == 0 ? "HTML" : "XML");
		s->tag_flags |= NAME_DONE;
	}
	if (c == '"' || c == '\'')
		s->quote = c;
	else if (c == '[' || c == '<')
		return err_set(x->err, ERR_UNDECODABLE,
		    "the document type declares entities or elements, which a "
		    "property list must not");
	else if (c == '>')
		resume(s);
	return ERR_OK;
}

/* ---- tags --------------------------------------------------------------- */

static enum err_code
on_name(struct pl_scan *s, struct piece *x)
{
	uint8_t c = *x->p;

	if (is_name(c) && word_add(s, c)) {
		x->p++;
		return ERR_OK;
	}
	if (pl_tag_of(s->word) != TAG_NONE &&
	    (is_space(c) || c == '>' || c == '/')) {
		s->state = ATTRIBUTES;
		return ERR_OK;
	}
	if (strcasecmp(s->word, "html") == 0)
		return err_set(
		    x->err, ERR_UNDECODABLE, "HTML, not a property list");
	if (!(s->tag_flags & BEGUN))
		return err_set(x->err, ERR_UNDECODABLE,
		    "XML, but not a property list: <plist> expected, <%s> "
		    "found",
		    s->word);
	return err_set(x->err, ERR_UNDECODABLE,
	    "<%s%s> is no element of a property list",
	    s->tag_flags & CLOSING ? "/" : "", s->word);
}

static enum err_code
on_attributes(struct pl_scan *s, struct piece *x)
{
	uint8_t c = *x->p++, flags = s->tag_flags;
	enum pl_tag tag = pl_tag_of(s->word);
	enum err_code e;

	if (s->quote != 0) {
		if (c == s->quote)
			s->quote = 0;
		return ERR_OK;
	}
	s->tag_flags &= (uint8_t)~EMPTY;
	if (c == '/' && !(flags & CLOSING))
		s->tag_flags |= EMPTY;
	else if (c == '<' || (!is_space(c) && c != '>' && (flags & CLOSING)))
		return err_set(x->err, ERR_UNDECODABLE,
		    "the tag <%s%s is not closed with '>'",
		    flags & CLOSING ? "/" : "", s->word);
	else if (c == '"' || c == '\'')
		s->quote = c;
	if (c != '>')
		return ERR_OK;
	if (flags & CLOSING)
		return pl_scan_close(s, tag, x->err);
	e = pl_scan_open(s, tag, x->err);
	if (e != ERR_OK || !(flags & EMPTY))
		return e;
	return pl_scan_close(s, tag, x->err);
}

/* ---- text --------------------------------------------------------------- */

static enum err_code
text(struct pl_scan *s, struct bytes run, struct err *err)
{
	size_t i;

	if (s->tag == TAG_TRUE || s->tag == TAG_FALSE)
		for (i = 0; i < run.len; i++)
			if (!is_space(run.p[i]))
				return err_set(err, ERR_UNDECODABLE,
				    "<%s> takes no text", pl_tag_name(s->tag));
	if (run.len > 0 && memchr(run.p, '\0', run.len) != NULL)
		return err_set(err, ERR_UNDECODABLE, "a NUL character in <%s>",
		    pl_tag_name(s->tag));
	if (run.len == 0 || s->sink == NULL)
		return ERR_OK;
	return s->sink->text(s->sink_arg, run, err);
}

static enum err_code
on_text(struct pl_scan *s, struct piece *x)
{
	const uint8_t *from = x->p;
	enum err_code e;

	while (x->p < x->end && *x->p != '<' && *x->p != '&')
		x->p++;
	e = text(s, bytes_of(from, (size_t)(x->p - from)), x->err);
	if (e != ERR_OK || x->p == x->end)
		return e;
	s->state = *x->p == '<' ? MARKUP : ENTITY;
	word_begin(s);
	x->p++;
	return ERR_OK;
}

static enum err_code
on_entity(struct pl_scan *s, struct piece *x)
{
	uint8_t out[4], c = *x->p++;
	size_t n;

	if (c != ';') {
		if ((is_name(c) || c == '#') && s->word_len < 12 &&
		    word_add(s, c))
			return ERR_OK;
		return err_set(x->err, ERR_UNDECODABLE,
		    "'&' is not followed by an entity (in text write &amp;)");
	}
	n = pl_entity(s->word, out);
	if (n == 0)
		return err_set(x->err, ERR_UNDECODABLE,
		    "&%s; is no character of a property list", s->word);
	s->state = TEXT;
	return text(s, bytes_of(out, n), x->err);
}

/* "]]" is held back until it is known whether '>' follows. */
static enum err_code
on_cdata(struct pl_scan *s, struct piece *x)
{
	static const uint8_t brackets[2] = { ']', ']' };
	uint8_t c = *x->p;
	const uint8_t *from = x->p;
	enum err_code e;

	if (c == ']') {
		x->p++;
		if (s->matched < 2) {
			s->matched++;
			return ERR_OK;
		}
		return text(s, bytes_of(brackets, 1), x->err);
	}
	if (c == '>' && s->matched == 2) {
		x->p++;
		s->matched = 0;
		s->state = TEXT;
		return ERR_OK;
	}
	e = text(s, bytes_of(brackets, s->matched), x->err);
	s->matched = 0;
	while (x->p < x->end && *x->p != ']')
		x->p++;
	if (e == ERR_OK)
		e = text(s, bytes_of(from, (size_t)(x->p - from)), x->err);
	return e;
}

/* ---- the machine -------------------------------------------------------- */

typedef enum err_code state_fn(struct pl_scan *, struct piece *);

static state_fn *const states[] = {
	[START] = on_start,
	[BOM] = on_bom,
	[BINARY_MARK] = on_binary_mark,
	[BINARY] = on_binary,
	[CONTENT] = on_content,
	[MARKUP] = on_markup,
	[BANG] = on_bang,
	[COMMENT] = on_comment,
	[INSTRUCTION] = on_instruction,
	[DOCTYPE] = on_doctype,
	[NAME] = on_name,
	[ATTRIBUTES] = on_attributes,
	[TEXT] = on_text,
	[ENTITY] = on_entity,
	[CDATA] = on_cdata,
};

/* Move the place that messages name behind those bytes. */
static void
advance(struct pl_scan *s, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *nl;

	s->offset += (uint64_t)(end - p);
	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		s->line++;
		s->column = 0;
		p = nl + 1;
	}
	s->column += (uint64_t)(end - p);
}

enum err_code
pl_scan_feed(struct pl_scan *scan, struct bytes more, struct err *err)
{
	struct piece x = { more.p, more.p, more.p, err };
	enum err_code e;

	if (more.len == 0)
		return ERR_OK;
	x.end = more.p + more.len;
	while (x.p < x.end) {
		if ((e = states[scan->state](scan, &x)) == ERR_OK)
			continue;
		advance(scan, x.begin, x.p);
		if (scan->state > BINARY)
			(void)err_context(err, "line %llu, column %llu",
			    (unsigned long long)scan->line + 1,
			    (unsigned long long)scan->column + 1);
		return e;
	}
	advance(scan, x.begin, x.end);
	return ERR_OK;
}
