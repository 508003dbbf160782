/* Names and characters that property lists are made of. */
#include "engine/base/pl_priv.h"

static const char *const names[] = {
	[TAG_NONE] = "",
	[TAG_PLIST] = "plist",
	[TAG_DICT] = "dict",
	[TAG_ARRAY] = "array",
	[TAG_KEY] = "key",
	[TAG_STRING] = "string",
	[TAG_INTEGER] = "integer",
	[TAG_REAL] = "real",
	[TAG_DATE] = "date",
	[TAG_DATA] = "data",
	[TAG_TRUE] = "true",
	[TAG_FALSE] = "false",
};

const char *
pl_tag_name(enum pl_tag tag)
{
	return names[tag];
}

enum pl_tag
pl_tag_of(const char *word)
{
	unsigned i;

	for (i = TAG_PLIST; i <= TAG_FALSE; i++)
		if (strcmp(pl_tag_name(i), word) == 0)
			return (enum pl_tag)i;
	return TAG_NONE;
}

/* Encode c as UTF-8; 0 if it is no character. */
size_t
pl_utf8(uint32_t c, uint8_t out[static 4])
{
	if (c == 0 || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* &#65; and &#x41;: what stands behind the '#'. */
static size_t
numeric(const char *s, uint8_t out[static 4])
{
	bool hex = s[0] == 'x' || s[0] == 'X';
	const char *p = hex ? s + 1 : s;
	uint32_t c = 0;

	if (*p == '\0')
		return 0;
	for (; *p != '\0'; p++) {
		uint32_t d = 99;

		if (*p >= '0' && *p <= '9')
			d = (uint32_t)(*p - '0');
		else if (hex && (*p | 0x20) >= 'a' && (*p | 0x20) <= 'f')
			d = (uint32_t)((*p | 0x20) - 'a' + 10);
		if (d == 99 || c > 0x110000)
			return 0;
		c = c * (hex ? 16 : 10) + d;
	}
	return pl_utf8(c, out);
}

size_t
pl_entity(const char *name, uint8_t out[static 4])
{
	static const struct {
		const char *name;
		char c;
	} known[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' },
		{ "quot", '"' }, { "apos", '\'' } };
	size_t i;

	if (name[0] == '#')
		return numeric(name + 1, out);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0) {
			out[0] = (uint8_t)known[i].c;
			return 1;
		}
	return 0;
}

/* What it is, if not a property list; s is what can be seen of it. */
const char *
pl_guess(struct bytes s)
{
	static const struct {
		const char *begin;
		const char *what;
	} kinds[] = {
		{ "-----BEGIN", "PEM (a certificate or key)" },
		{ "{", "JSON or an OpenStep property list" },
		{ "[", "JSON" },
		{ "(", "an OpenStep property list" },
		{ "PK\003\004", "a zip archive" },
		{ "\x1f\x8b", "gzip" },
		{ "\x30\x82", "DER (a certificate, or a signed profile)" },
		{ "\x30\x83", "DER (a certificate, or a signed profile)" },
		{ "\x30\x80", "BER (a signed profile)" },
		{ "\xff\xfe", "UTF-16; save it as UTF-8" },
		{ "\xfe\xff", "UTF-16; save it as UTF-8" },
		{ "\x7f"
		  "ELF",
		    "a program" },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (bytes_begin(s, bytes_text(kinds[i].begin)))
			return kinds[i].what;
	return s.p[0] >= ' ' && s.p[0] < 0x7f ? "text" : "binary data";
}
