#include <pthread.h>
#include <stdlib.h>

#include "engine/pki/signature_cache_priv.h"

#define IDLE_MAX 86400 /* seconds */

struct entry {
	struct entry *next;          /* in its bucket */
	struct entry *newer, *older; /* in order of use */
	struct cert *cert;
	int64_t used;
};

struct signature_cache {
	pthread_mutex_t mutex; /* protects all that follows */
	struct entry **buckets;
	size_t n_buckets; /* a power of two */
	struct entry *newest, *oldest;
	size_t n, max;
};

enum err_code
signature_cache_new(size_t max, struct signature_cache **ret, struct err *err)
{
	struct signature_cache *c = calloc(1, sizeof(*c));
	size_t n = 16;

	while (n < max && n < (1u << 24))
		n *= 2;
	if (c != NULL)
		c->buckets = calloc(n, sizeof(struct entry *));
	if (c == NULL || c->buckets == NULL) {
		free(c);
		return err_set(err, ERR_NO_MEMORY, "cache of signers");
	}
	pthread_mutex_init(&c->mutex, NULL);
	c->n_buckets = n;
	c->max = max > 0 ? max : 1;
	*ret = c;
	return ERR_OK;
}

static struct entry **
find(struct signature_cache *c, const uint8_t *fingerprint)
{
	size_t hash = (size_t)fingerprint[0] | (size_t)fingerprint[1] << 8 |
	              (size_t)fingerprint[2] << 16;
	struct entry **e = &c->buckets[hash & (c->n_buckets - 1)];

	while (*e != NULL && memcmp(cert_fingerprint((*e)->cert), fingerprint,
				 CERT_FINGERPRINT_LEN) != 0)
		e = &(*e)->next;
	return e;
}

static void
unlink_use(struct signature_cache *c, struct entry *e)
{
	if (e->newer != NULL)
		e->newer->older = e->older;
	else
		c->newest = e->older;
	if (e->older != NULL)
		e->older->newer = e->newer;
	else
		c->oldest = e->newer;
}

static void
link_newest(struct signature_cache *c, struct entry *e, int64_t now)
{
	e->used = now;
	e->newer = NULL;
	e->older = c->newest;
	if (c->newest != NULL)
		c->newest->newer = e;
	else
		c->oldest = e;
	c->newest = e;
}

static void
drop(struct signature_cache *c, struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	unlink_use(c, e);
	c->n--;
	cert_free(e->cert);
	free(e);
}

static void
drop_oldest(struct signature_cache *c)
{
	drop(c, find(c, cert_fingerprint(c->oldest->cert)));
}

struct cert *
signature_cache_find(struct signature_cache *c,
    const uint8_t fingerprint[static CERT_FINGERPRINT_LEN], int64_t now)
{
	struct cert *ret = NULL;
	struct entry *e;

	pthread_mutex_lock(&c->mutex);
	if ((e = *find(c, fingerprint)) != NULL) {
		unlink_use(c, e);
		link_newest(c, e, now);
		ret = cert_ref(e->cert);
	}
	pthread_mutex_unlock(&c->mutex);
	return ret;
}

void
signature_cache_keep(struct signature_cache *c, struct cert *cert, int64_t now)
{
	struct entry **at, *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return;
	pthread_mutex_lock(&c->mutex);
	while (c->oldest != NULL && c->oldest->used < now - IDLE_MAX)
		drop_oldest(c);
	at = find(c, cert_fingerprint(cert));
	if (*at == NULL) {
		if (c->n == c->max)
			drop_oldest(c);
		at = find(c, cert_fingerprint(cert)); /* may have moved */
		e->cert = cert_ref(cert);
		*at = e;
		link_newest(c, e, now);
		c->n++;
		e = NULL;
	}
	pthread_mutex_unlock(&c->mutex);
	free(e);
}

void
signature_cache_drop(struct signature_cache *c,
    const uint8_t fingerprint[static CERT_FINGERPRINT_LEN])
{
	struct entry **at;

	pthread_mutex_lock(&c->mutex);
	at = find(c, fingerprint);
	if (*at != NULL)
		drop(c, at);
	pthread_mutex_unlock(&c->mutex);
}

void
signature_cache_free(struct signature_cache *c)
{
	if (c == NULL)
		return;
	while (c->oldest != NULL)
		drop_oldest(c);
	pthread_mutex_destroy(&c->mutex);
	free(c->buckets);
	free(c);
}
