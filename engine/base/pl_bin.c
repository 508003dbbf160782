/*
 * Binary property lists (bplist00, as CFBinaryPList.c of Apple's CF writes
 * them): objects, a table of their offsets, a trailer of 32 bytes.
 *
 * Objects may be shared, so a short file can mean an endless tree; each use
 * of an object counts against the limits, and the depth ends circles.
 */
#include <math.h>

#include "engine/base/pl_priv.h"

#define TRAILER    32
#define EPOCH_2001 978307200.0

struct bin {
	struct bytes s;
	size_t offsets; /* where the table begins; objects end there */
	uint64_t objects;
	uint8_t offset_size;
	uint8_t ref_size;
	struct pl_limits limits;
	struct err *err;
};

/* One object: what stands behind its marker. */
struct object {
	uint8_t type; /* the upper half of the marker */
	uint8_t low;  /* the lower half */
	uint64_t n;   /* how many bytes, characters or references */
	size_t at;    /* of the first one */
};

static uint64_t
big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static enum err_code
bad(struct bin *b, size_t at, const char *what)
{
	return err_set(b->err, ERR_UNDECODABLE,
	    "binary property list, byte %zu: %s", at, what);
}

/* Whether n units of size bytes from at lie before the offset table. */
static bool
fits(const struct bin *b, size_t at, uint64_t n, size_t size)
{
	return at <= b->offsets && n <= (b->offsets - at) / size;
}

static enum err_code
object_at(struct bin *b, uint64_t ref, struct object *o)
{
	uint64_t at;
	size_t size;

	if (ref >= b->objects)
		return bad(b, b->offsets, "a reference to no object");
	at = big_endian(
	    b->s.p + b->offsets + ref * b->offset_size, b->offset_size);
	if (at < 8 || at >= b->offsets)
		return bad(b, b->offsets + ref * b->offset_size,
		    "an offset that points outside");
	o->type = b->s.p[at] >> 4;
	o->low = b->s.p[at] & 15;
	o->n = o->low;
	o->at = (size_t)at + 1;
	if (o->low != 15 || o->type < 4)
		return ERR_OK;
	if (!fits(b, o->at, 1, 1) || b->s.p[o->at] >> 4 != 1 ||
	    b->s.p[o->at] > 0x13)
		return bad(b, o->at, "a length that is no integer");
	size = (size_t)1 << (b->s.p[o->at] & 15);
	if (!fits(b, o->at + 1, 1, size))
		return bad(b, o->at, "a length that is cut short");
	o->n = big_endian(b->s.p + o->at + 1, size);
	o->at += 1 + size;
	return ERR_OK;
}

static enum err_code
utf16(struct bin *b, const struct object *o, struct buf *text)
{
	const uint8_t *p = b->s.p + o->at, *end = p + 2 * o->n;
	uint8_t out[4];
	size_t n;

	while (p < end) {
		uint32_t c = (uint32_t)big_endian(p, 2), low;

		p += 2;
		if (c >= 0xd800 && c < 0xdc00 && p < end) {
			low = (uint32_t)big_endian(p, 2);
			p += 2;
			if (low < 0xdc00 || low > 0xdfff)
				return bad(b, o->at, "half a character");
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		} else if (c >= 0xd800 && c < 0xe000) {
			return bad(b, o->at, "half a character");
		}
		if ((n = pl_utf8(c, out)) == 0)
			return bad(b, o->at, "a NUL character in a text");
		buf_put(text, out, n);
	}
	return buf_error(text, b->err);
}

/* The text of a string object. */
static enum err_code
string(struct bin *b, const struct object *o, struct buf *text)
{
	enum err_code e;

	if (o->type != 5 && o->type != 6)
		return bad(b, o->at, "a key that is not a string");
	if (!fits(b, o->at, o->n, o->type == 6 ? 2 : 1))
		return bad(b, o->at, "a string that is cut short");
	e = pl_limits_add(
	    &b->limits, (size_t)o->n * (o->type == 6 ? 3 : 1), b->err);
	if (e != ERR_OK)
		return e;
	buf_reset(text);
	if (o->type == 6) {
		if ((e = utf16(b, o, text)) != ERR_OK)
			return e;
	} else {
		buf_put(text, b->s.p + o->at, (size_t)o->n);
	}
	if ((e = pl_check_text(buf_view(text), b->err)) != ERR_OK) {
		(void)err_context(
		    b->err, "binary property list, byte %zu", o->at);
		return e;
	}
	return buf_error(text, b->err);
}

static double
floating(const uint8_t *p, size_t n)
{
	uint64_t bits = big_endian(p, n);
	uint32_t narrow = (uint32_t)bits;
	double d;
	float f;

	if (n == 8) {
		memcpy(&d, &bits, 8);
		return d;
	}
	memcpy(&f, &narrow, 4);
	return (double)f;
}

static enum err_code
number(struct bin *b, const struct object *o, struct pl **ret)
{
	size_t size = (size_t)1 << (o->low & 7);
	const uint8_t *p = b->s.p + o->at;
	double d;

	if (o->low > 4 || !fits(b, o->at, 1, size))
		return bad(b, o->at, "a number of no known size");
	if (o->type == 1) {
		/* 1, 2, 4 bytes are unsigned, 8 are signed, 16 are what
		 * does not fit in them */
		if (size == 16 && big_endian(p, 8) != 0)
			return bad(b, o->at, "an integer above 2^64-1");
		if (size == 16)
			*ret = pl_new_uint(big_endian(p + 8, 8));
		else
			*ret = pl_new_int((int64_t)big_endian(p, size));
		return ERR_OK;
	}
	if ((size != 4 && size != 8) || (o->type == 3 && size != 8))
		return bad(b, o->at, "a real or date of no known size");
	d = floating(p, size);
	if (o->type == 2) {
		*ret = pl_new_real(d);
		return ERR_OK;
	}
	d = floor(d + EPOCH_2001);
	if (!(d >= -62135596800.0 && d < 253402300800.0))
		return bad(b, o->at, "a date outside the years 1 to 9999");
	*ret = pl_new_date((int64_t)d);
	return ERR_OK;
}

static enum err_code node(
    struct bin *b, uint64_t ref, unsigned depth, struct pl **ret);

static uint64_t
ref_of(const struct bin *b, const struct object *o, uint64_t i)
{
	return big_endian(b->s.p + o->at + i * b->ref_size, b->ref_size);
}

static enum err_code
array(struct bin *b, const struct object *o, unsigned depth, struct pl *in)
{
	struct pl *value;
	enum err_code e;
	uint64_t i;

	if (!fits(b, o->at, o->n, b->ref_size))
		return bad(b, o->at, "an array that is cut short");
	for (i = 0; i < o->n; i++) {
		value = NULL;
		if ((e = node(b, ref_of(b, o, i), depth, &value)) != ERR_OK)
			return e;
		pl_array_add(in, value);
	}
	return ERR_OK;
}

static enum err_code
dict(struct bin *b, const struct object *o, unsigned depth, struct pl *in)
{
	struct buf key = { 0 };
	struct object k;
	struct pl *value;
	enum err_code e = ERR_OK;
	uint64_t i;

	if (!fits(b, o->at, o->n, 2UL * b->ref_size))
		return bad(b, o->at, "a dictionary that is cut short");
	for (i = 0; i < o->n; i++) {
		value = NULL;
		if ((e = object_at(b, ref_of(b, o, i), &k)) != ERR_OK ||
		    (e = string(b, &k, &key)) != ERR_OK ||
		    (e = node(b, ref_of(b, o, o->n + i), depth, &value)) !=
			ERR_OK ||
		    (e = pl_dict_add(in, buf_str(&key), value, b->err)) !=
			ERR_OK)
			break;
	}
	buf_free(&key);
	return e;
}

static enum err_code
container(
    struct bin *b, const struct object *o, unsigned depth, struct pl **ret)
{
	struct pl *made;
	enum err_code e;

	if (depth == PL_DEPTH_MAX)
		return err_set(b->err, ERR_TOO_BIG,
		    "more than %d arrays and dictionaries in another, or one "
		    "that holds itself",
		    PL_DEPTH_MAX);
	if (o->type == 13) {
		made = pl_new_dict();
		e = dict(b, o, depth + 1, made);
	} else {
		made = pl_new_array();
		e = array(b, o, depth + 1, made);
	}
	if (e == ERR_OK)
		*ret = made;
	else
		pl_free(made);
	return e;
}

static enum err_code
text_or_data(struct bin *b, const struct object *o, struct pl **ret)
{
	struct buf text = { 0 };
	enum err_code e;

	if (o->type == 4) {
		if (!fits(b, o->at, o->n, 1))
			return bad(b, o->at, "data that is cut short");
		e = pl_limits_add(&b->limits, (size_t)o->n, b->err);
		if (e == ERR_OK)
			*ret =
			    pl_new_data(bytes_of(b->s.p + o->at, (size_t)o->n));
		return e;
	}
	if ((e = string(b, o, &text)) == ERR_OK)
		*ret = pl_new_string(buf_str(&text));
	buf_free(&text);
	return e;
}

static enum err_code
node(struct bin *b, uint64_t ref, unsigned depth, struct pl **ret)
{
	struct object o;
	enum err_code e;

	if ((e = object_at(b, ref, &o)) != ERR_OK)
		return e;
	if (o.type >= 4 && o.type <= 6)
		return text_or_data(b, &o, ret);
	if ((e = pl_limits_add(&b->limits, 0, b->err)) != ERR_OK)
		return e;
	switch (o.type) {
	case 0:
		if (o.low != 8 && o.low != 9)
			return bad(b, o.at, "a null value");
		*ret = pl_new_bool(o.low == 9);
		return ERR_OK;
	case 1:
	case 2:
	case 3:
		return number(b, &o, ret);
	case 8:
		return bad(b, o.at,
		    "a UID: an archive of NSKeyedArchiver, not a plain "
		    "property list");
	case 10:
	case 13:
		return container(b, &o, depth, ret);
	default:
		return bad(b, o.at, "an object of no known type");
	}
}

enum err_code
pl_parse_binary(struct bytes s, struct pl **ret, struct err *err)
{
	struct bin b = { .s = s, .err = err };
	const uint8_t *t;
	uint64_t offsets;

	if (s.len < 8 + 1 + TRAILER)
		return err_set(
		    err, ERR_UNDECODABLE, "binary property list: cut short");
	t = s.p + s.len - TRAILER;
	b.offset_size = t[6];
	b.ref_size = t[7];
	b.objects = big_endian(t + 8, 8);
	offsets = big_endian(t + 24, 8);
	if (b.offset_size < 1 || b.offset_size > 8 || b.ref_size < 1 ||
	    b.ref_size > 8 || b.objects == 0 || offsets < 9 ||
	    offsets > s.len - TRAILER ||
	    b.objects > (s.len - TRAILER - offsets) / b.offset_size)
		return err_set(err, ERR_UNDECODABLE,
		    "binary property list: its last 32 bytes are wrong: cut "
		    "short, or something follows it");
	if (offsets + b.objects * b.offset_size != s.len - TRAILER)
		return err_set(err, ERR_UNDECODABLE,
		    "binary property list: bytes between its table and its "
		    "end that belong to nothing");
	b.offsets = (size_t)offsets;
	return node(&b, big_endian(t + 16, 8), 0, ret);
}
