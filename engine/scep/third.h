/*
 * third.h - another CA in place of the built-in one (orgs/ORG/scep/url): asking
 * it, and passing on to it what devices say (scep/proxy).
 *
 * What is passed on is encrypted for that CA, so it goes through unchanged;
 * only who has an enrollment profile of the organization gets through: its
 * random name (third_party.h) stands in the address.
 */
#ifndef MDMFS_SCEP_THIRD_H
#define MDMFS_SCEP_THIRD_H

#include "engine/base/exchange.h"
#include "engine/model/third_party.h"
#include "engine/scep/tell.h"

struct third;

/* e and teller outlive it; *ret is the caller's. */
enum err_code third_new(struct engine *e, struct teller *teller,
    struct third **ret, struct err *err);
void third_free(struct third *t);

/* For engine->scep; lives as long as t. */
const struct scep_source *third_source(struct third *t);

/* Answer, if the organization in x->params[0] has another CA.  False: it has
 * not, or there is no such organization. */
bool third_serve(struct exchange *x, struct third *t);

/* What a CA said to a request, out of the signed attributes of its CertRep;
 * append "issued", "pending", "refused: badRequest (...)".  The signature is
 * not verified: for events alone.  False: it is no CertRep. */
bool third_outcome(struct bytes reply, struct buf *ret, bool *issued);

#endif
