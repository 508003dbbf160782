#include "engine/base/arena.h"

#include <stdint.h>

#include "tests/tap.h"

/* Whether p is aligned for anything and zero. */
static bool
fresh(const unsigned char *p, size_t len)
{
	size_t i;

	if (p == NULL || (uintptr_t)p % _Alignof(max_align_t) != 0)
		return false;
	for (i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

int
main(void)
{
	struct arena *a = arena_new();
	bool good = true;
	void *p;
	int i;

	ok(fresh(arena_alloc(a, 1), 1) && fresh(arena_alloc(a, 3), 3),
	    "memory is aligned and zero");
	ok(fresh(arena_alloc(a, 1000000), 1000000), "also much of it");
	ok(strcmp(arena_text(a, bytes_text("abc")), "abc") == 0 &&
		strcmp(arena_text(a, BYTES_NONE), "") == 0,
	    "texts end with NUL");
	ok(arena_alloc(a, SIZE_MAX) == NULL, "too much is NULL");
	for (i = 0; i < 1000; i++) {
		p = arena_alloc(a, 100);
		good = good && fresh(p, 100);
		memset(p, 0xff, 100);
	}
	arena_reset(a);
	for (i = 0; i < 1000; i++) {
		p = arena_alloc(a, 100);
		good = good && fresh(p, 100);
		memset(p, 0xff, 100);
	}
	ok(good, "zero again after a reset");
	arena_reset(a);
	arena_reset(a);
	arena_free(a);
	arena_free(NULL);
	return tap_done();
}
