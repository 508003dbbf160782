/*
 * ade.h - Automated Device Enrollment, the device's part: during its setup a
 * device says under Apple's signature who it is (MachineInfo), and gets the
 * enrollment profile.  The page of it that assigns devices to this server is
 * Apple's; status/orgs/ORG/anchor-certs.json is for it.
 */
#ifndef MDMFS_MDM_ADE_H
#define MDMFS_MDM_ADE_H

#include "engine/mdm/mdm_priv.h"

/* POST /ade/{org}: "url" of an ADE profile. */
void mdm_ade(struct exchange *x, struct mdm *m);

/*
 * GET /ade/{org}/web: "configuration_web_url"; the device says who it is in
 * the header x-apple-aspen-deviceinfo.  Where the gate does not let it in by
 * its serial number, its user signs in on the page of /enroll/{org}.
 */
void mdm_ade_web(struct exchange *x, struct mdm *m, enroll_form_fn *draw);

#endif
