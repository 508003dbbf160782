/*
 * mdm_priv.h - between the files of this room.
 */
#ifndef MDMFS_MDM_PRIV_H
#define MDMFS_MDM_PRIV_H

#include "engine/mdm/form.h"
#include "engine/mdm/login.h"
#include "engine/mdm/mdm.h"
#include "engine/model/admission.h"
#include "engine/model/enrollment.h"
#include "engine/model/rate.h"
#include "engine/pki/mdm_signature.h"

struct mdm {
	struct engine *engine;
	struct rate *rate; /* of those who ask for profiles */
	struct login *login;
	uint8_t form_key[FORM_KEY]; /* of this run: form.h */
};

/* Whether the numeric address is a trusted proxy's. */
bool door_is_proxy(const struct mdm *m, const char *address);
/* Whether x comes from one. */
bool door_from_proxy(const struct mdm *m, const struct exchange *x);

#define ORIGIN_MAX 46 /* INET6_ADDRSTRLEN */

/* The address for which a trusted proxy passes x on (X-Forwarded-For).  False:
 * it does not say. */
bool origin_forwarded(
    const struct mdm *m, const struct exchange *x, char ret[static ORIGIN_MAX]);

/* Whether who sent x may ask for a profile now: rate.h. */
bool origin_may_ask(const struct mdm *m, const struct exchange *x);

/*
 * Who speaks: the certificate from Mdm-Signature, TLS, or a trusted proxy's
 * Client-Cert (RFC 9440), and the ids in the message.  s->message is borrowed;
 * s->cert is there if the certificate is not known yet, and the caller's.
 * ERR_DENIED: no certificate; ERR_NOT_FOUND: no such organization.
 */
enum err_code door_speaker(struct mdm *m, const struct exchange *x,
    const struct pl *message, struct speaker *s, struct err *err);

/* Whether the first message of an imported device is one that may be answered
 * with anything but a refusal, whoever sent it. */
enum err_code checkin_may_bind(const struct pl *message, struct err *err);
enum err_code connect_may_bind(
    const struct exchange *x, const struct speaker *s, struct err *err);

/* Answer a check-in message. */
void checkin_answer(struct mdm *m, struct exchange *x, const struct speaker *s);

/* Answer a report. */
void connect_answer(struct mdm *m, struct exchange *x, const struct speaker *s);

/* What the gate is asked, and what the way of the enrollment adds. */
struct enroll_grant {
	const struct admission_ask *ask;
	enum admission_mode mode;
	const char *apple_id; /* with a mode */
	const uint8_t *token; /* 32 bytes, hash of the bearer token; NULL */
};

/*
 * Append the enrollment profile for who asks, with a challenge of its own, if
 * the gate (admission.h) lets it in: ERR_DENIED with a sentence for people.
 * Other failures are those of profile_inputs(), for the administrator.
 */
enum err_code enroll_profile(struct engine *e, const struct enroll_grant *g,
    struct buf *b, struct err *err);

/* The reply is a profile. */
void enroll_answer(struct exchange *x, const char *disposition);

/* Each profile costs a signature and a synced write, and anybody may ask.  True:
 * it has been answered. */
bool enroll_too_often(struct exchange *x, struct mdm *m);

/* How somebody came to the page of enroll_form.c. */
struct enroll_way {
	const char *door; /* for events: admission.h */
	const char *path; /* of the form: "/enroll/" */
	bool over_the_air;
	/* of a device that has told them already; NULL */
	const char *udid, *serial, *note;
	const char *session; /* of ADE's page; NULL */
};
/* Answer a GET of that page, or its form. */
void enroll_visit(struct exchange *x, struct mdm *m, enroll_form_fn *draw,
    const struct enroll_way *way);

/*
 * A device that signed in by an account (account.c): false, with the answer,
 * if its user has gone: it must sign in again.  Otherwise a token that came
 * along is bound to it.
 */
bool account_may_speak(
    struct mdm *m, struct exchange *x, const struct speaker *s);

/* Answer a refusal; never 401 (or 403, which some devices take for a
 * dismissal). */
void mdm_refuse(struct exchange *x, enum err_code rc, const struct err *err);

#endif
