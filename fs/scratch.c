#include "fs/scratch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS 1024

struct node {
	struct node *next_ino;     /* of the same bucket */
	struct node *next_name;    /* of the same bucket; named nodes only */
	struct node *next, **link; /* all, oldest first */
	struct scratch_node n;
	char *name; /* NULL: removed */
	bool became;
	unsigned opens;
	unsigned children;
	struct buf bytes; /* or the target of a link */
};

struct scratch {
	pthread_mutex_t mutex; /* protects everything below */
	struct node *by_ino[BUCKETS];
	struct node *by_name[BUCKETS];
	struct node *first, **last;
	uint64_t cookie;
	uint64_t total;
	unsigned count;
};

/* ---- the table ---------------------------------------------------------- */

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static struct node **
name_bucket(struct scratch *s, uint64_t parent, const char *name)
{
	uint32_t h = (uint32_t)(parent ^ parent >> 32) * 2654435761u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return &s->by_name[(h ^ h >> 16) % BUCKETS];
}

static struct node *
by_ino(struct scratch *s, uint64_t ino)
{
	struct node *n = s->by_ino[ino % BUCKETS];

	while (n != NULL && n->n.ino != ino)
		n = n->next_ino;
	return n;
}

static struct node *
by_name(struct scratch *s, uint64_t parent, const char *name)
{
	struct node *n = *name_bucket(s, parent, name);

	while (
	    n != NULL && (n->n.parent != parent || strcmp(n->name, name) != 0))
		n = n->next_name;
	return n;
}

static void
drop(struct scratch *s, struct node *n)
{
	struct node **p = &s->by_ino[n->n.ino % BUCKETS];

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

static void
take_name(struct scratch *s, struct node *n)
{
	struct node **p = name_bucket(s, n->n.parent, n->name);
	struct node *parent = by_ino(s, n->n.parent);

	while (*p != n)
		p = &(*p)->next_name;
	*p = n->next_name;
	free(n->name);
	n->name = NULL;
	if (parent != NULL)
		parent->children--;
}

/* The name is free; owned is n's from now on. */
static void
give_name(struct scratch *s, struct node *n, uint64_t parent, char *owned)
{
	struct node **p = name_bucket(s, parent, owned);
	struct node *dir = by_ino(s, parent);

	n->n.parent = parent;
	n->name = owned;
	n->next_name = *p;
	*p = n;
	if (dir != NULL)
		dir->children++;
}

static void
unlink_node(struct scratch *s, struct node *n)
{
	take_name(s, n);
	if (n->opens == 0)
		drop(s, n);
}

struct scratch *
scratch_new(void)
{
	struct scratch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	pthread_mutex_init(&s->mutex, NULL);
	s->last = &s->first;
	return s;
}

void
scratch_free(struct scratch *s)
{
	if (s == NULL)
		return;
	while (s->first != NULL)
		drop(s, s->first);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

/* ---- room --------------------------------------------------------------- */

/* Drop what nobody has touched for an hour. */
static void
forget_old(struct scratch *s)
{
	int64_t limit = now_ns() - (int64_t)SCRATCH_AGE_MAX * 1000000000;
	struct node *next;

	for (struct node *n = s->first; n != NULL; n = next) {
		next = n->next;
		if (n->opens == 0 && n->children == 0 && n->name != NULL &&
		    n->n.ctime_ns < limit)
			unlink_node(s, n);
	}
}

static enum err_code
check_room(struct scratch *s, const struct scratch_node *of, uint64_t nodes,
    uint64_t bytes, struct err *err)
{
	uint64_t mine = 0, mine_count = 0;

	for (const struct node *n = s->first; n != NULL; n = n->next) {
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

static enum err_code
make_room(struct scratch *s, const struct scratch_node *of, uint64_t nodes,
    uint64_t bytes, struct err *err)
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

/* ---- verbs -------------------------------------------------------------- */

static struct node *
new_node(struct scratch *s, const struct scratch_node *new, struct bytes bytes)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->n = *new;
	n->n.size = 0;
	n->n.ctime_ns = now_ns();
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

enum err_code
scratch_create(struct scratch *s, const struct scratch_node *new,
    const char *name, struct bytes bytes, struct scratch_node *ret,
    struct err *err)
{
	char *owned = strdup(name);
	struct node *n = NULL;
	enum err_code rc;

	pthread_mutex_lock(&s->mutex);
	if (by_name(s, new->parent, name) != NULL)
		rc = err_set(err, ERR_EXISTS, "%s exists", name);
	else
		rc = make_room(s, new, 1, bytes.len, err);
	if (rc == ERR_OK && owned != NULL)
		n = new_node(s, new, bytes);
	if (rc == ERR_OK && n == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "%s", name);
	if (n != NULL) {
		give_name(s, n, new->parent, owned);
		owned = NULL;
		*ret = n->n;
	}
	pthread_mutex_unlock(&s->mutex);
	free(owned);
	return rc;
}

bool
scratch_find(struct scratch *s, uint64_t parent, const char *name,
    struct scratch_node *ret)
{
	const struct node *n;

	pthread_mutex_lock(&s->mutex);
	n = by_name(s, parent, name);
	if (n != NULL)
		*ret = n->n;
	pthread_mutex_unlock(&s->mutex);
	return n != NULL;
}

bool
scratch_get(struct scratch *s, uint64_t ino, struct scratch_node *ret)
{
	const struct node *n;

	pthread_mutex_lock(&s->mutex);
	n = by_ino(s, ino);
	if (n != NULL && n->became)
		n = NULL; /* the store has it */
	if (n != NULL)
		*ret = n->n;
	pthread_mutex_unlock(&s->mutex);
	return n != NULL;
}

void
scratch_list(struct scratch *s, uint64_t parent, uint64_t after, scratch_fn *fn,
    void *arg)
{
	pthread_mutex_lock(&s->mutex);
	for (const struct node *n = s->first; n != NULL; n = n->next) {
		if (n->name == NULL || n->n.parent != parent ||
		    n->n.cookie <= after)
			continue;
		if (!fn(arg, n->name, &n->n))
			break;
	}
	pthread_mutex_unlock(&s->mutex);
}

enum err_code
scratch_open(struct scratch *s, uint64_t ino, struct err *err)
{
	struct node *n;

	pthread_mutex_lock(&s->mutex);
	n = by_ino(s, ino);
	if (n != NULL)
		n->opens++;
	pthread_mutex_unlock(&s->mutex);
	return n != NULL ? ERR_OK
	                 : err_set(err, ERR_NOT_FOUND, "it was removed");
}

void
scratch_close(struct scratch *s, uint64_t ino)
{
	struct node *n;

	pthread_mutex_lock(&s->mutex);
	n = by_ino(s, ino);
	if (n != NULL && --n->opens == 0 && n->name == NULL)
		drop(s, n);
	pthread_mutex_unlock(&s->mutex);
}

enum err_code
scratch_read(struct scratch *s, uint64_t ino, uint64_t off, uint64_t max,
    struct buf *b, struct err *err)
{
	const struct node *n;

	pthread_mutex_lock(&s->mutex);
	n = by_ino(s, ino);
	if (n != NULL && off < n->bytes.len) {
		uint64_t left = n->bytes.len - off;

		buf_put(b, n->bytes.p + off, left < max ? left : max);
	}
	pthread_mutex_unlock(&s->mutex);
	if (n == NULL)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	return buf_error(b, err);
}

enum err_code
scratch_content(struct scratch *s, uint64_t ino, struct buf *b, struct err *err)
{
	return scratch_read(s, ino, 0, UINT64_MAX, b, err);
}

/* The node for a change of its bytes to a size. */
static enum err_code
prepare(struct scratch *s, uint64_t ino, uint64_t size, struct node **ret,
    struct err *err)
{
	struct node *n = by_ino(s, ino);
	enum err_code rc = ERR_OK;

	if (n == NULL)
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	if (n->became)
		return err_set(err, ERR_CHANGED,
		    "it was renamed while it was still being written: open "
		    "the new name");
	if (size > SCRATCH_FILE_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "a scratch file has at most %u bytes", SCRATCH_FILE_MAX);
	if (size > n->bytes.len)
		rc = make_room(s, &n->n, 0, size - n->bytes.len, err);
	*ret = n;
	return rc;
}

static enum err_code
resize(struct scratch *s, struct node *n, uint64_t size, struct err *err)
{
	uint64_t before = n->bytes.len;
	enum err_code rc;

	buf_resize(&n->bytes, size);
	if ((rc = buf_error(&n->bytes, err)) != ERR_OK) {
		n->bytes.error = ERR_OK; /* what it holds is still good */
		return rc;
	}
	s->total = s->total - before + size;
	n->n.size = size;
	n->n.mtime_ns = n->n.ctime_ns = now_ns();
	n->n.was_parent = 0;
	return ERR_OK;
}

enum err_code
scratch_write(struct scratch *s, uint64_t ino, uint64_t off, bool append,
    struct bytes bytes, struct err *err)
{
	struct node *n = NULL;
	enum err_code rc;

	pthread_mutex_lock(&s->mutex);
	if (append && (n = by_ino(s, ino)) != NULL)
		off = n->bytes.len;
	if (off > SCRATCH_FILE_MAX)
		off = SCRATCH_FILE_MAX; /* and fails for it */
	rc = prepare(s, ino, off + bytes.len, &n, err);
	if (rc == ERR_OK) {
		uint64_t size = off + bytes.len;

		if (size < n->bytes.len)
			size = n->bytes.len;
		rc = resize(s, n, size, err);
	}
	if (rc == ERR_OK && bytes.len > 0)
		memcpy(n->bytes.p + off, bytes.p, bytes.len);
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

enum err_code
scratch_truncate(
    struct scratch *s, uint64_t ino, uint64_t size, struct err *err)
{
	struct node *n = NULL;
	enum err_code rc;

	pthread_mutex_lock(&s->mutex);
	rc = prepare(s, ino, size, &n, err);
	if (rc == ERR_OK)
		rc = resize(s, n, size, err);
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

enum err_code
scratch_setattr(
    struct scratch *s, uint64_t ino, const struct file_attr *a, struct err *err)
{
	struct node *n;

	pthread_mutex_lock(&s->mutex);
	n = by_ino(s, ino);
	if (n != NULL) {
		if (a->set & FILE_SET_MODE)
			n->n.mode = a->mode & 07777;
		if (a->set & FILE_SET_UID)
			n->n.uid = a->uid;
		if (a->set & FILE_SET_GID)
			n->n.gid = a->gid;
		if (a->set & FILE_SET_MTIME)
			n->n.mtime_ns = a->mtime_ns;
		n->n.ctime_ns = now_ns();
	}
	pthread_mutex_unlock(&s->mutex);
	return n != NULL ? ERR_OK
	                 : err_set(err, ERR_NOT_FOUND, "it was removed");
}

enum err_code
scratch_remove(struct scratch *s, uint64_t ino, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct node *n;

	pthread_mutex_lock(&s->mutex);
	n = by_ino(s, ino);
	if (n == NULL || n->name == NULL)
		rc = err_set(err, ERR_NOT_FOUND, "it was removed");
	else if (n->children > 0)
		rc = err_set(err, ERR_NOT_EMPTY, "%s is not empty", n->name);
	else
		unlink_node(s, n);
	pthread_mutex_unlock(&s->mutex);
	return rc;
}

void
scratch_became(struct scratch *s, uint64_t ino)
{
	struct node *n;

	pthread_mutex_lock(&s->mutex);
	n = by_ino(s, ino);
	if (n != NULL && n->name != NULL) {
		n->became = true;
		unlink_node(s, n);
	}
	pthread_mutex_unlock(&s->mutex);
}

enum err_code
scratch_rename(struct scratch *s, uint64_t ino, uint64_t parent,
    const char *name, struct err *err)
{
	char *owned = strdup(name);
	struct node *n, *there;
	enum err_code rc = ERR_OK;

	pthread_mutex_lock(&s->mutex);
	n = by_ino(s, ino);
	there = by_name(s, parent, name);
	if (owned == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "%s", name);
	else if (n == NULL || n->name == NULL)
		rc = err_set(err, ERR_NOT_FOUND, "it was removed");
	else if (there != NULL && there != n && there->children > 0)
		rc = err_set(err, ERR_NOT_EMPTY, "%s is not empty", name);
	if (rc == ERR_OK && there != n) {
		if (there != NULL)
			unlink_node(s, there);
		take_name(s, n);
		give_name(s, n, parent, owned);
		owned = NULL;
		n->n.ctime_ns = now_ns();
	}
	pthread_mutex_unlock(&s->mutex);
	free(owned);
	return rc;
}
