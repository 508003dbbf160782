#include "engine/schema/findings.h"

#include <string.h>

#include "engine/base/text.h"

#define TEXT_MOST 400 /* bytes of one text of a finding */
#define ROOM      400 /* left in an error for what the caller adds */

static const char *
keep(struct schema_findings *s, const char *text)
{
	char *copy = NULL;

	if (text == NULL || text[0] == '\0')
		return "";
	if (s->arena == NULL)
		s->arena = arena_new();
	if (s->arena != NULL)
		copy = arena_text(s->arena,
		    bytes_of(
			text, (size_t)text_fit(bytes_text(text), TEXT_MOST)));
	return copy != NULL ? copy : "";
}

void
schema_findings_add(struct schema_findings *s, const struct schema_finding *f)
{
	struct schema_finding *to;

	s->count[f->severity]++;
	if (s->n == SCHEMA_FINDINGS_MAX) {
		s->more++;
		return;
	}
	to = &s->list[s->n++];
	*to = *f;
	to->path = keep(s, f->path);
	to->wrong = keep(s, f->wrong);
	to->expected = keep(s, f->expected);
	to->near = keep(s, f->near);
}

bool
schema_findings_good(const struct schema_findings *s)
{
	return s->count[SCHEMA_ERROR] == 0 && s->count[SCHEMA_UNSUPPORTED] == 0;
}

void
schema_finding_say(const struct schema_finding *f, struct buf *b)
{
	if (f->line > 0)
		buf_printf(b, "line %u: ", f->line);
	if (f->path[0] != '\0')
		buf_printf(b, "%s: ", f->path);
	buf_text(b, f->wrong);
	if (f->severity == SCHEMA_WARNING)
		buf_text(b, " (a warning)");
}

static size_t
say_severity(const struct schema_findings *s, enum schema_severity severity,
    struct buf *b, size_t most)
{
	size_t i, begin, told = 0;

	for (i = 0; i < s->n; i++) {
		if (s->list[i].severity != severity)
			continue;
		begin = b->len;
		if (begin > 0)
			buf_char(b, '\n');
		schema_finding_say(&s->list[i], b);
		/* room for "and N more" */
		if (b->len + 32 > most && begin > 0) {
			buf_resize(b, begin);
			break;
		}
		told++;
	}
	return told;
}

void
schema_findings_say(const struct schema_findings *s, struct buf *b, size_t most)
{
	struct buf own = { 0 };
	size_t told = 0, all = s->n + s->more;
	unsigned i;

	for (i = 0; i < SCHEMA_SEVERITIES; i++)
		told += say_severity(s, (enum schema_severity)i, &own, most);
	buf_bytes(b, buf_view(&own));
	if (told < all)
		buf_printf(
		    b, "%sand %zu more", told > 0 ? "\n" : "", all - told);
	buf_free(&own);
}

enum err_code
schema_findings_error(const struct schema_findings *s, struct err *err)
{
	struct buf b = { 0 };
	enum err_code e = ERR_INVALID;

	if (schema_findings_good(s))
		return ERR_OK;
	if (s->count[SCHEMA_ERROR] == 0)
		e = ERR_UNSUPPORTED;
	if (err != NULL) {
		schema_findings_say(s, &b, sizeof(err->msg) - ROOM);
		(void)err_set(err, e, "%s", buf_str(&b));
		buf_free(&b);
	}
	return e;
}

void
schema_findings_free(struct schema_findings *s)
{
	arena_free(s->arena);
	*s = (struct schema_findings){ 0 };
}
