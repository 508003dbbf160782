/*
 * probe.h - whether the push service takes an organization's certificate: the
 * outcome of a push to a token that cannot exist.
 */
#ifndef MDMFS_MODEL_PROBE_H
#define MDMFS_MODEL_PROBE_H

#include "engine/model/model.h"
#include "engine/model/record.h"

#define PROBE_EVERY INT64_C(86400) /* seconds, less up to a tenth at random */

/* Stored: never change or reuse one. */
enum probe_outcome {
	PROBE_NONE = 0,
	PROBE_ACCEPTED = 1,
	PROBE_REFUSED = 2,     /* the certificate: trying again is in vain */
	PROBE_UNREACHABLE = 3, /* no answer, or "later" */
};

struct probe {
	uint32_t org;
	uint64_t
	    identity_version; /* slot_facts.version that was tried; 0: none */
	uint64_t wish;        /* probe_wish() when it was tried */
	int64_t tried_at;     /* of the outcome, seconds; 0: none yet */
	enum probe_outcome outcome;
	int status;     /* HTTP's; 0: no answer */
	char text[160]; /* one line for people */
};

/* All zero but org if there is none. */
enum err_code probe_read(
    struct txn *t, uint32_t org, struct probe *ret, struct err *err);
enum err_code probe_store(
    struct txn *t, const struct probe *p, struct err *err);

/* A person wants every push certificate tried now.  probe_wish() is another
 * number behind each wish. */
enum err_code probe_ask(struct txn *t, struct err *err);
enum err_code probe_wish(struct txn *t, uint64_t *ret, struct err *err);

/* Another push certificate is in effect somewhere, or none.  probe_changes()
 * is another number behind each, so that whoever waits for one need not look
 * at all organizations. */
enum err_code probe_changed(struct txn *t, struct err *err);
enum err_code probe_changes(struct txn *t, uint64_t *ret, struct err *err);

#endif
