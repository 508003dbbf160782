/*
 * getaddrinfo(3) in a thread: it knows everything that the machine's
 * resolver is configured for, but it blocks, up to half a minute, and cannot
 * be cancelled.  So the thread owns half of what it works on, and a client
 * that is closed meanwhile leaves it behind.
 */
#include "engine/push/apns_priv.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Good for this long: connections are opened in flocks. */
#define FRESH_MS 10000

struct lookup {
	char host[256];
	char port[8];
	pthread_mutex_t mutex;
	unsigned refs;           /* protected by mutex */
	bool done;               /* protected by mutex */
	int wake;                /* protected by mutex; -1: nobody waits */
	struct addresses answer; /* the thread's until done */
};

static void
lookup_unref(struct lookup *l)
{
	unsigned left;

	pthread_mutex_lock(&l->mutex);
	left = --l->refs;
	pthread_mutex_unlock(&l->mutex);
	if (left > 0)
		return;
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

static void
lookup_do(struct lookup *l)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL, *ai;
	struct addresses *a = &l->answer;
	int rc = getaddrinfo(l->host, l->port, &hints, &list);

	if (rc != 0) {
		snprintf(a->why, sizeof(a->why), "%s", gai_strerror(rc));
		return;
	}
	for (ai = list; ai != NULL && a->n < MAX_ADDRESSES; ai = ai->ai_next) {
		struct address *to = &a->a[a->n];

		if (ai->ai_addrlen > sizeof(to->sa))
			continue;
		memcpy(&to->sa, ai->ai_addr, ai->ai_addrlen);
		to->len = ai->ai_addrlen;
		a->n++;
	}
	freeaddrinfo(list);
}

static void *
lookup_run(void *arg)
{
	struct lookup *l = arg;
	uint64_t one = 1;

	lookup_do(l);
	pthread_mutex_lock(&l->mutex);
	l->done = true;
	if (l->wake >= 0 && write(l->wake, &one, sizeof(one)) < 0)
		l->done = true; /* full: it is awake */
	pthread_mutex_unlock(&l->mutex);
	lookup_unref(l);
	return NULL;
}

static bool
lookup_start(struct apns *a)
{
	struct lookup *l = calloc(1, sizeof(*l));
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (l == NULL)
		return false;
	memcpy(l->host, a->host, sizeof(l->host));
	memcpy(l->port, a->port, sizeof(l->port));
	pthread_mutex_init(&l->mutex, NULL);
	l->refs = 2;
	l->wake = a->wake;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, lookup_run, l);
	pthread_attr_destroy(&attr);
	if (rc != 0) {
		pthread_mutex_destroy(&l->mutex);
		free(l);
		return false;
	}
	a->lookup = l;
	return true;
}

bool
apns_resolve(struct apns *a)
{
	int64_t now = apns_clock_ms();

	if (a->lookup != NULL)
		return false;
	if (a->addresses.at_ms != 0 && a->addresses.n > 0 &&
	    now - a->addresses.at_ms < FRESH_MS)
		return true;
	if (lookup_start(a))
		return false;
	a->addresses.n = 0;
	snprintf(a->addresses.why, sizeof(a->addresses.why), "out of memory");
	return true;
}

bool
apns_resolve_collect(struct apns *a)
{
	struct lookup *l = a->lookup;
	bool done;

	if (l == NULL)
		return false;
	pthread_mutex_lock(&l->mutex);
	done = l->done;
	pthread_mutex_unlock(&l->mutex);
	if (!done)
		return false;
	a->addresses = l->answer;
	a->addresses.at_ms = apns_clock_ms();
	a->lookup = NULL;
	lookup_unref(l);
	return true;
}

void
apns_resolve_abandon(struct apns *a)
{
	if (a->lookup == NULL)
		return;
	pthread_mutex_lock(&a->lookup->mutex);
	a->lookup->wake = -1;
	pthread_mutex_unlock(&a->lookup->mutex);
	lookup_unref(a->lookup);
	a->lookup = NULL;
}
