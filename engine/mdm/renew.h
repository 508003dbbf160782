/*
 * renew.h - identities of devices are renewed before they end.
 */
#ifndef MDMFS_MDM_RENEW_H
#define MDMFS_MDM_RENEW_H

#include "engine/model/model.h"

/*
 * Send those devices their enrollment profile again whose time has come
 * (model/renewals.h), some dozens at a time.  *next: when to call it again
 * (seconds), 0: when something has changed.  One device's failure is an event
 * and does not hinder the others.  Not inside a transaction.
 */
enum err_code renew_due(struct engine *e, int64_t *next, struct err *err);

#endif
