#include "engine/model/scep_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "engine/base/text.h"
#include "engine/model/challenges.h"
#include "engine/model/orgs.h"

/* Of what a file may say at most, with a NUL. */
#define TEXT_MAX 2048

typedef enum err_code parse_fn(
    const char *text, struct scep_settings *s, struct err *err);

/* ---- one file each ------------------------------------------------------ */

/* A whole number and nothing else. */
static enum err_code
number(const char *text, int least, int most, const char *of, int *ret,
    struct err *err)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || v < least ||
	    v > most)
		return err_set(err, ERR_INVALID,
		    "\"%.40s\" is not good here: %s, a number from %d to %d",
		    text, of, least, most);
	*ret = (int)v;
	return ERR_OK;
}

static enum err_code
key_size(const char *text, struct scep_settings *s, struct err *err)
{
	if (strcmp(text, "2048") != 0 && strcmp(text, "4096") != 0)
		return err_set(err, ERR_INVALID,
		    "\"%.40s\" is not good here: devices make RSA keys of 2048 "
		    "or 4096 bits",
		    text);
	s->key_bits = atoi(text);
	return ERR_OK;
}

static enum err_code
key_type(const char *text, struct scep_settings *s, struct err *err)
{
	(void)s;
	if (strcasecmp(text, "rsa") == 0)
		return ERR_OK;
	return err_set(err, ERR_INVALID,
	    "\"%.40s\" is not good here: with SCEP Apple's devices make RSA "
	    "keys and no others; write RSA, or remove this file",
	    text);
}

static const struct scep_values sample = { "00008030-000000000000001E",
	"C02XK0AAJG5J", "Acme", "6E1B61D5-2F71-4CE9-8AE1-6B3C0E3B1F55" };

static enum err_code
subject(const char *text, struct scep_settings *s, struct err *err)
{
	struct buf b = { 0 };
	enum err_code rc;

	if (strchr(text, '\n') != NULL)
		return err_set(err, ERR_INVALID,
		    "it must be one line, CN=%%UDID%%, O=%%ORG%%");
	if (strlen(text) >= sizeof(s->subject))
		return err_set(err, ERR_INVALID, "the line is too long");
	rc = scep_subject_fill(text, &sample, &b, err);
	buf_free(&b);
	if (rc == ERR_OK)
		snprintf(s->subject, sizeof(s->subject), "%s", text);
	return rc;
}

static void
count_name(void *arg, unsigned kind, const char *text)
{
	size_t *n = arg;

	(void)kind;
	(void)text;
	++*n;
}

static enum err_code
san(const char *text, struct scep_settings *s, struct err *err)
{
	struct bytes rest = bytes_text(text), line;
	size_t lines = 0, names = 0;
	enum err_code rc =
	    scep_san_fill(text, &sample, count_name, &names, err);

	while (text_line(&rest, &line)) {
		line = text_trim(line);
		lines += line.len > 0 && line.p[0] != '#';
	}
	if (rc != ERR_OK)
		return rc;
	if (names < lines)
		return err_set(err, ERR_INVALID,
		    "a name is none that a certificate can have: DNS: takes "
		    "host names, email: addresses, URI: such with a scheme");
	snprintf(s->san, sizeof(s->san), "%s", text);
	return ERR_OK;
}

static enum err_code
validity(const char *text, struct scep_settings *s, struct err *err)
{
	return number(text, 1, SCEP_DAYS_MAX,
	    "days for which a certificate is valid", &s->days, err);
}

static enum err_code
retries(const char *text, struct scep_settings *s, struct err *err)
{
	return number(
	    text, 0, 100, "how often a device asks again", &s->retries, err);
}

static enum err_code
retry_delay(const char *text, struct scep_settings *s, struct err *err)
{
	return number(text, 1, 3600, "seconds until a device asks again",
	    &s->retry_delay, err);
}

/* "90m": a number and one letter. */
static enum err_code
challenge_validity(const char *text, struct scep_settings *s, struct err *err)
{
	static const struct {
		char unit;
		int seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	long v = strtol(text, &end, 10);
	size_t i;

	while (*end == ' ')
		end++;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*end != units[i].unit || end[1] != '\0')
			continue;
		if (text[0] < '0' || text[0] > '9' || v < 1 || v > 1000000)
			break;
		v *= units[i].seconds;
		if (v < 60 || v > 90 * 86400)
			break;
		s->challenge_life = v;
		return ERR_OK;
	}
	return err_set(err, ERR_INVALID,
	    "\"%.40s\" is not good here: a time from 60s to 90d, written 90m, "
	    "24h or 7d",
	    text);
}

static enum err_code
address(const char *text, char ret[static SCEP_URL_MAX], struct err *err)
{
	const char *host = NULL;

	if (strncmp(text, "https://", 8) == 0)
		host = text + 8;
	else if (strncmp(text, "http://", 7) == 0)
		host = text + 7;
	if (host == NULL || *host == '\0' || *host == '/')
		return err_set(err, ERR_INVALID,
		    "\"%.100s\" is no address: it begins with https:// or "
		    "http:// and a host",
		    text);
	if (text[strcspn(text, " \t\"<>\\^`{|}#\n")] != '\0')
		return err_set(err, ERR_INVALID,
		    "\"%.100s\": there are characters in it that no address "
		    "has",
		    text);
	if (memchr(host, '@', strcspn(host, "/")) != NULL)
		return err_set(err, ERR_INVALID,
		    "user and password do not stand in the address: they have "
		    "files of their own, ndes-user and ndes-password");
	if (strlen(text) >= SCEP_URL_MAX)
		return err_set(err, ERR_INVALID, "the address is too long");
	snprintf(ret, SCEP_URL_MAX, "%s", text);
	return ERR_OK;
}

static enum err_code
url(const char *text, struct scep_settings *s, struct err *err)
{
	if (strchr(text, '?') != NULL)
		return err_set(err, ERR_INVALID,
		    "the address ends before the question mark: devices append "
		    "?operation=... by themselves");
	return address(text, s->url, err);
}

static enum err_code
ndes_url(const char *text, struct scep_settings *s, struct err *err)
{
	return address(text, s->ndes_url, err);
}

static enum err_code
one_line(const char *text, char *ret, size_t size, struct err *err)
{
	if (strchr(text, '\n') != NULL)
		return err_set(err, ERR_INVALID, "it must be one line");
	if (strlen(text) >= size)
		return err_set(err, ERR_INVALID,
		    "the line is too long: %zu bytes at most", size - 1);
	snprintf(ret, size, "%s", text);
	return ERR_OK;
}

static enum err_code
name(const char *text, struct scep_settings *s, struct err *err)
{
	return one_line(text, s->name, sizeof(s->name), err);
}

static enum err_code
challenge(const char *text, struct scep_settings *s, struct err *err)
{
	return one_line(text, s->challenge, sizeof(s->challenge), err);
}

static enum err_code
ndes_user(const char *text, struct scep_settings *s, struct err *err)
{
	return one_line(text, s->ndes_user, sizeof(s->ndes_user), err);
}

static enum err_code
ndes_password(const char *text, struct scep_settings *s, struct err *err)
{
	return one_line(text, s->ndes_password, sizeof(s->ndes_password), err);
}

/* Hexadecimal digits, with colons or spaces as tools print them. */
static enum err_code
fingerprint(const char *text, struct scep_settings *s, struct err *err)
{
	struct buf hex = { 0 }, bytes = { 0 };
	const char *p;
	enum err_code rc;

	for (p = text; *p != '\0'; p++)
		if (strchr(": -\t", *p) == NULL)
			buf_char(&hex, *p);
	rc = text_unhex(buf_view(&hex), &bytes, NULL);
	if (rc == ERR_OK && bytes.len != 16 && bytes.len != 20 &&
	    bytes.len != 32)
		rc = ERR_UNDECODABLE;
	if (rc == ERR_OK) {
		memcpy(s->fingerprint, bytes.p, bytes.len);
		s->fingerprint_len = bytes.len;
	} else {
		rc = err_set(err, ERR_INVALID,
		    "\"%.100s\" is no fingerprint: 64 hexadecimal digits "
		    "(SHA-256, openssl x509 -fingerprint -sha256 prints them), "
		    "40 (SHA-1) or 32 (MD5) of the CA's certificate",
		    text);
	}
	buf_free(&hex);
	buf_free(&bytes);
	return rc;
}

/* It switches on by being there. */
static enum err_code
proxy(const char *text, struct scep_settings *s, struct err *err)
{
	if (text[0] != '\0' && strcmp(text, "yes") != 0 &&
	    strcmp(text, "on") != 0)
		return err_set(err, ERR_INVALID,
		    "\"%.40s\": this file switches the proxy on by being there "
		    "(touch proxy); to switch it off remove it",
		    text);
	s->proxy = true;
	return ERR_OK;
}

/* ---- the table ---------------------------------------------------------- */

/* clang-format off */
static const struct row {
	const char *name;
	parse_fn *parse;
	bool may_be_empty;
} rows[] = {
	{ "key-size",           key_size,           false },
	{ "key-type",           key_type,           false },
	{ "subject",            subject,            false },
	{ "san",                san,                false },
	{ "validity",           validity,           false },
	{ "retries",            retries,            false },
	{ "retry-delay",        retry_delay,        false },
	{ "challenge-validity", challenge_validity, false },
	{ "url",                url,                false },
	{ "name",               name,               false },
	{ "fingerprint",        fingerprint,        false },
	{ "proxy",              proxy,              true },
	{ "challenge",          challenge,          false },
	{ "ndes-url",           ndes_url,           false },
	{ "ndes-user",          ndes_user,          false },
	{ "ndes-password",      ndes_password,      false },
};
/* clang-format on */

static enum err_code
parse(const struct row *row, struct bytes file, struct scep_settings *s,
    struct err *err)
{
	struct bytes text = text_trim(file), rest = text, line;
	char copy[TEXT_MAX];
	enum err_code rc;

	if (text.len == 0 && !row->may_be_empty)
		return err_set(err, ERR_INVALID,
		    "%s: it is empty; to have what is usual remove the file",
		    row->name);
	if (text.len >= sizeof(copy))
		return err_set(
		    err, ERR_INVALID, "%s: it is too long", row->name);
	while (text_line(&rest, &line))
		if (!text_is_clean(line))
			return err_set(err, ERR_UNDECODABLE,
			    "%s: it is not plain text (UTF-8 without control "
			    "characters)",
			    row->name);
	if (text.len > 0)
		memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	rc = row->parse(copy, s, err);
	OPENSSL_cleanse(copy, sizeof(copy));
	return rc == ERR_OK ? rc : err_context(err, "%s", row->name);
}

enum err_code
scep_setting_judge(struct change *c, struct err *err)
{
	struct scep_settings s = { .org = 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, c->w->name) == 0)
			rc = parse(&rows[i], c->w->bytes, &s, err);
	scep_settings_wipe(&s);
	return rc;
}

static enum err_code
read_row(struct txn *t, uint64_t dir, const struct row *row,
    struct scep_settings *s, struct err *err)
{
	struct buf b = { 0 };
	struct node n;
	enum err_code rc = node_find(t, dir, row->name, &n, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = node_get_content(t, &n, &b, NULL);
	if (rc == ERR_OK)
		rc = parse(row, buf_view(&b), s, err);
	else
		rc = err_set(err, rc, "%s: %s", row->name, err_text(rc));
	if (rc == ERR_OK && row->parse == url)
		s->url_ino = n.n.ino;
	buf_wipe(&b);
	return rc == ERR_OK ? rc
	                    : err_context(err, "orgs/%s/scep", s->org_name);
}

enum err_code
scep_settings_read(
    struct txn *t, uint32_t org, struct scep_settings *ret, struct err *err)
{
	struct scep_settings s = { .org = org,
		.key_bits = 2048,
		.retries = 3,
		.retry_delay = 10,
		.days = SCEP_DAYS };
	struct node dir;
	struct org o;
	size_t i;
	enum err_code rc = org_read(t, org, &o, err);

	if (rc != ERR_OK)
		return rc;
	memcpy(s.org_name, o.name, sizeof(s.org_name));
	rc = node_find(t, o.dir, "scep", &dir, NULL);
	for (i = 0; rc == ERR_OK && i < sizeof(rows) / sizeof(rows[0]); i++)
		rc = read_row(t, dir.n.ino, &rows[i], &s, err);
	if (rc == ERR_NOT_FOUND)
		rc = ERR_OK;
	if (rc == ERR_OK)
		*ret = s;
	scep_settings_wipe(&s);
	return rc;
}

void
scep_settings_wipe(struct scep_settings *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}

int64_t
scep_challenge_life(const struct scep_settings *s, bool http)
{
	if (s->ndes_url[0] != '\0' && s->url[0] != '\0')
		return SCEP_NDES_LIFE;
	if (s->challenge_life > 0)
		return s->challenge_life;
	return http ? CHALLENGE_HTTP : CHALLENGE_LIFE;
}
