/*
 * head_priv.h - the head of an HTTP/1.1 request as bytes: where it ends, and
 * whether its lines are what RFC 9112 calls lines.  Stricter than http_parser,
 * which takes bare line feeds, folded lines and blanks in names.
 */
#ifndef MDMFS_WIRE_HEAD_PRIV_H
#define MDMFS_WIRE_HEAD_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"

#define HEAD_LINE_MAX   (16 * 1024) /* the request line, a header line */
#define HEAD_MAX        (64 * 1024) /* all header lines */
#define HEAD_FIELDS_MAX 128

/* Zeroed at the start of a request. */
struct head_scan {
	size_t start;   /* of the request line, behind empty lines */
	size_t line;    /* of the line that is being read */
	size_t looked;  /* where to look for its end */
	size_t headers; /* of the first header line; 0: not there yet */
};

#define HEAD_MORE 0
#define HEAD_DONE 1

/*
 * so_far: the bytes of the connection from the end of the last request on; it
 * may only grow from call to call.  HEAD_MORE, HEAD_DONE (then *end is its
 * length, with the empty line), or the status to refuse it with.
 */
int head_scan(struct head_scan *s, struct bytes so_far, size_t *end);

/* RFC 9110 5.6.2, 5.5: the name and the value of a header. */
bool head_name_ok(struct bytes name);
bool head_value_ok(struct bytes value);

/*
 * The request target: "/path?query" or "https://host/path?query" (RFC 9112
 * 3.2).  Appends the path, percent-decoded; *query and *host (len 0: none)
 * point into target.  *slash is where in the path the first %2F stood
 * (SIZE_MAX: none): it looks like the border of a segment, and is none.
 * False: to be refused with 400.  That are: raw control characters and what is
 * not ASCII, %00 and other controls, decoded text that is no UTF-8, and the
 * segments "." and "..".
 */
bool head_target(struct bytes target, struct buf *path, size_t *slash,
    struct bytes *query, struct bytes *host);

#endif
