/*
 * notices.h - events before the end of certificates, and daily after it.
 *
 * Each certificate in effect of each organization and of the system is spoken
 * of once at each threshold of system/notice-days, and once a day when it has
 * ended.  The event's words are stable, for webhooks and scripts:
 *
 *     certificate-ends org=acme role=push days-left=30 ends=TIME serial=HEX: ...
 *     certificate-ended org=acme role=push days-left=-3 ends=TIME serial=HEX: ...
 *
 * role is push, signing, tls, tls-root (of the server's own certificate),
 * device-ca or vendor; org is - for the system, and "quoted" if it has a
 * space; behind role stands name=... for system/tls/NAME.  Behind the colon
 * stands what to do, for people.  The end is the first one in the chain.
 */
#ifndef MDMFS_MODEL_NOTICES_H
#define MDMFS_MODEL_NOTICES_H

#include "engine/model/model.h"

/* What notices_run() has seen, so that it costs next to nothing while nothing
 * changes.  Zeroed: nothing yet. */
struct notices_watch {
	uint64_t version;  /* of the last change to a file or identity */
	int64_t looked_at; /* seconds */
	int64_t look_at;   /* at the latest */
};

/*
 * Say what is due: the most urgent threshold alone if several have passed.
 * *next is when to call it again at the latest (seconds since 1970 UTC), an
 * hour from now at most; a failure sets it, too.  Not inside a transaction; one thread at a time.
 */
enum err_code notices_run(struct engine *e, struct notices_watch *watch,
    int64_t *next, struct err *err);

#endif
