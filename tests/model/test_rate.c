/* How often a stranger may ask. */
#include "engine/model/rate.h"

#include <stdio.h>

#include "tests/tap.h"

static struct rate *rate;

/* How many of n are let through. */
static int
ask(const char *peer, bool shared, int64_t now, int n)
{
	int yes = 0;

	while (n-- > 0)
		yes += rate_take(rate, peer, shared, now);
	return yes;
}

static void
fresh(void)
{
	rate_free(rate);
	rate = rate_new(&rate_profiles);
}

int
main(void)
{
	const int64_t now = 1790000000;
	char peer[64];
	int i, yes;

	fresh();
	ok(ask("192.0.2.1", false, now, 100) == RATE_BURST,
	    "an address may ask for a classroom at once");
	ok(ask("192.0.2.2", false, now, 1) == 1, "which is not another's");
	ok(ask("192.0.2.1", false, now + 5, 100) == 5 * RATE_SECOND,
	    "then now and then");
	ok(ask("192.0.2.1", false, now - 1000, 5) == 0,
	    "a clock that is set back gives nothing");
	ok(ask("192.0.2.1", false, now + 10000, 100) == RATE_BURST,
	    "after a while it has all again");
	fresh();
	ok(ask("2001:db8::1", false, now, 60) == RATE_BURST &&
		ask("2001:db8::ffff:2", false, now, 5) == 0,
	    "a network of IPv6 counts as one");
	ok(ask("2001:db8:0:1::1", false, now, 5) == 5, "the next does not");
	ok(ask("::ffff:192.0.2.9", false, now, 100) == RATE_BURST &&
		ask("192.0.2.9", false, now, 1) == 0,
	    "IPv4 in IPv6 is IPv4");
	fresh();
	ok(ask("127.0.0.1", false, now, 5000) == 5000 &&
		ask("::1", false, now, 5000) == 5000 &&
		ask("::ffff:127.0.0.2", false, now, 5000) == 5000,
	    "this machine may always ask");
	ok(ask("127.0.0.1", true, now, 1000) == RATE_ALL_BURST,
	    "unless it speaks for others");
	fresh();
	ok(ask("10.0.0.1", true, now, 1000) == RATE_ALL_BURST,
	    "a proxy that speaks for many is bound by the bucket for all");
	ok(ask("192.0.2.3", false, now, 1) == 0, "which is empty now");
	ok(ask("192.0.2.3", false, now + 1, 1) == 1, "and fills again");
	fresh();
	for (i = yes = 0; i < 100000; i++) {
		snprintf(peer, sizeof(peer), "2001:db8:%x:%x::1", i >> 16,
		    i & 0xffff);
		yes += rate_take(rate, peer, false, now + i / 10000);
	}
	ok(yes == RATE_ALL_BURST + 9 * RATE_ALL_SECOND,
	    "a hundred thousand addresses are bound by it, too");
	ok(ask("not an address", false, now + 100, 1) == 1,
	    "what is no address counts for all alone");
	rate_free(rate);
	rate_free(NULL);
	return tap_done();
}
