#include "engine/push/apns_answer_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"

/* clang-format off */
#define TO_SERVICE "report it: mdmfs asked wrongly"
#define NO_JWT     "the service wants a token, not this certificate"

static const struct row {
	int status;
	const char *reason; /* NULL: any other */
	enum apns_outcome outcome;
	enum apns_then then;
	const char *words;
} rows[] = {
/* status reason            outcome               connection    words */
{ 200, NULL,                APNS_ACCEPTED,        THEN_KEEP,    "accepted by the push service" },
{ 400, "BadDeviceToken",    APNS_BAD_TOKEN,       THEN_KEEP,    "the push token is malformed or from Apple's other environment; waits for the device's next TokenUpdate" },
{ 400, "DeviceTokenNotForTopic", APNS_WRONG_TOPIC, THEN_KEEP,   "the device enrolled with another push certificate; put that one back" },
{ 400, "BadTopic",          APNS_WRONG_TOPIC,     THEN_KEEP,    "the topic is none; is this an MDM push certificate?" },
{ 400, "MissingTopic",      APNS_WRONG_TOPIC,     THEN_KEEP,    "the push certificate names several topics; is it an MDM one?" },
{ 400, "TopicDisallowed",   APNS_WRONG_TOPIC,     THEN_KEEP,    "the push certificate does not allow this topic" },
{ 400, "BadCollapseId",     APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 400, "BadExpirationDate", APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 400, "BadMessageId",      APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 400, "BadPriority",       APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 400, "DuplicateHeaders",  APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 400, "InvalidPushType",   APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 400, "MissingDeviceToken", APNS_OUR_FAULT,      THEN_KEEP,    TO_SERVICE },
{ 400, "PayloadEmpty",      APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 400, "IdleTimeout",       APNS_TRY_LATER,       THEN_RENEW,   "the connection was idle; sent again on a new one" },
{ 400, NULL,                APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 403, "BadCertificate",    APNS_BAD_CERTIFICATE, THEN_RETREAT, "the push certificate is revoked or expired; renew it at identity.apple.com" },
{ 403, "BadCertificateEnvironment", APNS_BAD_CERTIFICATE, THEN_RETREAT, "the push certificate is for Apple's other environment" },
{ 403, "MissingProviderToken", APNS_BAD_CERTIFICATE, THEN_RETREAT, "the push certificate did not reach the service" },
{ 403, "ExpiredProviderToken", APNS_BAD_CERTIFICATE, THEN_RETREAT, NO_JWT },
{ 403, "InvalidProviderToken", APNS_BAD_CERTIFICATE, THEN_RETREAT, NO_JWT },
{ 403, "UnrelatedKeyIdInToken", APNS_BAD_CERTIFICATE, THEN_RETREAT, NO_JWT },
{ 403, "BadEnvironmentKeyIdInToken", APNS_BAD_CERTIFICATE, THEN_RETREAT, NO_JWT },
{ 403, "Forbidden",         APNS_BAD_CERTIFICATE, THEN_RETREAT, "the service does not permit this push certificate" },
{ 403, NULL,                APNS_BAD_CERTIFICATE, THEN_RETREAT, "the service refuses the push certificate" },
{ 404, NULL,                APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 405, NULL,                APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 410, NULL,                APNS_DEAD_TOKEN,      THEN_KEEP,    "waits for the device's next TokenUpdate" },
{ 413, NULL,                APNS_OUR_FAULT,       THEN_KEEP,    TO_SERVICE },
{ 429, NULL,                APNS_TRY_LATER,       THEN_KEEP,    "too many pushes to this device; sent again later" },
{ 500, NULL,                APNS_TRY_LATER,       THEN_KEEP,    "the push service has a fault; sent again later" },
{ 503, NULL,                APNS_TRY_LATER,       THEN_RENEW,   "the push service is busy; sent again later" },
};

static const char *const outcomes[] = {
	[APNS_ACCEPTED] = "accepted",
	[APNS_BAD_TOKEN] = "bad-token",
	[APNS_WRONG_TOPIC] = "wrong-topic",
	[APNS_DEAD_TOKEN] = "dead-token",
	[APNS_BAD_CERTIFICATE] = "bad-certificate",
	[APNS_TRY_LATER] = "try-later",
	[APNS_OUR_FAULT] = "our-fault",
};
/* clang-format on */

static const struct row other_5xx = { 0, NULL, APNS_TRY_LATER, THEN_KEEP,
	"the push service has a fault; sent again later" };
static const struct row other = { 0, NULL, APNS_OUR_FAULT, THEN_KEEP,
	"no answer of Apple's push service; check --apns" };

const char *
apns_outcome_name(enum apns_outcome outcome)
{
	return outcomes[outcome];
}

static const struct row *
row_find(int status, const char *reason)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (row->status == status &&
		    (row->reason == NULL || strcmp(row->reason, reason) == 0))
			return row;
	}
	return status >= 500 ? &other_5xx : &other;
}

/* ---- JSON, as little as needed ------------------------------------------ */

static void
skip_space(struct bytes *s)
{
	while (s->len > 0 && memchr(" \t\r\n", s->p[0], 4) != NULL) {
		s->p++;
		s->len--;
	}
}

static bool
take(struct bytes *s, char c)
{
	skip_space(s);
	if (s->len == 0 || s->p[0] != (uint8_t)c)
		return false;
	s->p++;
	s->len--;
	return true;
}

/* A string's inside, escapes left as they are: Apple's words have none. */
static bool
take_string(struct bytes *s, struct bytes *ret)
{
	size_t i;

	if (!take(s, '"'))
		return false;
	for (i = 0; i < s->len && s->p[i] != '"'; i++)
		if (s->p[i] == '\\')
			i++;
	if (i >= s->len)
		return false;
	*ret = bytes_of(s->p, i);
	s->p += i + 1;
	s->len -= i + 1;
	return true;
}

/* Whatever stands up to the next comma or brace of this level. */
static bool
skip_value(struct bytes *s)
{
	unsigned depth = 0;
	struct bytes word;

	for (skip_space(s); s->len > 0; skip_space(s)) {
		uint8_t c = s->p[0];

		if (depth == 0 && (c == ',' || c == '}'))
			return true;
		if (c == '"') {
			if (!take_string(s, &word))
				return false;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		s->p++;
		s->len--;
	}
	return false;
}

static int64_t
read_number(struct bytes s)
{
	int64_t n = 0;

	skip_space(&s);
	for (; s.len > 0 && s.p[0] >= '0' && s.p[0] <= '9'; s.p++, s.len--) {
		if (n > INT64_MAX / 10 - 1)
			return 0;
		n = n * 10 + (s.p[0] - '0');
	}
	return n;
}

static void
read_word(struct bytes s, char *ret, size_t size)
{
	struct bytes word;
	size_t i;

	if (!take_string(&s, &word))
		word.len = 0;
	for (i = 0; i < word.len && i < size - 1; i++)
		ret[i] = word.p[i] > 0x20 && word.p[i] < 0x7f ? (char)word.p[i]
		                                              : '?';
	ret[i] = '\0';
}

void
apns_reply_read(struct bytes json, char reason[static 64], int64_t *timestamp)
{
	struct bytes key;

	reason[0] = '\0';
	*timestamp = 0;
	if (!take(&json, '{'))
		return;
	while (take_string(&json, &key) && take(&json, ':')) {
		if (bytes_equal(key, bytes_text("reason")))
			read_word(json, reason, 64);
		else if (bytes_equal(key, bytes_text("timestamp")))
			*timestamp = read_number(json);
		if (!skip_value(&json) || !take(&json, ','))
			return;
	}
}

/* ---- judging ------------------------------------------------------------ */

void
apns_result_set(
    struct apns_result *r, enum apns_outcome outcome, const char *fmt, ...)
{
	va_list ap;

	memset(r, 0, sizeof(*r));
	r->outcome = outcome;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}

/* "410 Unregistered: ...", "200: ..." */
static void
say(struct apns_result *r, const struct row *row)
{
	const char *gap = r->reason[0] != '\0' ? " " : "";
	struct buf since = { 0 };

	if (row->outcome != APNS_DEAD_TOKEN) {
		snprintf(r->text, sizeof(r->text), "%d%s%s: %s", r->status, gap,
		    r->reason, row->words);
		return;
	}
	text_time(&since, r->dead_since);
	snprintf(r->text, sizeof(r->text),
	    "%d%s%s: the token is dead since %s; %s", r->status, gap, r->reason,
	    buf_str(&since), row->words);
	buf_free(&since);
}

enum apns_then
apns_answer_judge(
    const struct apns_answer *a, int64_t now, struct apns_result *r)
{
	const struct row *row;
	int64_t timestamp;

	memset(r, 0, sizeof(*r));
	r->status = a->status;
	memcpy(r->apns_id, a->apns_id, sizeof(r->apns_id));
	if (a->status != 200)
		apns_reply_read(
		    bytes_of(a->body, a->len), r->reason, &timestamp);
	row = row_find(a->status, r->reason);
	r->outcome = row->outcome;
	/* Apple counts milliseconds here, and seconds in apns-expiration */
	if (row->outcome == APNS_DEAD_TOKEN)
		r->dead_since = timestamp > 0 ? timestamp / 1000 : now;
	say(r, row);
	return row->then;
}

enum apns_then
apns_goaway_judge(struct bytes debug, struct apns_result *r)
{
	const struct row *row;
	int64_t timestamp;

	memset(r, 0, sizeof(*r));
	apns_reply_read(debug, r->reason, &timestamp);
	row = row_find(403, r->reason);
	if (row->reason == NULL) {
		r->outcome = APNS_TRY_LATER;
		return THEN_RENEW;
	}
	r->outcome = row->outcome;
	snprintf(r->text, sizeof(r->text), "%s: %s", r->reason, row->words);
	return row->then;
}
