/*
 * scep_settings.h - the files of orgs/ORG/scep: what certificates devices get,
 * and from whom.
 *
 * Without a url there the organization's own CA issues them.  Templates have
 * variables: %UDID% %SERIAL% %ORG% and %ID%, a random one; %% is a percent
 * sign.  A part whose variable is not known is left out.
 */
#ifndef MDMFS_MODEL_SCEP_SETTINGS_H
#define MDMFS_MODEL_SCEP_SETTINGS_H

#include "engine/model/place.h"
#include "engine/pki/san.h"

#define SCEP_DAYS_MAX   3650
#define SCEP_DAYS       365
#define SCEP_SECRET_MAX 256
#define SCEP_URL_MAX    512
/* Seconds: NDES forgets its challenges after an hour. */
#define SCEP_NDES_LIFE INT64_C(57 * 60)

struct scep_settings {
	uint32_t org;
	char org_name[65];
	/* what devices ask for */
	int key_bits;
	int retries;
	int retry_delay;    /* seconds */
	char subject[1024]; /* template, as csr_make() takes it; "": none */
	char san[2048];     /* template, one name a line */
	/* what the built-in CA gives */
	int days;
	int64_t challenge_life; /* seconds; 0: not said */
	/* another CA; all empty without a url */
	char url[SCEP_URL_MAX]; /* "": the built-in CA */
	uint64_t url_ino;       /* of the file */
	char name[128];         /* of the CA, for it; "": none */
	uint8_t fingerprint[32];
	size_t fingerprint_len;          /* 16: MD5, 20: SHA-1, 32: SHA-256 */
	bool proxy;                      /* devices talk to it through us */
	char challenge[SCEP_SECRET_MAX]; /* the same for every device */
	char ndes_url[SCEP_URL_MAX];     /* fetched for each; "": not */
	char ndes_user[SCEP_SECRET_MAX];
	char ndes_password[SCEP_SECRET_MAX];
};

/*
 * All of an organization.  Has secrets: scep_settings_wipe() it.  ERR_INVALID:
 * a file that is there is not good (it was judged when it was written, so by
 * another version).
 */
enum err_code scep_settings_read(
    struct txn *t, uint32_t org, struct scep_settings *ret, struct err *err);
void scep_settings_wipe(struct scep_settings *s);

/* Seconds that a challenge in a profile is good; of HTTP: handed out to one
 * device, not shown to whoever looks. */
int64_t scep_challenge_life(const struct scep_settings *s, bool http);

/* ---- templates ---------------------------------------------------------- */

/* NULL or "": not known. */
struct scep_values {
	const char *udid;
	const char *serial;
	const char *org;
	const char *id;
};

/* Append the subject as csr_make() takes it; "CN=ID" if nothing is left. */
enum err_code scep_subject_fill(const char *template,
    const struct scep_values *v, struct buf *ret, struct err *err);

/* Kinds of names that enum san_kind has not: what the built-in CA leaves out. */
#define SCEP_SAN_UPN 256u

/* Call fn for each name of the template whose variables are known; text is
 * good during the call.  Names that no certificate may have are left out. */
typedef void scep_san_fn(void *arg, unsigned kind, const char *text);
enum err_code scep_san_fill(const char *template, const struct scep_values *v,
    scep_san_fn *fn, void *arg, struct err *err);

/* Call fn for each part of a subject: type as Apple's SCEP payload names it
 * (C L ST O OU CN, others as dotted numbers).  ERR_INVALID. */
typedef void scep_part_fn(void *arg, const char *type, const char *value);
enum err_code scep_subject_parts(
    const char *subject, scep_part_fn *fn, void *arg, struct err *err);

/* Rule for the places SCEP_SETTING and SCEP_SECRET: see place.c. */
enum err_code scep_setting_judge(struct change *c, struct err *err);

#endif
