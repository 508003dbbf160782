#include "engine/push/apns_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "engine/base/text.h"

struct apns_identity {
	atomic_uint refs;
	SSL_CTX *ctx;
	char topic[];
};

/* HTTP takes no controls in a header; Apple's topics are short ASCII. */
static bool
topic_is_sendable(const char *topic)
{
	struct bytes s = bytes_text(topic);

	return s.len > 0 && s.len <= 255 && text_is_clean(s) &&
	       nghttp2_check_header_value(s.p, s.len) != 0;
}

static enum err_code
certificate_read(struct bytes der, X509 **ret, struct err *err)
{
	const unsigned char *p = der.p;
	X509 *x = NULL;

	if (der.len <= LONG_MAX)
		x = d2i_X509(NULL, &p, (long)der.len);
	if (x == NULL || p != der.p + der.len) {
		X509_free(x);
		return err_set(err, ERR_UNDECODABLE,
		    "push certificate: not one DER certificate");
	}
	*ret = x;
	return ERR_OK;
}

static enum err_code
chain_load(
    SSL_CTX *ctx, const struct bytes *chain, size_t n_chain, struct err *err)
{
	size_t i;

	for (i = 0; i < n_chain; i++) {
		X509 *x = NULL;
		enum err_code rc;
		long fine;

		rc = certificate_read(chain[i], &x, err);
		if (rc != ERR_OK)
			return rc;
		if (i == 0)
			fine = SSL_CTX_use_certificate(ctx, x);
		else
			fine = SSL_CTX_add1_chain_cert(ctx, x);
		X509_free(x);
		if (fine != 1)
			return err_set(err, ERR_KEY_REJECTED,
			    "push certificate: OpenSSL refuses it as too weak");
	}
	return ERR_OK;
}

static enum err_code
key_load(SSL_CTX *ctx, struct bytes der, struct err *err)
{
	const unsigned char *p = der.p;
	EVP_PKEY *key = NULL;
	enum err_code rc = ERR_OK;

	if (der.len <= LONG_MAX)
		key = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
	if (key == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "push certificate: its key is no DER private key");
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		rc = err_set(err, ERR_KEY_REJECTED,
		    "push certificate: it does not belong to its key; use the "
		    "key that its request was made with");
	EVP_PKEY_free(key);
	return rc;
}

static SSL_CTX *
ctx_new(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	/* the chain is sent as it was given, not as the system's roots would
	 * complete it */
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

enum err_code
apns_identity_new(struct bytes key, const struct bytes *chain, size_t n_chain,
    const char *topic, struct apns_identity **ret, struct err *err)
{
	struct apns_identity *id = NULL;
	enum err_code rc;

	if (n_chain == 0)
		return err_set(
		    err, ERR_INVALID, "push certificate: there is none");
	if (topic == NULL || !topic_is_sendable(topic))
		return err_set(err, ERR_INVALID,
		    "push certificate: its subject's UID is no topic");
	id = calloc(1, sizeof(*id) + strlen(topic) + 1);
	if (id != NULL)
		id->ctx = ctx_new();
	if (id == NULL || id->ctx == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "out of memory");
		goto out;
	}
	atomic_init(&id->refs, 1);
	memcpy(id->topic, topic, strlen(topic) + 1);
	rc = chain_load(id->ctx, chain, n_chain, err);
	if (rc == ERR_OK)
		rc = key_load(id->ctx, key, err);
	if (rc != ERR_OK)
		goto out;
	*ret = id;
	id = NULL;
out:
	if (id != NULL)
		SSL_CTX_free(id->ctx);
	free(id);
	ERR_clear_error();
	return rc;
}

const char *
apns_identity_topic(const struct apns_identity *id)
{
	return id->topic;
}

SSL_CTX *
apns_identity_ctx(const struct apns_identity *id)
{
	return id->ctx;
}

struct apns_identity *
apns_identity_ref(struct apns_identity *id)
{
	atomic_fetch_add(&id->refs, 1);
	return id;
}

void
apns_identity_free(struct apns_identity *id)
{
	if (id == NULL || atomic_fetch_sub(&id->refs, 1) != 1)
		return;
	SSL_CTX_free(id->ctx); /* wipes the key */
	free(id);
}
