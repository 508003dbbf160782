#include "engine/wire/pool_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/wire/request_priv.h"

struct pool {
	struct pool_options options;
	pthread_t *threads;
	unsigned n_threads; /* started */

	pthread_mutex_t mutex;
	pthread_cond_t more;
	/* protected by mutex */
	struct requests queue;
	unsigned n_queue;
	uint32_t hungry; /* bit i: loop i waits for room */
	bool stop;
};

struct pool *
pool_new(const struct pool_options *options)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->options = *options;
	p->threads = calloc(options->threads, sizeof(*p->threads));
	if (p->threads == NULL) {
		free(p);
		return NULL;
	}
	TAILQ_INIT(&p->queue);
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->more, NULL);
	return p;
}

static struct request *
next(struct pool *p, uint32_t *hungry)
{
	struct request *r;

	pthread_mutex_lock(&p->mutex);
	while ((r = TAILQ_FIRST(&p->queue)) == NULL && !p->stop)
		pthread_cond_wait(&p->more, &p->mutex);
	if (r != NULL) {
		TAILQ_REMOVE(&p->queue, r, next);
		p->n_queue--;
	}
	*hungry = p->hungry;
	p->hungry = 0;
	pthread_mutex_unlock(&p->mutex);
	return r;
}

static void *
thread(void *arg)
{
	struct pool *p = arg;
	struct request *r;
	uint32_t hungry;

	pthread_setname_np(pthread_self(), "request");
	while ((r = next(p, &hungry)) != NULL) {
		if (hungry != 0)
			p->options.room(p->options.arg, hungry);
		p->options.run(r);
	}
	return NULL;
}

enum err_code
pool_start(struct pool *p, struct err *err)
{
	int rc;

	while (p->n_threads < p->options.threads) {
		rc = pthread_create(&p->threads[p->n_threads], NULL, thread, p);
		if (rc != 0)
			return err_set(err, ERR_NO_MEMORY,
			    "cannot start a request thread: %s", strerror(rc));
		p->n_threads++;
	}
	return ERR_OK;
}

bool
pool_submit(struct pool *p, struct request *r, unsigned loop)
{
	bool room;

	pthread_mutex_lock(&p->mutex);
	room = p->n_queue < p->options.queue;
	if (room) {
		TAILQ_INSERT_TAIL(&p->queue, r, next);
		p->n_queue++;
		pthread_cond_signal(&p->more);
	} else {
		p->hungry |= 1u << loop;
	}
	pthread_mutex_unlock(&p->mutex);
	return room;
}

void
pool_stop(struct pool *p)
{
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->mutex);
	while (p->n_threads > 0)
		pthread_join(p->threads[--p->n_threads], NULL);
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pool_stop(p);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->mutex);
	free(p->threads);
	free(p);
}
