/*
 * upstream.h - one HTTP request to somebody else's server, by libcurl: it
 * speaks NTLM, which nothing else here does.
 */
#ifndef MDMFS_SCEP_UPSTREAM_H
#define MDMFS_SCEP_UPSTREAM_H

#include "engine/model/model.h"
#include "mdmfs/buf.h"

#define UPSTREAM_SECONDS 30 /* for all of it */
/* Of the whole server; together with NDES_WAITING fewer than it has request
 * threads (wire/server.h): a CA that hangs must not keep devices from
 * checking in. */
#define UPSTREAM_AT_ONCE  8 /* requests */
#define UPSTREAM_WAITING  2 /* that wait until one has ended */
#define UPSTREAM_BODY_MAX (1u << 20)

struct upstream {
	struct engine *engine; /* its system/trust counts beside the roots that
	                          the operating system has */
	const char *url;
	bool post;
	struct bytes body;
	const char *content_type; /* of body */
	const char *user;     /* NULL: nobody; else by NTLM, or by Basic if */
	const char *password; /* the address is an https one */
};

struct upstream_reply {
	long status;
	char type[128]; /* Content-Type; "": none */
	struct buf body;
};

/*
 * Ask and wait; redirects are not followed.  Any HTTP status is a success.
 * *ret is to be zeroed before, its body wiped by the caller.
 * ERR_REMOTE: it cannot be reached, or did not answer in time (*timed_out);
 * ERR_CHANGED: too many are being asked now; ERR_TOO_BIG.  The message never has a secret.
 */
enum err_code upstream_ask(const struct upstream *u, struct upstream_reply *ret,
    bool *timed_out, struct err *err);

#endif
