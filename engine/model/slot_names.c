#include "engine/model/slot_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/orgs.h"
#include "engine/model/settings.h"
#include "engine/pki/csr.h"

void
slot_names_fini(struct slot_names *names)
{
	free(names->text);
	*names = (struct slot_names){ .n = 0 };
}

void
slot_names_text(const struct slot_names *names, struct buf *ret)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		buf_printf(ret, "%s%s", i == 0 ? "" : ", ", names->v[i].text);
}

/* 300.1.1.1 is neither an address nor a name that could exist. */
static bool
ends_in_digits(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *label = dot != NULL ? dot + 1 : name;

	return strspn(label, "0123456789") == strlen(label);
}

static enum err_code
check(const struct san *name, struct err *err)
{
	if (csr_check_name(name, NULL) == ERR_OK &&
	    (name->kind == SAN_IP || !ends_in_digits(name->text)))
		return ERR_OK;
	return err_set(err, ERR_INVALID,
	    "names: \"%.*s\" is neither a host name nor an IP address; write "
	    "names like mdm.example.com, *.example.com or 192.0.2.1, one a "
	    "line, without https:// and port (umlauts as xn--...)",
	    text_fit(bytes_text(name->text), 100), name->text);
}

static enum err_code
add(struct slot_names *names, char *word, struct err *err)
{
	size_t len = strlen(word), i;
	struct san *name = &names->v[names->n];

	if (len > 1 && word[len - 1] == '.')
		word[--len] = '\0';
	for (i = 0; i < len; i++)
		word[i] = (char)tolower((unsigned char)word[i]);
	for (i = 0; i < names->n; i++)
		if (strcmp(names->v[i].text, word) == 0)
			return ERR_OK;
	if (names->n == SLOT_NAMES_MAX)
		return err_set(err, ERR_INVALID,
		    "names: a request carries at most %d names",
		    SLOT_NAMES_MAX);
	*name = (struct san){ san_kind_of_host(word), word };
	names->n++;
	return check(name, err);
}

/* The line's end is cut off, and each word, for good. */
static enum err_code
add_line(struct slot_names *names, char *line, struct err *err)
{
	enum err_code rc = ERR_OK;
	char *rest = NULL, *word;

	line += strspn(line, " \t");
	if (*line == '#')
		return ERR_OK;
	for (word = strtok_r(line, ", \t\r;", &rest);
	     word != NULL && rc == ERR_OK;
	     word = strtok_r(NULL, ", \t\r;", &rest))
		rc = add(names, word, err);
	return rc;
}

enum err_code
slot_names_parse(struct bytes text, struct slot_names *ret, struct err *err)
{
	struct slot_names names = { .n = 0 };
	enum err_code rc = ERR_OK;
	char *line, *end;

	if (!text_is_utf8(text) ||
	    (text.len > 0 && memchr(text.p, '\0', text.len) != NULL))
		return err_set(err, ERR_UNDECODABLE,
		    "names: this is not plain text (UTF-8)");
	names.text = malloc(text.len + 1);
	if (names.text == NULL)
		return err_set(err, ERR_NO_MEMORY, "names");
	if (text.len > 0)
		memcpy(names.text, text.p, text.len);
	names.text[text.len] = '\0';
	for (line = names.text; line != NULL && rc == ERR_OK; line = end) {
		if ((end = strchr(line, '\n')) != NULL)
			*end++ = '\0';
		rc = add_line(&names, line, err);
	}
	if (rc == ERR_OK)
		*ret = names;
	else
		slot_names_fini(&names);
	return rc;
}

enum err_code
slot_names_judge(struct change *c, struct err *err)
{
	struct slot_names names = { .n = 0 };
	enum err_code rc = slot_names_parse(c->w->bytes, &names, err);

	slot_names_fini(&names);
	return rc;
}

/* The host that devices are told. */
static enum err_code
read_host(struct txn *t, uint32_t org, struct slot_names *ret, struct err *err)
{
	struct system_url url;
	char text[512];
	enum err_code rc = ERR_NOT_FOUND;

	if (org != 0)
		rc = org_setting(t, org, NULL, "url", text, sizeof(text));
	if (rc == ERR_NOT_FOUND)
		rc = org_setting(t, 0, NULL, "url", text, sizeof(text));
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "url: %s", err_text(rc));
	/* what cannot stand in a certificate is as good as missing */
	if (system_url_parse(bytes_text(text), &url, NULL) != ERR_OK)
		return ERR_OK;
	rc = slot_names_parse(bytes_text(url.host), ret, NULL);
	return rc == ERR_NO_MEMORY ? err_set(err, rc, "names") : ERR_OK;
}

enum err_code
slot_names_read(struct txn *t, uint32_t org, uint64_t dir,
    struct slot_names *ret, struct err *err)
{
	struct buf b = { 0 };
	struct node n;
	enum err_code rc = node_find(t, dir, "names", &n, NULL);

	*ret = (struct slot_names){ .n = 0 };
	if (rc == ERR_OK && (rc = node_get_content(t, &n, &b, err)) == ERR_OK)
		rc = slot_names_parse(buf_view(&b), ret, err);
	buf_free(&b);
	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && ret->n == 0)) {
		slot_names_fini(ret);
		rc = read_host(t, org, ret, err);
	}
	return rc;
}
