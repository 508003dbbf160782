#include "fs/notify.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/follow_priv.h"

static void
wake(void *arg)
{
	const struct notify *n = arg;
	uint64_t one = 1;

	/* it only fails when it is about to wake anyway */
	if (write(n->eventfd, &one, sizeof(one)) < 0)
		return;
}

struct notify *
notify_new(struct engine *e)
{
	struct notify *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->engine = e;
	n->eventfd = eventfd(0, EFD_CLOEXEC);
	if (n->eventfd < 0) {
		free(n);
		return NULL;
	}
	pthread_mutex_init(&n->mutex, NULL);
	engine_on_commit(e, wake, n);
	return n;
}

static void
wake_pollers(struct notify *n)
{
	struct poller *p, *next;

	pthread_mutex_lock(&n->mutex);
	p = n->pollers;
	n->pollers = NULL;
	pthread_mutex_unlock(&n->mutex);
	for (; p != NULL; p = next) {
		next = p->next;
		fuse_lowlevel_notify_poll(p->ph);
		fuse_pollhandle_destroy(p->ph);
		free(p);
	}
}

static void *
run(void *arg)
{
	struct notify *n = arg;
	uint64_t count;
	bool stopping = false;

	while (!stopping) {
		if (read(n->eventfd, &count, sizeof(count)) < 0)
			continue;
		pthread_mutex_lock(&n->mutex);
		stopping = n->stopping;
		pthread_mutex_unlock(&n->mutex);
		follow_wake(n);
		wake_pollers(n);
	}
	return NULL;
}

void
notify_start(struct notify *n)
{
	pthread_mutex_lock(&n->mutex);
	if (!n->running)
		n->running = pthread_create(&n->thread, NULL, run, n) == 0;
	pthread_mutex_unlock(&n->mutex);
}

void
notify_stop(struct notify *n)
{
	bool running;

	pthread_mutex_lock(&n->mutex);
	n->stopping = true;
	running = n->running;
	n->running = false;
	pthread_mutex_unlock(&n->mutex);
	if (running) {
		wake(n);
		pthread_join(n->thread, NULL);
	}
}

void
notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	close(n->eventfd);
	pthread_mutex_destroy(&n->mutex);
	free(n);
}

void
notify_poll(struct notify *n, struct fuse_pollhandle *ph)
{
	struct poller *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		fuse_pollhandle_destroy(ph);
		return;
	}
	p->ph = ph;
	pthread_mutex_lock(&n->mutex);
	p->next = n->pollers;
	n->pollers = p;
	pthread_mutex_unlock(&n->mutex);
}
