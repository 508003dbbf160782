#include "engine/wire/route.h"

#include <string.h>

/* The next segment of p, which stands behind a slash. */
static size_t
segment(const char *p)
{
	return strcspn(p, "/");
}

static bool
is_name(const char *pattern, size_t len)
{
	return len > 2 && pattern[0] == '{' && pattern[len - 1] == '}';
}

/*
 * Whether path fits pattern; what the names stood for is then in
 * params[0..*n).
 */
static bool
fits(const char *pattern, const char *path, struct bytes *params, size_t *n)
{
	*n = 0;
	while (*pattern == '/' && *path == '/') {
		size_t a = segment(++pattern), b = segment(++path);

		if (strcmp(pattern, "*") == 0) {
			params[(*n)++] = bytes_text(path);
			return true;
		}
		if (is_name(pattern, a)) {
			if (b == 0)
				return false;
			params[(*n)++] = bytes_of(path, b);
		} else if (a != b || memcmp(pattern, path, a) != 0) {
			return false;
		}
		pattern += a;
		path += b;
	}
	return *pattern == '\0' && *path == '\0';
}

static bool
method_fits(const char *of_route, const char *method)
{
	return strcmp(of_route, method) == 0 ||
	       (strcmp(of_route, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

const struct route *
route_find(const struct route *routes, size_t n, const char *method,
    const char *path, bool *path_known)
{
	struct bytes params[4];
	size_t i, n_params;

	*path_known = false;
	for (i = 0; i < n; i++) {
		if (!fits(routes[i].path, path, params, &n_params))
			continue;
		*path_known = true;
		if (method_fits(routes[i].method, method))
			return &routes[i];
	}
	return NULL;
}

size_t
route_rest(const struct route *route, const char *path)
{
	const char *star = strrchr(route->path, '/');
	struct bytes params[4];
	size_t n;

	if (strcmp(star, "/*") != 0 || !fits(route->path, path, params, &n))
		return SIZE_MAX;
	return (size_t)((const char *)params[n - 1].p - path);
}

static bool
listed_before(const struct route *routes, size_t i, const char *path)
{
	struct bytes params[4];
	size_t j, n_params;

	for (j = 0; j < i; j++)
		if (strcmp(routes[j].method, routes[i].method) == 0 &&
		    fits(routes[j].path, path, params, &n_params))
			return true;
	return false;
}

void
route_allow(
    const struct route *routes, size_t n, const char *path, struct buf *b)
{
	const char *comma = "";
	struct bytes params[4];
	size_t i, n_params;

	for (i = 0; i < n; i++) {
		if (!fits(routes[i].path, path, params, &n_params) ||
		    listed_before(routes, i, path))
			continue;
		buf_printf(b, "%s%s", comma, routes[i].method);
		if (strcmp(routes[i].method, "GET") == 0)
			buf_text(b, ", HEAD");
		comma = ", ";
	}
}

bool
route_params(const struct route *route, struct exchange *x)
{
	struct bytes params[4];
	size_t i, n;

	if (!fits(route->path, x->path, params, &n))
		return true;
	for (i = 0; i < n; i++) {
		x->params[i] = arena_text(x->arena, params[i]);
		if (x->params[i] == NULL)
			return false;
	}
	return true;
}
