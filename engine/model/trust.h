/*
 * trust.h - the certificates in system/trust, which devices are told to trust,
 * and in system/trust/apple-device, which stand above those that devices are
 * born with.
 */
#ifndef MDMFS_MODEL_TRUST_H
#define MDMFS_MODEL_TRUST_H

#include "engine/model/place.h"
#include "engine/pki/cert.h"

/* c is borrowed for the call; n is its file. */
typedef enum err_code trust_fn(
    void *arg, const struct node *n, struct cert *c, struct err *err);

/* Called with each certificate, file by file, in their order, until fn fails.
 * Where there is no such directory there are none. */
enum err_code trust_each(
    struct txn *t, trust_fn *fn, void *arg, struct err *err);
enum err_code apple_trust_each(
    struct txn *t, trust_fn *fn, void *arg, struct err *err);

/* Rules for the places TRUST_FILE and APPLE_DEVICE_FILE: see place.c. */
enum err_code trust_judge(struct change *c, struct err *err);
enum err_code apple_trust_judge(struct change *c, struct err *err);

#endif
