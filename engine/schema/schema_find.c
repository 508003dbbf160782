/* Looking things up, and guessing what was meant. */
#include "engine/schema/schema.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NAME_MAX_NEAR 64 /* longer names are not compared */

const struct schema_type *
schema_find(
    const struct schema *schema, enum schema_table table, const char *name)
{
	const struct schema_type *t;

	for (t = schema_types(schema, table); t != NULL; t = t->next)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

const struct schema_type *
schema_command(const struct schema *schema, const char *request_type)
{
	return schema_find(schema, SCHEMA_COMMANDS, request_type);
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters differ, are missing, too many or swapped; the case of a
 * letter does not count (Damerau's distance, restricted). */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[3][NAME_MAX_NEAR + 1];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > NAME_MAX_NEAR || lb > NAME_MAX_NEAR)
		return 2 * NAME_MAX_NEAR;
	for (j = 0; j <= lb; j++)
		row[0][j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		unsigned *now = row[i % 3], *before = row[(i + 2) % 3];
		unsigned *older = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			unsigned same = lower(a[i - 1]) == lower(b[j - 1]);

			now[j] = least(before[j - 1] + !same,
			    least(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 &&
			    lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], older[j - 2] + 1);
		}
	}
	return row[la % 3][lb];
}

/* The nearest one so far. */
struct nearest {
	const char *name;
	unsigned distance;
};

static void
consider(struct nearest *n, const char *wanted, const char *name)
{
	unsigned d = distance(wanted, name);
	unsigned most = (unsigned)(strlen(wanted) + 2) / 4 + 1;

	if (d <= most && d < strlen(name) && d < n->distance)
		*n = (struct nearest){ name, d };
}

const char *
schema_command_near(const struct schema *schema, const char *name)
{
	struct nearest n = { NULL, 2 * NAME_MAX_NEAR };
	const struct schema_type *t;

	for (t = schema_types(schema, SCHEMA_COMMANDS); t; t = t->next)
		consider(&n, name, t->name);
	return n.name;
}

const struct schema_key *
schema_key(const struct schema_key *list, const char *name)
{
	const struct schema_key *wild = NULL;

	for (; list != NULL; list = list->next) {
		if (list->wild)
			wild = list;
		else if (strcmp(list->name, name) == 0)
			return list;
	}
	return wild;
}

const char *
schema_key_near(const struct schema_key *list, const char *name)
{
	struct nearest n = { NULL, 2 * NAME_MAX_NEAR };

	for (; list != NULL; list = list->next)
		if (!list->wild)
			consider(&n, name, list->name);
	return n.name;
}

/* Whether value is an element of "A|B|C". */
static bool
listed(const char *values, const char *value)
{
	const char *v = value;

	for (; *values != '\0'; values++) {
		if (*values == '|') {
			if (v != NULL && *v == '\0')
				return true;
			v = value;
			continue;
		}
		if (*values == '\\' && values[1] == '|')
			values++;
		if (v != NULL)
			v = *v == *values ? v + 1 : NULL;
	}
	return v != NULL && *v == '\0';
}

bool
schema_value_allowed(const struct schema_key *key, const char *value)
{
	const struct schema_key *a;

	if (key->values[0] == '\0' && key->allowed == NULL)
		return true;
	if (key->values[0] != '\0' && listed(key->values, value))
		return true;
	for (a = key->allowed; a != NULL; a = a->next)
		if (strcmp(a->name, value) == 0)
			return true;
	return false;
}

bool
schema_format_fits(const struct schema_key *key, const char *value)
{
	regex_t re;
	bool fits;

	if (key->format[0] == '\0' ||
	    regcomp(&re, key->format, REG_EXTENDED | REG_NOSUB) != 0)
		return true;
	fits = regexec(&re, value, 0, NULL, 0) == 0;
	regfree(&re);
	return fits;
}

void
schema_format_says(const struct schema_key *key, struct buf *b)
{
	unsigned n = 0;
	int end = 0;

	if (sscanf(key->format, "^[0-9]{%u}$%n", &n, &end) == 1 && end > 0)
		buf_printf(b, "%u digits", n);
	else
		buf_printf(b, "the form %s", key->format);
}
