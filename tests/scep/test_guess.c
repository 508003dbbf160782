/* A challenge that an administrator has made up cannot be guessed at will. */
#include "tests/scep/talk.h"
#include "tests/tap.h"

#define RIGHT "autumn2026"

/* How many of n guesses are looked at. */
static int
guess(const struct client *c, int n, int64_t now)
{
	int looked = 0;

	while (n-- > 0) {
		struct answer a = enroll(c, "19", c->key, "spring2026", now);

		looked += status == 200;
		answer_free(&a);
	}
	return looked;
}

static bool
is_let_in(const struct client *c, int64_t now)
{
	struct answer a = enroll(c, "19", c->key, RIGHT, now);
	bool yes = status == 200 && a.cert != NULL;

	answer_free(&a);
	return yes;
}

int
main(void)
{
	struct client c = client_new(2048);
	int i, let_in = 0;

	world_open(&w);
	w.options.proxies[0] = "10.0.0.0/8";
	world_challenge(&w, RIGHT);
	for (i = 0; i < 80; i++)
		let_in += is_let_in(&c, WORLD_NOW);
	ok(let_in == 80, "who has the string may ask as often as he wants");
	ok(guess(&c, 70, WORLD_NOW) == 60 && status == 429,
	    "who guesses is not heard after 60 of them");
	ok(!is_let_in(&c, WORLD_NOW) && status == 429,
	    "also with the right one");
	w.peer = "192.0.2.8";
	ok(is_let_in(&c, WORLD_NOW), "another address does not wait for it");
	w.peer = NULL;
	ok(guess(&c, 20, WORLD_NOW + 10) == 10, "then one a second is heard");
	w.peer = "10.0.0.1";
	ok(guess(&c, 100, WORLD_NOW + 10) == 100, "a proxy speaks for many");
	client_free(&c);
	world_close(&w);
	return tap_done();
}
