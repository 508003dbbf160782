/*
 * The scan drives this: it makes nodes of the elements.  libplist's own
 * parser is not used, because it reads 010 as eight, takes any entity that
 * begins like a known one, and leaks what it has read when it fails.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/pl_priv.h"
#include "engine/base/text.h"

struct reader {
	struct pl *stack[PL_DEPTH_MAX + 2]; /* containers; owned by the root */
	struct pl *root;
	size_t depth;
	struct buf keys[PL_DEPTH_MAX + 2]; /* the key that waits, by depth */
	struct buf text;
	struct pl_limits limits;
};

/* Hang value where the document stands. */
static enum err_code
attach(struct reader *r, struct pl *value, struct err *err)
{
	struct pl *in = r->depth == 0 ? NULL : r->stack[r->depth - 1];

	if (in == NULL)
		r->root = value;
	else if (pl_type(in) == PL_DICT)
		return pl_dict_add(in, buf_str(&r->keys[r->depth]), value, err);
	else
		pl_array_add(in, value);
	return ERR_OK;
}

static enum err_code
on_open(void *arg, enum pl_tag tag, struct err *err)
{
	struct reader *r = arg;
	struct pl *node;
	enum err_code e;

	buf_reset(&r->text);
	if (tag != TAG_DICT && tag != TAG_ARRAY)
		return ERR_OK;
	if ((e = pl_limits_add(&r->limits, 0, err)) != ERR_OK)
		return e;
	node = tag == TAG_DICT ? pl_new_dict() : pl_new_array();
	if ((e = attach(r, node, err)) != ERR_OK)
		return e;
	r->stack[r->depth++] = node;
	return ERR_OK;
}

static enum err_code
on_text(void *arg, struct bytes text, struct err *err)
{
	struct reader *r = arg;

	if (text.len > PL_BYTES_MAX || r->text.len > 2UL * PL_BYTES_MAX)
		return err_set(err, ERR_TOO_BIG, "a text is too long");
	buf_bytes(&r->text, text);
	return buf_error(&r->text, err);
}

/* CFPropertyList: decimal or 0x, with a sign; no octal. */
static enum err_code
integer(struct bytes s, struct pl **ret, struct err *err)
{
	char digits[32];
	bool negative = false;
	unsigned long long v;
	char *end;
	int base = 10;

	if (s.len > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
		negative = s.p[0] == '-';
		s = bytes_of(s.p + 1, s.len - 1);
	}
	while (s.len > 1 && s.p[0] == '0' && s.p[1] != 'x' && s.p[1] != 'X')
		s = bytes_of(s.p + 1, s.len - 1);
	if (s.len > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X')) {
		base = 16;
		s = bytes_of(s.p + 2, s.len - 2);
	}
	if (s.len == 0 || s.len > 20 || s.p[0] == '-' || s.p[0] == '+' ||
	    s.p[0] == ' ')
		return err_set(
		    err, ERR_UNDECODABLE, "<integer> holds no whole number");
	memcpy(digits, s.p, s.len);
	digits[s.len] = '\0';
	errno = 0;
	v = strtoull(digits, &end, base);
	if (*end != '\0' || (base == 16 && digits[1] == 'x'))
		return err_set(
		    err, ERR_UNDECODABLE, "<integer> holds no whole number");
	if (errno == ERANGE || (negative && v > (uint64_t)INT64_MAX + 1))
		return err_set(err, ERR_UNDECODABLE,
		    "<integer> is below -2^63 or above 2^64-1");
	*ret = negative ? pl_new_int((int64_t)(0 - v)) : pl_new_uint(v);
	return ERR_OK;
}

static enum err_code
real(struct bytes s, struct pl **ret, struct err *err)
{
	char digits[400];
	char *end;
	double v;

	if (s.len == 0 || s.len >= sizeof(digits))
		return err_set(err, ERR_UNDECODABLE, "<real> holds no number");
	memcpy(digits, s.p, s.len);
	digits[s.len] = '\0';
	v = strtod(digits, &end);
	if (*end != '\0' || end == digits)
		return err_set(err, ERR_UNDECODABLE, "<real> holds no number");
	*ret = pl_new_real(v);
	return ERR_OK;
}

static enum err_code
date(struct bytes s, struct pl **ret, struct err *err)
{
	int64_t seconds;

	if (!pl_date_text(s, &seconds))
		return err_set(err, ERR_UNDECODABLE,
		    "<date> must be like 2026-11-25T14:11:00Z");
	*ret = pl_new_date(seconds);
	return ERR_OK;
}

static enum err_code
data(struct bytes s, struct pl **ret, struct err *err)
{
	struct buf bytes = { 0 };
	enum err_code e = text_unbase64(s, &bytes, err);

	if (e == ERR_OK)
		*ret = pl_new_data(buf_view(&bytes));
	else
		(void)err_context(err, "<data>");
	buf_free(&bytes);
	return e;
}

static enum err_code
value(struct reader *r, enum pl_tag tag, struct pl **ret, struct err *err)
{
	struct bytes raw = buf_view(&r->text);
	enum err_code e = ERR_OK;

	if (tag == TAG_INTEGER)
		return integer(text_trim(raw), ret, err);
	if (tag == TAG_REAL)
		return real(text_trim(raw), ret, err);
	if (tag == TAG_DATE)
		return date(text_trim(raw), ret, err);
	if (tag == TAG_DATA)
		return data(raw, ret, err);
	if (tag == TAG_TRUE || tag == TAG_FALSE)
		*ret = pl_new_bool(tag == TAG_TRUE);
	else if ((e = pl_check_text(raw, err)) == ERR_OK)
		*ret = pl_new_string(buf_str(&r->text));
	return e;
}

static enum err_code
on_close(void *arg, enum pl_tag tag, struct err *err)
{
	struct reader *r = arg;
	struct pl *node = NULL;
	struct buf *key;
	enum err_code e;

	if (tag == TAG_PLIST)
		return ERR_OK;
	if (tag == TAG_DICT || tag == TAG_ARRAY) {
		r->depth--;
		return ERR_OK;
	}
	if ((e = pl_limits_add(&r->limits, r->text.len, err)) != ERR_OK)
		return e;
	if (tag == TAG_KEY) {
		key = &r->keys[r->depth];
		buf_reset(key);
		buf_bytes(key, buf_view(&r->text));
		if ((e = pl_check_text(buf_view(key), err)) != ERR_OK)
			return e;
		return buf_error(key, err);
	}
	if ((e = value(r, tag, &node, err)) != ERR_OK)
		return e;
	return attach(r, node, err);
}

static enum err_code
parse_xml(struct bytes s, struct pl **ret, struct err *err)
{
	static const struct pl_sink sink = { on_open, on_text, on_close };
	struct reader r = { 0 };
	struct pl_scan scan;
	enum err_code e;
	size_t i;

	pl_scan_init(&scan);
	scan.sink = &sink;
	scan.sink_arg = &r;
	if ((e = pl_scan_feed(&scan, s, err)) != ERR_OK ||
	    (e = pl_scan_end(&scan, err)) != ERR_OK)
		goto out;
	*ret = r.root;
	r.root = NULL;
out:
	pl_free(r.root);
	for (i = 0; i < sizeof(r.keys) / sizeof(r.keys[0]); i++)
		buf_free(&r.keys[i]);
	buf_free(&r.text);
	return e;
}

enum err_code
pl_parse(struct bytes s, struct pl **ret, struct err *err)
{
	if (bytes_begin(s, bytes_text("bplist00")))
		return pl_parse_binary(s, ret, err);
	return parse_xml(s, ret, err);
}

bool
pl_looks_like(struct bytes s)
{
	if (bytes_begin(s, bytes_text("bplist")))
		return true;
	if (bytes_begin(s, bytes_text("\xef\xbb\xbf")))
		s = bytes_of(s.p + 3, s.len - 3);
	s = text_trim(s);
	return s.len > 0 && s.p[0] == '<';
}
