#include <string.h>

#include "engine/base/text.h"
#include "engine/model/health_priv.h"
#include "engine/model/probe.h"

/* The push certificates: whether devices can be woken. */

#define PORTAL "identity.apple.com"

void
health_push_present(struct look *x)
{
	const char *pending;

	if (x->cert->present) {
		health_say(x, HEALTH_PASS, "serial %s is in use",
		    x->cert->facts.serial);
		return;
	}
	health_say(x, HEALTH_FAIL,
	    "there is no push certificate: no device can enroll in %s, and "
	    "those that have are not woken",
	    x->org->name);
	if ((pending = health_pending(x, SLOT_OF_APNS)) != NULL) {
		health_do(x, "%s", pending);
		return;
	}
	health_do(x,
	    "mkdir -p %s; echo CN=%s > %s; then "
	    "status/orgs/%s/apns.push-request is the file for " PORTAL
	    ", or says what it needs, and the answer goes into orgs/%s/apns/",
	    health_shell(x, "orgs/%s/apns", x->org->name),
	    health_shell(x, "%s", x->org->name),
	    health_shell(x, "orgs/%s/apns/subject", x->org->name), x->org->name,
	    x->org->name);
}

static const char *
account(struct look *x)
{
	char text[256];

	if (org_setting(x->t, x->org->number, "apns", "apple-account", text,
		sizeof(text)) != ERR_OK ||
	    text[0] == '\0')
		return "the Apple Account that it was made with";
	return health_text(x, "Apple Account %s", text);
}

void
health_push_topic(struct look *x)
{
	const char *topic = x->cert->facts.topic;

	if (x->org->enrolled == 0 || x->org->topic[0] == '\0') {
		health_say(
		    x, HEALTH_PASS, "topic %s; no device is enrolled", topic);
		return;
	}
	if (strcmp(topic, x->org->topic) == 0) {
		health_say(x, HEALTH_PASS,
		    "topic %s, as its enrolled devices (%u) use", topic,
		    x->org->enrolled);
		return;
	}
	health_say(x, HEALTH_FAIL,
	    "the push certificate is for topic %s, but the enrolled devices "
	    "(%u) use topic %s: they do not hear its pushes, and every command "
	    "waits",
	    topic, x->org->enrolled, x->org->topic);
	health_do(x,
	    "renew, don't create, the certificate of topic %s at " PORTAL
	    " with %s, and copy it into orgs/%s/apns/; with another topic "
	    "every device must enroll again",
	    x->org->topic, account(x), x->org->name);
}

void
health_push_issuer(struct look *x)
{
	struct probe p;

	if ((x->cert->facts.flaws & FLAW_NOT_APPLE) == 0) {
		health_say(x, HEALTH_PASS, "Apple issued it");
		return;
	}
	if (probe_read(x->t, x->org->number, &p, NULL) == ERR_OK &&
	    p.outcome == PROBE_ACCEPTED &&
	    p.identity_version == x->cert->facts.version) {
		health_say(x, HEALTH_PASS,
		    "Apple did not issue it, but the push service that is "
		    "asked here takes it");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "the issuer of the push certificate is not Apple, but %s: Apple's "
	    "push service will refuse it",
	    x->cert->facts.issuer);
	health_do(x, "get one at " PORTAL " and copy it into orgs/%s/apns/",
	    x->org->name);
}

void
health_push_account(struct look *x)
{
	if (health_has_file(x, "apns", "apple-account")) {
		health_say(x, HEALTH_PASS, "it is renewed with %s",
		    health_counts(x) ? "" : account(x));
		return;
	}
	health_say(x, HEALTH_WARN,
	    "nobody wrote down which Apple Account the push certificate "
	    "belongs to; only with the same one can it be renewed");
	health_do(x, "echo name@example.com > %s",
	    health_shell(x, "orgs/%s/apns/apple-account", x->org->name));
}

static void
say_outcome(struct look *x, const struct probe *p, const char *at)
{
	const char *url = x->engine->options->apns_url;

	switch (p->outcome) {
	case PROBE_ACCEPTED:
		health_say(x, HEALTH_PASS,
		    "the push service took it when it was tried, %s", at);
		break;
	case PROBE_REFUSED:
		health_say(x, HEALTH_FAIL,
		    "the push service refuses the certificate (tried %s): %s",
		    at, p->text);
		health_do(x,
		    "look at " PORTAL
		    " with %s: if it ended or was revoked there, renew it and "
		    "copy the new one into orgs/%s/apns/; it is tried again at "
		    "once",
		    account(x), x->org->name);
		break;
	case PROBE_UNREACHABLE:
	case PROBE_NONE:
		health_say(x, HEALTH_WARN,
		    "the push service could not be asked (tried %s): %s", at,
		    p->text);
		health_do(x,
		    "let this machine reach %s (not through a proxy that looks "
		    "into TLS), then: echo live > status/doctor",
		    url == NULL ? "https://api.push.apple.com" : url);
		break;
	}
}

void
health_push_live(struct look *x)
{
	struct buf at = { 0 };
	struct probe p;

	if (x->cert->facts.expires < x->h.now)
		return; /* push.end says it, and it is not tried */
	if (probe_read(x->t, x->org->number, &p, NULL) != ERR_OK)
		p = (struct probe){ 0 };
	if (p.outcome == PROBE_NONE ||
	    p.identity_version != x->cert->facts.version) {
		health_say(x, HEALTH_WARN,
		    "the push service was not asked yet whether it takes this "
		    "certificate");
		health_do(x, "wait a minute, or: echo live > status/doctor");
		return;
	}
	text_time(&at, p.tried_at);
	if (p.outcome == PROBE_ACCEPTED &&
	    p.tried_at < x->h.now - 3 * PROBE_EVERY) {
		health_say(x, HEALTH_WARN,
		    "the push service took it, but was last asked %s",
		    buf_str(&at));
		health_do(x, "echo live > status/doctor");
	} else {
		say_outcome(x, &p, buf_str(&at));
	}
	buf_free(&at);
}

void
health_push_end(struct look *x)
{
	struct health_end end = {
		.what = "the push certificate",
		.after = "devices are not woken and commands wait; they stay "
			 "enrolled, and a renewal mends it",
		.renew = "",
	};

	if (!health_counts(x) || x->cert->ends < x->h.now + x->soon + 86400)
		end.renew = health_text(x,
		    "renew it, don't create a new one, at " PORTAL
		    " with %s, and copy it into orgs/%s/apns/",
		    account(x), x->org->name);
	health_end(x, &end);
}
