#include "engine/pki/review.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/text.h"
#include "engine/pki/openssl_priv.h"

#define DAY           86400
#define TLS_MAX       (825 * (int64_t)DAY) /* HT210176 */
#define SIGNING_SHORT (100 * (int64_t)DAY)

#define FLAWS_CHAIN (FLAW_CHAIN_INCOMPLETE | FLAW_CHAIN_ENDS)
#define FLAWS_ROOT  (FLAW_ROOT_PRIVATE | FLAW_SELF_SIGNED | FLAW_ROOTS_UNKNOWN)
#define FLAWS_WEAK  (FLAW_WEAK_KEY | FLAW_WEAK_DIGEST)

/* Which flaws count for what: Apple alone looks at push and vendor
 * certificates, knows its own roots, and chose their digest. */
/* clang-format off */
static const unsigned counts[] = {
	[SLOT_TLS]     = FLAWS_CHAIN | FLAWS_ROOT | FLAWS_WEAK | FLAW_NO_NAMES |
			 FLAW_TOO_LONG | FLAW_NO_SERVER_AUTH,
	[SLOT_SIGNING] = FLAWS_CHAIN | FLAWS_ROOT | FLAWS_WEAK |
			 FLAW_SHORT_LIVED,
	[SLOT_APNS]    = FLAW_WEAK_KEY | FLAW_NOT_APPLE,
	[SLOT_VENDOR]  = FLAWS_CHAIN | FLAW_WEAK_KEY | FLAW_NOT_APPLE,
};
/* clang-format on */

static void
put(char *ret, size_t size, const char *s)
{
	snprintf(ret, size, "%.*s", text_fit(bytes_text(s), (int)size - 1), s);
}

static bool
has_host(const struct cert *c)
{
	size_t i;

	for (i = 0; i < cert_n_names(c); i++)
		if (cert_name(c, i)->kind == SAN_DNS ||
		    cert_name(c, i)->kind == SAN_IP)
			return true;
	return false;
}

static bool
is_from_apple(const struct cert *c)
{
	const X509_NAME *issuer = X509_get_issuer_name(cert_x509(c));
	char *who = name_entry(issuer, NID_organizationName);
	bool yes = who != NULL && strcmp(who, "Apple Inc.") == 0;

	free(who);
	return yes;
}

static unsigned
judge_leaf(const struct cert *c)
{
	int64_t life = cert_expires(c) - cert_begins(c);
	unsigned flaws = 0;

	if (!has_host(c))
		flaws |= FLAW_NO_NAMES;
	if (life > TLS_MAX)
		flaws |= FLAW_TOO_LONG;
	if ((cert_ext_usages(c) & CERT_EKU_SERVER) == 0)
		flaws |= FLAW_NO_SERVER_AUTH;
	if (!is_from_apple(c))
		flaws |= FLAW_NOT_APPLE;
	if (life < SIGNING_SHORT)
		flaws |= FLAW_SHORT_LIVED;
	return flaws;
}

/* One of the chain, the leaf included. */
static void
judge_link(const struct cert *c, struct identity_review *r)
{
	if (keyspec_check(cert_keyspec(c), NULL) != ERR_OK)
		r->flaws |= FLAW_WEAK_KEY;
	if (cert_signature_is_weak(c) && !cert_is_self_signed(c))
		r->flaws |= FLAW_WEAK_DIGEST;
	if (cert_expires(c) < r->chain_ends) {
		r->chain_ends = cert_expires(c);
		r->flaws |= FLAW_CHAIN_ENDS;
	}
}

/* How the chain ends if no root is known in it. */
static unsigned
judge_end(const struct identity *id, enum slot_purpose purpose,
    const struct roots *roots, const char *missing)
{
	bool listed = roots != NULL && roots_count(roots) > 0;

	if (missing == NULL && identity_n_certs(id) == 1)
		return FLAW_SELF_SIGNED;
	if (missing == NULL)
		return listed ? FLAW_ROOT_PRIVATE : FLAW_ROOTS_UNKNOWN;
	if (listed || purpose == SLOT_VENDOR)
		return FLAW_CHAIN_INCOMPLETE;
	/* a root need not be there; but no root issues leaves for the public */
	return identity_n_certs(id) == 1
	           ? FLAW_CHAIN_INCOMPLETE | FLAW_ROOTS_UNKNOWN
	           : FLAW_ROOTS_UNKNOWN;
}

/* Judge the chain up to the first root that is known, which is returned;
 * NULL: there is none, and all of the chain was judged. */
static const struct cert *
follow(const struct identity *id, const struct roots *roots,
    struct identity_review *r)
{
	size_t i;

	for (i = 0; i < identity_n_certs(id); i++) {
		const struct cert *c = identity_cert(id, i);
		const struct cert *root = roots_find(roots, c);
		bool is_root =
		    root != NULL && bytes_equal(cert_spki(root), cert_spki(c));

		/* the root that devices have, not what came in its place */
		if (i == 0 || !is_root)
			judge_link(c, r);
		if (root == NULL)
			continue;
		judge_link(root, r);
		return root;
	}
	return NULL;
}

void
identity_review(const struct identity *id, enum slot_purpose purpose,
    const struct roots *roots, struct identity_review *ret)
{
	const struct cert *leaf = identity_leaf(id), *last;
	struct identity_review r = { 0 };
	const char *missing = NULL;

	if ((counts[purpose] & FLAWS_ROOT) == 0)
		roots = NULL; /* Apple's roots are no matter of the list */
	r.flaws = judge_leaf(leaf);
	r.chain_ends = cert_expires(leaf);
	last = follow(id, roots, &r);
	if (last == NULL) {
		last = identity_cert(id, identity_n_certs(id) - 1);
		(void)identity_chain_complete(id, &missing);
		r.flaws |= judge_end(id, purpose, roots, missing);
	}
	put(r.root, sizeof(r.root), cert_subject(last));
	put(r.missing, sizeof(r.missing), missing != NULL ? missing : "");
	r.flaws &= counts[purpose];
	*ret = r;
}
