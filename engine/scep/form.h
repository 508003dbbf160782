/*
 * form.h - what a certificate of the built-in CA says.
 */
#ifndef MDMFS_SCEP_FORM_H
#define MDMFS_SCEP_FORM_H

#include "engine/scep/grant.h"

/*
 * Make the certificate (about a millisecond; outside of transactions).  Of a
 * device that is known, subject and names come from the organization's
 * templates, if it has any; else from the request, and of a renewal from the
 * certificate that is renewed.  *ret is the caller's.
 */
enum err_code form_issue(const struct enroll *e, const struct grant *g,
    struct cert **ret, struct err *err);

#endif
