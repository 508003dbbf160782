/*
 * profile_priv.h - between profile.c and profile_scep.c.
 */
#ifndef MDMFS_MDM_PROFILE_PRIV_H
#define MDMFS_MDM_PROFILE_PRIV_H

#include "engine/mdm/profile.h"

/* A payload with what every payload has. */
struct pl *profile_payload(const struct profile_inputs *in, const char *type,
    const char *name, const char *uuid);

/* Append the server's address, path ("/mdm/" or "/scep/") and the
 * organization's name, percent-encoded. */
void profile_address(
    const struct profile_inputs *in, const char *path, struct buf *b);

/* The payload that gets the device its identity; *ret is the caller's. */
enum err_code profile_scep(const struct profile_inputs *in,
    const char *challenge, const char *uuid, struct pl **ret, struct err *err);

#endif
