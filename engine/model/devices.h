/*
 * devices.h - devices in the store.
 *
 * DEVICE is small and changes often; what a device is (facts), its secrets,
 * its users and queues have records of their own under the same number.
 */
#ifndef MDMFS_MODEL_DEVICES_H
#define MDMFS_MODEL_DEVICES_H

#include "engine/model/certs.h"
#include "engine/model/model.h"
#include "engine/model/record.h"
#include "mdmfs/device.h"

struct device {
	uint32_t number;
	uint32_t org;
	char udid[DEVICE_ID_MAX + 1]; /* or EnrollmentID */
	enum device_state state;
	bool user_enrollment;    /* known by an EnrollmentID alone */
	uint8_t fingerprint[32]; /* of the certificate bound to it */
	/* of the one before, in a renewal: good until the device has used the
	 * new one in a TokenUpdate; all zero: none */
	uint8_t replaced[32];
	int64_t renew_at; /* renewals.h; 0: not planned */
	int64_t enrolled_at;
	int64_t seen_at;
	uint32_t last_user; /* number of the newest user channel */
};

/* Whether a device's id may become a file name: [0-9A-Za-z-]{1,64}. */
bool device_id_valid(const char *id);

/* ERR_NOT_FOUND */
enum err_code device_read(
    struct txn *t, uint32_t number, struct device *ret, struct err *err);
enum err_code device_by_id(
    struct txn *t, const char *udid, struct device *ret, struct err *err);
enum err_code device_store(
    struct txn *t, const struct device *d, struct err *err);
/* A new device in that organization; the id must be free. */
enum err_code device_create(struct txn *t, const char *udid, uint32_t org,
    struct device *ret, struct err *err);
/* Move it to another organization: the index follows. */
enum err_code device_move(
    struct txn *t, struct device *d, uint32_t org, struct err *err);
/* Drop the device's record and indexes. */
enum err_code device_drop(
    struct txn *t, const struct device *d, struct err *err);

/* Whether the certificate is bound to it. */
bool device_has_certificate(
    const struct device *d, const uint8_t fingerprint[static 32]);
/* None is being replaced any more: the old one goes, in that state. */
enum err_code device_drop_replaced(struct txn *t, struct device *d,
    enum cert_state state, int64_t now, struct err *err);

/* False if there is none. */
bool device_udid(
    struct txn *t, uint32_t number, char udid[static DEVICE_ID_MAX + 1]);
enum err_code device_org(
    struct txn *t, uint32_t number, uint32_t *org, struct err *err);

/* Count one device more or less as enrolled in its organization, and note the
 * topic that it uses. */
enum err_code device_count(struct txn *t, uint32_t org, int change,
    const char *topic, struct err *err);

#endif
