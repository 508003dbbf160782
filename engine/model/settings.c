#include "engine/model/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/net.h"
#include "engine/base/text.h"
#include "engine/model/orgs.h"
#include "engine/model/slot_request.h"
#include "engine/pki/cert.h"

static bool
host_valid(const char *host)
{
	size_t len = strlen(host);

	return len > 0 && host[0] != '.' && host[0] != '-' &&
	       host[len - 1] != '.' && host[len - 1] != '-' &&
	       strstr(host, "..") == NULL &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

/* One line of text, trimmed, in p of size. */
static enum err_code
one_line(struct bytes file, char *p, size_t size, struct err *err)
{
	struct bytes s = text_trim(file);

	if (s.len == 0)
		return err_set(err, ERR_INVALID, "it is empty");
	if (memchr(s.p, '\n', s.len) != NULL)
		return err_set(err, ERR_INVALID, "it must be one line");
	if (!text_is_clean(s))
		return err_set(err, ERR_UNDECODABLE,
		    "it is not plain text (UTF-8 without control characters)");
	if (s.len >= size)
		return err_set(err, ERR_INVALID, "the line is too long");
	memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return ERR_OK;
}

static enum err_code
parse_port(const char *text, uint16_t *port, struct err *err)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || v < 1 ||
	    v > 65535)
		return err_set(err, ERR_INVALID,
		    "\"%s\" is no port: a number from 1 to 65535 stands "
		    "behind the colon",
		    text);
	*port = (uint16_t)v;
	return ERR_OK;
}

enum err_code
system_url_parse(struct bytes file, struct system_url *ret, struct err *err)
{
	static const char scheme[] = "https://";
	struct system_url u = { .port = 443 };
	char *host, *colon;
	size_t len, i;
	enum err_code rc = one_line(file, u.text, sizeof(u.text), err);

	if (rc != ERR_OK)
		return err_context(err, "url");
	if (strncmp(u.text, scheme, strlen(scheme)) != 0)
		return err_set(err, ERR_INVALID,
		    "url: \"%.100s\" does not begin with https://: devices "
		    "accept no other way. Write https://HOST[:PORT], with a "
		    "HOST that the TLS certificate carries",
		    u.text);
	host = u.text + strlen(scheme);
	len = strlen(u.text);
	if (u.text[len - 1] == '/')
		u.text[--len] = '\0';
	if (strpbrk(host, "/?#@ ") != NULL)
		return err_set(err, ERR_INVALID,
		    "url: only https://HOST[:PORT] stands here, no path, user "
		    "or query");
	if (strlen(host) >= sizeof(u.host))
		return err_set(err, ERR_INVALID, "url: the host is too long");
	snprintf(u.host, sizeof(u.host), "%s", host);
	if ((colon = strchr(u.host, ':')) != NULL) {
		*colon = '\0';
		if ((rc = parse_port(colon + 1, &u.port, err)) != ERR_OK)
			return err_context(err, "url");
	}
	for (i = 0; u.host[i] != '\0'; i++)
		if (u.host[i] >= 'A' && u.host[i] <= 'Z')
			u.host[i] = (char)(u.host[i] + 32);
	if (!host_valid(u.host))
		return err_set(err, ERR_INVALID,
		    "url: \"%.100s\" is no host name that a device can look "
		    "up",
		    u.host);
	*ret = u;
	return ERR_OK;
}

enum err_code
system_url_read(struct txn *t, struct system_url *ret, struct err *err)
{
	char text[512];
	enum err_code rc = org_setting(t, 0, NULL, "url", text, sizeof(text));

	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_INVALID,
		    "system/url is missing: write the address that devices "
		    "shall use, echo https://mdm.example.com > system/url");
	if (rc != ERR_OK)
		return err_set(err, rc, "system/url: %s", err_text(rc));
	return system_url_parse(bytes_text(text), ret, err);
}

enum err_code
org_url_own(
    struct txn *t, uint32_t org, struct system_url *ret, struct err *err)
{
	char text[512];
	enum err_code rc = org_setting(t, org, NULL, "url", text, sizeof(text));

	if (rc != ERR_OK)
		return err_set(err, rc, "url: %s", err_text(rc));
	return system_url_parse(bytes_text(text), ret, err);
}

enum err_code
org_url_read(
    struct txn *t, uint32_t org, struct system_url *ret, struct err *err)
{
	enum err_code rc = org_url_own(t, org, ret, err);

	return rc == ERR_NOT_FOUND ? system_url_read(t, ret, err) : rc;
}

enum err_code
url_judge(struct change *c, struct err *err)
{
	struct system_url u;

	return system_url_parse(c->w->bytes, &u, err);
}

/* Who watches the addresses (tls.h) looks at a counter; requests for TLS
 * carry the host. */
enum err_code
url_apply(struct txn *t, struct change *c, struct err *err)
{
	uint64_t n;
	enum err_code rc = counter_next(t, "url", &n, err);

	return rc == ERR_OK ? slot_names_apply(t, c, err) : rc;
}

enum err_code
url_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	uint64_t count;
	enum err_code rc = counter_next(t, "url", &count, err);

	return rc == ERR_OK ? slot_names_removed(t, e, n, err) : rc;
}

enum err_code
line_judge(struct change *c, struct err *err)
{
	char line[1024];
	enum err_code rc = one_line(c->w->bytes, line, sizeof(line), err);

	return rc == ERR_OK ? rc : err_context(err, "%s", c->w->name);
}

/*
 * Apple's MDM payload, AccessRights: 2 needs 1, 128 needs 64; 0 is invalid;
 * rights can never be added later.
 */
static enum err_code
rights_parse(const char *line, int64_t *ret, struct err *err)
{
	char *end;
	long v = strtol(line, &end, 10);

	if (line[0] < '0' || line[0] > '9' || *end != '\0' || v < 1 || v > 8191)
		return err_set(err, ERR_INVALID,
		    "access-rights: a sum from 1 to 8191 is expected (8191: "
		    "all rights), not \"%.40s\"",
		    line);
	if ((v & 2) != 0 && (v & 1) == 0)
		return err_set(err, ERR_INVALID,
		    "access-rights: 2 (install profiles) needs 1 (inspect "
		    "profiles) as well");
	if ((v & 128) != 0 && (v & 64) == 0)
		return err_set(err, ERR_INVALID,
		    "access-rights: 128 (install provisioning profiles) needs "
		    "64 (inspect them) as well");
	*ret = v;
	return ERR_OK;
}

enum err_code
rights_judge(struct change *c, struct err *err)
{
	char line[64];
	int64_t v;
	enum err_code rc = one_line(c->w->bytes, line, sizeof(line), err);

	if (rc != ERR_OK)
		return err_context(err, "access-rights");
	return rights_parse(line, &v, err);
}

enum err_code
access_rights_read(struct txn *t, uint32_t org, int64_t *ret, struct err *err)
{
	char line[64];
	enum err_code rc = org_setting(
	    t, org, "enrollment", "access-rights", line, sizeof(line));

	if (rc == ERR_NOT_FOUND) {
		*ret = 8191;
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "access-rights: %s", err_text(rc));
	return rights_parse(line, ret, err);
}

/* ADDRESS[/BITS], one a line. */
enum err_code
networks_judge(struct change *c, struct err *err)
{
	struct bytes rest = c->w->bytes, line;
	size_t n = 0;

	while (text_line(&rest, &line)) {
		char text[64];

		n++;
		line = text_trim(line);
		if (line.len == 0 || line.p[0] == '#')
			continue;
		if (line.len >= sizeof(text))
			return err_set(
			    err, ERR_INVALID, "line %zu is too long", n);
		memcpy(text, line.p, line.len);
		text[line.len] = '\0';
		if (!net_valid(text))
			return err_set(err, ERR_INVALID,
			    "line %zu: a network is written 192.0.2.0/24 or "
			    "2001:db8::/32",
			    n);
	}
	return ERR_OK;
}

/* ---- notice-days --------------------------------------------------------- */

/* Longer than any certificate lives that comes from elsewhere. */
#define NOTICE_DAYS_MOST 3650
/* Numbers and what is said of them fit; org_setting() cuts what is longer. */
#define NOTICE_DAYS_BYTES 1024

/* Keep the order, and each number once. */
static enum err_code
add_days(struct notice_days *d, long v, struct err *err)
{
	unsigned i = 0;

	while (i < d->n && d->days[i] > v)
		i++;
	if (i < d->n && d->days[i] == v)
		return ERR_OK;
	if (d->n == NOTICE_DAYS_MAX)
		return err_set(err, ERR_INVALID,
		    "notice-days: at most %d numbers stand here",
		    NOTICE_DAYS_MAX);
	memmove(d->days + i + 1, d->days + i, (d->n - i) * sizeof(d->days[0]));
	d->days[i] = (int)v;
	d->n++;
	return ERR_OK;
}

static enum err_code
days_line(struct notice_days *d, const char *s, struct err *err)
{
	enum err_code rc = ERR_OK;

	s += strspn(s, ", \t");
	while (rc == ERR_OK && *s != '\0' && *s != '#') {
		size_t len = strcspn(s, ", \t"), digits;
		long v = strtol(s, NULL, 10);

		digits = strspn(s, "0123456789");
		if (digits != len || len > 4 || v < 1 || v > NOTICE_DAYS_MOST)
			return err_set(err, ERR_INVALID,
			    "notice-days: \"%.*s\" is no number of days from 1 "
			    "to %d: write 60, 30, 10, 3, 1 with commas between "
			    "them or one a line",
			    text_fit(bytes_of(s, len), 40), s,
			    NOTICE_DAYS_MOST);
		rc = add_days(d, v, err);
		s += len;
		s += strspn(s, ", \t");
	}
	return rc;
}

enum err_code
notice_days_parse(struct bytes file, struct notice_days *ret, struct err *err)
{
	struct notice_days d = { 0 };
	struct bytes rest = file, line;
	char text[NOTICE_DAYS_BYTES];
	enum err_code rc = ERR_OK;

	if (file.len >= sizeof(text))
		return err_set(err, ERR_INVALID, "notice-days: it is too long");
	if (!text_is_utf8(file) ||
	    (file.len > 0 && memchr(file.p, 0, file.len) != NULL))
		return err_set(
		    err, ERR_UNDECODABLE, "notice-days: it is not plain text");
	while (rc == ERR_OK && text_line(&rest, &line)) {
		line = text_trim(line);
		memcpy(text, line.p, line.len);
		text[line.len] = '\0';
		rc = days_line(&d, text, err);
	}
	if (rc == ERR_OK && d.n == 0)
		return err_set(err, ERR_INVALID,
		    "notice-days: there is no number in it; to have the usual "
		    "60, 30, 10, 3, 1 remove the file");
	if (rc == ERR_OK)
		*ret = d;
	return rc;
}

enum err_code
notice_days_judge(struct change *c, struct err *err)
{
	struct notice_days d;

	return notice_days_parse(c->w->bytes, &d, err);
}

enum err_code
notice_days_read(struct txn *t, struct notice_days *ret, struct err *err)
{
	static const struct notice_days usual = { 5, { 60, 30, 10, 3, 1 } };
	char text[NOTICE_DAYS_BYTES];
	enum err_code rc =
	    org_setting(t, 0, NULL, "notice-days", text, sizeof(text));

	if (rc == ERR_NOT_FOUND) {
		*ret = usual;
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "notice-days: %s", err_text(rc));
	return notice_days_parse(bytes_text(text), ret, err);
}
