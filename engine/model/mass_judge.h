/*
 * mass_judge.h - a command against many devices: what is known of most of them
 * is alike, so each kind of device is judged once.
 */
#ifndef MDMFS_MODEL_MASS_JUDGE_H
#define MDMFS_MODEL_MASS_JUDGE_H

#include "engine/model/validation.h"

#define MASS_KINDS 256 /* above that, each device is judged by itself */

struct mass_judge;

/* A command as it stands (env is borrowed until the end). */
enum err_code mass_judge_new(const struct schema *schema,
    enum validation validation, const struct schema_envelope *env,
    struct mass_judge **ret, struct err *err);
void mass_judge_free(struct mass_judge *j);

/* Whether a device like that takes it; if not, *why (the judge's own) says
 * what stands against it. */
bool mass_judge(
    struct mass_judge *j, const struct validation_device *d, const char **why);

/* Whether the same is known of both. */
bool mass_judge_alike(
    const struct validation_device *a, const struct validation_device *b);

#endif
