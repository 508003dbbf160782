#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "engine/base/text.h"
#include "engine/model/scep_settings.h"
#include "engine/pki/csr.h"

#define PART_MAX 64 /* RFC 5280 upper bounds of CN, O, OU, serialNumber */

/* clang-format off */
static const struct {
	const char *name;
	size_t offset;
} variables[] = {
	{ "UDID",   offsetof(struct scep_values, udid) },
	{ "SERIAL", offsetof(struct scep_values, serial) },
	{ "ORG",    offsetof(struct scep_values, org) },
	{ "ID",     offsetof(struct scep_values, id) },
};
/* clang-format on */

#define VARIABLES "%%UDID%%, %%SERIAL%%, %%ORG%% and %%ID%%"

/* A value inside a subject: its commas part nothing. */
static void
put_escaped(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ',' || *s == '\\')
			buf_char(b, '\\');
		buf_char(b, *s);
	}
}

/* The variable between the percent signs; *known is whether it has a value. */
static enum err_code
put_variable(struct bytes name, const struct scep_values *v, bool escape,
    struct buf *b, bool *known, struct err *err)
{
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (bytes_equal(name, bytes_text(variables[i].name)))
			break;
	if (i == sizeof(variables) / sizeof(variables[0]))
		return err_set(err, ERR_INVALID,
		    "%%%.*s%% is not known: there are " VARIABLES,
		    text_fit(name, 40), (const char *)name.p);
	memcpy(&value, (const char *)v + variables[i].offset, sizeof(value));
	if (value == NULL || value[0] == '\0')
		*known = false;
	else if (escape)
		put_escaped(b, value);
	else
		buf_text(b, value);
	return ERR_OK;
}

/* Append part with its variables filled in. */
static enum err_code
expand(struct bytes part, const struct scep_values *v, bool escape,
    struct buf *b, bool *known, struct err *err)
{
	enum err_code rc = ERR_OK;
	const uint8_t *end;
	size_t i;

	*known = true;
	for (i = 0; rc == ERR_OK && i < part.len; i++) {
		char c = (char)part.p[i];

		if (c == '$' && i + 1 < part.len &&
		    (isupper(part.p[i + 1]) || part.p[i + 1] == '{'))
			return err_set(err, ERR_INVALID,
			    "variables are written with percent signs, "
			    "%%UDID%%, not with $: there are " VARIABLES);
		if (c != '%') {
			buf_char(b, c);
			continue;
		}
		end = memchr(part.p + i + 1, '%', part.len - i - 1);
		if (end == NULL)
			return err_set(err, ERR_INVALID,
			    "a percent sign without another one: variables are "
			    "written %%UDID%%, a percent sign itself is %%%%");
		if (end == part.p + i + 1)
			buf_char(b, '%');
		else
			rc = put_variable(bytes_of(part.p + i + 1,
					      (size_t)(end - part.p) - i - 1),
			    v, escape, b, known, err);
		i = (size_t)(end - part.p);
	}
	return rc == ERR_OK ? buf_error(b, err) : rc;
}

/* Take what stands before the next comma without a backslash off *rest. */
static struct bytes
take_part(struct bytes *rest)
{
	struct bytes part = { rest->p, 0 };

	while (part.len < rest->len && rest->p[part.len] != ',')
		part.len +=
		    rest->p[part.len] == '\\' && part.len + 1 < rest->len ? 2
									  : 1;
	rest->p += part.len;
	rest->len -= part.len;
	if (rest->len > 0) { /* the comma */
		rest->p++;
		rest->len--;
	}
	return text_trim(part);
}

/* What no certificate may have so long is cut, not in the middle of a
 * character nor behind a backslash. */
static size_t
cut(struct bytes part)
{
	const uint8_t *eq = memchr(part.p, '=', part.len);
	size_t head = eq == NULL ? 0 : (size_t)(eq - part.p) + 1, i, n = 0;

	if (eq == NULL || *part.p == 'e' || *part.p == 'E' || *part.p == 'U')
		return part.len; /* emailAddress and UID may be longer */
	for (i = head; i < part.len && n < PART_MAX; n++)
		i += part.p[i] == '\\' ? 2 : 1;
	if (i >= part.len)
		return part.len;
	while (i > head && (part.p[i] & 0xc0) == 0x80)
		i--;
	return i;
}

enum err_code
scep_subject_fill(const char *template, const struct scep_values *v,
    struct buf *ret, struct err *err)
{
	struct bytes rest = text_trim(bytes_text(template));
	struct buf part = { 0 }, all = { 0 };
	enum err_code rc = ERR_OK;
	bool known;

	while (rc == ERR_OK && rest.len > 0) {
		struct bytes raw = take_part(&rest);

		buf_reset(&part);
		rc = expand(raw, v, true, &part, &known, err);
		if (rc != ERR_OK || !known)
			continue;
		if (all.len > 0)
			buf_text(&all, ", ");
		buf_put(&all, part.p, cut(buf_view(&part)));
	}
	if (rc == ERR_OK && all.len == 0)
		buf_printf(&all, "CN=%s", v->id);
	if (rc == ERR_OK)
		rc = buf_error(&all, err);
	if (rc == ERR_OK)
		rc = csr_check_subject(buf_str(&all), err);
	if (rc == ERR_OK)
		buf_bytes(ret, buf_view(&all));
	buf_free(&part);
	buf_free(&all);
	return rc == ERR_OK ? buf_error(ret, err) : rc;
}

/* ---- subject alternative names ------------------------------------------ */

/* clang-format off */
static const struct {
	const char *word;
	unsigned kind;
} kinds[] = {
	{ "dns:",   SAN_DNS },
	{ "email:", SAN_EMAIL },
	{ "uri:",   SAN_URI },
	{ "upn:",   SCEP_SAN_UPN },
};
/* clang-format on */

static enum err_code
take_kind(struct bytes *line, unsigned *kind, struct err *err)
{
	size_t i, n;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		n = strlen(kinds[i].word);
		if (line->len <= n ||
		    strncasecmp((const char *)line->p, kinds[i].word, n) != 0)
			continue;
		*kind = kinds[i].kind;
		*line = text_trim(bytes_of(line->p + n, line->len - n));
		return ERR_OK;
	}
	return err_set(err, ERR_INVALID,
	    "\"%.*s\": one name a line, DNS:%%SERIAL%%.devices.example.com, "
	    "email:NAME@example.com, URI:urn:uuid:%%UDID%% or "
	    "UPN:NAME@example.com",
	    text_fit(*line, 60), (const char *)line->p);
}

enum err_code
scep_san_fill(const char *template, const struct scep_values *v,
    scep_san_fn *fn, void *arg, struct err *err)
{
	struct bytes rest = bytes_text(template), line;
	struct buf text = { 0 };
	unsigned kind = 0;
	enum err_code rc = ERR_OK;
	bool known;

	while (rc == ERR_OK && text_line(&rest, &line)) {
		line = text_trim(line);
		if (line.len == 0 || line.p[0] == '#')
			continue;
		buf_reset(&text);
		if ((rc = take_kind(&line, &kind, err)) == ERR_OK)
			rc = expand(line, v, false, &text, &known, err);
		if (rc == ERR_OK && known) {
			struct san name = { (enum san_kind)kind,
				buf_str(&text) };

			if (kind == SCEP_SAN_UPN ||
			    csr_check_name(&name, NULL) == ERR_OK)
				fn(arg, kind, name.text);
		}
	}
	buf_free(&text);
	return rc;
}

/* ---- the parts of a subject --------------------------------------------- */

/* "CN" or "1.2.840.113549.1.9.1", as OpenSSL takes names and Apple wants
 * them. */
static bool
type_name(const char *type, char *ret, size_t size)
{
	static const char *const known[] = { "C", "L", "ST", "O", "OU", "CN" };
	ASN1_OBJECT *o;
	size_t i;
	int n;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(type, known[i]) == 0) {
			snprintf(ret, size, "%s", known[i]);
			return true;
		}
	if (strcasecmp(type, "E") == 0 || strcasecmp(type, "email") == 0)
		type = "emailAddress";
	o = OBJ_txt2obj(type, 0);
	n = o == NULL ? 0 : OBJ_obj2txt(ret, (int)size, o, 1);
	ASN1_OBJECT_free(o);
	ERR_clear_error();
	return n > 0 && (size_t)n < size;
}

static void
unescape(struct bytes s, struct buf *b)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '\\' && i + 1 < s.len)
			i++;
		buf_char(b, (char)s.p[i]);
	}
}

enum err_code
scep_subject_parts(
    const char *subject, scep_part_fn *fn, void *arg, struct err *err)
{
	struct bytes rest = text_trim(bytes_text(subject));
	struct buf value = { 0 };
	char type[80], name[80];
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && rest.len > 0) {
		struct bytes part = take_part(&rest), key;
		const uint8_t *eq = memchr(part.p, '=', part.len);

		key = text_trim(
		    bytes_of(part.p, eq == NULL ? 0 : (size_t)(eq - part.p)));
		snprintf(type, sizeof(type), "%.*s", (int)key.len,
		    (const char *)key.p);
		if (eq == NULL || !type_name(type, name, sizeof(name))) {
			rc = err_set(err, ERR_INVALID,
			    "\"%s\" is not known as a part of a subject", type);
			break;
		}
		buf_reset(&value);
		unescape(text_trim(bytes_of(
			     eq + 1, part.len - (size_t)(eq - part.p) - 1)),
		    &value);
		if ((rc = buf_error(&value, err)) == ERR_OK)
			fn(arg, name, buf_str(&value));
	}
	buf_free(&value);
	return rc;
}
