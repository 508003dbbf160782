#include "engine/mdm/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "engine/base/text.h"
#include "engine/mdm/mdm_priv.h"

#define COOKIE "__Host-form"
#define NONCE  32 /* hexadecimal digits */
#define TIME   16
#define MAC    64
#define TOKEN  (TIME + MAC)

/* ---- fields ------------------------------------------------------------- */

static int
digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *
text_of(char *p, size_t len, bool raw)
{
	struct bytes s = bytes_of(p, len);

	if (!raw)
		s = text_trim(s);
	if (s.len == 0 || !text_is_clean(s))
		return NULL;
	memmove(p, s.p, s.len);
	p[s.len] = '\0';
	return p;
}

/* WHATWG URL 5.1: '+' is a space. */
static const char *
decode(const struct exchange *x, struct bytes s, bool raw)
{
	char *p = arena_alloc(x->arena, s.len + 1);
	size_t i, n = 0;

	for (i = 0; p != NULL && i < s.len; i++) {
		if (s.p[i] == '%' && i + 2 < s.len && digit(s.p[i + 1]) >= 0 &&
		    digit(s.p[i + 2]) >= 0) {
			p[n++] =
			    (char)(digit(s.p[i + 1]) << 4 | digit(s.p[i + 2]));
			i += 2;
		} else {
			p[n++] = s.p[i] == '+' ? ' ' : (char)s.p[i];
		}
	}
	return p == NULL ? NULL : text_of(p, n, raw);
}

const char *
form_value(const struct exchange *x, const char *name, bool raw)
{
	struct bytes rest = x->body, want = bytes_text(name);

	while (rest.len > 0) {
		const uint8_t *amp = memchr(rest.p, '&', rest.len);
		size_t n = amp == NULL ? rest.len : (size_t)(amp - rest.p);
		struct bytes pair = bytes_of(rest.p, n);

		/* the end of a line that curl -d @FILE or an editor left */
		while (amp == NULL && pair.len > 0 &&
		       (pair.p[pair.len - 1] == '\n' ||
			   pair.p[pair.len - 1] == '\r'))
			pair.len--;
		if (bytes_begin(pair, want) && pair.len > want.len &&
		    pair.p[want.len] == '=')
			return decode(x,
			    bytes_of(
				pair.p + want.len + 1, pair.len - want.len - 1),
			    raw);
		n += amp != NULL;
		rest = bytes_of(rest.p + n, rest.len - n);
	}
	return NULL;
}

const char *
form_query(const struct exchange *x, const char *name)
{
	size_t len = 0;
	const char *v = exchange_query(x, name, &len);
	char *p = v == NULL ? NULL : arena_alloc(x->arena, len + 1);

	if (p == NULL)
		return NULL;
	memcpy(p, v, len);
	return text_of(p, len, false);
}

bool
form_wants_page(const struct exchange *x)
{
	struct bytes accept = exchange_header(x, "accept");

	return accept.len > 0 &&
	       memmem(accept.p, accept.len, "text/html", 9) != NULL;
}

/* ---- the proof ---------------------------------------------------------- */

static bool
is_hex(struct bytes s, size_t len)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') &&
		    (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
	return s.len == len;
}

/* The cookie's value, len 0 if there is none. */
static struct bytes
cookie(const struct exchange *x)
{
	static const char name[] = COOKIE "=";
	size_t i, n = sizeof(name) - 1;

	for (i = 0; i < x->n_headers; i++) {
		struct bytes v = x->headers[i].value;
		const uint8_t *p;

		if (strcmp(x->headers[i].name, "cookie") != 0 || v.len < n)
			continue;
		p = memmem(v.p, v.len, name, n);
		if (p == NULL || (p > v.p && p[-1] != ' ' && p[-1] != ';'))
			continue;
		v = bytes_of(p + n, v.len - n - (size_t)(p - v.p));
		p = v.len == 0 ? NULL : memchr(v.p, ';', v.len);
		if (p != NULL)
			v.len = (size_t)(p - v.p);
		return is_hex(v, NONCE) ? v : BYTES_NONE;
	}
	return BYTES_NONE;
}

static bool
hex_random(char ret[static NONCE + 1])
{
	uint8_t random[NONCE / 2];
	struct buf b = { 0 };

	if (RAND_bytes(random, sizeof(random)) != 1) {
		ERR_clear_error();
		return false;
	}
	text_hex(&b, bytes_of(random, sizeof(random)));
	snprintf(ret, NONCE + 1, "%s", buf_str(&b));
	buf_free(&b);
	return ret[0] != '\0';
}

/* The time and its seal: TOKEN digits. */
static void
seal(const struct mdm *m, struct bytes nonce, const char *scope, int64_t when,
    char ret[static TOKEN + 1])
{
	uint8_t mac[MAC / 2];
	unsigned len = 0;
	struct buf said = { 0 }, b = { 0 };

	buf_printf(&said, "form %016llx %.*s %s", (unsigned long long)when,
	    (int)nonce.len, (const char *)nonce.p, scope);
	HMAC(EVP_sha256(), m->form_key, sizeof(m->form_key), said.p, said.len,
	    mac, &len);
	buf_printf(&b, "%016llx", (unsigned long long)when);
	text_hex(&b, bytes_of(mac, sizeof(mac)));
	snprintf(ret, TOKEN + 1, "%s", buf_str(&b));
	buf_free(&said);
	buf_free(&b);
	ERR_clear_error();
}

/* A browser sends at least one of them with each form. */
static bool
is_browser(const struct exchange *x)
{
	return exchange_header(x, "origin").len > 0 ||
	       exchange_header(x, "referer").len > 0 ||
	       exchange_header(x, "cookie").len > 0 ||
	       exchange_header(x, "sec-fetch-site").len > 0;
}

enum err_code
form_check(
    struct mdm *m, const struct exchange *x, const char *scope, struct err *err)
{
	struct bytes nonce = cookie(x);
	const char *token = form_value(x, "form", false);
	char wanted[TOKEN + 1], when_text[TIME + 1];
	int64_t when;

	if (!is_browser(x))
		return ERR_OK;
	if (nonce.len == 0)
		return err_set(err, ERR_DENIED,
		    "your browser keeps no cookies from this page, or it was "
		    "opened from elsewhere: allow them and try again");
	if (token == NULL || !is_hex(bytes_text(token), TOKEN))
		return err_set(err, ERR_DENIED,
		    "the form did not come from this page: try again here");
	snprintf(when_text, sizeof(when_text), "%.*s", TIME, token);
	when = (int64_t)strtoull(when_text, NULL, 16);
	seal(m, nonce, scope, when, wanted);
	if (CRYPTO_memcmp(wanted, token, TOKEN) != 0)
		return err_set(err, ERR_DENIED,
		    "the form did not come from this page, or the server was "
		    "started anew: try again here");
	if (when > x->now || x->now - when > FORM_LIFE)
		return err_set(err, ERR_DENIED,
		    "the page was open for too long: try again");
	return ERR_OK;
}

/* ---- the page ----------------------------------------------------------- */

void
form_private(struct exchange *x)
{
	exchange_reply_header(x, "cache-control", "no-store");
	exchange_reply_header(x, "x-content-type-options", "nosniff");
}

void
form_path(struct buf *b, const char *path, const char *org)
{
	buf_text(b, path);
	text_url(b, org);
}

const char *
form_keep(struct exchange *x, struct buf *b)
{
	char *p = arena_alloc(x->arena, b->len + 1);

	if (p != NULL)
		memcpy(p, buf_str(b), b->len + 1);
	buf_free(b);
	return p == NULL ? "" : p;
}

/* No script, nothing from elsewhere, in no frame. */
static void
headers(struct exchange *x, struct bytes nonce, const char *style)
{
	struct buf policy = { 0 }, set = { 0 };

	form_private(x);
	/* the sign-in of a device ends at an address of its own */
	buf_printf(&policy,
	    "default-src 'none'; style-src 'nonce-%s'; form-action 'self' "
	    "apple-remotemanagement-user-login:; base-uri 'none'; "
	    "frame-ancestors 'none'",
	    style);
	exchange_reply_header(
	    x, "content-security-policy", form_keep(x, &policy));
	exchange_reply_header(x, "referrer-policy", "same-origin");
	buf_printf(&set,
	    COOKIE "=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict; "
		   "Max-Age=%lld",
	    (int)nonce.len, (const char *)nonce.p, (long long)FORM_LIFE);
	exchange_reply_header(x, "set-cookie", form_keep(x, &set));
}

void
form_answer(struct mdm *m, struct exchange *x, int status, const char *scope,
    const struct enroll_form *f, enroll_form_fn *draw)
{
	struct bytes nonce = cookie(x);
	char fresh[NONCE + 1], style[NONCE + 1], token[TOKEN + 1];
	struct enroll_form page = *f;

	if (!hex_random(fresh) || !hex_random(style)) {
		exchange_text(x, 500, "no random bytes");
		return;
	}
	/* the one that other pages of this browser have already */
	if (nonce.len == 0)
		nonce = bytes_of(fresh, NONCE);
	seal(m, nonce, scope, x->now, token);
	page.token = token;
	page.nonce = style;
	x->status = status;
	x->content_type = "text/html; charset=utf-8";
	buf_reset(&x->reply);
	draw(&page, &x->reply);
	headers(x, nonce, style);
}
