/* The profile over HTTPS: to whom it is given, and how often. */
#include "tests/mdm/doors.h"

#define PROXY "10.1.2.3"

static int
get(door_fn *door, const char *org)
{
	return ask(
	    door, &(struct request){
		      .method = "GET", .org = org, .peer = "192.0.2.1" });
}

static void
trust_door(struct exchange *x, struct mdm *m, enroll_form_fn *draw)
{
	(void)draw;
	mdm_trust(x, m);
}

static void
test_profile(void)
{
	uint64_t dir;

	ok(get(mdm_enroll, "acme") == 403 && answers("not open to everybody"),
	    "no profile for everybody unless enrollment/open says so");
	ok(get(mdm_enroll, "nowhere") == 404, "nor for an organization "
					      "that is not there");
	dir = put(org_dir("acme"), "enrollment", PLACE_ENROLLMENT, "").ino;
	put(dir, "open", PLACE_ENROLLMENT_OPEN, "");
	ok(get(mdm_enroll, "acme") == 403 && answers("no push certificate"),
	    "nor without a push certificate");
}

static void
test_rate(void)
{
	int i, refused = 0;

	ok(get(trust_door, NULL) == 200 && answers("com.apple.security.root"),
	    "the roots are given to everybody");
	for (i = 0; i < 100; i++)
		refused += get(mdm_enroll, "acme") == 429;
	ok(refused >= 40 && answers("try again in 10 seconds"),
	    "who asks for profiles too often is told to wait");
	ok(strstr(headers, "retry-after: 10\n") != NULL, "also in Retry-After");
	ok(get(trust_door, NULL) == 429, "this goes for the roots as well");
	pass(INT64_C(60000));
	ok(get(mdm_enroll, "acme") == 403, "a minute later it is answered");
}

/* How many of n profiles are asked for too often. */
static int
refused_of(int n, const char *peer, const char *one, const char *two)
{
	struct request r = { .method = "GET", .peer = peer };
	int refused = 0;

	if (one != NULL) {
		r.header[0] = "x-forwarded-for";
		r.header[1] = one;
	}
	if (two != NULL) {
		r.header[2] = "x-forwarded-for";
		r.header[3] = two;
	}
	while (n-- > 0)
		refused += ask(mdm_enroll, &r) == 429;
	return refused;
}

static void
test_forwarded_rate(void)
{
	const char *far = "192.0.2.50";

	pass(INT64_C(600000));
	ok(refused_of(70, PROXY, far, NULL) == 10,
	    "behind a proxy each address has a limit of its own");
	ok(refused_of(1, PROXY, "203.0.113.9, 192.0.2.50", NULL) == 1,
	    "what the client itself has written in front of it does not count");
	ok(refused_of(1, PROXY, "203.0.113.9", "192.0.2.50") == 1,
	    "nor in a header of its own");
	ok(refused_of(1, PROXY, "192.0.2.50, 10.9.9.9", NULL) == 1,
	    "a second proxy on the way is passed over");
	ok(refused_of(1, PROXY, "192.0.2.50:4711", NULL) == 1,
	    "a port makes no other address");
	ok(refused_of(5, PROXY, "192.0.2.51", NULL) == 0, "nobody else waits");
	ok(refused_of(70, PROXY, "[2001:db8::1]:443", NULL) == 10 &&
		refused_of(1, PROXY, "2001:db8::2", NULL) == 1,
	    "a network of IPv6 counts as one here, too");
	ok(refused_of(1, "127.0.0.1", far, NULL) == 0 &&
		refused_of(1, far, "192.0.2.52", NULL) == 1,
	    "nobody but a trusted proxy is believed");
	pass(INT64_C(600000));
	ok(refused_of(700, "127.0.0.1", NULL, NULL) == 0,
	    "this machine may always ask");
	ok(refused_of(700, "127.0.0.1", far, NULL) == 100,
	    "what speaks here for others shares the limit for all");
	pass(INT64_C(600000));
	ok(refused_of(700, PROXY, "127.0.0.1", NULL) == 100,
	    "so does who says that he is this machine");
	pass(INT64_C(600000));
	ok(refused_of(700, PROXY, NULL, NULL) == 100 &&
		refused_of(1, PROXY, "rubbish", NULL) == 1,
	    "and a proxy that does not say for whom");
}

int
main(void)
{
	const struct engine_options options = { .proxies = { "10.0.0.0/8" } };

	doors_begin(&options);
	test_profile();
	test_rate();
	test_forwarded_rate();
	return doors_done();
}
