#include "engine/store/key.h"

#include <stdlib.h>

#include "tests/tap.h"

static int
order(const struct key *a, const struct key *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int c = memcmp(a->p, b->p, n);

	return c != 0 ? c : (int)a->len - (int)b->len;
}

static struct key
make(uint64_t a, uint32_t b, const char *text)
{
	struct key k = key_new('t');

	key_u64(&k, a);
	key_u32(&k, b);
	key_bytes(&k, bytes_text(text));
	return k;
}

static void
test_order(void)
{
	static const uint64_t longs[] = { 0, 1, 255, 256, 65535, 1ull << 32,
		1ull << 63, UINT64_MAX };
	static const uint32_t words[] = { 0, 1, 255, 256, 1u << 31,
		UINT32_MAX };
	static const char *const texts[] = { "", "a", "aa", "b", "\xc3\xa4" };
	struct key before = key_new('t'), k;
	bool rises = true, reads = true;
	size_t i, j, n;

	for (i = 0; i < sizeof(longs) / sizeof(longs[0]); i++)
		for (j = 0; j < sizeof(words) / sizeof(words[0]); j++)
			for (n = 0; n < 5; n++) {
				k = make(longs[i], words[j], texts[n]);
				rises = rises && order(&before, &k) < 0;
				reads =
				    reads &&
				    key_get_u64(key_view(&k), 1) == longs[i] &&
				    key_get_u32(key_view(&k), 9) == words[j];
				before = k;
			}
	ok(rises, "keys sort as their fields do");
	ok(reads, "and the numbers can be read from them");
}

int
main(void)
{
	struct key k = key_new('k');
	uint8_t text[STORE_KEY_MAX - 2];

	ok(k.len == 1 && k.p[0] == 'k', "a key begins with its kind");
	key_u8(&k, 0xff);
	ok(k.len == 2 && k.p[1] == 0xff, "a small number is one byte");
	key_bytes(&k, BYTES_NONE);
	ok(k.len == 2, "no bytes add nothing");
	memset(text, 'x', sizeof(text));
	key_bytes(&k, bytes_of(text, sizeof(text)));
	ok(k.len == STORE_KEY_MAX && key_view(&k).len == STORE_KEY_MAX &&
		key_view(&k).p == k.p,
	    "a key may be full");
	test_order();
	return tap_done();
}
