/*
 * apple_trust.h - system/trust/apple-device: Apple's CA for the certificates
 * that devices are born with.
 */
#ifndef MDMFS_MODEL_APPLE_TRUST_H
#define MDMFS_MODEL_APPLE_TRUST_H

#include "engine/model/place.h"

/* Rule for the place APPLE_DEVICE_FILE: see place.c. */
enum err_code apple_trust_judge(struct change *c, struct err *err);

#endif
