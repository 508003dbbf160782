#include "engine/wire/tls_priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "engine/wire/identity_priv.h"

struct name {
	char *text; /* lower case, may begin with "*." */
	SSL_CTX *ctx;
};

struct tls_set {
	atomic_uint refs;
	SSL_CTX *other; /* for names that are not listed */
	struct name *names;
	size_t n;
};

struct tls {
	pthread_mutex_t mutex;
	struct ticket_keys *tickets;
	/* protected by mutex */
	struct identity *identities;
	size_t n;
	STACK_OF(X509_NAME) * cas;
	struct tls_set *set; /* NULL: no identity */
};

/* ---- one context ---------------------------------------------------------- */

/* RFC 7301; a client that offers neither gets no_application_protocol. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";
	unsigned char *p = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&p, out_len, ours, sizeof(ours) - 1, in,
		in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = p;
	return SSL_TLSEXT_ERR_OK;
}

/* Judged by the handlers.  TLS itself proves the possession of the key. */
static int
on_client_cert(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());

	(void)arg;
	if (ssl != NULL)
		SSL_set_num_tickets(ssl, 1);
	return 1;
}

static bool
name_fits(const char *listed, const char *asked)
{
	const char *dot;

	if (listed[0] != '*')
		return strcasecmp(listed, asked) == 0;
	/* RFC 6125 6.4.3: a star is one label */
	dot = strchr(asked, '.');
	return dot != NULL && dot != asked && strcasecmp(listed + 1, dot) == 0;
}

static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_set *set = arg;
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	size_t i, star;

	(void)alert;
	if (asked == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	for (star = 0; star < 2; star++)
		for (i = 0; i < set->n; i++)
			if ((set->names[i].text[0] == '*') == (star == 1) &&
			    name_fits(set->names[i].text, asked)) {
				SSL_set_SSL_CTX(ssl, set->names[i].ctx);
				return SSL_TLSEXT_ERR_OK;
			}
	return SSL_TLSEXT_ERR_OK;
}

static void
context_settings(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_NO_AUTO_CHAIN |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* tickets alone: nothing to keep for clients that never return */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_client_cert, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
}

/* A context of the identities whose bits are set in mask. */
static SSL_CTX *
context_new(struct tls *t, const struct identity *ids, size_t n, uint64_t mask)
{
	static const unsigned char id[] = "mdmfs";
	static char groups[] = "X25519:P-256:P-384";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	STACK_OF(X509_NAME) * cas;
	size_t i;

	if (ctx == NULL)
		return NULL;
	context_settings(ctx);
	ticket_keys_install(t->tickets, ctx);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(
		ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) != 1)
		goto fail;
	/* the first of a kind of key wins, so from the last to the first */
	for (i = n; i-- > 0;)
		if ((mask >> i & 1) != 0 &&
		    SSL_CTX_use_cert_and_key(
			ctx, ids[i].leaf, ids[i].key, ids[i].chain, 1) != 1)
			goto fail;
	if (t->cas != NULL) {
		cas = SSL_dup_CA_list(t->cas);
		if (cas == NULL)
			goto fail;
		SSL_CTX_set_client_CA_list(ctx, cas);
	}
	return ctx;
fail:
	SSL_CTX_free(ctx);
	return NULL;
}

/* ---- the contexts of a moment --------------------------------------------- */

void
tls_release(struct tls_set *set)
{
	size_t i;

	if (set == NULL || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	for (i = 0; i < set->n; i++) {
		free(set->names[i].text);
		SSL_CTX_free(set->names[i].ctx);
	}
	free(set->names);
	SSL_CTX_free(set->other);
	free(set);
}

static uint64_t
mask_of(const struct identity *ids, size_t n, const char *name)
{
	uint64_t mask = 0;
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (name == NULL && ids[i].n_names == 0)
			mask |= UINT64_C(1) << i;
		for (j = 0; name != NULL && j < ids[i].n_names; j++)
			if (strcasecmp(ids[i].names[j], name) == 0)
				mask |= UINT64_C(1) << i;
	}
	return mask;
}

/* Names with the same identities share a context. */
static bool
set_name(struct tls *t, struct tls_set *set, const struct identity *ids,
    size_t n, const char *name)
{
	uint64_t mask = mask_of(ids, n, name);
	struct name *add = &set->names[set->n];
	size_t i;

	for (i = 0; i < set->n; i++)
		if (strcasecmp(set->names[i].text, name) == 0)
			return true;
	add->text = strdup(name);
	if (add->text == NULL)
		return false;
	for (i = 0; i < set->n; i++)
		if (mask_of(ids, n, set->names[i].text) == mask) {
			add->ctx = set->names[i].ctx;
			SSL_CTX_up_ref(add->ctx);
			break;
		}
	if (add->ctx == NULL)
		add->ctx = context_new(t, ids, n, mask);
	set->n++;
	return add->ctx != NULL;
}

static struct tls_set *
set_new(struct tls *t, const struct identity *ids, size_t n)
{
	struct tls_set *set = calloc(1, sizeof(*set));
	uint64_t mask = mask_of(ids, n, NULL);
	size_t i, j, names = 0;

	if (set == NULL)
		return NULL;
	atomic_init(&set->refs, 1);
	for (i = 0; i < n; i++)
		names += ids[i].n_names;
	set->names = calloc(names + 1, sizeof(*set->names));
	if (set->names == NULL)
		goto fail;
	for (i = 0; i < n; i++)
		for (j = 0; j < ids[i].n_names; j++)
			if (!set_name(t, set, ids, n, ids[i].names[j]))
				goto fail;
	set->other = context_new(t, ids, n, mask != 0 ? mask : 1);
	if (set->other == NULL)
		goto fail;
	SSL_CTX_set_tlsext_servername_callback(set->other, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(set->other, set);
	return set;
fail:
	tls_release(set);
	return NULL;
}

/* ---- all of it ------------------------------------------------------------ */

struct tls *
tls_new(void)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->tickets = ticket_keys_new();
	if (t->tickets == NULL) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->mutex, NULL);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	tls_release(t->set);
	identities_free(t->identities, t->n);
	sk_X509_NAME_pop_free(t->cas, X509_NAME_free);
	ticket_keys_free(t->tickets);
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

enum err_code
tls_identities(struct tls *t, const struct wire_identity *identities, size_t n,
    struct err *err)
{
	struct identity *ids = NULL;
	struct tls_set *set = NULL, *old = NULL;
	enum err_code rc;

	if ((rc = identities_parse(identities, n, &ids, err)) != ERR_OK)
		return rc;
	pthread_mutex_lock(&t->mutex);
	if (n > 0 && (set = set_new(t, ids, n)) == NULL) {
		rc = err_set(err, ERR_KEY_REJECTED,
		    "OpenSSL does not take this certificate for TLS: its key "
		    "is too weak (RSA needs 2048 bits) or of an unusual kind");
	} else {
		struct identity *ids_old = t->identities;
		size_t n_old = t->n;

		old = t->set;
		t->set = set;
		t->identities = ids;
		t->n = n;
		ids = ids_old;
		n = n_old;
	}
	pthread_mutex_unlock(&t->mutex);
	tls_release(old);
	identities_free(ids, n);
	ERR_clear_error();
	return rc;
}

static enum err_code
subjects(const struct bytes *certs, size_t n, STACK_OF(X509_NAME) * names,
    struct err *err)
{
	X509_NAME *name;
	X509 *x;
	size_t i;

	for (i = 0; i < n; i++) {
		x = identity_x509(certs[i]);
		if (x == NULL)
			return err_set(err, ERR_INVALID,
			    "client CA %zu is not one DER certificate", i + 1);
		name = X509_NAME_dup(X509_get_subject_name(x));
		X509_free(x);
		if (name == NULL || sk_X509_NAME_push(names, name) <= 0) {
			X509_NAME_free(name);
			return err_set(err, ERR_NO_MEMORY, "client CAs");
		}
	}
	return ERR_OK;
}

enum err_code
tls_client_cas(
    struct tls *t, const struct bytes *certs, size_t n, struct err *err)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null(), *kept;
	struct tls_set *set = NULL;
	enum err_code rc;

	if (names == NULL)
		return err_set(err, ERR_NO_MEMORY, "client CAs");
	rc = subjects(certs, n, names, err);
	pthread_mutex_lock(&t->mutex);
	if (rc == ERR_OK) {
		kept = t->cas;
		t->cas = names;
		names = kept;
		if (t->n > 0)
			set = set_new(t, t->identities, t->n);
		if (t->n > 0 && set == NULL) {
			names = t->cas;
			t->cas = kept;
			rc = err_set(err, ERR_NO_MEMORY, "client CAs");
		} else {
			struct tls_set *old = t->set;

			t->set = set;
			set = old;
		}
	}
	pthread_mutex_unlock(&t->mutex);
	tls_release(set);
	sk_X509_NAME_pop_free(names, X509_NAME_free);
	ERR_clear_error();
	return rc;
}

SSL *
tls_accept(struct tls *t, int fd, struct tls_set **ret)
{
	struct tls_set *set;
	SSL *ssl;

	pthread_mutex_lock(&t->mutex);
	set = t->set;
	if (set != NULL)
		atomic_fetch_add(&set->refs, 1);
	pthread_mutex_unlock(&t->mutex);
	if (set == NULL)
		return NULL;
	ssl = SSL_new(set->other);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		tls_release(set);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(ssl);
	*ret = set;
	return ssl;
}
