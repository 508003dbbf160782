/*
 * profile_priv.h - between profile.c, profile_scep.c and profile_ota.c.
 */
#ifndef MDMFS_MDM_PROFILE_PRIV_H
#define MDMFS_MDM_PROFILE_PRIV_H

#include "engine/mdm/profile.h"

/* A payload with what every payload has. */
struct pl *profile_payload(const struct profile_inputs *in, const char *type,
    const char *name, const char *uuid);

/* A profile around the array of payloads, which it takes over. */
struct pl *profile_frame(const struct profile_inputs *in, const char *name,
    const char *title, struct pl *content);

enum err_code profile_fresh_uuid(
    char ret[static PROFILE_UUID], struct err *err);

/* Append the server's address, path ("/mdm/" or "/scep/") and the
 * organization's name, percent-encoded. */
void profile_address(
    const struct profile_inputs *in, const char *path, struct buf *b);

/* The payload that gets the device its identity; *ret is the caller's. */
enum err_code profile_scep(const struct profile_inputs *in,
    const char *challenge, const char *uuid, struct pl **ret, struct err *err);

#endif
