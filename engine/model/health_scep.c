#include <string.h>

#include "engine/base/text.h"
#include "engine/model/health_priv.h"
#include "engine/model/third_party.h"

/*
 * Another CA in place of the built-in one.  From what is kept alone: echo live
 * > status/doctor asks.
 */
struct health_scep {
	uint32_t org;
	bool other; /* the organization has another CA: */
	const char *url;
	const char *ca; /* the pinned one; NULL: it has shown none */
	int64_t ends;
	bool pinned; /* there is a fingerprint */
	bool ndes;
	char caps[THIRD_PARTY_CAPS + 1];
	struct third_party_outcome asked, fetched;
};

static void
fill(struct look *x, struct health_scep *s)
{
	struct third_party p = { .n_certs = 0 };
	struct scep_settings settings;
	const struct cert *ca;

	if (scep_settings_read(x->t, x->org->number, &settings, NULL) != ERR_OK)
		return;
	*s = (struct health_scep){ .org = x->org->number };
	s->other = settings.url[0] != '\0';
	s->url = health_keep(x, settings.url);
	s->pinned = settings.fingerprint_len > 0;
	s->ndes = settings.ndes_url[0] != '\0';
	if (s->other && third_party_read(x->t, &settings, &p, NULL) == ERR_OK) {
		ca = third_party_pinned(&p, &settings);
		s->ca = ca == NULL ? NULL : health_keep(x, cert_label(ca));
		s->ends = ca == NULL ? 0 : cert_expires(ca);
		memcpy(s->caps, p.caps, sizeof(s->caps));
		s->asked = p.ca;
		s->fetched = p.ndes;
	}
	third_party_fini(&p);
	scep_settings_wipe(&settings);
}

/* Of the organization that is looked at; NULL: it has the built-in CA. */
static const struct health_scep *
other_ca(struct look *x)
{
	struct node dir;

	if (x->scep == NULL)
		x->scep = arena_alloc(x->h.arena, sizeof(*x->scep));
	if (x->scep == NULL) {
		x->failed = true;
		return NULL;
	}
	if (x->scep->org != x->org->number) {
		x->scep->org = x->org->number;
		x->scep->other = false;
		/* most have no settings at all, and there may be many */
		if (node_find(x->t, x->org->dir, "scep", &dir, NULL) == ERR_OK)
			fill(x, x->scep);
	}
	return x->scep->other ? x->scep : NULL;
}

void
health_scep_ca(struct look *x)
{
	const struct health_scep *s = other_ca(x);

	if (s == NULL)
		return;
	if (s->asked.at == 0) {
		health_say(
		    x, HEALTH_WARN, "the CA at %s was not asked yet", s->url);
		health_do(x, "echo live > status/doctor");
	} else if (s->asked.failure[0] != '\0') {
		health_say(x, s->ca == NULL ? HEALTH_FAIL : HEALTH_WARN, "%s",
		    s->asked.failure);
		health_do(x, "mend that, then: echo live > status/doctor");
	} else if (s->ca == NULL) {
		health_say(x, HEALTH_FAIL,
		    "the CA at %s has not the certificate that "
		    "scep/fingerprint "
		    "names: no profile is handed out",
		    s->url);
		health_do(x,
		    "compare the fingerprint with the CA's, and write "
		    "the right one into orgs/%s/scep/fingerprint",
		    x->org->name);
	} else {
		health_say(x, HEALTH_PASS, "the CA at %s is %s", s->url, s->ca);
	}
}

void
health_scep_pin(struct look *x)
{
	const struct health_scep *s = other_ca(x);

	if (s == NULL)
		return;
	if (s->pinned) {
		health_say(x, HEALTH_PASS, "the CA's certificate is pinned");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "the CA at %s is not pinned: whoever can answer in its place "
	    "decides which devices may speak here",
	    s->url);
	health_do(x,
	    "write the SHA-256 fingerprint of its certificate into "
	    "orgs/%s/scep/fingerprint",
	    x->org->name);
}

/* Whether a line of the answer to GetCACaps is the word. */
static bool
can(const struct health_scep *s, const char *word)
{
	struct bytes rest = bytes_text(s->caps), line;

	while (text_line(&rest, &line)) {
		line = text_trim(line);
		if (line.len == strlen(word) &&
		    strncasecmp((const char *)line.p, word, line.len) == 0)
			return true;
	}
	return false;
}

void
health_scep_caps(struct look *x)
{
	const struct health_scep *s = other_ca(x);
	bool all;

	if (s == NULL || s->ca == NULL)
		return;
	all = can(s, "SCEPStandard");
	if (s->caps[0] == '\0') {
		health_say(x, HEALTH_WARN,
		    "the CA does not say what it can (GetCACaps): devices send "
		    "messages in addresses, with SHA-1 and DES");
	} else if (!all && !can(s, "POSTPKIOperation")) {
		health_say(x, HEALTH_WARN,
		    "the CA takes no POST: devices send messages in addresses, "
		    "which IIS cuts at 2048 characters");
	} else if (!all && !can(s, "SHA-256") && !can(s, "SHA-512")) {
		health_say(x, HEALTH_WARN,
		    "the CA does not know SHA-256: messages are signed with "
		    "SHA-1");
	} else if (!all && !can(s, "AES") && !can(s, "DES3")) {
		health_say(x, HEALTH_WARN,
		    "the CA knows neither AES nor triple DES: messages are "
		    "encrypted with single DES");
	} else {
		health_say(x, HEALTH_PASS,
		    "the CA takes POST and algorithms of today");
		return;
	}
	health_do(x, "bring the SCEP service at %s up to date", s->url);
}

void
health_scep_end(struct look *x)
{
	const struct health_scep *s = other_ca(x);
	int64_t left;

	if (s == NULL || s->ca == NULL)
		return;
	left = (s->ends - x->h.now) / 86400;
	if (s->ends >= x->h.now + x->soon) {
		health_say(x, HEALTH_PASS, "the CA ends %s, days-left=%lld",
		    health_date(x, s->ends), (long long)left);
		return;
	}
	health_say(x, s->ends < x->h.now ? HEALTH_FAIL : HEALTH_WARN,
	    "the CA %s %s on %s, days-left=%lld: then no certificate of it is "
	    "good",
	    s->ca, s->ends < x->h.now ? "ended" : "ends",
	    health_date(x, s->ends), (long long)left);
	health_do(x,
	    "renew it there, then write the new fingerprint into "
	    "orgs/%s/scep/fingerprint",
	    x->org->name);
}

void
health_scep_ndes(struct look *x)
{
	const struct health_scep *s = other_ca(x);
	struct buf at = { 0 };

	if (s == NULL || !s->ndes)
		return;
	text_time(&at, s->fetched.at);
	if (s->fetched.at == 0) {
		health_say(
		    x, HEALTH_WARN, "NDES was not asked for a challenge yet");
		health_do(x, "echo live > status/doctor (it uses one of the "
			     "five up, for an hour)");
	} else if (s->fetched.failure[0] != '\0') {
		health_say(x, HEALTH_FAIL, "%s (tried %s)", s->fetched.failure,
		    buf_str(&at));
		health_do(x, "mend that, then: echo live > status/doctor");
	} else {
		health_say(
		    x, HEALTH_PASS, "NDES gave a challenge (%s)", buf_str(&at));
	}
	buf_free(&at);
}
