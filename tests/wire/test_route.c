#include "engine/wire/route.h"

#include <string.h>

#include "tests/tap.h"

static void
handler(struct exchange *x, void *ctx)
{
	(void)x;
	(void)ctx;
}

/* clang-format off */
static const struct route routes[] = {
	{ "GET",  "/",               0,   handler },
	{ "GET",  "/enroll/{org}",   0,   handler },
	{ "PUT",  "/mdm/{org}",      100, handler },
	{ "POST", "/mdm/{org}",      100, handler },
	{ "GET",  "/scep/{org}/*",   0,   handler },
	{ "GET",  "/scep/{org}",     0,   handler },
	{ "PUT",  "/{a}/{b}/x/{c}",  0,   handler },
};
/* clang-format on */

static bool known;

/* The number of the row; -1: none. */
static int
find(const char *method, const char *path)
{
	const struct route *r = route_find(
	    routes, sizeof(routes) / sizeof(routes[0]), method, path, &known);

	return r == NULL ? -1 : (int)(r - routes);
}

static bool
params(const char *method, const char *path, const char *one, const char *two)
{
	struct exchange x = { .path = path, .arena = arena_new() };
	int i = find(method, path);
	bool same =
	    i >= 0 && route_params(&routes[i], &x) &&
	    strcmp(x.params[0], one) == 0 &&
	    (two == NULL ? x.params[1] == NULL : strcmp(x.params[1], two) == 0);

	arena_free(x.arena);
	return same;
}

int
main(void)
{
	struct buf b = { 0 };

	ok(find("GET", "/") == 0, "the root");
	ok(find("PUT", "/mdm/acme") == 2 && find("POST", "/mdm/acme") == 3,
	    "the method chooses among rows of one path");
	ok(find("HEAD", "/enroll/acme") == 1, "HEAD is answered as GET");
	ok(find("DELETE", "/mdm/acme") == -1 && known,
	    "another method of a known path is known");
	ok(find("GET", "/nowhere") == -1 && !known, "an unknown path is not");
	ok(find("PUT", "/mdm/") == -1 && find("PUT", "/mdm") == -1,
	    "a name is not empty");
	ok(find("PUT", "/mdm/acme/") == -1 && find("PUT", "/mdm/acme/x") == -1,
	    "nothing may follow");
	ok(find("PUT", "//mdm/acme") == -1, "slashes are not merged");
	ok(find("PUT", "/mdmx/acme") == -1, "a segment is whole");
	ok(find("GET", "/scep/acme/") == 4 && find("GET", "/scep/acme") == 5 &&
		find("GET", "/scep/acme/a/b") == 4,
	    "a star takes what follows its slash");
	ok(params("PUT", "/mdm/acme", "acme", NULL), "the name's segment");
	ok(params("GET", "/scep/acme/pkiclient.exe", "acme", "pkiclient.exe") &&
		params("GET", "/scep/acme/a/b", "acme", "a/b") &&
		params("GET", "/scep/acme/", "acme", ""),
	    "and the star's rest");
	ok(params("PUT", "/1/2/x/3", "1", "2"), "several names");
	ok(route_rest(&routes[4], "/scep/acme/a/b") == 11 &&
		route_rest(&routes[4], "/scep/acme/") == 11 &&
		route_rest(&routes[5], "/scep/acme") == SIZE_MAX,
	    "it is told where the rest begins");
	route_allow(routes, 7, "/mdm/acme", &b);
	ok(strcmp(buf_str(&b), "PUT, POST") == 0, "what is allowed");
	buf_reset(&b);
	route_allow(routes, 7, "/enroll/acme", &b);
	ok(strcmp(buf_str(&b), "GET, HEAD") == 0, "GET allows HEAD");
	buf_free(&b);
	return tap_done();
}
