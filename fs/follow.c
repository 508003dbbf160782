#include <errno.h>
#include <stdlib.h>

#include "fs/follow_priv.h"

#define CHUNK 65536

struct follow {
	struct view view;
	uint64_t
	    stream; /* protected by the notify's mutex, like what follows */
	struct buf unread; /* cut off from the last answer */
	size_t begin;      /* of what is unread in it */
};

enum err_code
follow_open(struct notify *n, const struct view *v, struct follow **ret,
    struct err *err)
{
	struct follow *f = calloc(1, sizeof(*f));
	struct event_range range;
	enum err_code rc;

	if (f == NULL)
		return err_set(err, ERR_NO_MEMORY, "follow");
	if ((rc = event_range(n->engine, &range, err)) != ERR_OK) {
		free(f);
		return rc;
	}
	f->view = *v;
	f->stream = range.end;
	*ret = f;
	return ERR_OK;
}

void
follow_close(struct notify *n, struct follow *f)
{
	(void)n; /* nobody reads any more */
	if (f == NULL)
		return;
	buf_free(&f->unread);
	free(f);
}

/* Take new events into f->unread until there is something. */
static enum err_code
fill(struct notify *n, struct follow *f, struct err *err)
{
	struct event_range range;
	struct view_orgs orgs = { 0 };
	enum err_code rc;

	if (f->begin < f->unread.len)
		return ERR_OK;
	buf_reset(&f->unread);
	f->begin = 0;
	if ((rc = event_range(n->engine, &range, err)) != ERR_OK ||
	    range.end <= f->stream)
		return rc;
	if (f->stream < range.before)
		f->stream = range.before; /* a slow reader has missed some */
	rc = view_orgs_init(&orgs, n->engine, &f->view, err);
	while (rc == ERR_OK && f->unread.len == 0 && f->stream < range.end) {
		struct event_read r = { f->stream, range.end, CHUNK,
			orgs.all ? NULL : view_filter, &orgs };
		uint64_t next = range.end;

		rc = event_read(n->engine, &r, &f->unread, &next, err);
		if (next <= f->stream)
			break;
		f->stream = next;
	}
	view_orgs_fini(&orgs);
	return rc;
}

/* Answer if there is something to say.  Nothing is lost to a reader who was
 * interrupted: then the answer does not arrive (ENOENT). */
static bool
answer(struct notify *n, struct follow *f, fuse_req_t req, size_t size)
{
	struct err err = { 0 };
	size_t len;

	if (fill(n, f, &err) != ERR_OK) {
		fuse_reply_err(req, err_errno(err.code));
		return true;
	}
	len = f->unread.len - f->begin;
	if (len == 0 && !n->stopping)
		return false;
	if (len > size)
		len = size;
	if (fuse_reply_buf(req, (const char *)f->unread.p + f->begin, len) == 0)
		f->begin += len;
	return true;
}

/* Runs with libfuse's lock of the request held, so nothing of libfuse that
 * takes it may be called under the notify's mutex. */
static void
interrupted(fuse_req_t req, void *data)
{
	struct notify *n = data;
	struct waiter **p, *w;

	pthread_mutex_lock(&n->mutex);
	p = &n->waiters;
	while (*p != NULL && (*p)->req != req)
		p = &(*p)->next;
	if ((w = *p) != NULL)
		*p = w->next;
	pthread_mutex_unlock(&n->mutex);
	if (w != NULL)
		fuse_reply_err(req, EINTR);
	free(w);
}

void
follow_read(
    struct notify *n, struct follow *f, struct fuse_req *req, size_t size)
{
	struct waiter *w = calloc(1, sizeof(*w));
	int fail = 0;
	bool done;

	if (w == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*w = (struct waiter){ NULL, req, f, size };
	/* before it waits: who holds the mutex must not register */
	fuse_req_interrupt_func(req, interrupted, n);
	pthread_mutex_lock(&n->mutex);
	done = answer(n, f, req, size);
	if (!done && fuse_req_interrupted(req))
		fail = EINTR;
	if (!done && fail == 0) {
		w->next = n->waiters;
		n->waiters = w;
		w = NULL;
	}
	pthread_mutex_unlock(&n->mutex);
	if (fail != 0)
		fuse_reply_err(req, fail);
	free(w);
}

bool
follow_ready(struct notify *n, struct follow *f)
{
	bool ready;

	pthread_mutex_lock(&n->mutex);
	ready = fill(n, f, NULL) != ERR_OK || f->begin < f->unread.len;
	pthread_mutex_unlock(&n->mutex);
	return ready;
}

void
follow_wake(struct notify *n)
{
	struct waiter **p, *w;

	pthread_mutex_lock(&n->mutex);
	p = &n->waiters;
	while ((w = *p) != NULL) {
		if (!answer(n, w->follow, w->req, w->size)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		free(w);
	}
	pthread_mutex_unlock(&n->mutex);
}
