/*
 * The writer thread.  While one group is synced the next one gathers; nobody
 * waits for company.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>

#include "engine/base/log.h"
#include "engine/store/store_priv.h"

/* Bounds what one commit holds in memory, and how long the first waits. */
#define GROUP_MAX 1024

/* A value this big does not stay in memory after its group. */
#define SCRATCH_KEEP (1 << 20)

static void
fail_for_good(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	if (!s->failed)
		log_error(
		    "%s: no changes are taken from now on: a write has failed "
		    "for good; repair the disk, then start mdmfs again",
		    s->name);
	s->failed = true;
	pthread_mutex_unlock(&s->mutex);
}

static bool
has_failed(struct store *s)
{
	bool failed;

	pthread_mutex_lock(&s->mutex);
	failed = s->failed;
	pthread_mutex_unlock(&s->mutex);
	return failed;
}

/* Run w's function; it may have been run before. */
static void
run(struct txn *t, struct waiter *w)
{
	if (w->err != NULL)
		*w->err = w->before;
	w->changed = false;
	w->rc = w->fn(t, w->arg, w->err);
	/* a function cannot shrug off that the store has failed it */
	if (w->rc == ERR_OK && t->broken != ERR_OK)
		w->rc = err_set(w->err, t->broken,
		    "%s: a write failed; nothing was changed", t->s->name);
	if (w->rc == ERR_OK)
		w->changed = !SLIST_EMPTY(&t->log);
	else
		txn_undo(t);
	txn_forget(t);
}

/* After a commit: count, and wake who waits for changes. */
static void
committed(struct store *s, size_t updates)
{
	size_t i;

	s->version++;
	pthread_mutex_lock(&s->mutex);
	s->commits++;
	s->updates += updates;
	pthread_mutex_unlock(&s->mutex);
	for (i = 0; i < s->n_hooks; i++)
		s->hooks[i].fn(s->hooks[i].arg);
}

/*
 * Run the first n functions of w's list in one transaction and commit it.
 * After a failure nothing of it is left.
 */
static enum err_code
transact(struct txn *t, struct waiter *w, size_t n, struct err *err)
{
	const struct backend_ops *ops = t->s->b->ops;
	size_t updates = 0;
	enum err_code rc;

	t->broken = ERR_OK;
	if (has_failed(t->s))
		return err_set(err, ERR_STANDBY,
		    "%s takes no changes since a write has failed (see the "
		    "log): repair the disk, then start mdmfs again",
		    t->s->name);
	rc = ops->begin(t->s->b, true, &t->b, err);
	if (rc != ERR_OK)
		goto out;
	for (; n > 0 && t->broken == ERR_OK; n--) {
		run(t, w);
		updates += w->changed;
		w = STAILQ_NEXT(w, link);
	}
	rc = t->broken;
	if (rc != ERR_OK || updates == 0)
		ops->end(t->b);
	else if ((rc = ops->commit(t->b, err)) == ERR_OK)
		committed(t->s, updates);
out:
	if (rc == ERR_STANDBY)
		fail_for_good(t->s);
	buf_reset(&t->scratch);
	if (t->scratch.cap > SCRATCH_KEEP)
		buf_free(&t->scratch);
	return rc;
}

static void
run_alone(struct txn *t, struct waiter *w)
{
	struct err err = { 0 };
	enum err_code rc;

	rc = transact(t, w, 1, &err);
	/* if t broke while the function ran, run() has said so */
	if (rc != ERR_OK && t->broken == ERR_OK)
		w->rc = err_set(w->err, rc, "%s", err.msg);
}

static void
run_group(struct txn *t, struct waiters *group, size_t n)
{
	struct waiter *w;

	/* Also who has failed runs again: it may have failed of what a
	 * neighbour did, and that is gone now. */
	if (n > 1 && transact(t, STAILQ_FIRST(group), n, NULL) == ERR_OK)
		return;
	STAILQ_FOREACH(w, group, link)
	run_alone(t, w);
}

static void
answer(struct waiters *group)
{
	struct waiter *w;

	while ((w = STAILQ_FIRST(group)) != NULL) {
		/* gone from its caller's stack once it is posted */
		STAILQ_REMOVE_HEAD(group, link);
		sem_post(&w->answered);
	}
}

static size_t
take_waiting(struct store *s, struct waiters *group)
{
	struct waiter *w;
	size_t n = 0;

	STAILQ_INIT(group);
	pthread_mutex_lock(&s->mutex);
	while (STAILQ_EMPTY(&s->waiting) && !s->closing)
		pthread_cond_wait(&s->work, &s->mutex);
	while (n < GROUP_MAX && (w = STAILQ_FIRST(&s->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->waiting, link);
		STAILQ_INSERT_TAIL(group, w, link);
		n++;
	}
	pthread_mutex_unlock(&s->mutex);
	return n;
}

static void *
writer_main(void *arg)
{
	struct txn t = { .s = arg, .writing = true };
	struct waiters group;
	size_t n;

	SLIST_INIT(&t.log);
	store_enter(t.s);
	while ((n = take_waiting(t.s, &group)) > 0) {
		run_group(&t, &group, n);
		answer(&group);
	}
	buf_free(&t.scratch);
	return NULL;
}

enum err_code
writer_start(struct store *s, struct err *err)
{
	sigset_t all, old;
	int rc;

	/* signals are for other threads; and SIGXFSZ (ulimit -f) must not
	 * kill us: write() fails with EFBIG then */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&s->writer, NULL, writer_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return err_set(err, ERR_NO_MEMORY,
		    "%s: the writer thread cannot be started", s->name);
	s->has_writer = true;
	return ERR_OK;
}

void
writer_stop(struct store *s)
{
	if (!s->has_writer)
		return;
	pthread_mutex_lock(&s->mutex);
	s->closing = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(s->writer, NULL);
	s->has_writer = false;
}

enum err_code
store_update(struct store *s, txn_fn *fn, void *arg, struct err *err)
{
	struct waiter w = { .fn = fn, .arg = arg, .err = err };

	store_enter(s); /* transactions do not nest */
	if (err != NULL)
		w.before = *err;
	sem_init(&w.answered, 0, 0);
	pthread_mutex_lock(&s->mutex);
	assert(!s->closing);
	STAILQ_INSERT_TAIL(&s->waiting, &w, link);
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->mutex);
	while (sem_wait(&w.answered) != 0)
		assert(errno == EINTR);
	sem_destroy(&w.answered);
	store_leave();
	return w.rc;
}
