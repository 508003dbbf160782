/*
 * enroll.h - who gets a certificate, and which one.
 */
#ifndef MDMFS_SCEP_ENROLL_H
#define MDMFS_SCEP_ENROLL_H

#include "engine/model/model.h"
#include "engine/pki/csr.h"
#include "engine/scep/message.h"

struct enroll {
	struct engine *engine;
	uint32_t org;
	const struct identity *ca;
	const struct message *message; /* verified */
	const struct csr *request;     /* NULL: not decrypted */
	const char *peer; /* address of the client, for the event */
	int64_t now;      /* seconds since 1970 UTC */
};

/*
 * Check and issue; the certificate, the use of the challenge and an event are
 * durable afterwards.  The same key with the same challenge gets the same
 * certificate again within a day: its answer may have been lost.  *ret is the
 * caller's.  Any failure whose err_http() is below 500 is a refusal, with the
 * reason for the client.
 */
enum err_code enroll_issue(
    const struct enroll *e, struct cert **ret, struct err *err);

/* Append for whom, which transaction and from where, as part of an event:
 * `for "CN=x"; transaction 1F, from 192.0.2.1`. */
void enroll_describe(const struct enroll *e, struct buf *b);

#endif
