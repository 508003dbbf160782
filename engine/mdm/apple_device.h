/*
 * apple_device.h - messages that a device signs with the certificate that
 * Apple gave it: over-the-air enrollment, ADE, account-driven enrollment.
 *
 * The proof is "some genuine Apple device", not "this device", and it can be
 * replayed: bind it with a challenge or a token.  What the message says of
 * itself (UDID, serial number) is believed, as the key sits in the device.
 *
 * Apple's CA for these certificates has a 1024-bit key, signs over SHA-1 and
 * ended in 2014; clocks of devices that are being set up are wrong.  So this
 * check, and no other, takes SHA-1 and 1024 bits and looks at no time.
 */
#ifndef MDMFS_MDM_APPLE_DEVICE_H
#define MDMFS_MDM_APPLE_DEVICE_H

#include "engine/base/pl.h"
#include "engine/model/model.h"
#include "engine/pki/cert.h"

#define DEVICE_MESSAGE_MAX   (64u << 10) /* bytes; with a chain about 8 KiB */
#define DEVICE_MESSAGE_CERTS 8           /* that come along */

struct device_message {
	struct pl *content;  /* a dictionary */
	struct cert *signer; /* in the message; who issued it: not looked at */
	struct cert *certs[DEVICE_MESSAGE_CERTS]; /* the others, no order */
	size_t n_certs;
	/* UDID and SERIAL in the content; NULL: it does not tell */
	const char *udid, *serial;
};

/*
 * The message and its signature: CMS SignedData (DER or BER) with a property
 * list inside, one signer, whose certificate is in it; if it tells a UDID or a
 * serial number they can be ones.  *ret is to be given to
 * device_message_fini(), and untouched on failure.
 * ERR_UNDECODABLE, ERR_INVALID, ERR_KEY_REJECTED, ERR_TOO_BIG.
 */
enum err_code device_message_parse(
    struct bytes cms, struct device_message *ret, struct err *err);
/* Takes what is all zero. */
void device_message_fini(struct device_message *m);

/* The same of base64 text, as in the header x-apple-aspen-deviceinfo. */
enum err_code device_message_parse_text(
    struct bytes base64, struct device_message *ret, struct err *err);

enum apple_device {
	APPLE_DEVICE_UNCHECKED = 1, /* system/trust/apple-device is empty */
	APPLE_DEVICE_VERIFIED = 2,
};

/*
 * Whether one of the certificates in system/trust/apple-device/ stands behind
 * the signer.  Not in a transaction: it reads them in a view of its own and
 * checks signatures outside of it (about 1 ms).
 * ERR_DENIED: there are some, and none does.  err says which issuer is not
 * known, for the administrator: tell the stranger less.
 */
enum err_code apple_device_check(struct engine *e,
    const struct device_message *m, enum apple_device *ret, struct err *err);

/* "signed by an Apple device" or "who signed was not checked: ...": for
 * events.  Static. */
const char *apple_device_words(enum apple_device how);

#endif
