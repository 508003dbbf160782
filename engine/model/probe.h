/*
 * probe.h - whether the push service takes an organization's certificate: the
 * outcome of a push to a token that cannot exist.
 */
#ifndef MDMFS_MODEL_PROBE_H
#define MDMFS_MODEL_PROBE_H

#include "engine/model/model.h"
#include "engine/model/record.h"

struct probe {
	uint32_t org;
	uint64_t
	    identity_version; /* slot_facts.version that was tried; 0: none */
	int64_t asked_at;     /* seconds; the last wish for one, 0: none */
	int64_t tried_at;     /* of the outcome; 0: none yet */
	bool accepted;
	int status;     /* HTTP's; 0: no answer */
	char text[160]; /* one line for people */
};

/* All zero if there is none. */
enum err_code probe_read(
    struct txn *t, uint32_t org, struct probe *ret, struct err *err);
enum err_code probe_store(
    struct txn *t, const struct probe *p, struct err *err);

#endif
