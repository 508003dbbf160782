/*
 * health_priv.h - between health.c (the walk), health_gather.c (what there
 * is), health_rows.c (the table of checks) and the checks themselves.
 */
#ifndef MDMFS_MODEL_HEALTH_PRIV_H
#define MDMFS_MODEL_HEALTH_PRIV_H

#include "engine/base/arena.h"
#include "engine/model/health.h"
#include "engine/model/orgs.h"
#include "engine/pki/review.h"

/* What a check is about; it is called once for each. */
enum health_subject {
	OF_SYSTEM,
	OF_ORG,
	OF_TLS, /* and the following: a certificate of that role */
	OF_SIGNING,
	OF_PUSH,
	OF_CA,
	OF_VENDOR,
};

struct look;

/* Says at most one thing, or nothing where the question does not arise. */
typedef void health_fn(struct look *x);

struct health_row {
	const char *name; /* for ever: scripts read it */
	enum health_subject of;
	health_fn *check;
	bool missing; /* it is asked of a certificate that is not there, too */
};
extern const struct health_row health_rows[];
extern const size_t n_health_rows;

struct health_org {
	uint32_t number;
	uint32_t enrolled;
	uint64_t dir;
	bool has_url; /* orgs/ORG/url is there */
	const char *name;
	const char *topic;  /* that its devices use; "": none yet */
	const char *signer; /* subject of its own signing identity; NULL */
	size_t first_cert, n_certs; /* its own in look.h.certs */
};

/* A root in system/trust. */
struct health_root {
	const char *file;
	const char *subject;
	int64_t ends;
};
#define HEALTH_ROOTS_MAX 256

/* Organizations in which a check passes. */
struct health_passes {
	size_t n;
	int64_t days; /* until the first of them ends, of *.end */
};

struct look {
	struct engine *engine;
	struct txn *t;
	health_filter *filter;
	void *arg;
	struct health h;
	size_t cap_checks, cap_certs, cap_orgs;
	struct health_org *orgs; /* that may be seen; ascending */
	size_t n_orgs;
	struct health_root roots[HEALTH_ROOTS_MAX];
	size_t n_roots;
	size_t n_system; /* certificates of the system, which come first */
	int64_t soon;    /* seconds: an end that near is warned of */
	bool failed;     /* out of memory */
	/* what is looked at: */
	const struct health_row *row;
	struct health_cert *cert;     /* NULL */
	struct health_org *org;       /* NULL: the system's */
	struct health_passes *passed; /* of each row, when they are counted */
	bool said;                    /* by this row of this subject */
	struct health_scep *scep;     /* health_scep.c's own, in the arena */
};

/* health_gather.c: fills certificates, organizations and roots. */
enum err_code health_gather(struct look *x, struct err *err);

/* p with room for one more than n; NULL: out of memory, as look.failed says,
 * and p stays. */
void *health_grow(struct look *x, void *p, size_t n, size_t *cap, size_t size);
/* A copy in the arena. */
const char *health_keep(struct look *x, const char *s);

/* A pass is only counted: its text need not be made. */
static inline bool
health_counts(const struct look *x)
{
	return x->passed != NULL && x->org != NULL;
}

/* What the check found.  The text is one sentence without its full stop. */
void health_say(struct look *x, enum health_state state, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What to do about what was said last. */
void health_do(struct look *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Text in the arena; never NULL. */
const char *health_text(struct look *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "2026-11-25" */
const char *health_date(struct look *x, int64_t seconds);
/* A path in a command, as a shell takes it: "orgs/acme/url", "'orgs/A B/url'". */
const char *health_shell(struct look *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* What to call the organization's settings: "orgs/acme", "system". */
const char *health_home(struct look *x);
/* The organization's file, or one in a directory of it; dir may be NULL. */
bool health_has_file(struct look *x, const char *dir, const char *name);
/* Whether system/trust has a root of that subject, which devices get. */
bool health_trusts(const struct look *x, const char *subject);
/* The next HTTPS certificate from *i on, counted from 0, of the system or of
 * that organization (NULL: of any); NULL: no more. */
const struct health_cert *health_tls_next(
    const struct look *x, const struct health_org *o, size_t *i);
/* Whether a comma-separated list of subject alternative names has host. */
bool health_covers(const char *names, const char *host);

/* health_slot.c: what to do with the files, or with the request, that wait in
 * that slot of the organization (or system) because nothing is in effect there;
 * NULL: nothing waits. */
const char *health_pending(struct look *x, enum slot slot);

/* health_tls.c */
health_fn health_url;
health_fn health_tls_names;
health_fn health_tls_san;
health_fn health_tls_chain;
health_fn health_tls_root;
health_fn health_tls_lifetime;
health_fn health_tls_key;
health_fn health_tls_digest;
health_fn health_tls_purpose;
health_fn health_tls_end;
health_fn health_tls_own;

/* health_signing.c */
health_fn health_signing_present;
health_fn health_signing_chain;
health_fn health_signing_root;
health_fn health_signing_lifetime;
health_fn health_signing_strength;
health_fn health_signing_end;

/* health_push.c */
health_fn health_push_present;
health_fn health_push_topic;
health_fn health_push_issuer;
health_fn health_push_account;
health_fn health_push_live;
health_fn health_push_end;

/* health_system.c */
health_fn health_clock;
health_fn health_store;
health_fn health_roots_known;
health_fn health_trust_end;
health_fn health_outbox;
health_fn health_open;
health_fn health_apple_device;
health_fn health_import;
health_fn health_ca_end;
health_fn health_vendor_issuer;
health_fn health_vendor_chain;
health_fn health_vendor_end;

/* health_scep.c */
health_fn health_scep_ca;
health_fn health_scep_pin;
health_fn health_scep_caps;
health_fn health_scep_end;
health_fn health_scep_ndes;

/* health_end.c: the end of a certificate's chain, for all roles.  renew is
 * the advice; without works nothing works after the end, so it fails. */
struct health_end {
	const char *what;  /* "the push certificate" */
	const char *after; /* "devices can no longer be reached" */
	const char *renew;
	bool renews_itself;
};
void health_end(struct look *x, const struct health_end *e);

#endif
