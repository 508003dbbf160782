#include "fs/draft_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t
draft_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct drafts *
drafts_new(struct engine *e)
{
	struct drafts *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->engine = e;
	pthread_mutex_init(&d->mutex, NULL);
	return d;
}

void
drafts_free(struct drafts *d)
{
	if (d == NULL)
		return;
	pthread_mutex_destroy(&d->mutex);
	free(d);
}

/* ---- targets (d->mutex is held) ----------------------------------------- */

struct target *
target_get(struct drafts *d, uint64_t ino)
{
	struct target *t = d->first;

	while (t != NULL && t->node.ino != ino)
		t = t->next;
	return t;
}

struct target *
target_new(struct drafts *d, const struct draft_open *o)
{
	struct target *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->node = (struct file_node){ .ino = o->ino,
		.parent = o->parent,
		.place = o->place,
		.mode = o->mode,
		.uid = o->uid,
		.gid = o->gid,
		.org = o->org,
		.mtime_ns = draft_now_ns() };
	t->node.ctime_ns = t->node.mtime_ns;
	strncpy(t->name, o->name, sizeof(t->name) - 1);
	t->unborn = o->version == 0;
	if (t->unborn)
		d->unborn++;
	d->targets++;
	t->next = d->first;
	t->link = &d->first;
	if (t->next != NULL)
		t->next->link = &t->next;
	d->first = t;
	return t;
}

void
target_born(struct drafts *d, struct target *t)
{
	if (t->unborn)
		d->unborn--;
	t->unborn = t->hidden = false;
	t->staged = 0;
}

void
target_leave(struct drafts *d, struct target *t)
{
	if (--t->drafts > 0)
		return;
	if (t->unborn)
		d->unborn--;
	d->targets--;
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	free(t);
}

/* ---- unborn names ------------------------------------------------------- */

bool
drafts_find(
    struct drafts *d, uint64_t parent, const char *name, struct file_node *ret)
{
	const struct target *t;

	if (d->unborn == 0)
		return false;
	pthread_mutex_lock(&d->mutex);
	for (t = d->first; t != NULL; t = t->next)
		if (t->unborn && !t->hidden && !t->unlinked &&
		    t->node.parent == parent && strcmp(t->name, name) == 0)
			break;
	if (t != NULL)
		*ret = t->node;
	pthread_mutex_unlock(&d->mutex);
	return t != NULL;
}

bool
drafts_get(struct drafts *d, uint64_t ino, struct file_node *ret)
{
	const struct target *t;

	if (d->unborn == 0)
		return false;
	pthread_mutex_lock(&d->mutex);
	t = target_get(d, ino);
	if (t != NULL && !t->unborn)
		t = NULL;
	if (t != NULL)
		*ret = t->node;
	pthread_mutex_unlock(&d->mutex);
	return t != NULL;
}

void
drafts_list(struct drafts *d, uint64_t parent, file_entry_fn *fn, void *arg)
{
	if (d->unborn == 0)
		return;
	pthread_mutex_lock(&d->mutex);
	for (const struct target *t = d->first; t != NULL; t = t->next)
		if (t->unborn && !t->hidden && !t->unlinked &&
		    t->node.parent == parent &&
		    !fn(arg, t->name, &t->node, t->node.ino))
			break;
	pthread_mutex_unlock(&d->mutex);
}

static void
overlay(struct file_node *node, const struct file_attr *a)
{
	if (a->set & FILE_SET_MODE)
		node->mode = a->mode & 07777;
	if (a->set & FILE_SET_UID)
		node->uid = a->uid;
	if (a->set & FILE_SET_GID)
		node->gid = a->gid;
	if (a->set & FILE_SET_MTIME)
		node->mtime_ns = a->mtime_ns;
}

bool
drafts_setattr(struct drafts *d, uint64_t ino, const struct file_attr *a)
{
	struct target *t;
	bool staged;

	if (d->targets == 0)
		return false;
	pthread_mutex_lock(&d->mutex);
	t = target_get(d, ino);
	staged = t != NULL && (t->unborn || t->dirty > 0);
	if (staged) {
		t->staged |= a->set;
		overlay(&t->node, a);
		t->node.ctime_ns = draft_now_ns();
	}
	pthread_mutex_unlock(&d->mutex);
	return staged;
}

void
drafts_attr(struct drafts *d, uint64_t ino, struct file_node *node)
{
	const struct target *t;

	if (d->targets == 0)
		return;
	pthread_mutex_lock(&d->mutex);
	t = target_get(d, ino);
	if (t != NULL && t->staged != 0) {
		struct file_attr a = { t->staged, t->node.mode, t->node.uid,
			t->node.gid, t->node.mtime_ns };

		overlay(node, &a);
	}
	pthread_mutex_unlock(&d->mutex);
}

bool
drafts_unlink(struct drafts *d, uint64_t ino)
{
	struct target *t;
	bool unborn;

	pthread_mutex_lock(&d->mutex);
	t = target_get(d, ino);
	unborn = t != NULL && t->unborn;
	if (unborn)
		t->unlinked = true;
	pthread_mutex_unlock(&d->mutex);
	return unborn;
}

bool
draft_pending(struct draft *f, uint64_t *size)
{
	uint64_t pending = f->pending;

	if (pending == 0)
		return false;
	*size = pending - 1;
	return true;
}
