/*
 * route.h - which handler answers which path.
 *
 * The table is the caller's (engine/routes.c); it is constant and outlives the
 * server.
 */
#ifndef MDMFS_WIRE_ROUTE_H
#define MDMFS_WIRE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/exchange.h"

/*
 * path is a pattern of whole segments: text stands for itself, "{name}" for
 * any one segment that is not empty, and a last segment that is a star alone
 * for the rest of the path, of any number of segments or empty, but with its
 * slash.  "{name}" and the star occur 4 times at most.  The first row that
 * fits wins.
 */
struct route {
	const char *method; /* a row for GET answers HEAD as well */
	const char *path;   /* "/mdm/{org}" */
	size_t body_limit;  /* bytes; 0: takes no body; more is a 413 */
	/* Runs in a request thread and may block; ctx is the server's.  It
	 * leaves x->status at 0 only to say 500. */
	void (*handler)(struct exchange *x, void *ctx);
};

/*
 * The row for method and path (decoded, as in x->path).  NULL: there is none,
 * and *path_known says whether another method would have fitted (405, not
 * 404).
 */
const struct route *route_find(const struct route *routes, size_t n,
    const char *method, const char *path, bool *path_known);

/* Where in path, which fits route, the rest begins that its star stands for;
 * SIZE_MAX: it has no star. */
size_t route_rest(const struct route *route, const char *path);

/* Append the methods that path takes, for Allow: "GET, HEAD, PUT". */
void route_allow(
    const struct route *routes, size_t n, const char *path, struct buf *b);

/*
 * Fill x->params from x->path, which fits route: the segments that its {names}
 * stood for, in their order, then what the star stood for; in x->arena.  False when
 * out of memory.
 */
bool route_params(const struct route *route, struct exchange *x);

#endif
