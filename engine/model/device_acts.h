/*
 * device_acts.h - what people do to a device from outside of its files;
 * include/mdmfs/device.h has the verbs.
 */
#ifndef MDMFS_MODEL_DEVICE_ACTS_H
#define MDMFS_MODEL_DEVICE_ACTS_H

#include "engine/model/devices.h"

/* Everything that is known of it goes; its certificate opens nothing any
 * more. */
enum err_code device_forget(
    struct txn *t, struct device *d, int64_t now, struct err *err);

#endif
