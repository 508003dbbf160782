/*
 * facts.h - what a device said of itself: facts, and secrets to keep.
 */
#ifndef MDMFS_MODEL_FACTS_H
#define MDMFS_MODEL_FACTS_H

#include "engine/base/pl.h"
#include "engine/model/devices.h"

#define FACT_KEY_MAX   128        /* bytes of a fact's or secret's name */
#define FACT_VALUE_MAX (16 << 10) /* bytes of its text */
#define FACTS_MAX      1024       /* of one device */

/*
 * Remember a scalar under its name in Apple's schema; arrays, dictionaries,
 * names that cannot be file names and what is above the limits are passed
 * over.  SerialNumber also goes into the index, unless a device of another
 * organization has it.
 */
enum err_code fact_put(struct txn *t, uint32_t device, const char *key,
    const struct pl *value, struct err *err);
/* Every key of a dictionary that is not listed in skip (ends with NULL). */
enum err_code fact_put_all(struct txn *t, uint32_t device,
    const struct pl *dict, const char *const skip[], struct err *err);

/* The text of a fact, appended.  ERR_NOT_FOUND. */
enum err_code fact_get(struct txn *t, uint32_t device, const char *key,
    struct buf *ret, struct err *err);

/* Append a scalar as a line of text; false for arrays and dictionaries. */
bool fact_text(const struct pl *value, struct buf *b);

/* Whether a fact, list or secret may have that name: it becomes a file's. */
bool fact_name_valid(const char *name);

/* Type and text of a stored fact, borrowed from its value. */
struct bytes fact_decode(struct bytes value, enum pl_type *type);

/* The device with that serial number.  ERR_NOT_FOUND. */
enum err_code fact_serial(
    struct txn *t, const char *serial, uint32_t *device, struct err *err);

/* value of length 0 deletes it. */
enum err_code secret_put(struct txn *t, uint32_t device, const char *name,
    struct bytes value, struct err *err);
enum err_code secret_get(struct txn *t, uint32_t device, const char *name,
    struct buf *ret, struct err *err);

/* Forget all secrets (and, with facts, the facts as well). */
enum err_code facts_drop(
    struct txn *t, uint32_t device, bool facts, struct err *err);

#endif
