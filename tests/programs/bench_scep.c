/*
 * bench_scep: enrollments per second, for the table in tests/bench.
 *
 *   bench_scep [ENROLLMENTS [DIR]]
 *
 * In one thread and in two; each is a first request with a challenge of its
 * own, through the handler, with the store in memory or (DIR) on a disk.
 * Beside it, the bare RSA-2048 private operations per second of one thread: an
 * enrollment needs three (decrypt, certificate, answer), so a third of that is
 * the bound.  Clients' messages are made before.
 */
#include <pthread.h>
#include <time.h>

#include <openssl/rsa.h>

#include "tests/scep/world.h"

#define CLIENTS 8 /* keys; making one takes long */

static struct world w;

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct share {
	pthread_t thread;
	struct buf *messages;
	size_t n;
	size_t failed;
};

static void *
serve(void *arg)
{
	struct share *s = arg;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct exchange x = { .method = "POST",
			.body = buf_view(&s->messages[i]) };

		world_serve(&w, &x);
		/* a refusal is shorter than a certificate */
		if (x.status != 200 || x.reply.len < 2048)
			s->failed++;
		world_free_exchange(&x);
	}
	return NULL;
}

static struct buf *
make_messages(size_t n, const char *round)
{
	struct buf *messages = calloc(n, sizeof(*messages));
	EVP_PKEY *keys[CLIENTS];
	X509 *certs[CLIENTS];
	size_t i;

	NEED(messages != NULL);
	for (i = 0; i < CLIENTS; i++) {
		keys[i] = client_key(2048);
		certs[i] = client_self_sign(keys[i], "bench");
	}
	for (i = 0; i < n; i++) {
		char challenge[64];
		struct ask a = { .type = "19",
			.transaction = "BENCH",
			.nonce = "0123456789abcdef",
			.key = keys[i % CLIENTS],
			.cert = certs[i % CLIENTS],
			.ca = w.ca };
		struct buf csr;

		snprintf(challenge, sizeof(challenge), "%s-%zu", round, i);
		world_challenge(&w, challenge);
		csr = client_csr(a.key, "bench", challenge, NULL);
		a.content = buf_view(&csr);
		messages[i] = client_message(&a);
		buf_free(&csr);
	}
	for (i = 0; i < CLIENTS; i++) {
		EVP_PKEY_free(keys[i]);
		X509_free(certs[i]);
	}
	return messages;
}

static double
enrollments(size_t n, size_t threads, const char *round)
{
	struct buf *messages = make_messages(n, round);
	struct share shares[2] = { 0 };
	double begin = now_s(), took;
	size_t i, failed = 0;

	for (i = 0; i < threads; i++) {
		shares[i].messages = messages + i * (n / threads);
		shares[i].n = n / threads;
		NEED(pthread_create(
			 &shares[i].thread, NULL, serve, &shares[i]) == 0);
	}
	for (i = 0; i < threads; i++) {
		pthread_join(shares[i].thread, NULL);
		failed += shares[i].failed;
	}
	took = now_s() - begin;
	NEED(failed == 0);
	for (i = 0; i < n; i++)
		buf_free(&messages[i]);
	free(messages);
	return (double)(n / threads * threads) / took;
}

/* Private operations of a key with an RSA-2048 CA: sign and decrypt. */
static double
bare_rsa(size_t n)
{
	EVP_PKEY *key = client_key(2048);
	EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(key, NULL);
	EVP_PKEY_CTX *open = EVP_PKEY_CTX_new(key, NULL);
	EVP_PKEY_CTX *seal = EVP_PKEY_CTX_new(key, NULL);
	uint8_t hash[32] = { 1 }, out[256], sealed[256];
	size_t i, len, sealed_len = sizeof(sealed);
	double begin, took;

	NEED(EVP_PKEY_encrypt_init(seal) == 1);
	NEED(EVP_PKEY_encrypt(seal, sealed, &sealed_len, hash, sizeof(hash)) ==
	     1);
	NEED(EVP_PKEY_sign_init(sign) == 1 &&
	     EVP_PKEY_CTX_set_signature_md(sign, EVP_sha256()) == 1);
	NEED(EVP_PKEY_decrypt_init(open) == 1);
	begin = now_s();
	for (i = 0; i < n; i += 2) {
		len = sizeof(out);
		NEED(EVP_PKEY_sign(sign, out, &len, hash, sizeof(hash)) == 1);
		len = sizeof(out);
		NEED(
		    EVP_PKEY_decrypt(open, out, &len, sealed, sealed_len) == 1);
	}
	took = now_s() - begin;
	EVP_PKEY_CTX_free(sign);
	EVP_PKEY_CTX_free(open);
	EVP_PKEY_CTX_free(seal);
	EVP_PKEY_free(key);
	return (double)n / took;
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 1000;
	double rsa, one, two;

	NEED(n >= 2);
	world_open_in(&w, argc > 2 ? argv[2] : NULL);
	rsa = bare_rsa(n);
	one = enrollments(n, 1, "one");
	two = enrollments(n, 2, "two");
	printf("rsa-2048-private-operations/s %.0f\n", rsa);
	printf("enrollments/s 1 thread %.0f (%.0f %% of the bound)\n", one,
	    100 * one / (rsa / 3));
	printf("enrollments/s 2 threads %.0f\n", two);
	world_close(&w);
	return 0;
}
