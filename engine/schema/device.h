/*
 * device.h - what is known of the device that a document is for.
 *
 * A zeroed struct knows nothing, and what is not known never refuses.
 */
#ifndef MDMFS_SCHEMA_DEVICE_H
#define MDMFS_SCHEMA_DEVICE_H

#include "engine/schema/schema.h"

enum schema_known { SCHEMA_UNKNOWN, SCHEMA_NO, SCHEMA_YES };

enum schema_enrollment {
	SCHEMA_ENROLLMENT_UNKNOWN,
	SCHEMA_ENROLLMENT_DEVICE, /* the whole device, by profile or ADE */
	SCHEMA_ENROLLMENT_USER,   /* User Enrollment: a personal device */
};

enum schema_channel {
	SCHEMA_CHANNEL_UNKNOWN,
	SCHEMA_CHANNEL_DEVICE,
	SCHEMA_CHANNEL_USER,
};

struct schema_device {
	bool os_known;
	enum schema_os os;
	const char *version; /* "17.4.1"; NULL or "": not known */
	enum schema_known supervised;
	enum schema_known automated; /* by Automated Device Enrollment */
	enum schema_known approved;  /* macOS: user-approved enrollment */
	enum schema_known shared;    /* Shared iPad */
	enum schema_enrollment enrollment;
	enum schema_channel channel;
	int64_t rights; /* AccessRights of the MDM payload; 0: not known */
};

/*
 * The operating system of a model as the device says it (ProductName,
 * "iPhone15,2", "MacBookPro18,3", ...).  False: an unknown model.
 */
bool schema_os_of_product(const char *product, enum schema_os *ret);

/* "iOS", "macOS", ... */
const char *schema_os_name(enum schema_os os);

#endif
