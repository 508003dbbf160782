#include <string.h>

#include "engine/base/text.h"
#include "engine/model/health_priv.h"
#include "engine/model/settings.h"

/* What the HTTPS certificates and the URLs make devices see.  Apple refuses by
 * the rules of support.apple.com/HT210176. */

#define NAMES_FULL (sizeof(((struct slot_facts *)0)->names) - 64)

/* The organization's own URL, or the system's.  False: there is none; with
 * *bad the reason if there is one that is no URL. */
static bool
read_url(struct look *x, struct system_url *url, struct err *bad)
{
	uint32_t org = x->org == NULL ? 0 : x->org->number;
	char text[1024];

	if (x->org != NULL && !x->org->has_url)
		return false;
	if (org_setting(x->t, org, NULL, "url", text, sizeof(text)) != ERR_OK)
		return false;
	return system_url_parse(bytes_text(text), url, bad) == ERR_OK;
}

static bool
orgs_have_urls(const struct look *x)
{
	size_t i;

	for (i = 0; i < x->n_orgs && x->orgs[i].has_url; i++)
		;
	return x->n_orgs > 0 && i == x->n_orgs;
}

static void
no_url(struct look *x, const struct err *bad)
{
	if (bad->code != ERR_OK) {
		health_say(
		    x, HEALTH_FAIL, "%s/url: %s", health_home(x), bad->msg);
		health_do(x, "echo https://mdm.example.com > %s",
		    health_shell(x, "%s/url", health_home(x)));
		return;
	}
	if (x->org != NULL)
		return; /* it uses the system's */
	if (orgs_have_urls(x)) {
		health_say(
		    x, HEALTH_PASS, "every organization has a url of its own");
		return;
	}
	health_say(x, HEALTH_FAIL,
	    "there is no system/url, so no enrollment profile can be made: it "
	    "is what devices are told to connect to");
	health_do(x,
	    "echo https://mdm.example.com > system/url (with :8443 behind the "
	    "name when devices are to use that port)");
}

static bool
is_local(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       strncmp(host, "127.", 4) == 0;
}

void
health_url(struct look *x)
{
	struct system_url url;
	struct err bad = { 0 };

	if (!read_url(x, &url, &bad)) {
		no_url(x, &bad);
	} else if (strncmp(url.text, "https://", 8) != 0) {
		health_say(x, HEALTH_FAIL,
		    "%s/url is %s, and devices accept only https",
		    health_home(x), url.text);
		health_do(x, "echo https://%s > %s", url.host,
		    health_shell(x, "%s/url", health_home(x)));
	} else if (is_local(url.host)) {
		health_say(x, HEALTH_WARN,
		    "%s/url is %s, which on a device means the device itself",
		    health_home(x), url.text);
		health_do(x,
		    "for anything but a try-out on this machine: echo "
		    "https://mdm.example.com > %s",
		    health_shell(x, "%s/url", health_home(x)));
	} else {
		health_say(x, HEALTH_PASS, "devices are told %s", url.text);
	}
}

/* The certificate that is served for host, to devices of that organization
 * (tls.h); NULL: none has the name. */
static const struct health_cert *
served(struct look *x, const char *host)
{
	const struct health_cert *c;
	size_t i = 0;

	while ((c = health_tls_next(x, x->org, &i)) != NULL)
		if (health_covers(c->facts.names, host) ||
		    strlen(c->facts.names) >= NAMES_FULL)
			return c;
	return NULL;
}

/* What whoever is served no other one gets. */
static const char *
first_names(struct look *x)
{
	size_t i = 0;
	const struct health_cert *c = health_tls_next(x, x->org, &i);

	return c == NULL || c->facts.names[0] == '\0' ? "no name at all"
	                                              : c->facts.names;
}

void
health_tls_names(struct look *x)
{
	struct system_url url;
	struct err bad = { 0 };
	const char *names;

	if (!read_url(x, &url, &bad))
		return;
	if (served(x, url.host) != NULL) {
		health_say(x, HEALTH_PASS,
		    "the HTTPS certificate is for %s, as %s/url says", url.host,
		    health_home(x));
		return;
	}
	names = first_names(x);
	health_say(x, HEALTH_FAIL,
	    "%s/url names %s, but the HTTPS certificate is for %.200s%s: "
	    "devices refuse the connection (\"The server certificate is "
	    "invalid\")",
	    health_home(x), url.host, names, strlen(names) > 200 ? "..." : "");
	health_do(x,
	    "get a certificate whose subject alternative names have %s, and "
	    "copy it with key and chain into %s/tls/; or change %s/url",
	    url.host, health_home(x), health_home(x));
}

/* ---- of one certificate ------------------------------------------------- */

/* One flaw: what is said with it, what without, what to do. */
static bool
flaw(struct look *x, enum flaw flaw, const char *good)
{
	if ((x->cert->facts.flaws & flaw) != 0)
		return true;
	health_say(x, HEALTH_PASS, "%s", good);
	return false;
}

/* What to do where only another certificate helps. */
static void
replace(struct look *x, const char *by)
{
	if (x->cert->own)
		health_do(x,
		    "this server made it: put a certificate of an authority "
		    "into system/tls/");
	else
		health_do(x, "replace it in %s/ by %s", x->cert->path, by);
}

void
health_tls_san(struct look *x)
{
	if (!flaw(x, FLAW_NO_NAMES, "it has subject alternative names"))
		return;
	health_say(x, HEALTH_FAIL,
	    "the HTTPS certificate %s has no subject alternative name; devices "
	    "do not look at the common name and refuse it",
	    x->cert->facts.subject);
	replace(x, "one with the server's name as subjectAltName "
		   "(openssl: -addext subjectAltName=DNS:mdm.example.com)");
}

void
health_tls_chain(struct look *x)
{
	if (!flaw(x, FLAW_CHAIN_INCOMPLETE, "the chain is served whole"))
		return;
	/* a root need not be served, but devices must have it */
	if (health_trusts(x, x->cert->facts.missing)) {
		health_say(x, HEALTH_PASS,
		    "the chain is served whole, and its root %s, in "
		    "system/trust, goes to devices with the enrollment profile",
		    x->cert->facts.missing);
		return;
	}
	health_say(x, HEALTH_FAIL,
	    "the certificate of the issuer is missing: %s; devices that do not "
	    "have it cannot follow the chain and refuse the connection",
	    x->cert->facts.missing);
	health_do(x,
	    "append it: get the certificate of %s from who issued yours (it is "
	    "in certbot's fullchain.pem) and copy it into %s/, also if it is a "
	    "root of your own: it then goes to devices with the enrollment "
	    "profile",
	    x->cert->facts.missing, x->cert->path);
}

/* A root that is in the chain goes to devices with the profile that enrolls
 * them (mdm/profile_inputs.c). */
void
health_tls_root(struct look *x)
{
	const struct health_facts *f = &x->cert->facts;

	/* what "tls.chain" and "roots" say */
	if ((f->flaws & (FLAW_CHAIN_INCOMPLETE | FLAW_ROOTS_UNKNOWN)) != 0 ||
	    !flaw(x, FLAW_ROOT_PRIVATE | FLAW_SELF_SIGNED,
		"devices know the root by themselves"))
		return;
	if ((f->flaws & FLAW_SELF_SIGNED) == 0 || x->cert->own) {
		health_say(x, HEALTH_PASS,
		    "the root %s is private, and goes to devices with the "
		    "enrollment profile",
		    f->root);
		return;
	}
	health_say(x, HEALTH_WARN,
	    "the HTTPS certificate %s is self-signed: devices trust it once "
	    "they have the enrollment profile, which carries it; its next "
	    "renewal locks all of them out",
	    f->subject);
	health_do(x,
	    "replace it in %s/ by one of an authority, or by one of a root of "
	    "your own, which stays when the certificate is renewed",
	    x->cert->path);
}

void
health_tls_lifetime(struct look *x)
{
	const struct health_facts *f = &x->cert->facts;

	if (!flaw(x, FLAW_TOO_LONG, "it is valid for 825 days at most"))
		return;
	health_say(x, HEALTH_FAIL,
	    "the HTTPS certificate is valid for %lld days; devices refuse more "
	    "than 825 (Apple: HT210176)",
	    (long long)((f->expires - f->begins) / 86400));
	replace(x, "one for at most 825 days; of a public authority 397");
}

void
health_tls_key(struct look *x)
{
	if (!flaw(x, FLAW_WEAK_KEY, "the keys are strong enough"))
		return;
	health_say(x, HEALTH_FAIL,
	    "a key in the chain of the HTTPS certificate is weak; devices "
	    "refuse RSA below 2048 bits");
	replace(x, "one with RSA 2048 or P-256, also above it");
}

void
health_tls_digest(struct look *x)
{
	if (!flaw(x, FLAW_WEAK_DIGEST, "the signatures are strong enough"))
		return;
	health_say(x, HEALTH_FAIL,
	    "a certificate in the chain is signed over SHA-1 or MD5, which "
	    "devices refuse");
	replace(x, "one that is signed with SHA-256");
}

void
health_tls_purpose(struct look *x)
{
	if (!flaw(x, FLAW_NO_SERVER_AUTH, "it may serve HTTPS"))
		return;
	health_say(x, HEALTH_FAIL,
	    "extendedKeyUsage of the HTTPS certificate lacks serverAuth, and "
	    "devices refuse it");
	replace(x, "one that was issued for a server (extendedKeyUsage = "
		   "serverAuth)");
}

void
health_tls_end(struct look *x)
{
	const struct health_end end = {
		.what = "the HTTPS certificate",
		.after = "devices refuse to connect",
		.renew = health_text(x,
		    "renew it and copy it with key and chain into %s/; it is "
		    "in use at once (examples/ has a hook for certbot)",
		    x->cert->own ? "system/tls" : x->cert->path),
		.renews_itself = x->cert->own,
	};

	health_end(x, &end);
}

void
health_tls_own(struct look *x)
{
	const char *pending;

	if (!x->cert->own)
		return;
	pending = health_pending(x, SLOT_OF_TLS);
	health_say(x, HEALTH_WARN,
	    "%s, so the server uses a certificate that it made; devices get "
	    "its root with the enrollment profile, browsers warn",
	    pending == NULL ? "system/tls has no certificate"
			    : "nothing in system/tls can be used yet");
	if (pending != NULL) {
		health_do(x, "%s", pending);
		return;
	}
	health_do(x,
	    "for production: mkdir system/tls, and copy a certificate for the "
	    "name in system/url with key and chain into it");
}
