/*
 * tap.h - the Test Anything Protocol for C: prove(1) runs these programs.
 */
#ifndef MDMFS_TESTS_TAP_H
#define MDMFS_TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failures;

/* A function, so that a condition with an effect is evaluated once. */
static inline bool
tap_ok(bool cond, const char *what, const char *file, int line)
{
	tap_count++;
	if (!cond) {
		tap_failures++;
		printf(
		    "not ok %d - %s\n# %s:%d\n", tap_count, what, file, line);
	} else {
		printf("ok %d - %s\n", tap_count, what);
	}
	fflush(stdout);
	return cond;
}

#define ok(cond, what) tap_ok((cond), (what), __FILE__, __LINE__)

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures == 0 ? 0 : 1;
}

#endif
