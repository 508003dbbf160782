/*
 * standing.h - whether one certificate of an organization's CA is still good,
 * for other services that trust the CA (OCSP, RFC 6960).
 */
#ifndef MDMFS_SCEP_STANDING_H
#define MDMFS_SCEP_STANDING_H

#include "engine/base/exchange.h"
#include "engine/model/model.h"
#include "engine/scep/authority.h"

#define STANDING_GOOD INT64_C(3600) /* seconds that an answer says it is good */

/* Answer POST /ocsp/{org}, or GET /ocsp/{org}/BASE64 with the request
 * in base64 (RFC 6960 A.1). */
void standing_serve(
    struct exchange *x, struct engine *e, const struct authority *a);

/* Tell whoever asks too often to wait (tryLater). */
void standing_too_often(struct exchange *x);

#endif
