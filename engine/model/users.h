/*
 * users.h - user channels of a device: macOS users, Shared iPad users.
 */
#ifndef MDMFS_MODEL_USERS_H
#define MDMFS_MODEL_USERS_H

#include "engine/model/devices.h"

#define USER_ID_MAX 200  /* bytes of an id as a file name */
#define USERS_MAX   1000 /* of one device; each costs a channel */

/*
 * id is what the device says (UserID, UserShortName, EnrollmentUserID),
 * escaped so that it is a file name: see user_escape().
 */
enum err_code user_find(struct txn *t, uint32_t device, const char *id,
    uint32_t *user, struct err *err);
/* Find or make; d->last_user may rise: store d afterwards.  ERR_QUOTA. */
enum err_code user_ensure(struct txn *t, struct device *d, const char *id,
    const char *short_name, const char *long_name, uint32_t *user,
    struct err *err);

/* '%', '/', control characters and a leading '.' become %XX.  False: too long
 * or empty. */
bool user_escape(const char *id, char ret[static USER_ID_MAX + 1]);

/* Each user of a device, in the order of their numbers; *stop as in each_fn. */
struct user {
	uint32_t number;
	char id[USER_ID_MAX + 1];
	char short_name[256];
	char long_name[256];
};
typedef enum err_code user_fn(
    void *arg, const struct user *u, bool *stop, struct err *err);
enum err_code users_each(struct txn *t, uint32_t device, uint32_t after,
    user_fn *fn, void *arg, struct err *err);

bool user_exists(struct txn *t, uint32_t device, uint32_t user);
/* Its id as a file name.  False: there is no such user. */
bool user_id(struct txn *t, uint32_t device, uint32_t user,
    char ret[static USER_ID_MAX + 1]);

/* Forget all of them, their queues and results. */
enum err_code users_drop(struct txn *t, struct device *d, struct err *err);

#endif
