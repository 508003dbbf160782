/*
 * required_os.h - orgs/ORG/enrollment/required-os: the oldest systems that may
 * enroll by ADE.
 *
 * A line for each system, "iOS 18.1", "macOS 15.1"; a version alone is for all
 * that are not named.
 */
#ifndef MDMFS_MODEL_REQUIRED_OS_H
#define MDMFS_MODEL_REQUIRED_OS_H

#include "engine/model/place.h"

#define REQUIRED_OS_MAX 32 /* characters of a version */

/*
 * What a device must have: in ret, of REQUIRED_OS_MAX + 1 bytes.  product:
 * "iPhone14,2", "MacBookPro18,1"; version: what it has, "18.0.1".  False: it
 * is new enough, or nothing is required of it, or it said no version.
 */
bool required_os(struct txn *t, uint32_t org, const char *product,
    const char *version, char *ret);

/* < 0, 0, > 0: as numbers between dots. */
int os_version_compare(const char *a, const char *b);

/* Rule for the place REQUIRED_OS: see place.c. */
enum err_code required_os_judge(struct change *c, struct err *err);

#endif
