#include "engine/wire/identity_priv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

X509 *
identity_x509(struct bytes der)
{
	const unsigned char *p = der.p;
	X509 *x;

	if (der.len == 0 || der.len > LONG_MAX)
		return NULL;
	x = d2i_X509(NULL, &p, (long)der.len);
	if (x != NULL && p != der.p + der.len) {
		X509_free(x);
		x = NULL;
	}
	ERR_clear_error();
	return x;
}

static EVP_PKEY *
parse_key(struct bytes der)
{
	const unsigned char *p = der.p;
	EVP_PKEY *key;

	if (der.len == 0 || der.len > LONG_MAX)
		return NULL;
	key = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
	ERR_clear_error();
	return key;
}

static enum err_code
parse_certs(struct identity *id, const struct wire_identity *in, size_t number,
    struct err *err)
{
	size_t i;
	X509 *x;

	id->chain = sk_X509_new_null();
	if (id->chain == NULL)
		return err_set(err, ERR_NO_MEMORY, "identity");
	if (in->n_certs == 0)
		return err_set(err, ERR_INVALID,
		    "identity %zu has no certificate", number);
	for (i = 0; i < in->n_certs; i++) {
		x = identity_x509(in->certs[i]);
		if (x == NULL)
			return err_set(err, ERR_INVALID,
			    "certificate %zu of identity %zu is not DER", i + 1,
			    number);
		if (i == 0) {
			id->leaf = x;
		} else if (sk_X509_push(id->chain, x) <= 0) {
			X509_free(x);
			return err_set(err, ERR_NO_MEMORY, "identity");
		}
	}
	return ERR_OK;
}

static enum err_code
parse(struct identity *id, const struct wire_identity *in, size_t number,
    struct err *err)
{
	enum err_code rc;
	size_t i;

	if ((rc = parse_certs(id, in, number, err)) != ERR_OK)
		return rc;
	id->key = parse_key(in->key);
	if (id->key == NULL)
		return err_set(err, ERR_INVALID,
		    "the key of identity %zu is not PKCS #8 DER", number);
	if (X509_check_private_key(id->leaf, id->key) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_KEY_REJECTED,
		    "the private key does not belong to the certificate of "
		    "identity %zu: give the pair that was made together",
		    number);
	}
	id->names = calloc(in->n_names + 1, sizeof(*id->names));
	if (id->names == NULL)
		return err_set(err, ERR_NO_MEMORY, "identity");
	for (i = 0; i < in->n_names; i++) {
		id->names[i] = strdup(in->names[i]);
		if (id->names[i] == NULL)
			return err_set(err, ERR_NO_MEMORY, "identity");
		id->n_names++;
	}
	return ERR_OK;
}

enum err_code
identities_parse(const struct wire_identity *in, size_t n,
    struct identity **ret, struct err *err)
{
	struct identity *ids = NULL;
	enum err_code rc = ERR_OK;
	size_t i;

	if (n > IDENTITIES_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "%zu identities are more than %d", n, IDENTITIES_MAX);
	if (n > 0 && (ids = calloc(n, sizeof(*ids))) == NULL)
		return err_set(err, ERR_NO_MEMORY, "identities");
	for (i = 0; i < n && rc == ERR_OK; i++)
		rc = parse(&ids[i], &in[i], i + 1, err);
	if (rc != ERR_OK) {
		identities_free(ids, n);
		return rc;
	}
	*ret = ids;
	return ERR_OK;
}

void
identities_free(struct identity *ids, size_t n)
{
	size_t i, j;

	for (i = 0; ids != NULL && i < n; i++) {
		EVP_PKEY_free(ids[i].key);
		X509_free(ids[i].leaf);
		sk_X509_pop_free(ids[i].chain, X509_free);
		for (j = 0; j < ids[i].n_names; j++)
			free(ids[i].names[j]);
		free(ids[i].names);
	}
	free(ids);
}
