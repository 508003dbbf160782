#include "engine/wire/tls_priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "engine/wire/identity_priv.h"

struct tls_set {
	atomic_uint refs;
	SSL_CTX *ctx;
	struct identities *ids;
};

struct tls {
	pthread_mutex_t mutex;
	struct ticket_keys *tickets;
	/* protected by mutex */
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

/* Also when the client names nobody; then the context's own ones stay. */
static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_set *set = arg;
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (asked == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	(void)identities_choose(set->ids, ssl, asked);
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

static SSL_CTX *
context_new(struct tls *t, const struct identities *ids)
{
	static const unsigned char id[] = "mdmfs";
	static char groups[] = "X25519:P-256:P-384";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	STACK_OF(X509_NAME) * cas;

	if (ctx == NULL)
		return NULL;
	context_settings(ctx);
	ticket_keys_install(t->tickets, ctx);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(
		ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) != 1 ||
	    !identities_use(ids, ctx))
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

/* ---- what a moment serves -------------------------------------------------- */

void
tls_release(struct tls_set *set)
{
	if (set == NULL || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	SSL_CTX_free(set->ctx);
	identities_free(set->ids);
	free(set);
}

/* Takes a share of ids. */
static struct tls_set *
set_new(struct tls *t, struct identities *ids)
{
	struct tls_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	atomic_init(&set->refs, 1);
	set->ids = identities_ref(ids);
	set->ctx = context_new(t, ids);
	if (set->ctx == NULL) {
		tls_release(set);
		return NULL;
	}
	SSL_CTX_set_tlsext_servername_callback(set->ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(set->ctx, set);
	return set;
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
	sk_X509_NAME_pop_free(t->cas, X509_NAME_free);
	ticket_keys_free(t->tickets);
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

enum err_code
tls_identities(struct tls *t, const struct wire_identity *identities, size_t n,
    struct err *err)
{
	struct identities *ids = NULL;
	struct tls_set *set = NULL, *old;
	enum err_code rc;

	/* Parsing holds nobody up: tls_accept() waits for the mutex. */
	pthread_mutex_lock(&t->mutex);
	old = t->set;
	if (old != NULL)
		atomic_fetch_add(&old->refs, 1);
	pthread_mutex_unlock(&t->mutex);
	rc = identities_new(
	    identities, n, old == NULL ? NULL : old->ids, &ids, err);
	tls_release(old);
	if (rc != ERR_OK)
		return rc;
	pthread_mutex_lock(&t->mutex);
	old = NULL;
	if (n > 0 && (set = set_new(t, ids)) == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "identities");
	} else {
		old = t->set;
		t->set = set;
	}
	pthread_mutex_unlock(&t->mutex);
	tls_release(old);
	identities_free(ids);
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
		if (t->set != NULL)
			set = set_new(t, t->set->ids);
		if (t->set != NULL && set == NULL) {
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
	ssl = SSL_new(set->ctx);
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
