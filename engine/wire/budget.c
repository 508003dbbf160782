#include "engine/wire/budget_priv.h"

void
budget_init(struct budget *b, size_t total, size_t largest)
{
	pthread_mutex_init(&b->mutex, NULL);
	if (total / 2 < largest)
		total = largest * 2;
	b->limit[BUDGET_SMALL] = total / 4;
	if (b->limit[BUDGET_SMALL] < BUDGET_SMALL_MAX)
		b->limit[BUDGET_SMALL] = BUDGET_SMALL_MAX;
	b->limit[BUDGET_LARGE] = total - total / 4;
	b->used[BUDGET_SMALL] = b->used[BUDGET_LARGE] = 0;
	b->hungry = 0;
}

void
budget_fini(struct budget *b)
{
	pthread_mutex_destroy(&b->mutex);
}

bool
budget_take(
    struct budget *b, enum budget_class class, size_t size, unsigned loop)
{
	bool fits;

	pthread_mutex_lock(&b->mutex);
	fits = size <= b->limit[class] - b->used[class];
	if (fits)
		b->used[class] += size;
	else
		b->hungry |= 1u << loop;
	pthread_mutex_unlock(&b->mutex);
	return fits;
}

uint32_t
budget_give(struct budget *b, enum budget_class class, size_t size)
{
	uint32_t hungry;

	pthread_mutex_lock(&b->mutex);
	b->used[class] -= size;
	hungry = b->hungry;
	b->hungry = 0;
	pthread_mutex_unlock(&b->mutex);
	return hungry;
}

size_t
budget_used(struct budget *b)
{
	size_t used;

	pthread_mutex_lock(&b->mutex);
	used = b->used[BUDGET_SMALL] + b->used[BUDGET_LARGE];
	pthread_mutex_unlock(&b->mutex);
	return used;
}
