/*
 * validation.h - how strictly what is written for devices is judged by Apple's
 * schema, and what is known of the device that it is for.
 */
#ifndef MDMFS_MODEL_VALIDATION_H
#define MDMFS_MODEL_VALIDATION_H

#include "engine/model/devices.h"
#include "engine/model/place.h"
#include "engine/schema/validate.h"

/* system/validation: one word. */
enum validation {
	VALIDATION_STRICT, /* what is wrong is refused; without the file */
	VALIDATION_WARN,   /* is taken, and told in the event */
	VALIDATION_OFF,    /* is not looked for */
};

/* What facts and settings say of a device and its channel; d borrows from
 * version. */
struct validation_device {
	struct schema_device d;
	char version[64];
};

/* Rule for the place: see place.c. */
enum err_code validation_judge(struct change *c, struct err *err);

/* The setting; strict when it is missing. */
enum validation validation_read(struct txn *t);

/* user: 0 for the device channel. */
void validation_device_read(struct txn *t, const struct device *device,
    uint32_t user, struct validation_device *ret);

/*
 * A command against the schema and the device.  In strict, ERR_INVALID or
 * ERR_UNSUPPORTED with all findings, whose lines are document's.  What is
 * taken nevertheless is appended to note, in one line.
 */
struct validation_job {
	const struct schema *schema;
	enum validation validation;
	const struct schema_device *device;
	struct bytes document;
};
enum err_code validation_command(const struct validation_job *job,
    const struct schema_envelope *env, struct buf *note, struct err *err);

#endif
