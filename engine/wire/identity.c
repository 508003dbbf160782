#include "engine/wire/identity_priv.h"

#include <ctype.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#define NAME_MAX_LEN 255 /* RFC 1035 2.3.4 */
#define POOL         32

struct identity {
	atomic_uint refs;
	uint64_t version; /* 0: it is not known by one */
	EVP_PKEY *key;
	X509 *leaf;
	STACK_OF(X509) * chain; /* without the leaf */
};

struct name {
	char *text;   /* lower case, may begin with "*." */
	size_t order; /* in the caller's list */
	const struct identity *id;
};

struct identities {
	atomic_uint refs;
	size_t n;
	struct identity **ids;   /* in the caller's order */
	struct identity **known; /* by version */
	struct name *names;      /* by text, then order */
	size_t n_names;
	const struct identity **others; /* for names that are not listed */
	size_t n_others;
};

/* Chains have their intermediates in common: parsed once.  probe: a context to
 * try pairs on. */
struct pool {
	SSL_CTX *probe;
	struct bytes der[POOL];
	X509 *x[POOL];
	size_t next;
};

/* ---- one ------------------------------------------------------------------ */

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

/* The certificate, the caller's; out of the pool if it is there. */
static X509 *
pool_x509(struct pool *pool, struct bytes der)
{
	X509 *x;
	size_t i;

	for (i = 0; i < POOL && pool->x[i] != NULL; i++)
		if (pool->der[i].len == der.len && der.len > 0 &&
		    memcmp(pool->der[i].p, der.p, der.len) == 0) {
			X509_up_ref(pool->x[i]);
			return pool->x[i];
		}
	x = identity_x509(der);
	if (x == NULL)
		return NULL;
	i = pool->next++ % POOL;
	X509_free(pool->x[i]);
	pool->x[i] = x;
	pool->der[i] = der;
	X509_up_ref(x);
	return x;
}

static void
identity_free(struct identity *id)
{
	if (id == NULL || atomic_fetch_sub(&id->refs, 1) > 1)
		return;
	EVP_PKEY_free(id->key);
	X509_free(id->leaf);
	sk_X509_pop_free(id->chain, X509_free);
	free(id);
}

static enum err_code
parse_certs(struct identity *id, const struct wire_identity *in, size_t number,
    struct pool *pool, struct err *err)
{
	size_t i;
	X509 *x;

	id->chain = sk_X509_new_null();
	if (id->chain == NULL)
		return err_set(err, ERR_NO_MEMORY, "identity");
	for (i = 0; i < in->n_certs; i++) {
		x = i == 0 ? identity_x509(in->certs[i])
		           : pool_x509(pool, in->certs[i]);
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

/* Whether OpenSSL's security level lets it serve: asked once, here, so that no
 * handshake meets it. */
static enum err_code
check(const struct identity *id, size_t number, struct pool *pool,
    struct err *err)
{
	enum err_code rc = ERR_OK;

	if (X509_check_private_key(id->leaf, id->key) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_KEY_REJECTED,
		    "the private key does not belong to the certificate of "
		    "identity %zu: give the pair that was made together",
		    number);
	}
	if (pool->probe == NULL)
		pool->probe = SSL_CTX_new(TLS_server_method());
	if (pool->probe == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "identity");
	else if (SSL_CTX_use_cert_and_key(
		     pool->probe, id->leaf, id->key, id->chain, 1) != 1)
		rc = err_set(err, ERR_KEY_REJECTED,
		    "OpenSSL does not take the certificate of identity %zu for "
		    "TLS: its key is too weak (RSA needs 2048 bits) or of an "
		    "unusual kind",
		    number);
	ERR_clear_error();
	return rc;
}

static enum err_code
identity_parse(const struct wire_identity *in, size_t number, struct pool *pool,
    struct identity **ret, struct err *err)
{
	struct identity *id;
	enum err_code rc;

	if (in->n_certs == 0)
		return err_set(err, ERR_INVALID,
		    "identity %zu has no certificate", number);
	id = calloc(1, sizeof(*id));
	if (id == NULL)
		return err_set(err, ERR_NO_MEMORY, "identity");
	atomic_init(&id->refs, 1);
	id->version = in->version;
	rc = parse_certs(id, in, number, pool, err);
	if (rc == ERR_OK && (id->key = parse_key(in->key)) == NULL)
		rc = err_set(err, ERR_INVALID,
		    "the key of identity %zu is not PKCS #8 DER", number);
	if (rc == ERR_OK)
		rc = check(id, number, pool, err);
	if (rc != ERR_OK)
		identity_free(id);
	else
		*ret = id;
	return rc;
}

/* ---- all of them ---------------------------------------------------------- */

static int
by_version(const void *a, const void *b)
{
	const struct identity *const *f = a, *const *g = b;

	return (*f)->version < (*g)->version ? -1
	                                     : (*f)->version > (*g)->version;
}

static struct identity *
find_known(const struct identities *old, uint64_t version)
{
	struct identity key = { .version = version }, *p = &key, **found;

	if (old == NULL || version == 0 || old->n == 0)
		return NULL;
	found =
	    bsearch(&p, old->known, old->n, sizeof(*old->known), by_version);
	if (found == NULL)
		return NULL;
	atomic_fetch_add(&(*found)->refs, 1);
	return *found;
}

static int
by_text(const void *a, const void *b)
{
	const struct name *f = a, *g = b;
	int c = strcmp(f->text, g->text);

	return c != 0 ? c : f->order < g->order ? -1 : f->order > g->order;
}

static enum err_code
add_names(struct identities *ids, const struct wire_identity *in,
    const struct identity *id, struct err *err)
{
	struct name *n;
	size_t i;
	char *p;

	if (in->n_names == 0)
		ids->others[ids->n_others++] = id;
	for (i = 0; i < in->n_names; i++) {
		n = &ids->names[ids->n_names];
		n->text = strdup(in->names[i]);
		if (n->text == NULL)
			return err_set(err, ERR_NO_MEMORY, "identity");
		for (p = n->text; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		n->order = ids->n_names++;
		n->id = id;
	}
	return ERR_OK;
}

static bool
reserve(struct identities *ids, const struct wire_identity *in, size_t n)
{
	size_t i, names = 0;

	for (i = 0; i < n; i++)
		names += in[i].n_names;
	ids->ids = calloc(n + 1, sizeof(*ids->ids));
	ids->known = calloc(n + 1, sizeof(*ids->known));
	ids->others = calloc(n + 1, sizeof(*ids->others));
	ids->names = calloc(names + 1, sizeof(*ids->names));
	return ids->ids != NULL && ids->known != NULL && ids->others != NULL &&
	       ids->names != NULL;
}

static enum err_code
fill(struct identities *ids, const struct wire_identity *in, size_t n,
    const struct identities *old, struct err *err)
{
	struct pool pool = { .next = 0 };
	struct identity *id;
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < n && rc == ERR_OK; i++) {
		id = find_known(old, in[i].version);
		if (id == NULL && in[i].key.len == 0 && in[i].n_certs == 0 &&
		    in[i].version != 0)
			rc = err_set(err, ERR_NOT_FOUND,
			    "identity %zu was not there before", i + 1);
		else if (id == NULL)
			rc = identity_parse(&in[i], i + 1, &pool, &id, err);
		if (rc != ERR_OK)
			break;
		ids->known[ids->n] = id;
		ids->ids[ids->n++] = id;
		rc = add_names(ids, &in[i], id, err);
	}
	for (i = 0; i < POOL; i++)
		X509_free(pool.x[i]);
	SSL_CTX_free(pool.probe);
	return rc;
}

/* Of the identities for a name, the first of each kind of key: a handshake
 * looks at no others, however many there are. */
static void
keep_first(struct identities *ids)
{
	size_t i, j, n = 0, first = 0;
	int kind;

	for (i = 0; i < ids->n_names; i++) {
		struct name *name = &ids->names[i];

		if (n > 0 && strcmp(ids->names[first].text, name->text) != 0)
			first = n;
		kind = EVP_PKEY_get_base_id(name->id->key);
		for (j = first; j < n; j++)
			if (EVP_PKEY_get_base_id(ids->names[j].id->key) == kind)
				break;
		if (j < n)
			free(name->text);
		else
			ids->names[n++] = *name;
	}
	ids->n_names = n;
}

enum err_code
identities_new(const struct wire_identity *in, size_t n,
    const struct identities *old, struct identities **ret, struct err *err)
{
	struct identities *ids;
	enum err_code rc = ERR_OK;

	if (n > SERVER_MAX_IDENTITIES)
		return err_set(err, ERR_TOO_BIG,
		    "%zu identities are more than %d", n,
		    SERVER_MAX_IDENTITIES);
	ids = calloc(1, sizeof(*ids));
	if (ids == NULL)
		return err_set(err, ERR_NO_MEMORY, "identities");
	atomic_init(&ids->refs, 1);
	rc = reserve(ids, in, n) ? fill(ids, in, n, old, err)
	                         : err_set(err, ERR_NO_MEMORY, "identities");
	if (rc != ERR_OK) {
		identities_free(ids);
		return rc;
	}
	if (ids->n_others == 0 && ids->n > 0)
		ids->others[ids->n_others++] = ids->ids[0];
	qsort(ids->known, ids->n, sizeof(*ids->known), by_version);
	qsort(ids->names, ids->n_names, sizeof(*ids->names), by_text);
	keep_first(ids);
	*ret = ids;
	return ERR_OK;
}

struct identities *
identities_ref(struct identities *ids)
{
	if (ids != NULL)
		atomic_fetch_add(&ids->refs, 1);
	return ids;
}

void
identities_free(struct identities *ids)
{
	size_t i;

	if (ids == NULL || atomic_fetch_sub(&ids->refs, 1) > 1)
		return;
	for (i = 0; i < ids->n; i++)
		identity_free(ids->ids[i]);
	for (i = 0; i < ids->n_names; i++)
		free(ids->names[i].text);
	free(ids->names);
	free(ids->others);
	free(ids->known);
	free(ids->ids);
	free(ids);
}

size_t
identities_count(const struct identities *ids)
{
	return ids == NULL ? 0 : ids->n;
}

/* ---- in a handshake ------------------------------------------------------- */

bool
identities_use(const struct identities *ids, SSL_CTX *ctx)
{
	const struct identity *id;
	size_t i;

	/* the first of a kind of key wins, so from the last to the first */
	for (i = ids->n_others; i-- > 0;) {
		id = ids->others[i];
		if (SSL_CTX_use_cert_and_key(
			ctx, id->leaf, id->key, id->chain, 1) != 1)
			return false;
	}
	return true;
}

static bool
use_name(const struct identities *ids, SSL *ssl, const char *text)
{
	size_t low = 0, high = ids->n_names, mid, end;
	const struct identity *id;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(ids->names[mid].text, text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < ids->n_names; end++)
		if (strcmp(ids->names[end].text, text) != 0)
			break;
	if (end == low)
		return false;
	SSL_certs_clear(ssl);
	while (end-- > low) {
		id = ids->names[end].id;
		if (SSL_use_cert_and_key(
			ssl, id->leaf, id->key, id->chain, 1) != 1)
			ERR_clear_error(); /* identities_new() tried it */
	}
	return true;
}

bool
identities_choose(const struct identities *ids, SSL *ssl, const char *name)
{
	char text[NAME_MAX_LEN + 2], *dot;
	size_t i, len = strlen(name);

	if (len > NAME_MAX_LEN)
		return false;
	for (i = 0; i <= len; i++)
		text[i] = (char)tolower((unsigned char)name[i]);
	if (use_name(ids, ssl, text))
		return true;
	/* RFC 6125 6.4.3: a star is one label */
	dot = strchr(text, '.');
	if (dot == NULL || dot == text)
		return false;
	dot[-1] = '*';
	return use_name(ids, ssl, dot - 1);
}
