/*
 * profile_encrypt.h - a profile that one device alone can read.
 *
 * Apple, Configuration Profile Reference, "Encrypted profiles": the array
 * PayloadContent, as a property list, becomes an EnvelopedData (RFC 5652 6)
 * under EncryptedPayloadContent.  The device must have the private key before
 * it is given the profile.
 */
#ifndef MDMFS_MDM_PROFILE_ENCRYPT_H
#define MDMFS_MDM_PROFILE_ENCRYPT_H

#include "engine/base/pl.h"
#include "engine/pki/cert.h"

/*
 * Encrypt the payloads of profile (a Configuration dictionary) for the key of
 * device, AES-256-CBC; what stands beside them stays readable.  Sign it
 * afterwards (profile_sign()).
 * ERR_KEY_REJECTED: the device's key is not RSA.  ERR_INVALID: there are no
 * payloads, or they are encrypted.  profile is untouched on failure.
 */
enum err_code profile_encrypt(
    struct pl *profile, const struct cert *device, struct err *err);

#endif
