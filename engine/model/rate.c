#include "engine/model/rate.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

#define SETS 1024
#define WAYS 4 /* an address finds its bucket in one of them */

struct bucket {
	uint8_t address[16]; /* IPv4: mapped (RFC 4291 2.5.5.2) */
	int64_t at;
	int64_t tokens;
};

struct rate {
	struct rate_limits limits;
	pthread_mutex_t mutex;
	/* protected by mutex */
	struct bucket all;
	struct bucket one[SETS][WAYS];
	uint64_t seed; /* so that nobody chooses who shares a set */
};

const struct rate_limits rate_profiles = { RATE_BURST, RATE_SECOND,
	RATE_ALL_BURST, RATE_ALL_SECOND };

struct rate *
rate_new(const struct rate_limits *limits)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	if (RAND_bytes((unsigned char *)&r->seed, sizeof(r->seed)) != 1) {
		free(r);
		return NULL;
	}
	r->limits = *limits;
	r->all.tokens = limits->all_burst;
	pthread_mutex_init(&r->mutex, NULL);
	return r;
}

void
rate_free(struct rate *r)
{
	if (r == NULL)
		return;
	pthread_mutex_destroy(&r->mutex);
	free(r);
}

static bool
is_here(const uint8_t a[static 16])
{
	static const uint8_t six[16] = { [15] = 1 };
	static const uint8_t four[13] = { [10] = 0xff, 0xff, 127 };

	return memcmp(a, six, sizeof(six)) == 0 ||
	       memcmp(a, four, sizeof(four)) == 0;
}

static bool
parse(const char *peer, uint8_t ret[static 16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET6, peer, ret) == 1) {
		if (memcmp(ret, mapped, sizeof(mapped)) != 0 && !is_here(ret))
			memset(ret + 8, 0, 8);
		return true;
	}
	memcpy(ret, mapped, sizeof(mapped));
	return inet_pton(AF_INET, peer, ret + 12) == 1;
}

bool
rate_is_here(const char *peer)
{
	uint8_t address[16];

	return parse(peer, address) && is_here(address);
}

static void
fill(struct bucket *b, int64_t now, int64_t second, int64_t burst)
{
	if (now > b->at && (now - b->at) > burst)
		b->tokens = burst;
	else if (now > b->at)
		b->tokens += (now - b->at) * second;
	if (b->tokens > burst)
		b->tokens = burst;
	b->at = now; /* also when the clock was set back */
}

/* The address's bucket; a new one, of so many tokens, takes the place of the
 * one that was not used for the longest time. */
static struct bucket *
bucket_of(struct rate *r, const uint8_t address[static 16], int64_t burst,
    int64_t now)
{
	uint64_t h = r->seed;
	struct bucket *set, *b;
	size_t i;

	for (i = 0; i < 16; i++) {
		h = (h ^ address[i]) * UINT64_C(1099511628211); /* FNV-1a */
		h ^= h >> 29;
	}
	set = r->one[h % SETS];
	b = &set[0];
	for (i = 0; i < WAYS; i++) {
		if (set[i].at != 0 && memcmp(set[i].address, address, 16) == 0)
			return &set[i];
		if (set[i].at < b->at)
			b = &set[i];
	}
	memcpy(b->address, address, 16);
	b->at = now;
	b->tokens = burst;
	return b;
}

bool
rate_take(struct rate *r, const char *peer, bool shared, int64_t now)
{
	uint8_t address[16];
	struct bucket *one = NULL;
	bool yes;

	if (!shared && parse(peer, address) && is_here(address))
		return true;
	pthread_mutex_lock(&r->mutex);
	fill(&r->all, now, r->limits.all_second, r->limits.all_burst);
	yes = r->all.tokens > 0;
	if (!shared && parse(peer, address)) {
		one = bucket_of(r, address, r->limits.burst, now);
		fill(one, now, r->limits.second, r->limits.burst);
		yes = yes && one->tokens > 0;
	}
	if (yes) {
		r->all.tokens--;
		if (one != NULL)
			one->tokens--;
	}
	pthread_mutex_unlock(&r->mutex);
	return yes;
}

void
rate_give(struct rate *r, const char *peer, bool shared)
{
	uint8_t address[16];
	struct bucket *one;
	bool known = !shared && parse(peer, address);

	if (known && is_here(address))
		return;
	pthread_mutex_lock(&r->mutex);
	if (r->all.tokens < r->limits.all_burst)
		r->all.tokens++;
	if (known) {
		one = bucket_of(r, address, r->limits.burst, 1);
		if (one->tokens < r->limits.burst)
			one->tokens++;
	}
	pthread_mutex_unlock(&r->mutex);
}

static struct bucket *
bucket_named(struct rate *r, const char *name, int64_t burst, int64_t now)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)name, strlen(name), hash);
	return bucket_of(r, hash, burst, now);
}

bool
rate_take_name(
    struct rate *r, const char *name, int64_t burst, int64_t every, int64_t now)
{
	struct bucket *b;
	bool yes;

	pthread_mutex_lock(&r->mutex);
	b = bucket_named(r, name, burst, now / every);
	fill(b, now / every, 1, burst);
	yes = b->tokens > 0;
	if (yes)
		b->tokens--;
	pthread_mutex_unlock(&r->mutex);
	return yes;
}

void
rate_give_name(struct rate *r, const char *name, int64_t burst)
{
	struct bucket *b;

	pthread_mutex_lock(&r->mutex);
	b = bucket_named(r, name, burst, 1);
	if (b->tokens < burst)
		b->tokens++;
	pthread_mutex_unlock(&r->mutex);
}
