/* The bytes behind the line of a word Key=@-, which need no base64. */
#include <string.h>

#include "engine/base/text.h"
#include "engine/schema/command_priv.h"

static bool
is_tail_word(struct word *w)
{
	return w->has_equals && !w->quoted &&
	       strcmp(buf_str(&w->text) + w->equals, "=@-") == 0;
}

void
command_tail(struct bytes *text, struct bytes *tail)
{
	struct bytes rest = *text;
	struct word w = { 0 };
	const uint8_t *end;
	unsigned line = 1;
	bool found;

	*tail = BYTES_NONE;
	/* most texts have none, and are not read twice */
	if (text->len == 0 || memmem(text->p, text->len, "=@-", 3) == NULL)
		return;
	while (word_next(&rest, &line, &w, &found, NULL) == ERR_OK && found) {
		if (!is_tail_word(&w))
			continue;
		end = rest.len == 0 ? NULL : memchr(rest.p, '\n', rest.len);
		if (end != NULL) {
			*tail = bytes_of(
			    end + 1, (size_t)(rest.p + rest.len - end) - 1);
			text->len = (size_t)(end - text->p) + 1;
		}
		break;
	}
	buf_free(&w.text);
}

struct pl *
given_tail(const struct schema_key *key, const struct given *g, struct err *err)
{
	struct bytes s = g->tail;

	if (s.len == 0) {
		(void)err_add(err, ERR_INVALID,
		    "%s=@-: the bytes are expected behind this line: { echo "
		    "'... %s=@-'; cat FILE; } > commands/NAME",
		    g->name, g->name);
		return NULL;
	}
	if (key->vtype == SCHEMA_DATA)
		return pl_new_data(s);
	if (!text_is_utf8(s) || memchr(s.p, '\0', s.len) != NULL) {
		(void)err_add(err, ERR_INVALID,
		    "%s=@-: what stands behind this line is no UTF-8 text",
		    g->name);
		return NULL;
	}
	if (s.p[s.len - 1] == '\n') /* echo's */
		s.len--;
	return pl_new_string_bytes(s);
}
