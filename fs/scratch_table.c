#include "fs/scratch_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t
scratch_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static struct scratch_entry **
name_bucket(struct scratch *s, uint64_t parent, const char *name)
{
	uint32_t h = (uint32_t)(parent ^ parent >> 32) * 2654435761u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return &s->by_name[(h ^ h >> 16) % BUCKETS];
}

struct scratch_entry *
scratch_by_ino(struct scratch *s, uint64_t ino)
{
	struct scratch_entry *n = s->by_ino[ino % BUCKETS];

	while (n != NULL && n->n.ino != ino)
		n = n->next_ino;
	return n;
}

struct scratch_entry *
scratch_by_name(struct scratch *s, uint64_t parent, const char *name)
{
	struct scratch_entry *n = *name_bucket(s, parent, name);

	while (
	    n != NULL && (n->n.parent != parent || strcmp(n->name, name) != 0))
		n = n->next_name;
	return n;
}

void
scratch_drop(struct scratch *s, struct scratch_entry *n)
{
	struct scratch_entry **p = &s->by_ino[n->n.ino % BUCKETS];

	while (*p != n)
		p = &(*p)->next_ino;
	*p = n->next_ino;
	*n->link = n->next;
	if (n->next != NULL)
		n->next->link = n->link;
	else
		s->last = n->link;
	s->count--;
	s->total -= n->bytes.len;
	buf_wipe(&n->bytes);
	free(n->name);
	free(n);
}

void
scratch_name_take(struct scratch *s, struct scratch_entry *n)
{
	struct scratch_entry **p = name_bucket(s, n->n.parent, n->name);
	struct scratch_entry *parent = scratch_by_ino(s, n->n.parent);

	while (*p != n)
		p = &(*p)->next_name;
	*p = n->next_name;
	free(n->name);
	n->name = NULL;
	if (parent != NULL)
		parent->children--;
}

/* The name is free; owned is n's from now on. */
void
scratch_name_give(
    struct scratch *s, struct scratch_entry *n, uint64_t parent, char *owned)
{
	struct scratch_entry **p = name_bucket(s, parent, owned);
	struct scratch_entry *dir = scratch_by_ino(s, parent);

	n->n.parent = parent;
	n->name = owned;
	n->next_name = *p;
	*p = n;
	if (dir != NULL)
		dir->children++;
}

void
scratch_unlink(struct scratch *s, struct scratch_entry *n)
{
	scratch_name_take(s, n);
	if (n->opens == 0)
		scratch_drop(s, n);
}

/* ---- room --------------------------------------------------------------- */

/* Drop what nobody has touched for an hour. */
static void
forget_old(struct scratch *s)
{
	int64_t limit =
	    scratch_now_ns() - (int64_t)SCRATCH_AGE_MAX * 1000000000;
	struct scratch_entry *next;

	for (struct scratch_entry *n = s->first; n != NULL; n = next) {
		next = n->next;
		if (n->opens == 0 && n->children == 0 && n->name != NULL &&
		    n->n.ctime_ns < limit)
			scratch_unlink(s, n);
	}
}

static enum err_code
check_room(struct scratch *s, const struct scratch_node *of, uint64_t nodes,
    uint64_t bytes, struct err *err)
{
	uint64_t mine = 0, mine_count = 0;

	for (const struct scratch_entry *n = s->first; n != NULL; n = n->next) {
		/* the analyzer does not see that a dropped node has left the
		 * list */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (n->n.uid == of->uid) {
			mine += n->bytes.len;
			mine_count++;
		}
	}
	if (of->uid != 0 && (mine + bytes > SCRATCH_USER_MAX ||
				mine_count + nodes > SCRATCH_USER_COUNT))
		return err_set(err, ERR_QUOTA,
		    "your scratch files (names that are renamed later) hold "
		    "%llu bytes in %llu files already; remove some",
		    (unsigned long long)mine, (unsigned long long)mine_count);
	if (s->total + bytes > SCRATCH_TOTAL_MAX ||
	    s->count + nodes > SCRATCH_COUNT_MAX)
		return err_set(err, ERR_FULL,
		    "scratch files (names that are renamed later) hold %llu "
		    "bytes in %u files already; remove some",
		    (unsigned long long)s->total, s->count);
	return ERR_OK;
}

enum err_code
scratch_make_room(struct scratch *s, const struct scratch_node *of,
    uint64_t nodes, uint64_t bytes, struct err *err)
{
	/* counting one user's share only when it could matter */
	if (s->total + bytes <= SCRATCH_USER_MAX &&
	    s->count + nodes <= SCRATCH_USER_COUNT)
		return ERR_OK;
	if (check_room(s, of, nodes, bytes, NULL) == ERR_OK)
		return ERR_OK;
	forget_old(s);
	return check_room(s, of, nodes, bytes, err);
}

struct scratch_entry *
scratch_add(
    struct scratch *s, const struct scratch_node *new, struct bytes bytes)
{
	struct scratch_entry *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->n = *new;
	n->n.size = 0;
	n->n.ctime_ns = scratch_now_ns();
	if (n->n.mtime_ns == 0)
		n->n.mtime_ns = n->n.ctime_ns;
	n->n.cookie = ++s->cookie;
	buf_bytes(&n->bytes, bytes);
	if (n->bytes.error != ERR_OK) {
		free(n);
		return NULL;
	}
	n->n.size = n->bytes.len;
	s->total += n->bytes.len;
	s->count++;
	n->next_ino = s->by_ino[n->n.ino % BUCKETS];
	s->by_ino[n->n.ino % BUCKETS] = n;
	n->link = s->last;
	*s->last = n;
	s->last = &n->next;
	return n;
}
