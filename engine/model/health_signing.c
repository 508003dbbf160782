#include <string.h>

#include "engine/model/health_priv.h"

/* Why a profile is shown as "Verified", "Not Verified" or "Not Signed". */

void
health_signing_present(struct look *x)
{
	const char *pending;
	size_t i, n = 0;

	if (x->cert->present) {
		health_say(x, HEALTH_PASS, "profiles are signed by %s",
		    x->cert->facts.subject);
		return;
	}
	for (i = 0; i < x->n_orgs; i++)
		n += x->orgs[i].signer == NULL;
	health_say(x, HEALTH_WARN,
	    "there is no signing certificate%s: profiles are not signed, and "
	    "devices show \"Not Signed\" when they are installed",
	    n == 0 ? ""
		   : health_text(
			 x, " for %zu organization%s", n, n == 1 ? "" : "s"));
	if ((pending = health_pending(x, SLOT_OF_SIGNING)) != NULL) {
		health_do(x, "%s", pending);
		return;
	}
	health_do(x,
	    "mkdir system/signing, and copy a certificate with key and chain "
	    "into it (that of system/tls will do), or one for each "
	    "organization into orgs/ORG/signing/");
}

void
health_signing_chain(struct look *x)
{
	if ((x->cert->facts.flaws & FLAW_CHAIN_INCOMPLETE) == 0) {
		health_say(x, HEALTH_PASS, "the chain is whole");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "profiles show \"Not Verified\": intermediate %s is missing",
	    x->cert->facts.missing);
	health_do(x,
	    "append it: copy the certificate of %s into %s/; profiles are "
	    "signed anew at once",
	    x->cert->facts.missing, x->cert->path);
}

/* Whether devices get that root with the profile that enrolls them: as that of
 * an HTTPS certificate, or out of system/trust. */
static bool
handed_out(const struct look *x, const char *root)
{
	const struct health_org none = { .first_cert = x->n_system };
	const struct health_cert *c;
	size_t i = 0;

	/* the system's signer signs for everybody: the system's roots alone */
	while ((c = health_tls_next(x, x->org == NULL ? &none : x->org, &i)) !=
	       NULL)
		if (strcmp(c->facts.root, root) == 0)
			return true;
	return health_trusts(x, root);
}

void
health_signing_root(struct look *x)
{
	const struct health_facts *f = &x->cert->facts;

	if ((f->flaws & (FLAW_CHAIN_INCOMPLETE | FLAW_ROOTS_UNKNOWN)) != 0)
		return;
	if ((f->flaws & (FLAW_ROOT_PRIVATE | FLAW_SELF_SIGNED)) == 0)
		health_say(x, HEALTH_PASS,
		    "devices know the root by themselves: \"Verified\"");
	else if (f->root[0] != '\0' && handed_out(x, f->root))
		health_say(x, HEALTH_PASS,
		    "the root %s is private and goes along with the enrollment "
		    "profile: \"Verified\" once a device is enrolled",
		    f->root);
	else {
		health_say(x, HEALTH_WARN,
		    "profiles show \"Not Verified\": the chain ends at %s, "
		    "which devices do not know",
		    f->root);
		health_do(x,
		    "copy that root (PEM) into system/trust/: it goes along "
		    "with the enrollment profile; or sign with a certificate "
		    "of a public authority");
	}
}

void
health_signing_lifetime(struct look *x)
{
	const struct health_facts *f = &x->cert->facts;

	if ((f->flaws & FLAW_SHORT_LIVED) == 0) {
		health_say(x, HEALTH_PASS, "it is valid for %lld days in all",
		    (long long)((f->expires - f->begins) / 86400));
		return;
	}
	health_say(x, HEALTH_WARN,
	    "the signing certificate lives for %lld days only; a profile on a "
	    "device turns to \"Not Verified\" when its signer ends",
	    (long long)((f->expires - f->begins) / 86400));
	health_do(x,
	    "sign with a certificate of a year or more in %s/, or install "
	    "profiles again after each renewal",
	    x->cert->path);
}

void
health_signing_strength(struct look *x)
{
	const struct health_facts *f = &x->cert->facts;
	bool digest = (f->flaws & FLAW_WEAK_DIGEST) != 0;

	if ((f->flaws & (FLAW_WEAK_KEY | FLAW_WEAK_DIGEST)) == 0) {
		health_say(x, HEALTH_PASS, "keys and signatures are strong");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "profiles show \"Not Verified\": %s in the chain of the signing "
	    "certificate",
	    digest ? "a signature over SHA-1 or MD5" : "a weak key");
	health_do(x,
	    "replace it in %s/ by one with RSA 2048 or P-256 that is signed "
	    "with SHA-256",
	    x->cert->path);
}

void
health_signing_end(struct look *x)
{
	const struct health_end end = {
		.what = "the signing certificate",
		.after = "profiles are not signed with it, and those on "
			 "devices show \"Not Verified\"",
		.renew = health_text(x,
		    "renew it and copy it with key and chain into %s/; "
		    "profiles are signed anew at once",
		    x->cert->path),
	};

	health_end(x, &end);
}
