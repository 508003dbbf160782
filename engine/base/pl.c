#include "engine/base/pl.h"

#include <stdio.h>
#include <stdlib.h>

#include <plist/plist.h>

#include "engine/base/pl_priv.h"
#include "engine/base/text.h"

#define EPOCH_2001 978307200 /* libplist's dates count from 2001 */

static plist_t
raw(const struct pl *node)
{
	/* libplist knows no const */
	return (plist_t)(uintptr_t)node;
}

static struct pl *
own(plist_t node)
{
	return (struct pl *)node;
}

void
pl_free(struct pl *root)
{
	plist_free(raw(root));
}

struct pl *
pl_copy(const struct pl *node)
{
	return own(plist_copy(raw(node)));
}

/* ---- looking ------------------------------------------------------------ */

enum pl_type
pl_type(const struct pl *node)
{
	switch (plist_get_node_type(raw(node))) {
	case PLIST_DICT:
		return PL_DICT;
	case PLIST_ARRAY:
		return PL_ARRAY;
	case PLIST_STRING:
		return PL_STRING;
	case PLIST_UINT:
		return PL_INTEGER;
	case PLIST_REAL:
		return PL_REAL;
	case PLIST_BOOLEAN:
		return PL_BOOL;
	case PLIST_DATE:
		return PL_DATE;
	case PLIST_DATA:
		return PL_DATA;
	case PLIST_KEY:
	case PLIST_UID:
	case PLIST_NONE:
		break;
	}
	return PL_NONE;
}

const char *
pl_type_name(enum pl_type type)
{
	static const char *const names[] = {
		[PL_NONE] = "nothing",
		[PL_DICT] = "dictionary",
		[PL_ARRAY] = "array",
		[PL_STRING] = "string",
		[PL_INTEGER] = "integer",
		[PL_REAL] = "real",
		[PL_BOOL] = "boolean",
		[PL_DATE] = "date",
		[PL_DATA] = "data",
	};

	return names[type];
}

const char *
pl_string(const struct pl *node)
{
	return plist_get_string_ptr(raw(node), NULL);
}

struct bytes
pl_data(const struct pl *node)
{
	uint64_t len = 0;
	const char *p = plist_get_data_ptr(raw(node), &len);

	return bytes_of(p, len);
}

bool
pl_bool(const struct pl *node, bool *ret)
{
	uint8_t value = 0;

	if (pl_type(node) != PL_BOOL)
		return false;
	plist_get_bool_val(raw(node), &value);
	*ret = value != 0;
	return true;
}

/* The bits, and whether they mean a number below zero. */
static bool
number(const struct pl *node, uint64_t *bits, bool *negative)
{
	plist_t other;

	if (pl_type(node) != PL_INTEGER)
		return false;
	plist_get_uint_val(raw(node), bits);
	*negative = false;
	if (*bits > INT64_MAX) {
		/* only the hidden width tells -1 from 2^64-1, and comparing
		 * with a node of the signed width tells the width */
		other = plist_new_uint(*bits);
		*negative = plist_compare_node_value(raw(node), other) != 0;
		plist_free(other);
	}
	return true;
}

bool
pl_int(const struct pl *node, int64_t *ret)
{
	uint64_t bits;
	bool negative;

	if (!number(node, &bits, &negative) || (bits > INT64_MAX && !negative))
		return false;
	*ret = (int64_t)bits;
	return true;
}

bool
pl_uint(const struct pl *node, uint64_t *ret)
{
	uint64_t bits;
	bool negative;

	if (!number(node, &bits, &negative) || negative)
		return false;
	*ret = bits;
	return true;
}

bool
pl_real(const struct pl *node, double *ret)
{
	uint64_t bits;
	bool negative;

	if (number(node, &bits, &negative)) {
		*ret = negative ? (double)(int64_t)bits : (double)bits;
		return true;
	}
	if (pl_type(node) != PL_REAL)
		return false;
	plist_get_real_val(raw(node), ret);
	return true;
}

/* What libplist writes for one node of that tag: its text. */
static bool
written(const struct pl *node, const char *tag, struct buf *text)
{
	char *xml = NULL, *begin, *end;
	uint32_t len = 0;

	plist_to_xml(raw(node), &xml, &len);
	begin = xml == NULL ? NULL : strstr(xml, tag);
	end = begin == NULL ? NULL : strstr(begin, "</");
	if (end != NULL) {
		begin += strlen(tag);
		buf_put(text, begin, (size_t)(end - begin));
	}
	free(xml);
	return end != NULL;
}

bool
pl_date(const struct pl *node, int64_t *ret)
{
	int32_t sec = 0, usec = 0;
	struct buf text = { 0 };
	plist_t other;
	bool fits, done;

	if (pl_type(node) != PL_DATE)
		return false;
	plist_get_date_val(raw(node), &sec, &usec);
	/* libplist cuts to 32 bits: 2068 is the end */
	other = plist_new_date(sec, 0);
	fits = plist_compare_node_value(raw(node), other) != 0;
	plist_free(other);
	if (fits) {
		*ret = (int64_t)sec + EPOCH_2001;
		return true;
	}
	done = written(node, "<date>", &text) &&
	       pl_date_text(buf_view(&text), ret);
	buf_free(&text);
	return done;
}

size_t
pl_array_len(const struct pl *array)
{
	return plist_array_get_size(raw(array));
}

struct pl *
pl_array_at(const struct pl *array, size_t i)
{
	if (i >= pl_array_len(array))
		return NULL;
	return own(plist_array_get_item(raw(array), (uint32_t)i));
}

size_t
pl_dict_len(const struct pl *dict)
{
	return plist_dict_get_size(raw(dict));
}

struct pl *
pl_dict_get(const struct pl *dict, const char *key)
{
	return own(plist_dict_get_item(raw(dict), key));
}

void
pl_dict_each(const struct pl *dict, pl_dict_fn *fn, void *arg)
{
	plist_dict_iter it = NULL;
	plist_t value;
	char *key;
	bool more = true;

	if (pl_type(dict) != PL_DICT)
		return;
	plist_dict_new_iter(raw(dict), &it);
	while (more && it != NULL) {
		plist_dict_next_item(raw(dict), it, &key, &value);
		if (key == NULL)
			break;
		more = fn(arg, key, own(value));
		free(key);
	}
	free(it);
}

const char *
pl_get_string(const struct pl *dict, const char *key)
{
	return pl_string(pl_dict_get(dict, key));
}

struct bytes
pl_get_data(const struct pl *dict, const char *key)
{
	return pl_data(pl_dict_get(dict, key));
}

static struct pl *
get(const struct pl *dict, const char *key, enum pl_type type)
{
	struct pl *node = pl_dict_get(dict, key);

	return pl_type(node) == type ? node : NULL;
}

struct pl *
pl_get_dict(const struct pl *dict, const char *key)
{
	return get(dict, key, PL_DICT);
}

struct pl *
pl_get_array(const struct pl *dict, const char *key)
{
	return get(dict, key, PL_ARRAY);
}

bool
pl_get_bool(const struct pl *dict, const char *key, bool *ret)
{
	return pl_bool(pl_dict_get(dict, key), ret);
}

bool
pl_get_int(const struct pl *dict, const char *key, int64_t *ret)
{
	return pl_int(pl_dict_get(dict, key), ret);
}

bool
pl_get_date(const struct pl *dict, const char *key, int64_t *ret)
{
	return pl_date(pl_dict_get(dict, key), ret);
}

struct comparison {
	const struct pl *other;
	bool equal;
};

static bool
pair_equal(void *arg, const char *key, struct pl *value)
{
	struct comparison *c = arg;

	c->equal = pl_equal(value, pl_dict_get(c->other, key));
	return c->equal;
}

bool
pl_equal(const struct pl *a, const struct pl *b)
{
	struct comparison c = { b, true };
	size_t i;

	if (pl_type(a) != pl_type(b))
		return false;
	if (pl_type(a) == PL_DICT) {
		if (pl_dict_len(a) != pl_dict_len(b))
			return false;
		pl_dict_each(a, pair_equal, &c);
		return c.equal;
	}
	if (pl_type(a) != PL_ARRAY)
		return a == b || plist_compare_node_value(raw(a), raw(b)) != 0;
	if (pl_array_len(a) != pl_array_len(b))
		return false;
	for (i = 0; i < pl_array_len(a); i++)
		if (!pl_equal(pl_array_at(a, i), pl_array_at(b, i)))
			return false;
	return true;
}

/* ---- building ----------------------------------------------------------- */

struct pl *
pl_new_dict(void)
{
	return own(plist_new_dict());
}

struct pl *
pl_new_array(void)
{
	return own(plist_new_array());
}

struct pl *
pl_new_string(const char *s)
{
	return own(plist_new_string(s));
}

struct pl *
pl_new_bool(bool value)
{
	return own(plist_new_bool(value));
}

/* What only libplist's parser can make: wide integers and far dates. */
static struct pl *
from_xml(const char *tag, const char *text)
{
	char xml[128];
	plist_t node = NULL;
	int n = snprintf(
	    xml, sizeof(xml), "<plist><%s>%s</%s></plist>", tag, text, tag);

	if (n > 0 && (size_t)n < sizeof(xml))
		plist_from_xml(xml, (uint32_t)n, &node);
	return own(node);
}

struct pl *
pl_new_int(int64_t value)
{
	return own(plist_new_uint((uint64_t)value));
}

struct pl *
pl_new_uint(uint64_t value)
{
	char text[24];

	if (value <= INT64_MAX)
		return own(plist_new_uint(value));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return from_xml("integer", text);
}

struct pl *
pl_new_real(double value)
{
	return own(plist_new_real(value));
}

struct pl *
pl_new_data(struct bytes value)
{
	return own(plist_new_data(
	    value.len == 0 ? "" : (const char *)value.p, value.len));
}

struct pl *
pl_new_date(int64_t seconds)
{
	struct buf text = { 0 };
	struct pl *node;

	if (seconds >= INT32_MIN + (int64_t)EPOCH_2001 &&
	    seconds <= INT32_MAX + (int64_t)EPOCH_2001)
		return own(plist_new_date((int32_t)(seconds - EPOCH_2001), 0));
	text_time(&text, seconds);
	node = from_xml("date", buf_str(&text));
	buf_free(&text);
	return node;
}

void
pl_dict_set(struct pl *dict, const char *key, struct pl *value)
{
	if (value == NULL)
		return;
	if (pl_type(dict) == PL_DICT)
		plist_dict_set_item(raw(dict), key, raw(value));
	else
		pl_free(value);
}

void
pl_dict_remove(struct pl *dict, const char *key)
{
	plist_dict_remove_item(raw(dict), key);
}

void
pl_array_add(struct pl *array, struct pl *value)
{
	if (value == NULL)
		return;
	if (pl_type(array) == PL_ARRAY)
		plist_array_append_item(raw(array), raw(value));
	else
		pl_free(value);
}

void
pl_array_remove(struct pl *array, size_t i)
{
	if (i < pl_array_len(array))
		plist_array_remove_item(raw(array), (uint32_t)i);
}

/* ---- writing ------------------------------------------------------------ */

void
pl_write_xml(const struct pl *root, struct buf *b)
{
	char *out = NULL;
	uint32_t len = 0;

	if (root == NULL)
		return;
	plist_to_xml(raw(root), &out, &len);
	if (out != NULL)
		buf_put(b, out, len);
	free(out);
}

void
pl_write_binary(const struct pl *root, struct buf *b)
{
	char *out = NULL;
	uint32_t len = 0;

	if (root == NULL)
		return;
	plist_to_bin(raw(root), &out, &len);
	if (out != NULL)
		buf_put(b, out, len);
	free(out);
}
