#include "engine/base/pl.h"

#include <stdlib.h>

#include "tests/tap.h"

#define HEAD                                                                   \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                         \
	"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "              \
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
#define DOC(s)  HEAD "<plist version=\"1.0\">\n" s "\n</plist>\n"
#define BARE(s) "<plist>" s "</plist>"

static struct pl *
parse(const char *s)
{
	struct pl *root = NULL;
	struct err err = { 0 };

	if (pl_parse(bytes_text(s), &root, &err) != ERR_OK)
		printf("# %s\n", err.msg);
	return root;
}

/* Whether s is refused with code and a message that says so. */
static bool
refused_bytes(struct bytes s, enum err_code code, const char *says)
{
	struct pl *root = NULL;
	struct err err = { 0 };
	enum err_code e = pl_parse(s, &root, &err);
	bool good = e == code && err.code == code && root == NULL &&
	            strstr(err.msg, says) != NULL;

	if (!good)
		printf("# %s: %s\n", err_name(e), err.msg);
	pl_free(root);
	return good;
}

static bool
refused(const char *s, const char *says)
{
	return refused_bytes(bytes_text(s), ERR_UNDECODABLE, says);
}

static void
test_values(void)
{
	struct pl *r = parse(DOC(
	    "<dict>"
	    "<key>s</key><string>a&amp;b<![CDATA[<]]]>&#x20AC;</string>"
	    "<key>i</key><integer> -5 </integer>"
	    "<key>o</key><integer>010</integer>"
	    "<key>x</key><integer>0x1F</integer>"
	    "<key>u</key><integer>18446744073709551615</integer>"
	    "<key>m</key><integer>-1</integer>"
	    "<key>r</key><real>1.5</real>"
	    "<key>t</key><true/><key>f</key><false></false>"
	    "<key>d</key><date>2026-11-25T14:11:00Z</date>"
	    "<key>far</key><date>4001-01-01T00:00:00Z</date>"
	    "<key>old</key><date>0001-01-01T00:00:00Z</date>"
	    "<key>b</key><data>aGVs bG8=</data><key>b0</key><data/>"
	    "<key>a</key><array><string/><!-- c --><dict/></array></dict>"));
	int64_t i = 0;
	uint64_t u = 0;
	double d = 0;
	bool b = false;

	ok(r != NULL && pl_type(r) == PL_DICT, "a document of all types");
	ok(strcmp(pl_get_string(r, "s"), "a&b<]\xe2\x82\xac") == 0,
	    "entities and CDATA become characters");
	ok(pl_get_int(r, "i", &i) && i == -5, "integers may be negative");
	ok(pl_get_int(r, "o", &i) && i == 10, "a leading 0 is not octal");
	ok(pl_get_int(r, "x", &i) && i == 31, "0x is hexadecimal");
	ok(!pl_get_int(r, "u", &i) && i == 31,
	    "a number that does not fit leaves the result untouched");
	ok(pl_uint(pl_dict_get(r, "u"), &u) && u == UINT64_MAX,
	    "2^64-1 is unsigned");
	ok(pl_get_int(r, "m", &i) && i == -1, "-1 is not 2^64-1");
	ok(!pl_uint(pl_dict_get(r, "m"), &u), "-1 is not unsigned");
	ok(pl_real(pl_dict_get(r, "r"), &d) && d > 1.49 && d < 1.51, "reals");
	ok(pl_real(pl_dict_get(r, "m"), &d) && d < -0.9 && d > -1.1,
	    "an integer is a real, too");
	ok(pl_get_bool(r, "t", &b) && b, "true");
	ok(pl_get_bool(r, "f", &b) && !b, "false");
	ok(pl_get_date(r, "d", &i) && i == 1795615860, "dates");
	ok(pl_get_date(r, "far", &i) && i == 64092211200, "dates after 2068");
	ok(pl_get_date(r, "old", &i) && i == -62135596800, "dates before 1901");
	ok(bytes_equal(pl_get_data(r, "b"), bytes_text("hello")), "data");
	ok(pl_get_data(r, "b0").p != NULL && pl_get_data(r, "b0").len == 0,
	    "empty data is there");
	ok(pl_array_len(pl_get_array(r, "a")) == 2, "arrays");
	ok(pl_array_at(pl_get_array(r, "a"), 2) == NULL, "end of an array");
	ok(pl_get_string(r, "i") == NULL && pl_get_dict(r, "a") == NULL &&
		pl_get_data(r, "s").p == NULL && !pl_get_bool(r, "i", &b),
	    "another type is nothing");
	ok(pl_get_string(NULL, "s") == NULL && pl_type(NULL) == PL_NONE &&
		pl_dict_get(pl_dict_get(r, "s"), "x") == NULL,
	    "NULL and scalars have no keys");
	pl_free(r);
}

static void
test_refusals(void)
{
	ok(refused("", "empty"), "an empty file");
	ok(refused("hello", "text, not a property list"), "text");
	ok(refused("{\"a\":1}", "JSON"), "JSON");
	ok(refused("( a, b )", "OpenStep"), "OpenStep");
	ok(refused("<!DOCTYPE html><html>", "HTML"), "HTML");
	ok(refused("<html><body>", "HTML"), "HTML without a document type");
	ok(refused("<?xml version='1.0'?><a/>", "<plist> expected, <a> found"),
	    "other XML");
	ok(refused("-----BEGIN CERTIFICATE-----", "PEM"), "PEM");
	ok(refused("<dict/>", "<plist> is missing"), "no <plist>");
	ok(refused("<plist><dict><key>a</key>", "cut short"), "cut short");
	ok(refused("<plist><dict></dict>", "</plist> is missing"),
	    "no </plist>");
	ok(refused("<plist/>", "<plist> is empty"), "an empty <plist>");
	ok(refused(BARE("<true/>") "x", "follows </plist>"),
	    "characters behind </plist>");
	ok(refused(BARE("<true/>") BARE("<true/>"), "follows </plist>"),
	    "a second document");
	ok(refused(BARE("<true/><true/>"), "second value"), "two values");
	ok(refused(BARE("<foo/>"), "<foo> is no element"), "unknown elements");
	ok(refused(BARE("<array></dict>"), "</dict> stands where </array>"),
	    "crossed tags");
	ok(refused(BARE("<array>x</array>"), "text stands"),
	    "text between tags");
	ok(refused(BARE("<dict><true/></dict>"), "no <key>"),
	    "a value without key");
	ok(refused(BARE("<dict><key>a</key></dict>"), "no value"),
	    "a key without value");
	ok(refused(BARE("<dict><key>a</key><key>b</key></dict>"),
	       "value is missing"),
	    "a key behind a key");
	ok(refused(BARE("<dict><key>a</key><true/><key>a</key><true/></dict>"),
	       "a stands twice"),
	    "a key that stands twice");
	ok(refused(BARE("<string>a & b</string>"), "&amp;"), "a bare &");
	ok(refused(BARE("<string>&nbsp;</string>"), "&nbsp;"),
	    "unknown entities");
	ok(refused(BARE("<string>&#0;</string>"), "&#0;"), "&#0;");
	ok(refused(BARE("<string>&amp</string>"), "'&'"),
	    "an entity without end");
	ok(refused(BARE("<string>\xff</string>"), "UTF-8"), "no UTF-8");
	ok(refused_bytes(bytes_of(BARE("<string>a\0b</string>"), 34),
	       ERR_UNDECODABLE, "NUL"),
	    "NUL in a text");
	ok(refused(BARE("<integer>x</integer>"), "whole number"), "no integer");
	ok(refused(BARE("<integer/>"), "whole number"), "an empty integer");
	ok(refused(BARE("<integer>18446744073709551616</integer>"), "2^64"),
	    "an integer above 2^64-1");
	ok(refused(BARE("<date>yesterday</date>"), "<date>"), "no date");
	ok(refused(BARE("<data>%</data>"), "base64"), "no base64");
	ok(refused(HEAD "\n" BARE("\n <foo/>"), "line 5, column "),
	    "a refusal names line and column");
	ok(refused("<!DOCTYPE plist [<!ENTITY a \"aa\">]>" BARE(
		       "<string>&a;</string>"),
	       "declares entities"),
	    "entity declarations (a billion laughs)");
	ok(refused("\xff\xfe<\0p\0", "UTF-16"), "UTF-16");
}

/* Depth arrays in another, then their ends. */
static void
nested(struct buf *b, size_t depth)
{
	size_t i;

	buf_text(b, "<plist>");
	for (i = 0; i < depth; i++)
		buf_text(b, "<array>");
	for (i = 0; i < depth; i++)
		buf_text(b, "</array>");
	buf_text(b, "</plist>");
}

static void
test_limits(void)
{
	struct buf b = { 0 };
	struct pl *r;
	size_t i;

	nested(&b, PL_DEPTH_MAX);
	r = parse(buf_str(&b));
	ok(r != NULL, "the deepest nesting is read");
	pl_free(r);
	buf_reset(&b);
	nested(&b, PL_DEPTH_MAX + 1);
	ok(refused_bytes(buf_view(&b), ERR_TOO_BIG, "in another"),
	    "one more is refused");
	buf_reset(&b);
	nested(&b, 1000000);
	ok(refused_bytes(buf_view(&b), ERR_TOO_BIG, "in another"),
	    "a million, too");
	buf_reset(&b);
	buf_text(&b, "<plist><array>");
	for (i = 0; i <= PL_NODES_MAX; i++)
		buf_text(&b, "<true/>");
	buf_text(&b, "</array></plist>");
	ok(refused_bytes(buf_view(&b), ERR_TOO_BIG, "keys and values"),
	    "too many values");
	buf_reset(&b);
	buf_text(&b, "<plist><dict>");
	for (i = 0; i <= PL_KEYS_MAX; i++)
		buf_printf(&b, "<key>%zu</key><true/>", i);
	buf_text(&b, "</dict></plist>");
	ok(refused_bytes(buf_view(&b), ERR_TOO_BIG, "in one dictionary"),
	    "too many keys");
	buf_free(&b);
}

/* ---- binary ------------------------------------------------------------- */

/* Objects, then a table of 1-byte offsets and 1-byte references. */
static void
binary(
    struct buf *b, const char *const objects[], const size_t lens[], size_t n)
{
	uint8_t trailer[32] = { 0 };
	uint8_t at[64];
	size_t i;

	buf_reset(b);
	buf_text(b, "bplist00");
	for (i = 0; i < n; i++) {
		at[i] = (uint8_t)b->len;
		buf_put(b, objects[i], lens[i]);
	}
	trailer[6] = trailer[7] = 1;
	trailer[15] = (uint8_t)n;
	trailer[31] = (uint8_t)b->len;
	buf_put(b, at, n);
	buf_put(b, trailer, 32);
}

static bool
refused_binary(const char *object, size_t len, const char *says)
{
	struct buf b = { 0 };
	bool good;

	binary(&b, &object, &len, 1);
	good = refused_bytes(buf_view(&b), ERR_UNDECODABLE, says);
	buf_free(&b);
	return good;
}

static void
test_binary(void)
{
	const char *bomb[40];
	size_t lens[40], i;
	char arrays[40][4];
	struct buf b = { 0 };

	ok(refused_binary("\x80\x01", 2, "UID"), "UIDs");
	ok(refused_binary("\x00", 1, "null"), "null");
	ok(refused_binary("\x52"
			  "a\0",
	       3, "NUL"),
	    "NUL in a text");
	ok(refused_binary("\x61\xd8\x00", 3, "half a character"),
	    "half a surrogate pair");
	ok(refused_binary("\x51\xff", 2, "UTF-8"), "a text that is not ASCII");
	ok(refused_binary(
	       "\x5f\x13\xff\xff\xff\xff\xff\xff\xff\xff", 10, "cut short"),
	    "a length beyond the end");
	ok(refused_binary("\xaf\x13\x20\0\0\0\0\0\0\x01", 10, "cut short"),
	    "an array beyond the end");
	ok(refused_binary("\xa1\x09", 2, "no object"),
	    "a reference to nothing");
	ok(refused("bplist00", "cut short"), "a mark alone");
	ok(refused("bplist15xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "version"),
	    "another version");
	for (i = 0; i < 40; i++) {
		memcpy(arrays[i],
		    (char[4]){ '\xa2', (char)(i + 1), (char)(i + 1), 0 }, 4);
		bomb[i] = i < 39 ? arrays[i] : "\x09";
		lens[i] = i < 39 ? 3 : 1;
	}
	binary(&b, bomb, lens, 40);
	ok(refused_bytes(buf_view(&b), ERR_TOO_BIG, "keys and values"),
	    "arrays that double 39 times end at the limit");
	memcpy(arrays[0], "\xa2\x00\x00", 3);
	binary(&b, bomb, lens, 1);
	ok(refused_bytes(buf_view(&b), ERR_TOO_BIG, "holds itself"),
	    "an array that holds itself");
	buf_free(&b);
}

/* ---- building and writing ----------------------------------------------- */

static struct pl *
sample(void)
{
	struct pl *r = pl_new_dict(), *a = pl_new_array();

	pl_set_string(r, "name", "Ann's <phone> & \xc3\xa4\xf0\x9f\x98\x80");
	pl_set_int(r, "min", INT64_MIN);
	pl_set_bool(r, "yes", true);
	pl_set_data(r, "data", bytes_text("hello"));
	pl_set_data(r, "none", BYTES_NONE);
	pl_set_date(r, "now", 1795615860);
	pl_set_date(r, "far", 64092211200);
	pl_set_date(r, "old", -62135596800);
	pl_dict_set(r, "max", pl_new_uint(UINT64_MAX));
	pl_array_add(a, pl_new_real(0.1));
	pl_array_add(a, pl_new_dict());
	pl_array_add(a, pl_new_string(""));
	pl_array_add(a, pl_new_string_bytes(bytes_of("abc", 2)));
	pl_dict_set(r, "list", a);
	return r;
}

static bool
count(void *arg, const char *key, struct pl *value)
{
	struct buf *keys = arg;

	(void)value;
	buf_printf(keys, "%s ", key);
	return strcmp(key, "data") != 0;
}

static void
round_trip(const struct pl *r, void (*write)(const struct pl *, struct buf *),
    const char *what)
{
	struct buf one = { 0 }, two = { 0 };
	struct pl *back = NULL;

	write(r, &one);
	ok(pl_parse(buf_view(&one), &back, NULL) == ERR_OK, what);
	ok(pl_equal(r, back), "  and has the same values");
	write(back, &two);
	ok(bytes_equal(buf_view(&one), buf_view(&two)),
	    "  and gives the same bytes again");
	pl_free(back);
	buf_free(&one);
	buf_free(&two);
}

static void
test_building(void)
{
	struct pl *r = sample(), *copy = pl_copy(r);
	struct buf keys = { 0 };

	round_trip(r, pl_write_xml, "what was written as XML is read");
	round_trip(r, pl_write_binary, "what was written as binary is read");
	ok(pl_equal(r, copy), "a copy is equal");
	pl_dict_each(r, count, &keys);
	ok(strcmp(buf_str(&keys), "name min yes data ") == 0,
	    "keys come in order, until told to stop");
	pl_set_int(copy, "min", 3);
	ok(!pl_equal(r, copy), "a changed copy is not");
	ok(pl_dict_len(copy) == pl_dict_len(r), "a key is replaced in place");
	pl_dict_remove(copy, "min");
	ok(pl_dict_get(copy, "min") == NULL, "a key can be removed");
	pl_array_remove(pl_get_array(copy, "list"), 0);
	ok(pl_array_len(pl_get_array(copy, "list")) == 3,
	    "an item can be removed");
	pl_dict_set(copy, "x", NULL);
	ok(pl_dict_get(copy, "x") == NULL, "setting NULL changes nothing");
	pl_array_add(copy, pl_new_bool(true));
	pl_dict_set(pl_get_array(copy, "list"), "x", pl_new_bool(true));
	ok(pl_array_len(copy) == 0, "the wrong container takes nothing");
	ok(pl_looks_like(bytes_text(" \n<plist>")) &&
		pl_looks_like(bytes_text("\xef\xbb\xbf<?xml")) &&
		pl_looks_like(bytes_text("bplist00")) &&
		!pl_looks_like(bytes_text("DeviceLock")) &&
		!pl_looks_like(BYTES_NONE),
	    "what looks like a property list");
	pl_free(r);
	pl_free(copy);
	buf_free(&keys);
}

/* ---- mutations ---------------------------------------------------------- */

static uint32_t seed = 2026;

static uint32_t
dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static void
mutate(struct buf *b)
{
	uint32_t n = 1 + dice(4);

	while (n-- > 0 && b->len > 0) {
		uint32_t at = dice((uint32_t)b->len);

		switch (dice(4)) {
		case 0:
			b->p[at] = (uint8_t)dice(256);
			break;
		case 1:
			b->p[at] ^= (uint8_t)(1u << dice(8));
			break;
		case 2:
			memmove(b->p + at, b->p + at + 1, b->len - at - 1);
			b->len--;
			break;
		default:
			b->len = at;
		}
	}
}

static void
test_mutations(void)
{
	void (*const writers[2])(const struct pl *,
	    struct buf *) = { pl_write_xml, pl_write_binary };
	struct buf whole[2] = { { 0 }, { 0 } }, b = { 0 }, again = { 0 };
	struct pl *r = sample(), *m, *back;
	bool honest = true;
	int i;

	writers[0](r, &whole[0]);
	writers[1](r, &whole[1]);
	for (i = 0; i < 4000; i++) {
		struct err err = { 0 };

		m = back = NULL;
		buf_reset(&b);
		buf_bytes(&b, buf_view(&whole[i % 2]));
		mutate(&b);
		if (pl_parse(buf_view(&b), &m, &err) != ERR_OK) {
			honest = honest && m == NULL && err.msg[0] != '\0';
			continue;
		}
		buf_reset(&again);
		pl_write_xml(m, &again);
		honest =
		    honest && pl_parse(buf_view(&again), &back, NULL) == ERR_OK;
		pl_free(back);
		pl_free(m);
	}
	ok(honest, "4000 damaged documents are read or refused with a reason");
	pl_free(r);
	buf_free(&whole[0]);
	buf_free(&whole[1]);
	buf_free(&b);
	buf_free(&again);
}

int
main(void)
{
	test_values();
	test_refusals();
	test_limits();
	test_binary();
	test_building();
	test_mutations();
	return tap_done();
}
