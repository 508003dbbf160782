/*
 * enrollment.h - who a device is, and its life here: Authenticate,
 * TokenUpdate, CheckOut.
 *
 * The certificate of a request proves who speaks (certs.h).  Authenticate
 * binds it to one device; every other message must come with the certificate
 * that is bound, so no device can speak for another.
 */
#ifndef MDMFS_MODEL_ENROLLMENT_H
#define MDMFS_MODEL_ENROLLMENT_H

#include "engine/base/pl.h"
#include "engine/model/certs.h"
#include "engine/model/channels.h"
#include "engine/model/users.h"

/* What was said, by whom. */
struct speaker {
	const struct engine *engine;
	uint32_t org;
	uint8_t fingerprint[CERT_FINGERPRINT_LEN]; /* of its certificate */
	struct cert *cert;          /* NULL: it is known (certs.h) */
	char id[DEVICE_ID_MAX + 1]; /* UDID or EnrollmentID */
	bool user_enrollment;       /* it has an EnrollmentID alone */
	char user[USER_ID_MAX + 1]; /* escaped; "" on the device channel */
	const struct pl *message;
	int64_t now;
};

/* Every failure leaves a sentence for the log; ERR_DENIED: not that
 * certificate's to say. */

enum err_code enrollment_authenticate(
    struct txn *t, const struct speaker *s, struct err *err);

/*
 * The device and channel of a speaker that has enrolled: the certificate is
 * the device's, valid, of that organization.  channel->id.user is 0 on the
 * device channel; a user that is not known is ERR_GONE.
 */
enum err_code enrollment_find(struct txn *t, const struct speaker *s,
    struct device *device, struct channel *channel, struct err *err);

enum err_code enrollment_token_update(struct txn *t, const struct speaker *s,
    const struct push_token *token, struct err *err);
enum err_code enrollment_check_out(
    struct txn *t, const struct speaker *s, struct err *err);

#endif
