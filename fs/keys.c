#include "fs/keys.h"

#include <stdlib.h>

#include "fs/tree.h"

static bool
is_taken(const struct keys *k, uint32_t number)
{
	if ((k->maybe[(number & 0xffff) / 8] >> number % 8 & 1) == 0)
		return false;
	for (size_t i = 0; i < k->n; i++)
		if (k->taken[i] == number)
			return true;
	return false;
}

uint32_t
keys_next(struct keys *k, const char *name)
{
	uint32_t number = tree_key_hash(name);

	if (k->n == k->cap) {
		size_t cap = k->cap == 0 ? 64 : k->cap * 2;
		uint32_t *p = realloc(k->taken, cap * sizeof(*p));

		if (p == NULL)
			return 0;
		k->taken = p;
		k->cap = cap;
	}
	while (number == 0 || is_taken(k, number))
		number = (number + 1) & 0xffffff;
	k->maybe[(number & 0xffff) / 8] |= (uint8_t)(1u << number % 8);
	k->taken[k->n++] = number;
	return number;
}

void
keys_fini(struct keys *k)
{
	free(k->taken);
	k->taken = NULL;
}
