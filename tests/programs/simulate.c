/*
 * simulate - devices that enroll, check in, answer, say NotNow, refuse, vanish.
 *
 *   simulate --url https://localhost:8443 --org ORG --cacert ROOT.pem
 *       [--profile FILE]     use this profile, not /enroll/ORG (one device)
 *       [--ota]              enroll over the air: /ota/ORG, in three steps
 *       [--apple FILE]       with --ota: the CA of their birth certificates,
 *                            certificate and key (PEM); else they sign these
 *                            themselves
 *       [--count N]          devices (1), UDIDs SIM-SEED-0000 and so on
 *       [--seed TEXT]        (A)
 *       [--threads N]        that work at the same time (1)
 *       [--rounds N]         visits of each device after it enrolled (1)
 *       [--wait MS]          between the visits
 *       [--reuse]            keep connections between requests
 *       [--http1]            no HTTP/2
 *       [--identity HOW]     signature (default), tls, both
 *       [--sha1]             sign with SHA-1
 *       [--keys FILE]        RSA keys to be used again (PEM; made if missing)
 *       [--state DIR]        keep identities; known devices do not enroll again
 *       [--not-now N]        the first N commands of a device: NotNow
 *       [--error]            answer commands with Error
 *       [--vanish]           take a command and never answer
 *       [--check-out]        leave at the end
 *
 * Prints what was done and how fast; exit status 1 if a request failed.  It
 * speaks through libcurl and OpenSSL; the project's own code reads property
 * lists and signed profiles for it.
 */
#include <getopt.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "tests/scep/client.h"
#include "tests/simulate/device.h"

static atomic_int next_device;

/* RSA keys cost 0.2 s each: a pool of them. */
static EVP_PKEY **pool;
static int n_pool;

static void
live(CURL *curl, int number)
{
	struct device d = { .curl = curl };
	int i;

	snprintf(
	    d.udid, sizeof(d.udid), "SIM-%.40s-%04d", behaviour.seed, number);
	d.key = pool[number % n_pool];
	EVP_PKEY_up_ref(d.key);
	if (device_recall(&d) || device_enroll(&d)) {
		for (i = 0; i < behaviour.rounds && device_visit(&d); i++)
			usleep((useconds_t)behaviour.wait_ms * 1000);
		if (behaviour.check_out)
			(void)device_check_out(&d);
	}
	device_fini(&d);
}

static void *
work(void *arg)
{
	CURL *curl = curl_easy_init();
	int n;

	NEED(curl != NULL);
	while ((n = atomic_fetch_add(&next_device, 1)) < behaviour.count)
		live(curl, n);
	curl_easy_cleanup(curl);
	return arg;
}

static void
fill_pool(void)
{
	FILE *f = behaviour.keys == NULL ? NULL : fopen(behaviour.keys, "r");
	EVP_PKEY *k;
	int i, want = behaviour.count < 8 ? behaviour.count : 8;

	pool = calloc(64, sizeof(EVP_PKEY *));
	NEED(pool != NULL);
	while (f != NULL && n_pool < 64 &&
	       (k = PEM_read_PrivateKey(f, NULL, NULL, NULL)) != NULL)
		pool[n_pool++] = k;
	if (f != NULL)
		fclose(f);
	ERR_clear_error();
	if (n_pool > 0)
		return;
	for (i = 0; i < want; i++)
		pool[n_pool++] = client_key(2048);
	if (behaviour.keys == NULL || (f = fopen(behaviour.keys, "w")) == NULL)
		return;
	for (i = 0; i < n_pool; i++)
		PEM_write_PrivateKey(f, pool[i], NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

static void
options(int argc, char **argv)
{
	static const struct option longs[] = { { "url", 1, NULL, 'u' },
		{ "org", 1, NULL, 'o' }, { "cacert", 1, NULL, 'c' },
		{ "profile", 1, NULL, 'p' }, { "seed", 1, NULL, 's' },
		{ "identity", 1, NULL, 'i' }, { "keys", 1, NULL, 'k' },
		{ "state", 1, NULL, 'd' }, { "apple", 1, NULL, 'a' },
		{ "count", 1, NULL, 'n' }, { "threads", 1, NULL, 't' },
		{ "rounds", 1, NULL, 'r' }, { "wait", 1, NULL, 'w' },
		{ "not-now", 1, NULL, 'N' },
		{ "reuse", 0, &behaviour.reuse, 1 },
		{ "http1", 0, &behaviour.http1, 1 },
		{ "sha1", 0, &behaviour.sha1, 1 },
		{ "ota", 0, &behaviour.ota, 1 },
		{ "error", 0, &behaviour.error, 1 },
		{ "vanish", 0, &behaviour.vanish, 1 },
		{ "check-out", 0, &behaviour.check_out, 1 },
		{ NULL, 0, NULL, 0 } };
	const char **texts[] = { ['u'] = &behaviour.url,
		['o'] = &behaviour.org,
		['c'] = &behaviour.cacert,
		['p'] = &behaviour.profile,
		['s'] = &behaviour.seed,
		['i'] = &behaviour.identity,
		['k'] = &behaviour.keys,
		['d'] = &behaviour.state,
		['a'] = &behaviour.apple };
	int *numbers[] = { ['n'] = &behaviour.count,
		['t'] = &behaviour.threads,
		['r'] = &behaviour.rounds,
		['w'] = &behaviour.wait_ms,
		['N'] = &behaviour.not_now };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 0)
			continue;
		if (c == '?')
			exit(2);
		if ((size_t)c < sizeof(texts) / sizeof(texts[0]) &&
		    texts[c] != NULL)
			*texts[c] = optarg;
		else
			*numbers[c] = atoi(optarg);
	}
	if (behaviour.url == NULL || behaviour.org == NULL ||
	    behaviour.cacert == NULL) {
		fprintf(stderr, "simulate: --url, --org and --cacert are "
				"needed\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct timespec begin, end;
	pthread_t threads[64];
	double seconds;
	int i;

	options(argc, argv);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	fill_pool();
	if (behaviour.threads > 64)
		behaviour.threads = 64;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < behaviour.threads; i++)
		NEED(pthread_create(&threads[i], NULL, work, NULL) == 0);
	for (i = 0; i < behaviour.threads; i++)
		pthread_join(threads[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - begin.tv_sec) +
	          (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	printf("devices: %d\nenrolled: %ld\nrequests: %ld\nanswers: %ld\n"
	       "not-now: %ld\nfailed: %ld\nseconds: %.2f\n"
	       "enrollments-per-second: %.1f\nrequests-per-second: %.1f\n",
	    behaviour.count, n_enrolled, n_requests, n_answers, n_not_now,
	    n_failed, seconds, (double)n_enrolled / seconds,
	    (double)n_requests / seconds);
	for (i = 0; i < n_pool; i++)
		EVP_PKEY_free(pool[i]);
	free(pool);
	curl_global_cleanup();
	return n_failed > 0;
}
