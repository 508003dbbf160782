/*
 * analyzer.h - what clang's analyzer cannot see across files: err_set() and its
 * kin never return ERR_OK.  `make tidy` includes it in front of every file.
 */
#ifndef MDMFS_LINT_ANALYZER_H
#define MDMFS_LINT_ANALYZER_H

#include "mdmfs/err.h"

static inline enum err_code
lint_failed(enum err_code got, enum err_code code)
{
	(void)got;
	if (code == ERR_OK)
		__builtin_unreachable();
	return code;
}

static inline enum err_code
lint_failure(enum err_code got)
{
	return lint_failed(got, got);
}

#define err_set(err, code, ...)                                                \
	lint_failed((err_set)((err), (code), __VA_ARGS__), (code))
#define err_add(err, code, ...)                                                \
	lint_failed((err_add)((err), (code), __VA_ARGS__), (code))
#define err_context(err, ...) lint_failure((err_context)((err), __VA_ARGS__))

#endif
