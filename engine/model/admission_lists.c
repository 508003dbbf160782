/* enrollment/serials and enrollment/domains: one a line, # comments. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/text.h"
#include "engine/model/admission.h"
#include "engine/model/orgs.h"
#include "engine/model/place.h"

/* The next line that says something, trimmed. */
static bool
next(struct bytes *rest, struct bytes *ret, size_t *number)
{
	while (text_line(rest, ret)) {
		const uint8_t *hash;

		++*number;
		hash = ret->len == 0 ? NULL : memchr(ret->p, '#', ret->len);
		if (hash != NULL)
			ret->len = (size_t)(hash - ret->p);
		*ret = text_trim(*ret);
		if (ret->len > 0)
			return true;
	}
	return false;
}

static bool
equal(struct bytes a, const char *text)
{
	return a.len == strlen(text) &&
	       strncasecmp((const char *)a.p, text, a.len) == 0;
}

/* Of a file in orgs/ORG/enrollment; false: there is none. */
static bool
read_list(struct txn *t, uint32_t org, const char *name, struct buf *b)
{
	struct node n;

	return org_file(t, org, "enrollment", name, &n, NULL) == ERR_OK &&
	       node_get_content(t, &n, b, NULL) == ERR_OK;
}

/* ---- serials ------------------------------------------------------------ */

enum err_code
serials_judge(struct change *c, struct err *err)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789-";
	struct bytes rest = c->w->bytes, line;
	size_t n = 0, i;

	while (next(&rest, &line, &n)) {
		for (i = 0; i < line.len; i++)
			if (line.p[i] == 0 || strchr(good, line.p[i]) == NULL)
				break;
		if (i < line.len || i > ADMISSION_SERIAL_MAX)
			return err_set(err, ERR_INVALID,
			    "serials: line %zu is no serial number: one stands "
			    "in each line, letters and digits alone, at most "
			    "%d; notes stand behind a #",
			    n, ADMISSION_SERIAL_MAX);
	}
	return ERR_OK;
}

bool
admission_serial(struct txn *t, uint32_t org, const char *serial, bool *listed)
{
	struct buf b = { 0 };
	struct bytes rest, line;
	size_t n = 0;
	bool found = false;

	*listed = read_list(t, org, "serials", &b);
	rest = buf_view(&b);
	while (*listed && !found && next(&rest, &line, &n))
		found = equal(line, serial);
	buf_free(&b);
	return found;
}

/* ---- domains ------------------------------------------------------------ */

static bool
domain_valid(struct bytes s)
{
	size_t i;

	if (s.len > 253 || s.p[0] == '.' || s.p[s.len - 1] == '.' ||
	    memchr(s.p, '.', s.len) == NULL)
		return false;
	for (i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f ||
		    strchr("@/:?*,;\"'<>\\", s.p[i]) != NULL ||
		    (s.p[i] == '.' && s.p[i - 1] == '.'))
			return false;
	return text_is_clean(s);
}

enum err_code
domains_judge(struct change *c, struct err *err)
{
	struct bytes rest = c->w->bytes, line;
	size_t n = 0;

	while (next(&rest, &line, &n))
		if (!domain_valid(line))
			return err_set(err, ERR_INVALID,
			    "domains: line %zu is no mail domain: one stands "
			    "in each line, what is behind the @ alone, such as "
			    "acme.example",
			    n);
	return ERR_OK;
}

struct search {
	struct txn *t;
	const char *domain;
	uint32_t but;   /* not this organization */
	uint32_t found; /* 0: none */
};

static enum err_code
search_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct search *s = arg;
	struct buf b = { 0 };
	struct bytes rest, line;
	struct org o;
	size_t n = 0;
	enum err_code rc = org_decode(value, key_get_u32(key, 1), &o, err);

	if (rc != ERR_OK || o.removed_at != 0 || o.number == s->but)
		return rc;
	if (read_list(s->t, o.number, "domains", &b)) {
		rest = buf_view(&b);
		while (s->found == 0 && next(&rest, &line, &n))
			if (equal(line, s->domain))
				s->found = o.number;
	}
	buf_free(&b);
	*stop = s->found != 0;
	return ERR_OK;
}

static enum err_code
search(struct search *s, struct err *err)
{
	struct key prefix = key_of(KIND_ORG);

	return txn_each(
	    s->t, key_view(&prefix), BYTES_NONE, search_one, s, err);
}

enum err_code
domain_org(struct txn *t, const char *domain, uint32_t *ret, struct err *err)
{
	struct search s = { .t = t, .domain = domain };
	enum err_code rc = search(&s, err);

	if (rc == ERR_OK && s.found == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "no organization here has the mail domain %.100s", domain);
	if (rc == ERR_OK)
		*ret = s.found;
	return rc;
}

enum err_code
domains_apply(struct txn *t, struct change *c, struct err *err)
{
	struct bytes rest = c->w->bytes, line;
	size_t n = 0;

	while (next(&rest, &line, &n)) {
		char domain[256];
		struct search s = {
			.t = t, .domain = domain, .but = c->node.n.org
		};
		enum err_code rc;

		snprintf(domain, sizeof(domain), "%.*s", (int)line.len,
		    (const char *)line.p);
		if ((rc = search(&s, err)) != ERR_OK)
			return rc;
		if (s.found != 0)
			return err_set(err, ERR_NOT_UNIQUE,
			    "domains: %s is another organization's already, "
			    "and a mail address must lead to one of them: "
			    "grep -il %s orgs/*/enrollment/domains",
			    domain, domain);
	}
	return ERR_OK;
}
