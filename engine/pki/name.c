#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "engine/base/text.h"
#include "engine/pki/openssl_priv.h"

/* Append s escaped for a line, and for a list whose items commas part. */
static void
put_value(struct buf *ret, struct bytes s)
{
	size_t i, from = 0;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] != ',')
			continue;
		text_escape(ret, bytes_of(s.p + from, i - from));
		buf_text(ret, "\\,");
		from = i + 1;
	}
	text_escape(ret, bytes_of(s.p + from, s.len - from));
}

static void
put_string(struct buf *ret, const ASN1_STRING *s, bool list)
{
	uint8_t *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, s);
	struct bytes b;

	if (len >= 0)
		b = bytes_of(utf8, (size_t)len);
	else
		b = bytes_of(
		    ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	if (list)
		put_value(ret, b);
	else
		text_escape(ret, b);
	OPENSSL_free(utf8);
}

void
name_text(const X509_NAME *name, struct buf *ret)
{
	int i, n = X509_NAME_entry_count(name);

	if (n == 0)
		buf_text(ret, "(empty name)");
	for (i = 0; i < n; i++) {
		X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		const ASN1_OBJECT *o = X509_NAME_ENTRY_get_object(e);
		int nid = OBJ_obj2nid(o);
		char oid[80];

		if (i > 0)
			buf_text(ret, ", ");
		if (nid != NID_undef) {
			buf_text(ret, OBJ_nid2sn(nid));
		} else {
			OBJ_obj2txt(oid, sizeof(oid), o, 1);
			buf_text(ret, oid);
		}
		buf_char(ret, '=');
		put_string(ret, X509_NAME_ENTRY_get_data(e), true);
	}
}

char *
name_entry(const X509_NAME *name, int nid)
{
	struct buf b = { 0 };
	int i, last = -1;
	char *ret = NULL;

	while ((i = X509_NAME_get_index_by_NID(name, nid, last)) >= 0)
		last = i;
	if (last < 0)
		return NULL;
	put_string(&b,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)), false);
	if (b.error == ERR_OK)
		ret = strdup(buf_str(&b));
	buf_free(&b);
	return ret;
}

/* One value: up to a comma that no backslash precedes, trimmed. */
static struct bytes
take_item(struct bytes *rest, struct buf *value)
{
	bool escaped = false;

	buf_reset(value);
	while (rest->len > 0) {
		char c = (char)rest->p[0];

		rest->p++;
		rest->len--;
		if (!escaped && c == '\\') {
			escaped = true;
			continue;
		}
		if (!escaped && c == ',')
			break;
		escaped = false;
		buf_char(value, c);
	}
	return text_trim(buf_view(value));
}

static enum err_code
add_entry(X509_NAME *name, struct bytes item, struct err *err)
{
	const uint8_t *eq = memchr(item.p, '=', item.len);
	struct bytes key, value;
	ASN1_OBJECT *o = NULL;
	char type[80] = "";
	enum err_code rc = ERR_OK;

	if (eq == NULL)
		return err_set(err, ERR_INVALID,
		    "\"%.*s\" is no part of a subject: write it like "
		    "\"CN=apple-id@example.com, O=Acme\"",
		    (int)item.len, (const char *)item.p);
	key = text_trim(bytes_of(item.p, (size_t)(eq - item.p)));
	value =
	    text_trim(bytes_of(eq + 1, item.len - (size_t)(eq - item.p) - 1));
	if (key.len < sizeof(type))
		memcpy(type, key.p, key.len);
	if (strcasecmp(type, "E") == 0 || strcasecmp(type, "email") == 0)
		strcpy(type, "emailAddress");
	if (!isdigit((unsigned char)type[0]))
		for (key.len = 0;
		     islower((unsigned char)type[key.len]) && strlen(type) <= 3;
		     key.len++)
			type[key.len] =
			    (char)toupper((unsigned char)type[key.len]);
	if ((o = OBJ_txt2obj(type, 0)) == NULL) {
		rc = err_set(err, ERR_INVALID,
		    "\"%s\" is not known as a part of a subject: use CN, O, "
		    "OU, C, ST, L, emailAddress, UID or a dotted OID",
		    type);
		goto out;
	}
	if (value.len == 0 || value.len > 256) {
		rc = err_set(err, ERR_INVALID, "%s= in the subject has %s",
		    type, value.len == 0 ? "no value" : "too long a value");
		goto out;
	}
	if (X509_NAME_add_entry_by_OBJ(
		name, o, MBSTRING_UTF8, value.p, (int)value.len, -1, 0) != 1)
		rc = err_set(err, ERR_INVALID,
		    "%s=%.*s does not fit into a subject: %s%s", type,
		    (int)value.len, (const char *)value.p, openssl_reason(),
		    strcmp(type, "C") == 0 ? " (a country is two letters, "
					     "like DE)"
					   : "");
out:
	ASN1_OBJECT_free(o);
	return rc;
}

enum err_code
name_parse(const char *text, X509_NAME **ret, struct err *err)
{
	struct bytes rest = text_trim(bytes_text(text)), item;
	X509_NAME *name = X509_NAME_new();
	struct buf value = { 0 };
	enum err_code rc = ERR_OK;

	if (name == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "subject");
		goto out;
	}
	if (rest.len == 0 || !text_is_clean(rest)) {
		rc = err_set(err, ERR_INVALID,
		    "a subject is one line of UTF-8 like "
		    "\"CN=apple-id@example.com, O=Acme\"");
		goto out;
	}
	while (rc == ERR_OK && rest.len > 0) {
		item = take_item(&rest, &value);
		if ((rc = buf_error(&value, err)) == ERR_OK)
			rc = add_entry(name, item, err);
	}
	if (rc != ERR_OK)
		goto out;
	*ret = name;
	name = NULL;
out:
	ERR_clear_error();
	X509_NAME_free(name);
	buf_free(&value);
	return rc;
}
