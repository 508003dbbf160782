/* Two clients, one challenge, at the same moment. */
#include <pthread.h>

#include "tests/scep/world.h"
#include "tests/tap.h"

#define THREADS 4
#define ROUNDS  8

static struct world w;

struct racer {
	pthread_t thread;
	pthread_barrier_t *barrier;
	EVP_PKEY *key;
	X509 *cert;
	struct buf message;
	struct answer answer;
};

static void *
race(void *arg)
{
	struct racer *r = arg;
	struct exchange x = { .method = "POST", .body = buf_view(&r->message) };

	pthread_barrier_wait(r->barrier);
	world_serve(&w, &x);
	if (x.status == 200)
		r->answer = client_read(
		    buf_view(&x.reply), w.ca, r->key, r->cert, NULL);
	world_free_exchange(&x);
	return NULL;
}

static void
prepare(struct racer *r, const char *challenge)
{
	struct buf csr = client_csr(r->key, "racer", challenge, NULL);
	struct ask a = { .type = "19",
		.transaction = "RACE",
		.nonce = "0123456789abcdef",
		.key = r->key,
		.cert = r->cert,
		.ca = w.ca,
		.content = buf_view(&csr) };

	r->message = client_message(&a);
	buf_free(&csr);
}

struct outcome {
	int won, lost, other;
	bool same; /* all that won have one certificate */
};

static struct outcome
run(struct racer *racers, const char *challenge)
{
	struct outcome o = { .same = true };
	pthread_barrier_t barrier;
	X509 *first = NULL;
	size_t i;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		racers[i].barrier = &barrier;
		prepare(&racers[i], challenge);
		NEED(pthread_create(
			 &racers[i].thread, NULL, race, &racers[i]) == 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(racers[i].thread, NULL);
	for (i = 0; i < THREADS; i++) {
		struct answer *a = &racers[i].answer;

		if (a->cert != NULL) {
			o.won++;
			first = first == NULL ? a->cert : first;
			o.same = o.same && X509_cmp(first, a->cert) == 0;
		} else if (strstr(a->text, "already used") != NULL) {
			o.lost++;
		} else {
			o.other++;
		}
	}
	for (i = 0; i < THREADS; i++) {
		answer_free(&racers[i].answer);
		buf_free(&racers[i].message);
		racers[i].answer = (struct answer){ 0 };
	}
	pthread_barrier_destroy(&barrier);
	return o;
}

int
main(void)
{
	struct racer racers[THREADS] = { 0 }, twins[THREADS] = { 0 };
	bool one = true, same = true;
	struct outcome o;
	char text[32];
	int i;

	world_open(&w);
	for (i = 0; i < THREADS; i++) {
		racers[i].key = client_key(2048);
		racers[i].cert = client_self_sign(racers[i].key, "racer");
		twins[i].key = racers[0].key;
		twins[i].cert = racers[0].cert;
	}
	for (i = 0; i < ROUNDS; i++) {
		snprintf(text, sizeof(text), "RACE-%d", i);
		world_challenge(&w, text);
		o = run(racers, text);
		one = one && o.won == 1 && o.lost == THREADS - 1;
		snprintf(text, sizeof(text), "TWINS-%d", i);
		world_challenge(&w, text);
		o = run(twins, text);
		same = same && o.won == THREADS && o.same;
	}
	ok(one, "of several keys with one challenge exactly one wins");
	ok(same, "the same request several times at once: one certificate");
	for (i = 0; i < THREADS; i++) {
		EVP_PKEY_free(racers[i].key);
		X509_free(racers[i].cert);
	}
	world_close(&w);
	return tap_done();
}
