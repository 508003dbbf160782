#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "engine/wire/tls_priv.h"

/* A ticket is good for that long at least, for twice that at most. */
#define KEY_SECONDS (12 * 3600)

struct key {
	unsigned char name[16];
	unsigned char aes[32];
	unsigned char mac[32];
};

struct ticket_keys {
	pthread_mutex_t mutex;
	/* protected by mutex */
	struct key now;
	struct key before;
	time_t made_at; /* monotonic */
};

static time_t
monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static bool
key_make(struct key *k)
{
	return RAND_bytes(k->name, sizeof(k->name)) == 1 &&
	       RAND_priv_bytes(k->aes, sizeof(k->aes)) == 1 &&
	       RAND_priv_bytes(k->mac, sizeof(k->mac)) == 1;
}

struct ticket_keys *
ticket_keys_new(void)
{
	struct ticket_keys *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	/* the one before is random too: no ticket has its name */
	if (!key_make(&k->now) || !key_make(&k->before)) {
		free(k);
		return NULL;
	}
	k->made_at = monotonic();
	pthread_mutex_init(&k->mutex, NULL);
	return k;
}

void
ticket_keys_free(struct ticket_keys *k)
{
	if (k == NULL)
		return;
	pthread_mutex_destroy(&k->mutex);
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
}

/* A copy of the key with that name, or of the one for new tickets (NULL).
 * 0: none; 1: the newest; 2: the one before. */
static int
key_find(struct ticket_keys *k, const unsigned char *name, struct key *ret)
{
	struct key fresh;
	int rc = 1;

	pthread_mutex_lock(&k->mutex);
	if (monotonic() - k->made_at >= KEY_SECONDS && key_make(&fresh)) {
		k->before = k->now;
		k->now = fresh;
		k->made_at = monotonic();
	}
	if (name == NULL || memcmp(name, k->now.name, 16) == 0)
		*ret = k->now;
	else if (memcmp(name, k->before.name, 16) == 0)
		*ret = k->before, rc = 2;
	else
		rc = 0;
	pthread_mutex_unlock(&k->mutex);
	return rc;
}

static bool
seal_init(const struct key *k, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int enc)
{
	OSSL_PARAM params[3];
	struct key copy = *k; /* OSSL_PARAM wants it writable */
	char digest[] = "SHA256";
	bool done;

	params[0] = OSSL_PARAM_construct_octet_string(
	    OSSL_MAC_PARAM_KEY, copy.mac, sizeof(copy.mac));
	params[1] = OSSL_PARAM_construct_utf8_string(
	    OSSL_MAC_PARAM_DIGEST, digest, sizeof(digest) - 1);
	params[2] = OSSL_PARAM_construct_end();
	done = EVP_CipherInit_ex(
		   cipher, EVP_aes_256_cbc(), NULL, k->aes, iv, enc) == 1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
	OPENSSL_cleanse(&copy, sizeof(copy));
	return done;
}

static int keys_index = -1;
static pthread_once_t keys_once = PTHREAD_ONCE_INIT;

static void
make_index(void)
{
	keys_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3) */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	struct ticket_keys *k =
	    SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index);
	struct key key;
	int rc;

	/* A client that gets a certificate later must not resume a session
	 * without one: no ticket (RFC 5077 3.3: an empty one). */
	if (enc && SSL_get0_peer_certificate(ssl) == NULL)
		return 0;
	rc = key_find(k, enc ? NULL : name, &key);
	if (rc == 0)
		return 0;
	if (enc && RAND_bytes(iv, 16) != 1)
		rc = -1;
	else if (!seal_init(&key, iv, cipher, mac, enc))
		rc = -1;
	if (enc && rc > 0)
		memcpy(name, key.name, 16);
	OPENSSL_cleanse(&key, sizeof(key));
	if (enc || rc <= 0)
		return rc;
	/* TLS 1.3 tickets are for one use: who resumes gets another */
	SSL_set_num_tickets(ssl, 1);
	return SSL_version(ssl) == TLS1_3_VERSION ? 2 : rc;
}

void
ticket_keys_install(struct ticket_keys *k, SSL_CTX *ctx)
{
	pthread_once(&keys_once, make_index);
	SSL_CTX_set_ex_data(ctx, keys_index, k);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	SSL_CTX_set_timeout(ctx, KEY_SECONDS);
	/* on_client_cert() in tls.c raises it */
	SSL_CTX_set_num_tickets(ctx, 0);
}
