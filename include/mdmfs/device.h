/*
 * device.h - devices, their users, and what they reported.
 *
 * A device has a number that is never used twice; a user channel of it has a
 * number of its own (from 1; 0 is the device channel).
 */
#ifndef MDMFS_DEVICE_H
#define MDMFS_DEVICE_H

#include "mdmfs/file.h"

#define DEVICE_ID_MAX 64 /* characters of a UDID or EnrollmentID */

enum device_state {
	DEVICE_AUTHENTICATING = 1, /* Authenticate came, no TokenUpdate yet */
	DEVICE_ENROLLED = 2,
	DEVICE_CHECKED_OUT = 3,
};

struct device_view {
	uint32_t number;
	uint32_t org;
	char udid[DEVICE_ID_MAX + 1]; /* or EnrollmentID */
	enum device_state state;
	int64_t enrolled_at; /* seconds since 1970 UTC; first Authenticate */
	int64_t seen_at;     /* to the minute or so */
};

/* ERR_NOT_FOUND */
enum err_code device_find(struct engine *e, const char *udid,
    struct device_view *ret, struct err *err);
enum err_code device_by_serial(struct engine *e, const char *serial,
    struct device_view *ret, struct err *err);
enum err_code device_get(struct engine *e, uint32_t number,
    struct device_view *ret, struct err *err);

/* Devices with a number above after, in order; org 0: all.  Return false to
 * stop. */
typedef bool device_fn(void *arg, const struct device_view *device);
enum err_code device_list(struct engine *e, uint32_t org, uint32_t after,
    device_fn *fn, void *arg, struct err *err);

/* Serial numbers, by the number of the device. */
typedef bool device_serial_fn(
    void *arg, const char *serial, const struct device_view *device);
enum err_code device_serials(struct engine *e, uint32_t after,
    device_serial_fn *fn, void *arg, struct err *err);

/* User channels: name is the user's id, escaped so that it is a file name. */
typedef bool device_user_fn(void *arg, const char *name, uint32_t user);
enum err_code device_users(struct engine *e, uint32_t device, uint32_t after,
    device_user_fn *fn, void *arg, struct err *err);
enum err_code device_user_find(struct engine *e, uint32_t device,
    const char *name, uint32_t *user, struct err *err);

/* The pages of a device (user 0) or of a user channel; they append. */
enum err_code device_status_page(struct engine *e, uint32_t device,
    uint32_t user, struct buf *b, struct err *err);
enum err_code device_queue_page(struct engine *e, uint32_t device,
    uint32_t user, struct buf *b, struct err *err);
enum err_code device_push_page(struct engine *e, uint32_t device, uint32_t user,
    struct buf *b, struct err *err);
enum err_code device_info_plist(
    struct engine *e, uint32_t device, struct buf *b, struct err *err);
/* PEM; ERR_NOT_FOUND while there is none. */
enum err_code device_certificate_page(
    struct engine *e, uint32_t device, struct buf *b, struct err *err);

/* info/: one fact each; behind them NAME.plist and NAME.tsv of lists (with an
 * empty text). */
typedef bool device_info_fn(void *arg, const char *key, struct bytes text);
enum err_code device_infos(struct engine *e, uint32_t device,
    device_info_fn *fn, void *arg, struct err *err);
enum err_code device_info(struct engine *e, uint32_t device, const char *key,
    struct buf *b, struct err *err);

/* secrets/: UnlockToken, BootstrapToken; names alone, then one, to be wiped. */
typedef bool device_secret_fn(void *arg, const char *name);
enum err_code device_secrets(struct engine *e, uint32_t device,
    device_secret_fn *fn, void *arg, struct err *err);
enum err_code device_secret(struct engine *e, uint32_t device, const char *name,
    struct buf *b, struct err *err);

/* What the bytes of a file in results/ say of the command; reason: the errors
 * that the device named, appended, one line. */
enum device_result {
	DEVICE_RESULT_UNKNOWN, /* they are no answer */
	DEVICE_RESULT_ACKNOWLEDGED,
	DEVICE_RESULT_FAILED,
};
enum device_result device_result_read(struct bytes result, struct buf *reason);

/* Push now: the wake is durable when this returns, the push follows. */
enum err_code device_push(struct engine *e, uint32_t device, uint32_t user,
    const struct actor *actor, struct err *err);

/* Forget the device: its certificate no longer opens anything. */
enum err_code device_remove(struct engine *e, uint32_t device,
    const struct actor *actor, struct err *err);

#endif
