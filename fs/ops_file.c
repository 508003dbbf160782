/* Operations on open files. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "fs/notify.h"
#include "fs/ops_priv.h"
#include "fs/process.h"

/* ---- read --------------------------------------------------------------- */

static enum err_code
read_handle(struct fs *f, struct handle *h, size_t size, uint64_t off,
    struct buf *b, struct err *err)
{
	struct segment_read r = { .begin = h->node.ino & TREE_INO_REST,
		.off = off,
		.max = size,
		.view = &h->caller.view,
		.place = &h->place };
	enum err_code rc = ERR_OK;

	switch (h->kind) {
	case HANDLE_DRAFT:
		return draft_read(h->draft, off, size, b, err);
	case HANDLE_SCRATCH:
		return scratch_read(f->scratch, h->node.ino, off, size, b, err);
	case HANDLE_EVENTS:
		pthread_mutex_lock(&h->mutex);
		rc = segment_read(f->engine, &r, b, err);
		h->read_to = off + b->len;
		pthread_mutex_unlock(&h->mutex);
		return rc;
	case HANDLE_BYTES:
	case HANDLE_WRITE:
	case HANDLE_FOLLOW:
		break;
	}
	if (off < h->bytes.len) {
		size_t left = h->bytes.len - off;

		buf_put(b, h->bytes.p + off, left < size ? left : size);
	}
	return buf_error(b, err);
}

void
ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct fs *f = ops_fs(req);
	struct handle *h = ops_handle(fi);
	struct buf b = { 0 };
	struct err err = { 0 };

	(void)ino;
	if (h == NULL) {
		fuse_reply_err(req, EBADF);
		return;
	}
	if (h->kind == HANDLE_FOLLOW && (fi->flags & O_NONBLOCK) != 0 &&
	    !follow_ready(f->notify, h->follow)) {
		fuse_reply_err(req, EAGAIN);
		return;
	}
	if (h->kind == HANDLE_FOLLOW) {
		follow_read(f->notify, h->follow, req, size);
		return;
	}
	if (read_handle(f, h, size, (uint64_t)off, &b, &err) != ERR_OK)
		ops_error(req, &err);
	else
		fuse_reply_buf(req, (const char *)b.p, b.len);
	buf_wipe(&b);
}

/* A page that would be another one if it were opened now.  What h has stays as
 * it is: like a file of sysfs, it is opened again. */
static bool
has_changed(struct fs *f, const struct handle *h)
{
	struct buf b = { 0 };
	bool same = node_render(f, &h->node, &b, NULL) == ERR_OK &&
	            bytes_equal(buf_view(&b), buf_view(&h->bytes));

	buf_wipe(&b);
	return !same;
}

static bool
may_change(const struct handle *h, const struct fuse_file_info *fi)
{
	/* old kernels do not say what is asked for */
	return h != NULL && h->kind == HANDLE_BYTES &&
	       h->node.source == NODE_GENERATED &&
	       (fi->poll_events == 0 || (fi->poll_events & POLLPRI) != 0);
}

void
ops_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
    struct fuse_pollhandle *ph)
{
	struct fs *f = ops_fs(req);
	struct handle *h = ops_handle(fi);
	unsigned ready = POLLIN | POLLOUT;
	uint64_t size;

	(void)ino;
	if (h != NULL && ph != NULL &&
	    (h->kind == HANDLE_FOLLOW || h->kind == HANDLE_EVENTS ||
		may_change(h, fi))) {
		notify_poll(f->notify, ph); /* before looking: no gap */
		ph = NULL;
	}
	if (may_change(h, fi) && has_changed(f, h))
		ready |= POLLPRI;
	if (h != NULL && h->kind == HANDLE_FOLLOW &&
	    !follow_ready(f->notify, h->follow))
		ready = 0;
	if (h != NULL && h->kind == HANDLE_EVENTS &&
	    segment_size(f->engine, h->node.ino & TREE_INO_REST,
		&h->caller.view, &size, NULL) == ERR_OK) {
		pthread_mutex_lock(&h->mutex);
		if (h->read_to >= size)
			ready = 0;
		pthread_mutex_unlock(&h->mutex);
	}
	if (ph != NULL)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, ready);
}

/* ---- write -------------------------------------------------------------- */

static void
refuse_draft(fuse_req_t req, struct handle *h, const struct caller *c,
    const struct err *err)
{
	struct ops_refused what = { .dir = draft_parent(h->draft),
		.name = draft_name(h->draft),
		.org = draft_org(h->draft),
		.actor = c->actor };

	ops_refuse(req, &what, err);
}

/* Who opened it, mostly; but children and shells hand files on. */
static void
name_caller(const struct handle *h, struct caller *c)
{
	if (c->actor.pid == h->caller.actor.pid)
		memcpy(
		    c->actor.comm, h->caller.actor.comm, sizeof(c->actor.comm));
	else
		process_comm(c->actor.pid, c->actor.comm);
}

static void
write_draft(fuse_req_t req, struct handle *h, struct bytes bytes, uint64_t off)
{
	struct caller c;
	struct err err = { 0 };
	bool again;

	ops_caller(req, 0, &c);
	name_caller(h, &c);
	if (draft_write(h->draft, off, bytes, &c.actor, &again, &err) == ERR_OK)
		fuse_reply_write(req, bytes.len);
	else if (again)
		ops_error(req, &err);
	else
		refuse_draft(req, h, &c, &err);
}

/* The first write is the deed; what follows belongs to it. */
static enum err_code
write_generated(
    fuse_req_t req, struct handle *h, struct bytes bytes, struct err *err)
{
	struct fs *f = ops_fs(req);
	struct at at = h->node.at;
	enum err_code rc;
	bool first;

	pthread_mutex_lock(&h->mutex);
	first = !h->written;
	h->written = true;
	pthread_mutex_unlock(&h->mutex);
	if (!first)
		return ERR_OK;
	at.engine = f->engine;
	at.refusals = f->refusals;
	at.caller = &h->caller.actor;
	rc = h->node.row->write(&at, bytes, err);
	if (rc == ERR_OK && h->node.row->of == OF_STAGE)
		ops_settle(f); /* organizations may have other owners now */
	return rc;
}

void
ops_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
    off_t off, struct fuse_file_info *fi)
{
	struct fs *f = ops_fs(req);
	struct handle *h = ops_handle(fi);
	struct bytes bytes = bytes_of(buf, size);
	struct err err = { 0 };
	enum err_code rc;

	(void)ino;
	if (h == NULL ||
	    (h->kind != HANDLE_DRAFT && h->kind != HANDLE_SCRATCH &&
		h->kind != HANDLE_WRITE)) {
		fuse_reply_err(req, EBADF);
		return;
	}
	if (h->kind == HANDLE_DRAFT) {
		write_draft(req, h, bytes, (uint64_t)off);
		return;
	}
	if (h->kind == HANDLE_SCRATCH)
		rc = scratch_write(f->scratch, h->node.ino, (uint64_t)off,
		    h->append, bytes, &err);
	else
		rc = write_generated(req, h, bytes, &err);
	if (rc == ERR_OK)
		fuse_reply_write(req, size);
	else
		ops_refuse_handle(req, h, &err);
}

static void
commit(fuse_req_t req, struct fuse_file_info *fi)
{
	struct fs *f = ops_fs(req);
	struct handle *h = ops_handle(fi);
	struct draft_result result;
	struct caller c;
	struct err err = { 0 };
	enum err_code rc;

	if (h == NULL || h->kind != HANDLE_DRAFT) {
		fuse_reply_err(req, 0);
		return;
	}
	ops_caller(req, 0, &c);
	name_caller(h, &c);
	rc = draft_commit(h->draft, &c.actor, &result, &err);
	if (result.changed)
		refusal_clear(
		    f->refusals, draft_parent(h->draft), draft_name(h->draft));
	if (rc == ERR_OK)
		fuse_reply_err(req, 0);
	else if (result.again)
		ops_error(req, &err);
	else
		refuse_draft(req, h, &c, &err);
}

void
ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct handle *h = ops_handle(fi);

	(void)ino;
	if (h != NULL && h->kind == HANDLE_DRAFT &&
	    process_was_killed(fuse_req_ctx(req)->pid)) {
		draft_abandon(h->draft);
		fuse_reply_err(req, 0);
		return;
	}
	commit(req, fi);
}

void
ops_fsync(
    fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	commit(req, fi);
}

static void
release_draft(struct fs *f, struct handle *h)
{
	char name[256];
	struct ops_refused what = { .dir = draft_parent(h->draft),
		.name = name,
		.org = draft_org(h->draft),
		.actor = draft_actor(h->draft) };
	struct draft_result result;
	struct err err = { 0 };

	strncpy(name, draft_name(h->draft), sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	/* nobody hears this failure: .error and events tell it */
	if (draft_release(h->draft, &result, &err) != ERR_OK && !result.again)
		ops_record(f, &what, &err);
	else if (result.changed)
		refusal_clear(f->refusals, what.dir, name);
}

void
ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *h = ops_handle(fi);
	struct fs *f = h->fs;

	(void)ino;
	ops_handle_remove(h);
	if (h->kind == HANDLE_DRAFT)
		release_draft(f, h);
	else if (h->kind == HANDLE_SCRATCH)
		scratch_close(f->scratch, h->node.ino);
	else if (h->kind == HANDLE_FOLLOW)
		follow_close(f->notify, h->follow);
	ops_handle_free(h);
	if (req != NULL)
		fuse_reply_err(req, 0);
}
