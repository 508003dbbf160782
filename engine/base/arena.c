#include "engine/base/arena.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK (16 * 1024 - 64)

struct block {
	struct block *next;
	size_t used;
	size_t size;
	max_align_t data[];
};

struct arena {
	struct block *head; /* the newest; the oldest stays over a reset */
};

struct arena *
arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

static struct block *
block_add(struct arena *a, size_t size)
{
	struct block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->next = a->head;
	b->used = 0;
	b->size = size;
	a->head = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->head;
	size_t need;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	need = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) *
	       sizeof(max_align_t);
	if (b == NULL || b->size - b->used < need) {
		b = block_add(a, need > BLOCK ? need : BLOCK);
		if (b == NULL)
			return NULL;
	}
	p = (char *)b->data + b->used;
	b->used += need;
	memset(p, 0, size);
	return p;
}

char *
arena_text(struct arena *a, struct bytes b)
{
	char *p = arena_alloc(a, b.len + 1);

	if (p != NULL && b.len > 0)
		memcpy(p, b.p, b.len);
	return p;
}

void
arena_reset(struct arena *a)
{
	struct block *b;

	while ((b = a->head) != NULL && b->next != NULL) {
		a->head = b->next;
		free(b);
	}
	if (b != NULL && b->size > BLOCK) {
		free(b);
		a->head = NULL;
	} else if (b != NULL) {
		b->used = 0;
	}
}

void
arena_free(struct arena *a)
{
	struct block *b;

	if (a == NULL)
		return;
	while ((b = a->head) != NULL) {
		a->head = b->next;
		free(b);
	}
	free(a);
}
