#include "fs/seen.h"

#include "fs/sizes.h"

/* Long for the way to the kernel and back, short for a person. */
#define KEPT_NS 5000000

void
seen_init(struct seen *s)
{
	*s = (struct seen){ 0 };
	pthread_mutex_init(&s->mutex, NULL);
}

void
seen_fini(struct seen *s)
{
	for (unsigned i = 0; i < SEEN; i++)
		buf_wipe(&s->known[i].page);
	pthread_mutex_destroy(&s->mutex);
}

static unsigned
slot(int32_t pid)
{
	return (unsigned)pid % SEEN;
}

void
seen_put(struct seen *s, const struct seen_key *key, const struct stat *st,
    struct buf *page)
{
	unsigned i = slot(key->pid);
	struct buf old;

	if (key->pid <= 0)
		return;
	pthread_mutex_lock(&s->mutex);
	old = s->known[i].page;
	s->known[i].page = (struct buf){ 0 };
	if (page != NULL && page->len <= SEEN_PAGE_MAX) {
		s->known[i].page = *page;
		*page = (struct buf){ 0 };
	}
	s->known[i].key = *key;
	s->known[i].until = sizes_now() + KEPT_NS;
	s->known[i].st = *st;
	s->known[i].stat_taken = false;
	pthread_mutex_unlock(&s->mutex);
	buf_wipe(&old);
}

/* Whether slot i answers that now.  Called with the mutex. */
static bool
is_for(const struct seen *s, unsigned i, const struct seen_key *key)
{
	const struct seen_key *k = &s->known[i].key;

	return key->pid > 0 && k->pid == key->pid && k->ino == key->ino &&
	       k->uid == key->uid && k->version == key->version &&
	       s->known[i].until > sizes_now();
}

bool
seen_take(struct seen *s, const struct seen_key *key, struct stat *ret)
{
	unsigned i = slot(key->pid);
	bool found;

	pthread_mutex_lock(&s->mutex);
	found = is_for(s, i, key) && !s->known[i].stat_taken;
	if (found) {
		*ret = s->known[i].st;
		s->known[i].stat_taken = true;
	} else if (s->known[i].key.pid == key->pid) {
		s->known[i].key.pid = 0;
	}
	pthread_mutex_unlock(&s->mutex);
	return found;
}

bool
seen_take_page(struct seen *s, const struct seen_key *key, struct buf *ret)
{
	unsigned i = slot(key->pid);
	bool found;

	pthread_mutex_lock(&s->mutex);
	found = is_for(s, i, key) && s->known[i].page.len > 0;
	if (found) {
		*ret = s->known[i].page;
		s->known[i].page = (struct buf){ 0 };
	}
	if (s->known[i].key.pid == key->pid)
		s->known[i].key.pid = 0;
	pthread_mutex_unlock(&s->mutex);
	return found;
}

void
seen_drop(struct seen *s, int32_t pid)
{
	unsigned i = slot(pid);

	pthread_mutex_lock(&s->mutex);
	if (s->known[i].key.pid == pid)
		s->known[i].key.pid = 0;
	pthread_mutex_unlock(&s->mutex);
}
