#include <stdlib.h>

#include "engine/base/text.h"
#include "engine/pki/openssl_priv.h"
#include "engine/pki/slot.h"

struct files {
	const struct bundle *const *v;
	size_t n;
	bool locked, lone_key; /* for telling: some file, some key is */
};

struct pair {
	struct pkey *key;
	struct cert *cert;
	bool valid;
};

static struct pkey *
find_key(struct files f, const struct cert *c)
{
	size_t i, k;

	for (i = 0; i < f.n; i++)
		for (k = 0; k < bundle_n_keys(f.v[i]); k++)
			if (identity_pair_fits(bundle_key(f.v[i], k), c))
				return bundle_key(f.v[i], k);
	return NULL;
}

static bool
find_cert(struct files f, const struct pkey *key)
{
	size_t i, k;

	for (i = 0; i < f.n; i++)
		for (k = 0; k < bundle_n_certs(f.v[i]); k++)
			if (identity_pair_fits(key, bundle_cert(f.v[i], k)))
				return true;
	return false;
}

/* Whether b, which was written later, takes the place of a. */
static bool
is_better(const struct pair *b, const struct pair *a)
{
	if (a->cert == NULL)
		return true;
	if (b->valid != a->valid)
		return b->valid;
	/* a self-made certificate of a CA serves where there is no other */
	if (cert_is_ca(b->cert) != cert_is_ca(a->cert))
		return !cert_is_ca(b->cert);
	if (cert_expires(b->cert) != cert_expires(a->cert))
		return cert_expires(b->cert) > cert_expires(a->cert);
	return cert_begins(b->cert) >= cert_begins(a->cert);
}

static struct pair
find_best(enum slot_purpose purpose, struct files f, int64_t now)
{
	struct pair best = { 0 }, p;
	size_t i, k;

	for (i = 0; i < f.n; i++)
		for (k = 0; k < bundle_n_certs(f.v[i]); k++) {
			p.cert = bundle_cert(f.v[i], k);
			if (slot_judge_fit(purpose, p.cert, NULL) != ERR_OK)
				continue;
			if ((p.key = find_key(f, p.cert)) == NULL)
				continue;
			p.valid = slot_judge_cert(purpose, p.cert, now, NULL) ==
			          ERR_OK;
			if (is_better(&p, &best))
				best = p;
		}
	return best;
}

static enum err_code
build(struct files f, const struct pair *p, struct identity **ret,
    struct err *err)
{
	struct cert **pool;
	size_t i, k, n = 0;
	enum err_code rc;

	for (i = 0; i < f.n; i++)
		n += bundle_n_certs(f.v[i]);
	if ((pool = calloc(n, sizeof(struct cert *))) == NULL)
		return err_set(err, ERR_NO_MEMORY, "identity");
	for (i = n = 0; i < f.n; i++)
		for (k = 0; k < bundle_n_certs(f.v[i]); k++)
			pool[n++] = bundle_cert(f.v[i], k);
	rc = identity_new(p->key, p->cert, pool, n, ret, err);
	free(pool);
	return rc;
}

/* Of the three that a file that "does not work" can be, this is "no key in
 * it", or "another key". */
static void
tell_keyless(struct files f, const struct bundle *b, const struct cert *c,
    struct buf *ret)
{
	buf_printf(ret, "certificate %s ", cert_label(c));
	if (f.locked)
		buf_text(ret, "has no key yet: it may be in what is locked\n");
	else if (bundle_is_pkcs12(b) && bundle_n_keys(b) == 0)
		buf_printf(ret,
		    "has no key yet: it came without a private key. Export it "
		    "again together with its key, or add the key that its "
		    "request was made with (%s)\n",
		    cert_keyspec(c)->name);
	else
		buf_printf(ret,
		    "has no key yet: add the key that its request was made "
		    "with (%s)%s\n",
		    cert_keyspec(c)->name,
		    f.lone_key ? "; the one that is here is another's" : "");
}

static void
tell_key(enum slot_purpose purpose, const struct pkey *key, struct buf *ret)
{
	const struct keyspec *k = pkey_keyspec(key);

	buf_printf(ret,
	    "key without certificate (%s): add the certificate that was issued "
	    "for it%s\n",
	    k->name,
	    purpose == SLOT_APNS && k->kind != KEYSPEC_RSA
		? ". Apple's push certificates have RSA keys; an APNs "
		  "authentication key (.p8) is not for MDM"
		: "");
}

static void
tell_cert(enum slot_purpose purpose, struct files f, const struct bundle *b,
    const struct cert *c, struct buf *ret)
{
	struct err why = { 0 };

	if (slot_judge_fit(purpose, c, &why) != ERR_OK)
		buf_printf(ret, "certificate not fit: %s\n", why.msg);
	else if (find_key(f, c) == NULL)
		tell_keyless(f, b, c, ret);
	else
		buf_printf(ret,
		    "certificate %s is not in use: there is a better one\n",
		    cert_label(c));
}

static void
tell_file(enum slot_purpose purpose, struct files f, const struct bundle *b,
    const struct identity *in_use, struct buf *ret)
{
	size_t k;

	if (bundle_is_locked(b))
		buf_text(ret,
		    "it is locked: write its password into `password` "
		    "beside it\n");
	for (k = 0; k < bundle_n_certs(b); k++) {
		const struct cert *c = bundle_cert(b, k);

		if (cert_is_ca(c) ||
		    (in_use != NULL && bytes_equal(cert_der(c),
					   cert_der(identity_leaf(in_use)))))
			continue;
		tell_cert(purpose, f, b, c, ret);
	}
	for (k = 0; k < bundle_n_keys(b); k++)
		if (!find_cert(f, bundle_key(b, k)))
			tell_key(purpose, bundle_key(b, k), ret);
}

static struct files
files_to_tell(const struct bundle *const bundles[], size_t n)
{
	struct files f = { .v = bundles, .n = n };
	size_t i, k;

	for (i = 0; i < n; i++) {
		f.locked |= bundle_is_locked(bundles[i]);
		for (k = 0; k < bundle_n_keys(bundles[i]) && !f.lone_key; k++)
			f.lone_key = !find_cert(f, bundle_key(bundles[i], k));
	}
	return f;
}

void
slot_waiting_of(enum slot_purpose purpose, const struct bundle *const bundles[],
    size_t n, size_t i, const struct identity *in_use, struct buf *ret)
{
	struct files f = files_to_tell(bundles, n);

	tell_file(purpose, f, bundles[i], in_use, ret);
}

void
slot_waiting(enum slot_purpose purpose, const struct bundle *const bundles[],
    size_t n, const struct identity *in_use, struct buf *ret)
{
	struct files f = files_to_tell(bundles, n);
	size_t i;

	for (i = 0; i < n; i++)
		tell_file(purpose, f, bundles[i], in_use, ret);
}

enum err_code
slot_pick(enum slot_purpose purpose, const struct bundle *const bundles[],
    size_t n, int64_t now, struct identity **ret, struct err *err)
{
	struct files f = { .v = bundles, .n = n };
	struct pair best = find_best(purpose, f, now);
	struct buf waiting = { 0 };
	enum err_code rc;

	if (best.cert != NULL)
		return build(f, &best, ret, err);
	slot_waiting(purpose, bundles, n, NULL, &waiting);
	if (waiting.len > 0)
		waiting.len--; /* the last newline */
	rc = err_set(err, ERR_NOT_FOUND, "%s",
	    waiting.len > 0 ? buf_str(&waiting)
			    : "there is no certificate with its key yet");
	buf_free(&waiting);
	return rc;
}
