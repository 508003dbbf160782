/*
 * err.h - why a call failed.
 *
 * A function that can fail returns enum err_code and takes a struct err as
 * its last argument.  The reason is set where the failure is found, gets
 * context on the way up, and is logged once, where it stops travelling.
 */
#ifndef MDMFS_ERR_H
#define MDMFS_ERR_H

/* gcc 12 takes [[nodiscard]] on an enum in gnu17; only -Wpedantic minds. */
#if defined(__clang__)
#define ERR_MUST_READ __attribute__((warn_unused_result))
#elif defined(__GNUC__)
#define ERR_MUST_READ [[nodiscard]]
#else
#define ERR_MUST_READ
#endif

enum ERR_MUST_READ err_code {
	ERR_OK = 0,
#define ERR(name, sys, http, text) ERR_##name,
#include "mdmfs/err.tbl"
};

/*
 * The findings, for a person: one line each, cause and remedy in the line.
 * The first line alone goes to events and the log.  UTF-8; never a secret.
 * A zeroed struct err holds no failure.
 */
struct err {
	enum err_code code;
	char msg[4096];
};

/*
 * Set err and return code, so that a failure is one return statement.  A
 * message that is too long is cut at a character.  err may be NULL.
 */
enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "fmt: " in front of the message; returns err->code. */
enum err_code err_context(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One more finding, on a line of its own; the code of the first one stays. */
enum err_code err_add(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The errno (positive) that the file system answers; 0 for ERR_OK. */
int err_errno(enum err_code code);

/* The HTTP status that the server answers; 200 for ERR_OK. */
int err_http(enum err_code code);

/* A few words for the kind of failure; static. */
const char *err_text(enum err_code code);

/* The code's name as in err.tbl, "OK" for ERR_OK; static. */
const char *err_name(enum err_code code);

#endif
