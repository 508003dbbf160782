/* One value of a command's text, typed by the schema. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/text.h"
#include "engine/schema/command_priv.h"

/* "NAME: WHAT expected, got '...'" */
static struct pl *
expected(const struct given *g, struct err *err, const char *what)
{
	struct buf shown = { 0 };

	text_escape(&shown, bytes_text(g->text));
	if (schema_is_secret(g->name))
		(void)err_add(
		    err, ERR_INVALID, "%s: %s expected", g->name, what);
	else
		(void)err_add(err, ERR_INVALID, "%s: %s expected, got '%.60s'",
		    g->name, what, buf_str(&shown));
	buf_free(&shown);
	return NULL;
}

/* Decimal or 0x; no octal, no blanks. */
static bool
whole(const char *s, int64_t *ret)
{
	const char *digits = s + (*s == '-' || *s == '+');
	bool hex = digits[0] == '0' && (digits[1] | 0x20) == 'x';
	char *end;
	long long v;

	if (digits[0] < '0' || digits[0] > '9')
		return false;
	errno = 0;
	v = strtoll(s, &end, hex ? 16 : 10);
	if (*end != '\0' || errno != 0 || end == s)
		return false;
	*ret = v;
	return true;
}

static struct pl *
integer(const struct given *g, struct err *err)
{
	int64_t v;

	if (!whole(g->text, &v))
		return expected(g, err, "integer");
	return pl_new_int(v);
}

static bool
truth(const char *s, bool *ret)
{
	*ret = strcasecmp(s, "true") == 0 || strcasecmp(s, "yes") == 0 ||
	       strcmp(s, "1") == 0;
	return *ret || strcasecmp(s, "false") == 0 ||
	       strcasecmp(s, "no") == 0 || strcmp(s, "0") == 0;
}

static struct pl *
data(const struct given *g, struct err *err)
{
	struct buf bytes = { 0 };
	struct pl *made = NULL;

	if (g->text[0] == '@')
		(void)err_add(err, ERR_INVALID,
		    "%s: the server does not read your files; write %s=@- "
		    "and the bytes behind that line: { echo '... %s=@-'; cat "
		    "FILE; } > commands/NAME",
		    g->name, g->name, g->name);
	else if (text_unbase64(bytes_text(g->text), &bytes, NULL) != ERR_OK)
		(void)err_add(err, ERR_INVALID,
		    "%s: data in base64 expected (%s=$(base64 -w0 FILE))",
		    g->name, g->name);
	else
		made = pl_new_data(buf_view(&bytes));
	buf_free(&bytes);
	return made;
}

static struct pl *
real(const struct given *g, struct err *err)
{
	char *end;
	double v = strtod(g->text, &end);

	if (end == g->text || *end != '\0' || g->text[0] <= ' ')
		return expected(g, err, "number");
	return pl_new_real(v);
}

/* What the schema leaves open: plain words that look like one are booleans
 * and integers, quoted ones always text. */
static struct pl *
any(const struct given *g)
{
	int64_t v;

	if (!g->quoted && strcasecmp(g->text, "true") == 0)
		return pl_new_bool(true);
	if (!g->quoted && strcasecmp(g->text, "false") == 0)
		return pl_new_bool(false);
	if (!g->quoted && whole(g->text, &v))
		return pl_new_int(v);
	return pl_new_string(g->text);
}

struct pl *
given_value(
    const struct schema_key *key, const struct given *g, struct err *err)
{
	int64_t seconds;
	bool yes;

	if (key == NULL)
		return any(g);
	if (!g->quoted && strcmp(g->text, "@-") == 0 &&
	    (key->vtype == SCHEMA_DATA || key->vtype == SCHEMA_STRING))
		return given_tail(key, g, err);
	switch (key->vtype) {
	case SCHEMA_STRING:
		return pl_new_string(g->text);
	case SCHEMA_INTEGER:
		return integer(g, err);
	case SCHEMA_BOOLEAN:
		if (!truth(g->text, &yes))
			return expected(g, err, "true or false");
		return pl_new_bool(yes);
	case SCHEMA_REAL:
		return real(g, err);
	case SCHEMA_DATA:
		return data(g, err);
	case SCHEMA_DATE:
		if (text_untime(bytes_text(g->text), &seconds, NULL) != ERR_OK)
			return expected(
			    g, err, "a time like 2026-11-25T14:11:00Z");
		return pl_new_date(seconds);
	case SCHEMA_DICTIONARY:
		if (strcmp(g->text, "{}") == 0)
			return pl_new_dict();
		__attribute__((fallthrough));
	case SCHEMA_ARRAY:
		(void)err_add(err, ERR_INVALID,
		    "%s: is a %s; write its keys as %s.KEY=VALUE (none: {})",
		    g->name, schema_vtype_name(key->vtype), g->name);
		return NULL;
	case SCHEMA_ANY:
	case SCHEMA_VALUE:
		break;
	}
	return any(g);
}
