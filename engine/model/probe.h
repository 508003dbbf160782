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

/* The last wish of a person for probes (seconds; 0: none yet), whose
 * certificates are all to be tried that were not since. */
enum err_code probe_asked(struct txn *t, int64_t *ret, struct err *err);
enum err_code probe_ask(struct txn *t, int64_t now, struct err *err);

#endif
