/*
 * mdm_priv.h - between the files of this room.
 */
#ifndef MDMFS_MDM_PRIV_H
#define MDMFS_MDM_PRIV_H

#include "engine/mdm/mdm.h"
#include "engine/model/enrollment.h"
#include "engine/pki/mdm_signature.h"

struct mdm {
	struct engine *engine;
	struct signature_cache *signatures;
	struct rate *rate; /* of those who ask for profiles */
};

/* Whether x comes from a trusted proxy. */
bool door_from_proxy(const struct mdm *m, const struct exchange *x);

/*
 * Who speaks: the certificate from Mdm-Signature, TLS, or a trusted proxy's
 * Client-Cert (RFC 9440), and the ids in the message.  s->message is borrowed,
 * s->cert is the caller's.
 * ERR_DENIED: no certificate; ERR_NOT_FOUND: no such organization.
 */
enum err_code door_speaker(struct mdm *m, const struct exchange *x,
    const struct pl *message, struct speaker *s, struct err *err);

/* Answer a check-in message. */
void checkin_answer(struct mdm *m, struct exchange *x, const struct speaker *s);

/* Answer a report. */
void connect_answer(struct mdm *m, struct exchange *x, const struct speaker *s);

/* Answer a refusal; never 401 (or 403, which some devices take for a
 * dismissal). */
void mdm_refuse(struct exchange *x, enum err_code rc, const struct err *err);

#endif
