#include "fs/walks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct walk *walks; /* protected by mutex */

struct walk *
walk_new(uint32_t device, int32_t thread)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->device = device;
	w->thread = thread;
	pthread_mutex_lock(&mutex);
	w->link = &walks;
	w->next = walks;
	if (walks != NULL)
		walks->link = &w->next;
	walks = w;
	pthread_mutex_unlock(&mutex);
	return w;
}

void
walk_list(struct walk *w)
{
	pthread_mutex_lock(&mutex);
	w->listed = true;
	pthread_mutex_unlock(&mutex);
}

static void
forget(struct walk *w)
{
	struct walk_removal *r;

	while ((r = w->removals) != NULL) {
		w->removals = r->next;
		free(r);
	}
}

struct walk_removal *
walk_free(struct walk *w)
{
	struct walk_removal *r, *left = NULL;

	pthread_mutex_lock(&mutex);
	*w->link = w->next;
	if (w->next != NULL)
		w->next->link = w->link;
	pthread_mutex_unlock(&mutex);
	if (w->whole)
		forget(w);
	while ((r = w->removals) != NULL) { /* the newest is the first */
		w->removals = r->next;
		r->next = left;
		left = r;
	}
	free(w);
	return left;
}

/* No memory: as if it could not be removed alone. */
static void
note(struct walk *w, const struct actor *actor, const struct walk_name *what)
{
	size_t len = strlen(what->name) + 1;
	struct walk_removal *r =
	    what->ino == 0 ? NULL : malloc(sizeof(*r) + len);

	if (r == NULL) {
		w->whole = true;
		return;
	}
	r->dir = what->dir;
	r->ino = what->ino;
	memcpy(r->name, what->name, len);
	if (w->removals == NULL)
		w->actor = *actor;
	r->next = w->removals;
	w->removals = r;
}

enum walk_is
walk_remove(uint32_t device, int32_t thread, const struct actor *actor,
    const struct walk_name *what)
{
	struct walk *w, *one = NULL;
	bool all = false;

	pthread_mutex_lock(&mutex);
	for (w = walks; w != NULL; w = w->next) {
		if (w->thread != thread || !w->listed)
			continue;
		if (w->device == 0)
			all = true;
		else if (w->device == device)
			one = w;
	}
	if (one != NULL && !all)
		note(one, actor, what);
	pthread_mutex_unlock(&mutex);
	if (one == NULL)
		return WALK_NONE;
	return all ? WALK_REFUSED : WALK_TAKEN;
}

void
walk_done(uint32_t device)
{
	struct walk *w;

	pthread_mutex_lock(&mutex);
	for (w = walks; w != NULL; w = w->next)
		if (w->device == device)
			forget(w);
	pthread_mutex_unlock(&mutex);
}
