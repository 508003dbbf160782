/*
 * health.h - whether the installation works: what each certificate does, and
 * every check, with cause and remedy.
 *
 * Everything here is read from records (slot_facts(), probe.h): no key is
 * unsealed and, but for the few in system/trust, no certificate parsed, so
 * that thousands of organizations cost milliseconds.  The checks are the rows
 * of a table in health_rows.c.
 */
#ifndef MDMFS_MODEL_HEALTH_H
#define MDMFS_MODEL_HEALTH_H

#include "engine/model/slots.h"
#include "mdmfs/health.h"

/* With more organizations than this their passes are counted, not listed. */
#define HEALTH_LISTED 50

enum health_state { HEALTH_PASS, HEALTH_WARN, HEALTH_FAIL }; /* worse last */

/* "pass", "warn", "FAIL" */
const char *health_state_name(enum health_state state);

/* All text here is UTF-8 of one line, never NULL, the struct health's own. */
struct health_check {
	const char *name; /* stable, static: "push.topic", "tls.names" */
	enum health_state state;
	uint32_t org;       /* 0: the system's */
	const char *whose;  /* "acme", "" for the system, "tls/mail" */
	const char *cause;  /* what is so, in plain words; also of a pass */
	const char *remedy; /* what to do; "" of a pass */
};

/* What a certificate is for. */
enum health_role {
	HEALTH_TLS, /* system/tls, system/tls/NAME, orgs/ORG/tls */
	HEALTH_SIGNING,
	HEALTH_PUSH,
	HEALTH_DEVICE_CA, /* the built-in one of an organization */
	HEALTH_OTHER_CA,  /* a third party's SCEP (later) */
	HEALTH_VENDOR,
	HEALTH_ROLES, /* how many */
};

/* As in struct slot_facts, which is ten times as big. */
struct health_facts {
	uint64_t version;
	uint8_t fingerprint[32];
	int64_t begins;
	int64_t expires;
	int64_t chain_ends;
	unsigned flaws; /* set of enum flaw, pki/review.h */
	const char *topic;
	const char *subject;
	const char *serial;
	const char *issuer;
	const char *missing;
	const char *root;
	const char *names;
};

struct health_cert {
	enum health_role role;
	struct slot_id slot;
	const char *whose; /* as in struct health_check */
	const char *path;  /* where its files go: "orgs/acme/apns"; "": made by
			    * this server, no files */
	bool present;      /* false: it is needed or useful, and missing */
	bool own;          /* made by this server */
	struct health_facts facts; /* if present, else empty */
	int64_t ends; /* the first end in its chain; 0 if not present */
	enum health_state state; /* the worst of its checks */
	const char *says;        /* one sentence: whether it works now */
	const char *todo;        /* what to do next; "" if nothing */
};

/* Certificates of devices, in numbers. */
struct health_devices {
	uint32_t org;
	const char *whose;
	uint32_t enrolled;
};

struct health {
	int64_t now; /* seconds since 1970 UTC */
	struct health_check
	    *checks; /* by severity, then organization, then name */
	size_t n_checks;
	struct health_cert *certs; /* worst first, then the first to end */
	size_t n_certs;
	struct health_devices *devices; /* by organization */
	size_t n_devices;
	struct arena *arena; /* holds the text */
};

/* Look at everything that the filter lets see (health_filter in
 * mdmfs/health.h; NULL: all).  *ret is to be given to health_fini(). */
enum err_code health_examine(struct engine *e, health_filter *filter, void *arg,
    struct health *ret, struct err *err);
void health_fini(struct health *h);

#endif
