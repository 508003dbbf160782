/* One scalar: allowed values, range, form. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/schema/validate_priv.h"

bool
value_text(const struct pl *node, struct buf *b)
{
	int64_t i = 0;
	uint64_t u = 0;
	double d = 0;
	bool yes = false;

	switch (pl_type(node)) {
	case PL_STRING:
		buf_text(b, pl_string(node));
		return true;
	case PL_INTEGER:
		if (pl_int(node, &i))
			buf_printf(b, "%lld", (long long)i);
		else if (pl_uint(node, &u))
			buf_printf(b, "%llu", (unsigned long long)u);
		return true;
	case PL_REAL:
		if (pl_real(node, &d))
			buf_printf(b, "%.15g", d);
		return true;
	case PL_BOOL:
		if (pl_bool(node, &yes))
			buf_text(b, yes ? "true" : "false");
		return true;
	case PL_NONE:
	case PL_DICT:
	case PL_ARRAY:
	case PL_DATE:
	case PL_DATA:
		break;
	}
	return false;
}

/* "WHAT expected, got '...'"; secrets stay out of it. */
static void
expected(struct walk *w, const struct schema_key *key, struct walk_note note,
    const char *got)
{
	struct buf shown = { 0 };

	note.severity = SCHEMA_ERROR;
	if (schema_is_secret(key->name)) {
		walk_say(w, note, "%s expected", note.expected);
		return;
	}
	text_escape(
	    &shown, bytes_of(got, (size_t)text_fit(bytes_text(got), 60)));
	if (note.near != NULL && note.near[0] != '\0')
		walk_say(w, note, "%s expected, got '%s': did you mean %s?",
		    note.expected, buf_str(&shown), note.near);
	else
		walk_say(w, note, "%s expected, got '%s'", note.expected,
		    buf_str(&shown));
	buf_free(&shown);
}

/* ---- values ------------------------------------------------------------- */

/* 1 and 1.0 are the same real. */
static bool
real_listed(const char *values, const struct pl *node)
{
	double v = 0, one;
	char *end;

	if (!pl_real(node, &v))
		return false;
	while (*values != '\0') {
		one = strtod(values, &end);
		if (end > values && one >= v && one <= v)
			return true;
		values += strcspn(values, "|");
		values += *values == '|';
	}
	return false;
}

static bool
check_values(struct walk *w, const struct schema_key *key,
    const struct pl *node, const char *text)
{
	struct buf near = { 0 }, what = { 0 };
	const struct schema_key *value;
	bool above = w->above_unfit;

	if (key->values[0] == '\0' && key->allowed == NULL)
		return true;
	if (schema_value_allowed(key, text)) {
		value = key->allowed == NULL ? NULL : schema_value(key, text);
		if (value == NULL || above)
			return true;
		(void)walk_facts(w, value, w->unfit, value->name);
		return true;
	}
	if (key->vtype == SCHEMA_REAL && real_listed(key->values, node))
		return true;
	/* a list beside a range adds to it: "0" and "1..180" */
	if (key->range[0] != '\0')
		return true;
	schema_value_near(key, text, &near);
	if (near.len > 0 && key->allowed != NULL) {
		buf_text(&what, "a known value");
	} else {
		if (key->allowed != NULL || strchr(key->values, '|') != NULL)
			buf_text(&what, "one of ");
		schema_values_say(key, &what);
	}
	expected(w, key,
	    (struct walk_note){ SCHEMA_ERROR, buf_str(&what), buf_str(&near) },
	    text);
	buf_free(&near);
	buf_free(&what);
	return false;
}

/* ---- ranges ------------------------------------------------------------- */

struct limits {
	bool has_least;
	bool has_most;
	double least;
	double most;
};

/* "0..65535", "3600..", "..5", "-90.0..90.0" */
static struct limits
limits_of(const char *range)
{
	struct limits l = { 0 };
	const char *dots = strstr(range, "..");
	char *end;

	if (dots == NULL)
		return l;
	l.least = strtod(range, &end);
	l.has_least = end > range && dots > range;
	l.most = strtod(dots + 2, &end);
	l.has_most = end > dots + 2;
	return l;
}

static void
limits_say(const struct limits *l, const char *unit, struct buf *b)
{
	if (l->has_least && l->has_most && l->least >= l->most &&
	    l->least <= l->most)
		buf_printf(b, "%.15g%s", l->least, unit);
	else if (l->has_least && l->has_most)
		buf_printf(b, "%.15g to %.15g%s", l->least, l->most, unit);
	else if (l->has_least)
		buf_printf(b, "at least %.15g%s", l->least, unit);
	else
		buf_printf(b, "at most %.15g%s", l->most, unit);
}

static bool
within(const struct limits *l, double v)
{
	return (!l->has_least || v >= l->least) &&
	       (!l->has_most || v <= l->most);
}

/* "20", "0|30": one of the values, or at least the last one; otherwise what is
 * expected is appended to what. */
static bool
min_fits(const char *min, double v, struct buf *what)
{
	const char *rest = min;
	double least;
	char *end;

	for (;;) {
		least = strtod(rest, &end);
		if (v >= least && (v <= least || *end != '|'))
			return true;
		if (*end != '|')
			break;
		buf_printf(what, "%.15g or ", least);
		rest = end + 1;
	}
	buf_printf(what, "at least %.15g", least);
	return false;
}

/* What is expected is appended to what. */
static bool
range_fits(const struct schema_key *key, double v, struct buf *what)
{
	struct limits l = limits_of(key->range);

	if (within(&l, v))
		return true;
	if (key->values[0] != '\0') {
		schema_values_say(key, what);
		buf_text(what, " or ");
	}
	limits_say(&l, "", what);
	return false;
}

static bool
check_range(struct walk *w, const struct schema_key *key, const struct pl *node,
    const char *text)
{
	const char *min = rule_arg(key, "min");
	struct buf what = { 0 };
	double v = 0;
	bool good;

	if ((key->range[0] == '\0' && min == NULL) || !pl_real(node, &v))
		return true;
	if (key->values[0] != '\0' && schema_value_allowed(key, text))
		return true;
	good = range_fits(key, v, &what) &&
	       (min == NULL || min_fits(min, v, &what));
	if (!good)
		expected(w, key,
		    (struct walk_note){ SCHEMA_ERROR, buf_str(&what), NULL },
		    text);
	buf_free(&what);
	return good;
}

void
value_check_count(struct walk *w, const struct schema_key *key, size_t n)
{
	const struct schema_key *from = key;
	struct limits l;
	struct buf what = { 0 };

	/* Apple states it at the items, too */
	if (from->count[0] == '\0' && from->items != NULL)
		from = from->items;
	if (from->count[0] == '\0')
		return;
	l = limits_of(from->count);
	if (within(&l, (double)n))
		return;
	limits_say(&l, " items", &what);
	walk_say(w, (struct walk_note){ SCHEMA_ERROR, buf_str(&what), NULL },
	    "%s expected, got %zu", buf_str(&what), n);
	buf_free(&what);
}

/* ---- forms -------------------------------------------------------------- */

static void
check_form(struct walk *w, const struct schema_key *key, const char *text)
{
	struct buf what = { 0 };

	if (schema_format_fits(key, text))
		return;
	schema_format_says(key, &what);
	expected(w, key,
	    (struct walk_note){ SCHEMA_ERROR, buf_str(&what), NULL }, text);
	buf_free(&what);
}

void
value_check(struct walk *w, const struct schema_key *key, const struct pl *node)
{
	const char *text;
	struct buf b = { 0 };

	if (key->values[0] == '\0' && key->allowed == NULL &&
	    key->range[0] == '\0' && key->form == NULL && key->rules == NULL)
		return;
	text = pl_string(node);
	if (text == NULL) {
		if (!value_text(node, &b))
			goto out;
		text = buf_str(&b);
	}
	if (check_values(w, key, node, text) &&
	    check_range(w, key, node, text) && pl_type(node) == PL_STRING)
		check_form(w, key, text);
out:
	buf_free(&b);
}
