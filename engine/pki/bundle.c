#include "engine/pki/bundle.h"

#include <stdlib.h>

#include "engine/pki/bundle_priv.h"

static enum err_code
grow(void ***v, size_t n, struct err *err)
{
	void **more;

	if ((n & (n - 1)) != 0) /* grows at each power of two */
		return ERR_OK;
	more = realloc(*v, (n == 0 ? 1 : 2 * n) * sizeof(**v));
	if (more == NULL)
		return err_set(err, ERR_NO_MEMORY, "bundle");
	*v = more;
	return ERR_OK;
}

enum err_code
bundle_add_cert(struct bundle *b, struct cert *c, struct err *err)
{
	void **v = (void **)b->certs;
	enum err_code rc;
	size_t i;

	for (i = 0; i < b->n_certs; i++)
		if (bytes_equal(cert_der(b->certs[i]), cert_der(c))) {
			cert_free(c);
			return ERR_OK;
		}
	if (b->n_certs == BUNDLE_MAX_CERTS)
		rc = err_set(err, ERR_TOO_BIG,
		    "more than %d certificates in one file: keep those of this "
		    "server and of its chain",
		    BUNDLE_MAX_CERTS);
	else
		rc = grow(&v, b->n_certs, err);
	b->certs = (struct cert **)v;
	if (rc != ERR_OK)
		cert_free(c);
	else
		b->certs[b->n_certs++] = c;
	return rc;
}

enum err_code
bundle_add_key(struct bundle *b, struct pkey *k, struct err *err)
{
	void **v = (void **)b->keys;
	enum err_code rc;
	size_t i;

	for (i = 0; i < b->n_keys; i++)
		if (memcmp(pkey_id(b->keys[i]), pkey_id(k), KEYSPEC_ID_LEN) ==
		    0) {
			pkey_free(k);
			return ERR_OK;
		}
	if (b->n_keys == BUNDLE_MAX_KEYS)
		rc = err_set(err, ERR_TOO_BIG,
		    "more than %d keys in one file: keep the one that belongs "
		    "to the certificate",
		    BUNDLE_MAX_KEYS);
	else
		rc = grow(&v, b->n_keys, err);
	b->keys = (struct pkey **)v;
	if (rc != ERR_OK)
		pkey_free(k);
	else
		b->keys[b->n_keys++] = k;
	return rc;
}

enum err_code
bundle_add_cert_der(struct bundle *b, struct bytes der, struct err *err)
{
	struct cert *c = NULL;
	enum err_code rc = cert_parse(der, &c, err);

	return rc != ERR_OK ? rc : bundle_add_cert(b, c, err);
}

enum err_code
bundle_add_key_der(struct bundle *b, struct bytes der, struct err *err)
{
	struct pkey *k = NULL;
	enum err_code rc = pkey_parse(der, &k, err);

	return rc != ERR_OK ? rc : bundle_add_key(b, k, err);
}

enum err_code
bundle_new(struct pkey *key, struct cert *const certs[], size_t n_certs,
    struct bundle **ret, struct err *err)
{
	struct bundle *b = calloc(1, sizeof(*b));
	enum err_code rc = ERR_OK;
	size_t i;

	if (b == NULL)
		return err_set(err, ERR_NO_MEMORY, "bundle");
	if (key != NULL)
		rc = bundle_add_key(b, pkey_ref(key), err);
	for (i = 0; i < n_certs && rc == ERR_OK; i++)
		rc = bundle_add_cert(b, cert_ref(certs[i]), err);
	if (rc == ERR_OK) {
		*ret = b;
		b = NULL;
	}
	bundle_free(b);
	return rc;
}

size_t
bundle_n_certs(const struct bundle *b)
{
	return b->n_certs;
}

struct cert *
bundle_cert(const struct bundle *b, size_t i)
{
	return b->certs[i];
}

size_t
bundle_n_keys(const struct bundle *b)
{
	return b->n_keys;
}

struct pkey *
bundle_key(const struct bundle *b, size_t i)
{
	return b->keys[i];
}

bool
bundle_is_locked(const struct bundle *b)
{
	return b->locked;
}

bool
bundle_wrong_password(const struct bundle *b)
{
	return b->locked && b->wrong_password;
}

bool
bundle_is_export(const struct bundle *b)
{
	return b->is_export;
}

bool
bundle_is_pkcs12(const struct bundle *b)
{
	return b->is_pkcs12;
}

void
bundle_free(struct bundle *b)
{
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; i < b->n_certs; i++)
		cert_free(b->certs[i]);
	for (i = 0; i < b->n_keys; i++)
		pkey_free(b->keys[i]);
	free(b->certs);
	free(b->keys);
	free(b);
}
