/* Looking things up, and guessing what was meant. */
#include "engine/schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/schema/schema_priv.h"

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
schema_type_near(
    const struct schema *schema, enum schema_table table, const char *name)
{
	struct nearest n = { NULL, 2 * NAME_MAX_NEAR };
	const struct schema_type *t;

	for (t = schema_types(schema, table); t != NULL; t = t->next)
		consider(&n, name, t->name);
	return n.name;
}

const char *
schema_command_near(const struct schema *schema, const char *name)
{
	return schema_type_near(schema, SCHEMA_COMMANDS, name);
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

const struct schema_key *
schema_child(const struct schema_key *dict, const char *name)
{
	const struct schema_key *key;

	if (dict->ref != NULL)
		dict = dict->ref;
	if (dict->key_index == NULL)
		return schema_key(dict->keys, name);
	if ((key = index_find(dict->key_index, name)) != NULL)
		return key;
	for (key = dict->keys; key != NULL && !key->wild; key = key->next)
		;
	return key;
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

const struct schema_key *
schema_value(const struct schema_key *key, const char *value)
{
	if (key->value_index != NULL)
		return index_find(key->value_index, value);
	return schema_key(key->allowed, value);
}

bool
schema_value_allowed(const struct schema_key *key, const char *value)
{
	if (key->values[0] == '\0' && key->allowed == NULL)
		return true;
	if (key->values[0] != '\0' && listed(key->values, value))
		return true;
	return schema_value(key, value) != NULL;
}

/* The next element of "A|B\|C" without its escapes; false at the end. */
static bool
next_value(const char **values, char *ret, size_t size)
{
	size_t n = 0;
	const char *p = *values;

	if (*p == '\0')
		return false;
	for (; *p != '\0' && *p != '|'; p++) {
		if (*p == '\\' && p[1] == '|')
			p++;
		if (n + 1 < size)
			ret[n++] = *p;
	}
	ret[n] = '\0';
	*values = p + (*p == '|');
	return true;
}

void
schema_value_near(
    const struct schema_key *key, const char *value, struct buf *b)
{
	struct nearest n = { NULL, 2 * NAME_MAX_NEAR };
	char one[2][NAME_MAX_NEAR + 1];
	const struct schema_key *a;
	const char *rest = key->values;
	unsigned i = 0;

	while (next_value(&rest, one[i], sizeof(one[i]))) {
		consider(&n, value, one[i]);
		/* the nearest one stays where it is */
		if (n.name == one[i])
			i ^= 1;
	}
	for (a = key->allowed; a != NULL; a = a->next)
		consider(&n, value, a->name);
	if (n.name != NULL)
		buf_text(b, n.name);
}

void
schema_values_say(const struct schema_key *key, struct buf *b)
{
	size_t begin = b->len;
	char one[256];
	const struct schema_key *a = key->allowed;
	const char *rest = key->values;

	while (b->len - begin < 200 && next_value(&rest, one, sizeof(one)))
		buf_printf(b, "%s%s", b->len > begin ? ", " : "", one);
	for (; a != NULL && b->len - begin < 200; a = a->next)
		buf_printf(b, "%s%s", b->len > begin ? ", " : "", a->name);
	if (a != NULL || *rest != '\0')
		buf_text(b, ", ...");
}

bool
schema_format_fits(const struct schema_key *key, const char *value)
{
	return key->form == NULL ||
	       regexec(&key->form->re, value, 0, NULL, 0) == 0;
}

bool
schema_is_secret(const char *name)
{
	static const char *const words[] = { "Password", "Token", "Hash",
		"Secret", "PrivateKey", "Passcode" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return false;
}

struct bytes
schema_extra(const struct schema_key *key, const char *name)
{
	const char *p = key->extra;
	size_t n, len = strlen(name);

	for (; *p != '\0'; p += n + (p[n] == ';')) {
		n = strcspn(p, ";");
		if (n > len && strncmp(p, name, len) == 0 && p[len] == '=')
			return bytes_of(p + len + 1, n - len - 1);
	}
	return BYTES_NONE;
}

void
schema_format_says(const struct schema_key *key, struct buf *b)
{
	static const char digits[] = "^[0-9]{";
	const char *count = key->format + sizeof(digits) - 1;
	unsigned long n = 0;
	char *end = NULL;

	if (strncmp(key->format, digits, sizeof(digits) - 1) == 0)
		n = strtoul(count, &end, 10);
	if (end != NULL && end > count && strcmp(end, "}$") == 0)
		buf_printf(b, "%lu digits", n);
	else if (strstr(key->format, "{8}-[0-9A-Za-z]{4}-") != NULL)
		buf_text(b, "a UUID");
	else if (strcmp(key->format, "^https://.*$") == 0)
		buf_text(b, "an address that begins with https://");
	else
		buf_printf(b, "the form %s", key->format);
}
