/*
 * login.h - a password of somebody is compared: never more than two at a time,
 * seldom for one name, and as slowly for names that are not known.
 */
#ifndef MDMFS_MDM_LOGIN_H
#define MDMFS_MDM_LOGIN_H

#include "engine/mdm/mdm.h"

#define LOGIN_TRIES 10          /* wrong ones at once, for one name */
#define LOGIN_EVERY INT64_C(60) /* seconds: then one */

struct login;

/* NULL when out of memory. */
struct login *login_new(void);
void login_free(struct login *l);

struct login_ask {
	uint32_t org;
	const char *user; /* as it was typed */
	const char *password;
	int64_t now;
};

/* Whom it means. */
struct login_who {
	bool known;        /* for the administrator's eyes alone */
	char account[256]; /* orgs/ORG/users/USER */
	const char *retry; /* with ERR_QUOTA: after how many seconds; static */
};

/*
 * ERR_DENIED: not the password, or no such user: nobody can tell which.
 * ERR_QUOTA: too often for that name (whatever stands behind an @ in it), or
 * too many at this moment.  ret is filled in also then.
 */
enum err_code login_check(struct login *l, struct engine *e,
    const struct login_ask *a, struct login_who *ret, struct err *err);

#endif
