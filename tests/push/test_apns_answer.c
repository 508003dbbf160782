#include "engine/push/apns_answer_priv.h"

#include <string.h>

#include "tests/tap.h"

/* Apple, "Handling notification responses from APNs", row by row. */
static const struct {
	int status;
	const char *reason;
	enum apns_outcome outcome;
	enum apns_then then;
} facts[] = {
	/* clang-format off */
	{ 200, "", APNS_ACCEPTED, THEN_KEEP },
	{ 400, "BadDeviceToken", APNS_BAD_TOKEN, THEN_KEEP },
	{ 400, "DeviceTokenNotForTopic", APNS_WRONG_TOPIC, THEN_KEEP },
	{ 400, "BadTopic", APNS_WRONG_TOPIC, THEN_KEEP },
	{ 400, "MissingTopic", APNS_WRONG_TOPIC, THEN_KEEP },
	{ 400, "TopicDisallowed", APNS_WRONG_TOPIC, THEN_KEEP },
	{ 400, "BadCollapseId", APNS_OUR_FAULT, THEN_KEEP },
	{ 400, "BadExpirationDate", APNS_OUR_FAULT, THEN_KEEP },
	{ 400, "BadMessageId", APNS_OUR_FAULT, THEN_KEEP },
	{ 400, "BadPriority", APNS_OUR_FAULT, THEN_KEEP },
	{ 400, "DuplicateHeaders", APNS_OUR_FAULT, THEN_KEEP },
	{ 400, "InvalidPushType", APNS_OUR_FAULT, THEN_KEEP },
	{ 400, "MissingDeviceToken", APNS_OUR_FAULT, THEN_KEEP },
	{ 400, "PayloadEmpty", APNS_OUR_FAULT, THEN_KEEP },
	{ 400, "IdleTimeout", APNS_TRY_LATER, THEN_RENEW },
	{ 400, "NewInSomeYear", APNS_OUR_FAULT, THEN_KEEP },
	{ 403, "BadCertificate", APNS_BAD_CERTIFICATE, THEN_RETREAT },
	{ 403, "BadCertificateEnvironment", APNS_BAD_CERTIFICATE, THEN_RETREAT },
	{ 403, "MissingProviderToken", APNS_BAD_CERTIFICATE, THEN_RETREAT },
	{ 403, "ExpiredProviderToken", APNS_BAD_CERTIFICATE, THEN_RETREAT },
	{ 403, "InvalidProviderToken", APNS_BAD_CERTIFICATE, THEN_RETREAT },
	{ 403, "Forbidden", APNS_BAD_CERTIFICATE, THEN_RETREAT },
	{ 403, "UnrelatedKeyIdInToken", APNS_BAD_CERTIFICATE, THEN_RETREAT },
	{ 403, "BadEnvironmentKeyIdInToken", APNS_BAD_CERTIFICATE, THEN_RETREAT },
	{ 404, "BadPath", APNS_OUR_FAULT, THEN_KEEP },
	{ 405, "MethodNotAllowed", APNS_OUR_FAULT, THEN_KEEP },
	{ 410, "Unregistered", APNS_DEAD_TOKEN, THEN_KEEP },
	{ 410, "ExpiredToken", APNS_DEAD_TOKEN, THEN_KEEP },
	{ 413, "PayloadTooLarge", APNS_OUR_FAULT, THEN_KEEP },
	{ 429, "TooManyRequests", APNS_TRY_LATER, THEN_KEEP },
	{ 500, "InternalServerError", APNS_TRY_LATER, THEN_KEEP },
	{ 503, "ServiceUnavailable", APNS_TRY_LATER, THEN_RENEW },
	{ 503, "Shutdown", APNS_TRY_LATER, THEN_RENEW },
	{ 502, "", APNS_TRY_LATER, THEN_KEEP },
	{ 301, "", APNS_OUR_FAULT, THEN_KEEP },
	{ 418, "", APNS_OUR_FAULT, THEN_KEEP },
	/* clang-format on */
};

static enum apns_then
judge(int status, const char *body, struct apns_result *r)
{
	struct apns_answer a = { .status = status, .complete = true };

	strcpy(a.apns_id, "0A");
	a.len = strlen(body);
	memcpy(a.body, body, a.len);
	return apns_answer_judge(&a, 1790000000, r);
}

static void
table(void)
{
	char body[128], what[128];
	struct apns_result r;
	enum apns_then then;
	size_t i;

	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		snprintf(
		    body, sizeof(body), "{\"reason\":\"%s\"}", facts[i].reason);
		then = judge(facts[i].status, body, &r);
		snprintf(what, sizeof(what), "%d %s is %s", facts[i].status,
		    facts[i].reason, apns_outcome_name(facts[i].outcome));
		ok(r.outcome == facts[i].outcome && then == facts[i].then &&
			r.status == facts[i].status &&
			strcmp(r.reason, facts[i].reason) == 0 &&
			strlen(r.text) > 10 &&
			strlen(r.text) < sizeof(r.text) - 1,
		    what);
	}
}

static void
dead_token(void)
{
	struct apns_result r;

	judge(410, "{\"timestamp\":1700000000999,\"reason\":\"Unregistered\"}",
	    &r);
	ok(r.dead_since == 1700000000,
	    "410's milliseconds are told in seconds");
	ok(strcmp(r.text, "410 Unregistered: the token is dead since "
			  "2023-11-14T22:13:20Z; waits for the device's next "
			  "TokenUpdate") == 0,
	    "410 is told in a sentence");
	ok(strcmp(r.apns_id, "0A") == 0, "the apns-id is handed on");
	judge(410, "{}", &r);
	ok(r.dead_since == 1790000000, "410 without timestamp is dead now");
	judge(410, "{\"timestamp\":99999999999999999999999999}", &r);
	ok(r.dead_since == 1790000000, "an impossible timestamp is none");
}

static void
hostile(void)
{
	static const char *const broken[] = { "", "{", "{\"", "{\"reason",
		"{\"reason\"", "{\"reason\":", "{\"reason\":\"", "[",
		"nonsense", "{\"reason\":{\"reason\":\"x\"}",
		"{\"reason\":\"x\\", "{{{{", "}", "{\"a\":]]]]]", "{\"a\":\"\\",
		"{,}", "{\"timestamp\":-" };
	char reason[64], many[400];
	int64_t timestamp;
	size_t i;
	bool none = true;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		apns_reply_read(bytes_text(broken[i]), reason, &timestamp);
		none = none && reason[0] == '\0' && timestamp == 0;
	}
	ok(none, "broken JSON has no reason and no timestamp");

	apns_reply_read(bytes_text("{ \"x\" : [ {\"reason\":\"no\"}, \"}\" ] , "
				   "\"reason\" : \"Yes\" ,\"timestamp\": 12 }"),
	    reason, &timestamp);
	ok(strcmp(reason, "Yes") == 0 && timestamp == 12,
	    "other keys and white space do not matter");

	apns_reply_read(
	    bytes_text("{\"reason\":\"a\x1b[31m\xff b\"}"), reason, &timestamp);
	ok(strcmp(reason, "a?[31m??b") == 0,
	    "a reason with control characters is disarmed");

	memset(many, 'A', sizeof(many));
	memcpy(many, "{\"reason\":\"", 11);
	many[398] = '"';
	many[399] = '}';
	apns_reply_read(bytes_of(many, sizeof(many)), reason, &timestamp);
	ok(strlen(reason) == 63, "a long reason is cut");
}

static void
goodbye(void)
{
	struct apns_result r;

	ok(apns_goaway_judge(bytes_text("{\"reason\":\"BadCertificate\"}"),
	       &r) == THEN_RETREAT &&
		r.outcome == APNS_BAD_CERTIFICATE,
	    "a GOAWAY can say that the certificate is bad");
	ok(apns_goaway_judge(bytes_text("{\"reason\":\"Shutdown\"}"), &r) ==
		    THEN_RENEW &&
		strcmp(r.reason, "Shutdown") == 0,
	    "any other GOAWAY asks for a new connection");
	ok(apns_goaway_judge(BYTES_NONE, &r) == THEN_RENEW,
	    "as does one without words");
}

int
main(void)
{
	table();
	dead_token();
	hostile();
	goodbye();
	return tap_done();
}
