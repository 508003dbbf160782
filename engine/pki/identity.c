#include "engine/pki/identity.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/pki/openssl_priv.h"
#include "engine/pki/pkirec_priv.h"

static const char magic[] = "pki1";

struct identity {
	atomic_uint refs;
	struct pkey *key;
	struct cert *certs[IDENTITY_MAX_CHAIN]; /* leaf first */
	size_t n;
};

bool
identity_pair_fits(const struct pkey *key, const struct cert *c)
{
	return memcmp(pkey_id(key), cert_pair_id(c), KEYSPEC_ID_LEN) == 0;
}

/* Of several certificates of the issuer (renewed, cross-signed) a self-signed
 * one ends the chain soonest, and the one that lasts longest serves best. */
static bool
is_better(const struct cert *a, const struct cert *b)
{
	if (b == NULL)
		return true;
	if (cert_is_self_signed(a) != cert_is_self_signed(b))
		return cert_is_self_signed(a);
	return cert_expires(a) > cert_expires(b);
}

static bool
holds(const struct identity *id, const struct cert *c)
{
	size_t i;

	for (i = 0; i < id->n; i++)
		if (bytes_equal(cert_der(id->certs[i]), cert_der(c)))
			return true;
	return false;
}

static void
build_chain(struct identity *id, struct cert *const pool[], size_t n)
{
	while (id->n < IDENTITY_MAX_CHAIN) {
		struct cert *last = id->certs[id->n - 1], *best = NULL;
		size_t i;

		if (cert_is_self_signed(last))
			return;
		for (i = 0; i < n; i++) {
			if (!bytes_equal(cert_subject_der(pool[i]),
				cert_issuer_der(last)) ||
			    holds(id, pool[i]) || !is_better(pool[i], best))
				continue;
			if (cert_issued_by(last, pool[i]))
				best = pool[i];
		}
		if (best == NULL)
			return;
		id->certs[id->n++] = cert_ref(best);
	}
}

enum err_code
identity_new(struct pkey *key, struct cert *leaf, struct cert *const pool[],
    size_t n_pool, struct identity **ret, struct err *err)
{
	struct identity *id;

	if (!identity_pair_fits(key, leaf))
		return err_set(err, ERR_KEY_REJECTED,
		    "the key (%s) is not that of the certificate %s (%s)",
		    pkey_keyspec(key)->name, cert_label(leaf),
		    cert_keyspec(leaf)->name);
	if ((id = calloc(1, sizeof(*id))) == NULL)
		return err_set(err, ERR_NO_MEMORY, "identity");
	atomic_init(&id->refs, 1);
	id->key = pkey_ref(key);
	id->certs[id->n++] = cert_ref(leaf);
	build_chain(id, pool, n_pool);
	*ret = id;
	return ERR_OK;
}

struct identity *
identity_ref(struct identity *id)
{
	atomic_fetch_add_explicit(&id->refs, 1, memory_order_relaxed);
	return id;
}

void
identity_free(struct identity *id)
{
	size_t i;

	if (id == NULL || atomic_fetch_sub(&id->refs, 1) != 1)
		return;
	for (i = 0; i < id->n; i++)
		cert_free(id->certs[i]);
	pkey_free(id->key);
	free(id);
}

struct pkey *
identity_key(const struct identity *id)
{
	return id->key;
}

struct cert *
identity_leaf(const struct identity *id)
{
	return id->certs[0];
}

size_t
identity_n_certs(const struct identity *id)
{
	return id->n;
}

struct cert *
identity_cert(const struct identity *id, size_t i)
{
	return id->certs[i];
}

size_t
identity_n_sent(const struct identity *id)
{
	bool root = cert_is_self_signed(id->certs[id->n - 1]);

	return id->n > 1 && root ? id->n - 1 : id->n;
}

bool
identity_chain_complete(const struct identity *id, const char **missing)
{
	const struct cert *last = id->certs[id->n - 1];

	if (cert_is_self_signed(last))
		return true;
	if (missing != NULL)
		*missing = cert_issuer(last);
	return false;
}

enum err_code
identity_encode(const struct identity *id, struct buf *ret, struct err *err)
{
	struct buf all = { 0 }, key = { 0 };
	enum err_code rc;
	size_t i;

	if ((rc = pkey_encode(id->key, &key, err)) != ERR_OK)
		goto out;
	buf_text(&all, magic);
	pkirec_put(&all, RECORD_KEY, buf_view(&key));
	for (i = 0; i < id->n; i++)
		pkirec_put(&all, RECORD_CERT, cert_der(id->certs[i]));
	if ((rc = buf_error(&all, err)) != ERR_OK)
		goto out;
	buf_bytes(ret, buf_view(&all));
	rc = buf_error(ret, err);
out:
	buf_wipe(&key);
	buf_wipe(&all);
	return rc;
}

static enum err_code
decode_item(struct identity *id, char kind, struct bytes item, struct err *err)
{
	enum err_code rc;

	if (kind == RECORD_KEY && id->key == NULL)
		return pkey_parse(item, &id->key, err);
	if (kind == RECORD_CERT && id->n < IDENTITY_MAX_CHAIN) {
		rc = cert_parse(item, &id->certs[id->n], err);
		if (rc == ERR_OK)
			id->n++;
		return rc;
	}
	return err_set(err, ERR_DAMAGED, "an item of an unknown kind");
}

enum err_code
identity_decode(struct bytes bytes, struct identity **ret, struct err *err)
{
	struct identity *id = calloc(1, sizeof(*id));
	struct err why = { 0 };
	struct bytes item;
	enum err_code rc;
	char kind;

	if (id == NULL)
		return err_set(err, ERR_NO_MEMORY, "identity");
	atomic_init(&id->refs, 1);
	rc = pkirec_open(&bytes, magic, &why);
	while (rc == ERR_OK &&
	       (rc = pkirec_next(&bytes, &kind, &item, &why)) == ERR_OK)
		rc = decode_item(id, kind, item, &why);
	if (rc == ERR_NOT_FOUND && id->key != NULL && id->n > 0 &&
	    identity_pair_fits(id->key, id->certs[0])) {
		*ret = id;
		return ERR_OK;
	}
	identity_free(id);
	return err_set(err, rc == ERR_NO_MEMORY ? rc : ERR_DAMAGED,
	    "a stored identity is damaged: %s", why.msg);
}

enum err_code
identity_decode_ends(
    struct bytes bytes, struct identity_ends *ret, struct err *err)
{
	struct identity_ends ends = { .leaf = NULL };
	struct bytes item, first = BYTES_NONE, last = BYTES_NONE;
	struct err why = { 0 };
	enum err_code rc = pkirec_open(&bytes, magic, &why);
	char kind;

	while (rc == ERR_OK &&
	       (rc = pkirec_next(&bytes, &kind, &item, &why)) == ERR_OK)
		if (kind == RECORD_CERT) {
			if (first.p == NULL)
				first = item;
			last = item;
		}
	if (rc == ERR_NOT_FOUND && first.p != NULL)
		rc = cert_parse(first, &ends.leaf, &why);
	if (rc == ERR_OK && last.p != first.p)
		rc = cert_parse(last, &ends.last, &why);
	else if (rc == ERR_OK)
		ends.last = cert_ref(ends.leaf);
	if (rc == ERR_OK) {
		*ret = ends;
		return ERR_OK;
	}
	identity_ends_fini(&ends);
	return err_set(err, rc == ERR_NO_MEMORY ? rc : ERR_DAMAGED,
	    "a stored identity is damaged: %s", why.msg);
}

void
identity_ends_fini(struct identity_ends *ends)
{
	cert_free(ends->leaf);
	cert_free(ends->last);
	*ends = (struct identity_ends){ .leaf = NULL };
}
