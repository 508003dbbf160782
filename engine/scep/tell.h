/*
 * tell.h - events that strangers can cause.
 *
 * Each costs a commit, and pushes older events out.  So of one organization
 * (those with one place share it) only so many a minute are told; the next
 * one says how many were not.
 */
#ifndef MDMFS_SCEP_TELL_H
#define MDMFS_SCEP_TELL_H

#include "engine/model/model.h"

struct teller;

/* NULL: out of memory. */
struct teller *teller_new(struct engine *e);
void teller_free(struct teller *t);

/* An event of that organization: the first line of text.  Any thread, outside
 * of transactions.  Failures are logged. */
void teller_say(struct teller *t, uint32_t org, int64_t now, const char *text);

#endif
