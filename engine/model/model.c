#include "engine/model/model.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/net.h"
#include "engine/schema/schema.h"

#define SCANNED_MAX 20000 /* records of devices: about 30 MiB */

/* Between reading the pointer and holding what it points to. */
static pthread_mutex_t swapping = PTHREAD_MUTEX_INITIALIZER;

const struct schema *
engine_schema(const struct engine *e)
{
	const struct schema *s;

	pthread_mutex_lock(&swapping);
	s = schema_hold(e->schema);
	pthread_mutex_unlock(&swapping);
	return s;
}

void
engine_schema_set(struct engine *e, const struct schema *schema)
{
	const struct schema *old;

	pthread_mutex_lock(&swapping);
	old = e->schema;
	e->schema = schema;
	pthread_mutex_unlock(&swapping);
	schema_free(old);
}

bool
engine_has_proxy(const struct engine *e, const char *address)
{
	const struct engine_options *o = e->options;
	size_t i;

	if (o == NULL)
		return false;
	for (i = 0; i < ENGINE_MAX_PROXIES && o->proxies[i] != NULL; i++)
		if (net_contains(o->proxies[i], address))
			return true;
	return false;
}

int64_t
engine_now_ns(const struct engine *e)
{
	return e->clock();
}

int64_t
engine_now(const struct engine *e)
{
	return e->clock() / 1000000000;
}

void
engine_scanned(struct engine *e, uint32_t n)
{
	if (atomic_fetch_add(&e->scanned, n) + n < SCANNED_MAX)
		return;
	atomic_store(&e->scanned, 0);
	store_relax(e->store);
}
