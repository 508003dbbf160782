/*
 * enrollment_priv.h - what an enrollment's begin (enrollment_begin.c) and the
 * rest of its life (enrollment.c) share.
 */
#ifndef MDMFS_MODEL_ENROLLMENT_PRIV_H
#define MDMFS_MODEL_ENROLLMENT_PRIV_H

#include "engine/model/enrollment.h"

/* The certificate is one of the organization's, and still good. */
enum err_code enrollment_certificate(struct txn *t, const struct speaker *s,
    struct issued *ret, struct err *err);

/*
 * A new enrollment of a known device gets nothing of the old one: whoever can
 * reset a device could otherwise read what was meant for its former owner.
 * *dropped: commands that went.
 */
enum err_code enrollment_forget(
    struct txn *t, struct device *d, uint32_t *dropped, struct err *err);

#endif
