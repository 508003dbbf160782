/*
 * mdm.h - what a device may say: check-in, connect, and the enrollment
 * profile that begins it.
 */
#ifndef MDMFS_MDM_MDM_H
#define MDMFS_MDM_MDM_H

#include "engine/base/exchange.h"
#include "engine/model/enroll_form.h"
#include "engine/model/model.h"

struct mdm;

enum err_code mdm_open(struct engine *e, struct mdm **ret, struct err *err);
void mdm_close(struct mdm *m);

/*
 * PUT /mdm/{org}: check-in (the message has a MessageType) and connect (it has
 * a Status) on one address.  Never 401, devices would leave the management;
 * except for one that signed in with an account whose user has gone, and with
 * the challenge that makes it sign in again.
 */
void mdm_exchange(struct exchange *x, struct mdm *m);

/*
 * GET and POST /enroll/{org}: the enrollment profile, with a challenge of its
 * own.  An open door gives it at once; else a form asks for a user and
 * password or for an invitation, and its POST is answered with the profile, or
 * with the form again and a sentence.  Clients that take no HTML get the
 * sentence alone.
 */
void mdm_enroll(struct exchange *x, struct mdm *m, enroll_form_fn *draw);

/* GET /: the way to /enroll/{org}, by ?org=, ?mail= or the address. */
void mdm_find(struct exchange *x, struct mdm *m, enroll_form_fn *draw);

/* GET /.well-known/com.apple.remotemanagement: where devices of a mail domain
 * sign in (JSON). */
void mdm_well_known(struct exchange *x, struct mdm *m);

/*
 * POST /account/{org}?mode=byod|adde: a device that signs in with an account:
 * 401 with the address of /authenticate, then, with the bearer token that it
 * got there, the enrollment profile.
 */
void mdm_account(struct exchange *x, struct mdm *m);
/* GET and POST /account/{org}/authenticate: the page in the device's web view;
 * it ends with a redirection that hands the token over. */
void mdm_authenticate(struct exchange *x, struct mdm *m, enroll_form_fn *draw);

/* GET /trust.mobileconfig: the roots that this server's certificate needs. */
void mdm_trust(struct exchange *x, struct mdm *m);

#endif
