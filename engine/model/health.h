/*
 * health.h - whether the installation works: what each certificate does, and
 * every check, with cause and remedy.
 *
 * Everything here is read from records (slot_facts(), probe.h): no key is
 * unsealed and no certificate parsed, so that thousands of organizations cost
 * milliseconds.
 */
#ifndef MDMFS_MODEL_HEALTH_H
#define MDMFS_MODEL_HEALTH_H

#include "engine/model/slots.h"
#include "mdmfs/health.h"

enum health_state { HEALTH_PASS, HEALTH_WARN, HEALTH_FAIL }; /* worse last */

/* "pass", "warn", "FAIL" */
const char *health_state_name(enum health_state state);

struct health_check {
	const char *name; /* stable, static: "push.topic", "tls.names" */
	enum health_state state;
	uint32_t org;     /* 0: the system's */
	char whose[96];   /* "acme", "" for the system, "tls/mail" */
	char cause[640];  /* what is so, in plain words; also of a pass */
	char remedy[640]; /* what to do; "" of a pass */
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

struct health_cert {
	enum health_role role;
	struct slot_id slot;
	char whose[96]; /* as in struct health_check */
	bool present;   /* false: it is needed or useful, and missing */
	bool own;       /* made by this server */
	struct slot_facts facts; /* if present */
	enum health_state state; /* the worst of its checks */
	char says[640];          /* one sentence: whether it works now */
	char todo[640];          /* what to do next; "" if nothing */
};

/* Certificates of devices, in numbers. */
struct health_devices {
	uint32_t org;
	char whose[96];
	uint32_t enrolled;
};

struct health {
	int64_t now; /* seconds since 1970 UTC */
	struct health_check
	    *checks; /* by severity, then organization, then name */
	size_t n_checks;
	struct health_cert *certs; /* worst first, then the first to end */
	size_t n_certs;
	struct health_devices *devices;
	size_t n_devices;
};

/* Look at everything that the filter lets see (health_filter in
 * mdmfs/health.h; NULL: all).  *ret is to be given to health_fini(). */
enum err_code health_examine(struct engine *e, health_filter *filter, void *arg,
    struct health *ret, struct err *err);
void health_fini(struct health *h);

#endif
