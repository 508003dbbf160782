/*
 * scep.h - the SCEP responder (RFC 8894): devices get their identities here.
 *
 * A certificate is issued for a challenge that nobody has used yet, or for a
 * message that was signed with a certificate issued here (renewal).
 */
#ifndef MDMFS_SCEP_SCEP_H
#define MDMFS_SCEP_SCEP_H

#include "engine/base/exchange.h"
#include "mdmfs/err.h"

struct engine;
struct scep;

/* Bytes of a message; the limit of the route's body, too. */
#define SCEP_MESSAGE_MAX (256u << 10)

/* e outlives it.  *ret is the caller's, until scep_close(). */
enum err_code scep_open(struct engine *e, struct scep **ret, struct err *err);
/* Takes NULL. */
void scep_close(struct scep *s);

/*
 * Answer GET or POST of /scep/{org} and of anything below it (clients append
 * "/pkiclient.exe"); ctx is the struct scep, x->params[0] the organization's
 * name.  May be called from several threads at once.
 *
 * What a client did wrong is a signed CertRep with the reason in plain words
 * (failInfoText), HTTP 200, and an event; 400 is a message that cannot even
 * be answered, 404 an organization that is not there.
 */
void scep_serve(struct exchange *x, void *ctx);

/* GET /crl/{org}: what the organization's own CA has issued and is not good
 * any more, for other services (RFC 5280 5); at most a minute old. */
void scep_crl(struct exchange *x, struct scep *s);

/* POST /ocsp/{org} and GET /ocsp/{org}/BASE64: whether one of them is good. */
void scep_ocsp(struct exchange *x, struct scep *s);

#endif
