/*
 * rate.h - how often a stranger may ask for what costs a signature and a
 * synced write.
 *
 * A bucket of tokens for each address (IPv6: each /64) and one for all.  In
 * memory, of fixed size; from any thread.
 */
#ifndef MDMFS_MODEL_RATE_H
#define MDMFS_MODEL_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limits {
	int64_t burst;  /* at once, from one address */
	int64_t second; /* then, each second */
	int64_t all_burst, all_second;
};

/* Profiles: at once a classroom. */
#define RATE_BURST       60
#define RATE_SECOND      1
#define RATE_ALL_BURST   600
#define RATE_ALL_SECOND  50
#define RATE_RETRY_AFTER "10" /* seconds, for who is told to wait */

extern const struct rate_limits rate_profiles;

struct rate;

/* NULL when out of memory. */
struct rate *rate_new(const struct rate_limits *limits);
void rate_free(struct rate *r);

/*
 * Whether peer (a numeric address) may ask at now (seconds).  shared: it speaks
 * for many, the bucket for all alone counts.  Otherwise this machine itself
 * always may.
 */
bool rate_take(struct rate *r, const char *peer, bool shared, int64_t now);

/* What peer took last shall not count. */
void rate_give(struct rate *r, const char *peer, bool shared);

/* Whether it is an address of this machine: 127.0.0.0/8 or ::1. */
bool rate_is_here(const char *peer);

/*
 * The same for a name: burst at once, then one every so many seconds.  Names
 * and addresses need buckets (struct rate) of their own.
 */
bool rate_take_name(struct rate *r, const char *name, int64_t burst,
    int64_t every, int64_t now);
/* What was taken last shall not count. */
void rate_give_name(struct rate *r, const char *name, int64_t burst);

#endif
