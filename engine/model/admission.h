/*
 * admission.h - who may enroll: the one gate that every way in asks.
 *
 * /enroll, /ota, /account and ADE ask admission_check() in a view whether, and
 * admission_take() in the update that stores the challenge of the profile.
 * What let a device in (struct admission) travels with that challenge and the
 * certificate that it gets, and is looked at again at Authenticate.
 */
#ifndef MDMFS_MODEL_ADMISSION_H
#define MDMFS_MODEL_ADMISSION_H

#include "engine/model/model.h"
#include "engine/model/node.h"

struct change;
struct device;

/* Stored: never change or reuse one. */
enum admission_way {
	ADMISSION_NONE = 0,       /* before there was a gate; imported */
	ADMISSION_OPEN = 1,       /* enrollment/open */
	ADMISSION_USER = 2,       /* a password of users/USER */
	ADMISSION_INVITATION = 3, /* enrollment/invitations/NAME */
	ADMISSION_SERIAL = 4,     /* enrollment/serials */
	ADMISSION_FILE = 5,       /* the administrator handed the profile out */
	ADMISSION_WAYS
};

/* How the profile says that a user signed in on the device (EnrollmentMode). */
enum admission_mode {
	ADMISSION_MODE_NONE = 0,
	ADMISSION_MODE_BYOD = 1,
	ADMISSION_MODE_ADDE = 2,
};

#define ADMISSION_NAME_MAX   255
#define ADMISSION_SERIAL_MAX 64

/* What let a device in. */
struct admission {
	enum admission_way way;
	enum admission_mode mode;
	uint64_t invitation;                   /* its file's ino; 0: none */
	char user[ADMISSION_NAME_MAX + 1];     /* whose device; "" nobody's */
	char name[ADMISSION_NAME_MAX + 1];     /* of the invitation; "" */
	char serial[ADMISSION_SERIAL_MAX + 1]; /* for this one alone; "" any */
	char apple_id[ADMISSION_NAME_MAX + 1]; /* AssignedManagedAppleID; "" */
	uint8_t token[32]; /* SHA-256 of the bearer token; all zero: none */
};

/* Who asks. */
struct admission_ask {
	uint32_t org;
	const char *door;       /* "enroll", "ota", "ade", "account": events */
	const char *from;       /* the address of the client */
	const char *user;       /* who proved a password (login); NULL */
	const char *invitation; /* a code, as it came; NULL */
	const char *serial;     /* told under the device's signature; NULL */
	const char *udid;       /* the same; NULL */
	const char *note;       /* what else the event says; NULL */
	int64_t now;
};

/*
 * Whether, and by what: a user who proved a password, an invitation, a serial
 * number on the list, an open door, in this order.  *ret is untouched on
 * failure.  ERR_DENIED with a sentence for the person who holds the device;
 * it tells nothing about who is or is not known here.
 */
enum err_code admission_check(struct txn *t, const struct admission_ask *a,
    struct admission *ret, struct err *err);

/*
 * The same, and it counts: an invitation is used (a second taker of the last
 * use is refused, whoever was told yes before), and an event says who came in
 * by what.  In the update that stores the challenge.
 */
enum err_code admission_take(struct txn *t, const struct engine *e,
    const struct admission_ask *a, struct admission *ret, struct err *err);

/* The event of a refusal; why: err->msg of the failure.  Not in a transaction;
 * for what a rate limit bounds. */
void admission_refused(
    struct engine *e, const struct admission_ask *a, const char *why);

/*
 * At Authenticate, when the device tells its serial number ("" if it does
 * not): an invitation for another device, and one that came in without user
 * and invitation but is not on the list of serial numbers, if there is one.
 * ERR_NOT_HERE.
 */
enum err_code admission_enrolls(struct txn *t, uint32_t org,
    const struct admission *a, const char *serial, struct err *err);
/* What follows when it has: the invitation's page names the device, its token
 * is bound to it. */
enum err_code admission_bind(struct txn *t, const struct device *d,
    const struct admission *a, int64_t now, struct err *err);
/* Forget the token of a device that goes. */
enum err_code admission_unbind(
    struct txn *t, uint32_t org, const struct admission *a, struct err *err);

/* Whether orgs/ORG/enrollment/serials lists it; *listed: whether there is such
 * a file.  Case does not matter. */
bool admission_serial(
    struct txn *t, uint32_t org, const char *serial, bool *listed);

/* Whether enrollment/open is there. */
bool admission_is_open(struct txn *t, uint32_t org);

/* "user alice", "invitation NAME", "open enrollment": for events. */
void admission_describe(const struct admission *a, struct buf *b);

/* At the end of a record of a challenge or certificate. */
void admission_record(struct buf *b, const struct admission *a);
void admission_read(struct reader *r, struct admission *ret);

/* Rules for places: see place.c. */
enum err_code serials_judge(struct change *c, struct err *err);
enum err_code domains_judge(struct change *c, struct err *err);
enum err_code domains_apply(struct txn *t, struct change *c, struct err *err);

/* The organization whose enrollment/domains lists the domain (any case).
 * ERR_NOT_FOUND. */
enum err_code domain_org(
    struct txn *t, const char *domain, uint32_t *ret, struct err *err);

#endif
