/*
 * apns_answer_priv.h - what APNs' answer means: one table.
 */
#ifndef MDMFS_PUSH_APNS_ANSWER_PRIV_H
#define MDMFS_PUSH_APNS_ANSWER_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/push/apns.h"

/* As it comes in on a stream. */
struct apns_answer {
	int status;       /* 0: none yet */
	bool complete;    /* END_STREAM was seen */
	char apns_id[40]; /* printable ASCII */
	size_t len;
	uint8_t body[512]; /* the first bytes of it: JSON */
};

/* What has to happen to the connection that brought the answer. */
enum apns_then {
	THEN_KEEP,   /* nothing */
	THEN_RENEW,  /* no more pushes on it, the next ones on a new one */
	THEN_RETREAT /* close all connections of this certificate */
};

/* Fill r from a complete answer; now is in seconds since 1970 UTC and stands
 * in for a 410's missing timestamp. */
enum apns_then apns_answer_judge(
    const struct apns_answer *a, int64_t now, struct apns_result *r);

/* The same for the debug data of a GOAWAY; *r is filled when the reason is
 * one that stops the certificate (THEN_RETREAT), and always its reason. */
enum apns_then apns_goaway_judge(struct bytes debug, struct apns_result *r);

/* r: there was no answer. */
void apns_result_set(struct apns_result *r, enum apns_outcome outcome,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Read {"reason":"...","timestamp":...} as far as it is one.  reason gets
 * printable ASCII, "" if there is none; *timestamp (milliseconds) is 0 then.
 */
void apns_reply_read(
    struct bytes json, char reason[static 64], int64_t *timestamp);

#endif
