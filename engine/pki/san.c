#include "engine/pki/san.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "engine/base/text.h"
#include "engine/pki/openssl_priv.h"

/* clang-format off */
static const struct { enum san_kind kind; int type; const char *name; }
kinds[] = {
	{ SAN_DNS,   GEN_DNS,   "a DNS name: write it like mdm.example.com, without https:// (letters of other alphabets as xn--...)" },
	{ SAN_IP,    GEN_IPADD, "an IP address" },
	{ SAN_EMAIL, GEN_EMAIL, "a mail address" },
	{ SAN_URI,   GEN_URI,   "a URI" },
};
/* clang-format on */

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

enum san_kind
san_kind_of_host(const char *text)
{
	uint8_t address[16];

	if (inet_pton(AF_INET, text, address) == 1 ||
	    inet_pton(AF_INET6, text, address) == 1)
		return SAN_IP;
	return SAN_DNS;
}

/* The name as text, malloc'd; NULL if a text cannot hold it. */
static char *
read_text(const GENERAL_NAME *name)
{
	const ASN1_STRING *s = name->d.ia5; /* all four are ASN1_STRINGs */
	const uint8_t *p = ASN1_STRING_get0_data(s);
	size_t len = (size_t)ASN1_STRING_length(s);
	char address[INET6_ADDRSTRLEN];

	if (name->type == GEN_IPADD) {
		if (len != 4 && len != 16)
			return NULL;
		if (inet_ntop(len == 4 ? AF_INET : AF_INET6, p, address,
			sizeof(address)) == NULL)
			return NULL;
		return strdup(address);
	}
	if (len == 0 || !text_is_clean(bytes_of(p, len)))
		return NULL;
	return strndup((const char *)p, len);
}

enum err_code
sans_read(const GENERAL_NAMES *names, struct sans *ret, struct err *err)
{
	int i, n = sk_GENERAL_NAME_num(names);
	struct sans s = { 0 };
	size_t k;

	if (n <= 0)
		return ERR_OK;
	if ((s.v = calloc((size_t)n, sizeof(*s.v))) == NULL)
		return err_set(err, ERR_NO_MEMORY, "names");
	for (i = 0; i < n; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		for (k = 0; k < KINDS && kinds[k].type != name->type; k++)
			;
		if (k == KINDS || (s.v[s.n].text = read_text(name)) == NULL)
			continue;
		s.v[s.n++].kind = kinds[k].kind;
	}
	*ret = s;
	return ERR_OK;
}

void
sans_free(struct sans *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free((void *)(uintptr_t)s->v[i].text);
	free(s->v);
	s->v = NULL;
	s->n = 0;
}

/* RFC 5890 letters, digits, hyphens, and one leading "*.". */
static bool
is_dns_name(const char *s)
{
	size_t i, label = 0, len;

	if (strncmp(s, "*.", 2) == 0)
		s += 2;
	len = strlen(s);
	if (len == 0 || len > 253)
		return false;
	for (i = 0; i < len; i++) {
		bool alnum = (s[i] >= 'a' && s[i] <= 'z') ||
		             (s[i] >= 'A' && s[i] <= 'Z') ||
		             (s[i] >= '0' && s[i] <= '9') || s[i] == '_';

		if (s[i] == '.' && label == 0)
			return false;
		if (s[i] != '.' && !alnum && s[i] != '-')
			return false;
		label = s[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

static bool
fits(const struct san *name)
{
	struct bytes text = bytes_text(name->text);
	size_t i;

	if (name->kind == SAN_DNS)
		return is_dns_name(name->text);
	if (name->kind == SAN_IP)
		return san_kind_of_host(name->text) == SAN_IP;
	for (i = 0; i < text.len; i++) /* an IA5String */
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
			return false;
	return text.len > 0 && text.len <= 2048;
}

static enum err_code
append_one(const struct san *name, GENERAL_NAMES *names, struct err *err)
{
	GENERAL_NAME *g;
	size_t k;

	for (k = 0; k < KINDS && kinds[k].kind != name->kind; k++)
		;
	if (k == KINDS || !fits(name))
		return err_set(err, ERR_INVALID, "\"%s\" is not %s", name->text,
		    k == KINDS ? "a name" : kinds[k].name);
	g = a2i_GENERAL_NAME(NULL, NULL, NULL, kinds[k].type, name->text, 0);
	if (g == NULL || sk_GENERAL_NAME_push(names, g) <= 0) {
		GENERAL_NAME_free(g);
		ERR_clear_error();
		return err_set(err, ERR_INVALID, "\"%s\" is not %s", name->text,
		    kinds[k].name);
	}
	return ERR_OK;
}

enum err_code
sans_append(
    const struct san *names, size_t n, GENERAL_NAMES **ret, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	if (*ret == NULL && (*ret = sk_GENERAL_NAME_new_null()) == NULL)
		return err_set(err, ERR_NO_MEMORY, "names");
	for (i = 0; i < n && rc == ERR_OK; i++)
		rc = append_one(&names[i], *ret, err);
	return rc;
}
