/*
 * ota.h - enrollment over the air (Apple, "Over-the-Air Profile Delivery and
 * Configuration"), so that nobody but the device can read its profile.
 *
 * 1. Who is let in gets a payload with an address and a challenge.
 * 2. The device posts who it is, with the challenge, under the certificate
 *    that Apple gave it (apple_device.h); it gets a profile with which it asks
 *    our CA for a certificate.
 * 3. It posts the same under that certificate, and gets the enrollment
 *    profile, encrypted for it.
 *
 * Every step may be repeated, as answers get lost; a challenge that was used
 * by one device is of no use to another.
 */
#ifndef MDMFS_MDM_OTA_H
#define MDMFS_MDM_OTA_H

#include "engine/mdm/mdm_priv.h"

/*
 * /ota/{org}: GET is step 1, with the page of /enroll/{org} where the door is
 * not open; POST of a form comes from there, any other is step 2 or 3.
 */
void mdm_ota(struct exchange *x, struct mdm *m, enroll_form_fn *draw);

/* Step 1, with what enroll_profile() is given: append the payload. */
enum err_code ota_begin(struct engine *e, const struct enroll_grant *g,
    struct buf *b, struct err *err);

/* Whether orgs/ORG/enrollment/encrypted is there. */
bool ota_wanted(struct txn *t, uint32_t org);

#endif
