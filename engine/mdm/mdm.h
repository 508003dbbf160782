/*
 * mdm.h - what a device may say: check-in, connect, and the enrollment
 * profile that begins it.
 */
#ifndef MDMFS_MDM_MDM_H
#define MDMFS_MDM_MDM_H

#include "engine/base/exchange.h"
#include "engine/model/model.h"

struct mdm;

enum err_code mdm_open(struct engine *e, struct mdm **ret, struct err *err);
void mdm_close(struct mdm *m);

/*
 * PUT /mdm/{org}: check-in (the message has a MessageType) and connect (it has
 * a Status) on one address.  Never 401: devices would leave the management.
 */
void mdm_exchange(struct exchange *x, struct mdm *m);

/* GET /enroll/{org}: an enrollment profile with a challenge of its own, if
 * orgs/ORG/enrollment/open exists. */
void mdm_enroll(struct exchange *x, struct mdm *m);

/* GET /trust.mobileconfig: the roots that this server's certificate needs. */
void mdm_trust(struct exchange *x, struct mdm *m);

#endif
