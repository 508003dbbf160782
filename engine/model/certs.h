/*
 * certs.h - certificates of devices: who issued them for whom, and whether
 * they still open anything.
 *
 * A device is known by the SHA-256 of its certificate, never by a name in the
 * subject, which the client chooses.
 */
#ifndef MDMFS_MODEL_CERTS_H
#define MDMFS_MODEL_CERTS_H

#include "engine/model/admission.h"
#include "engine/model/record.h"
#include "engine/pki/cert.h"
#include "mdmfs/device.h"

#define ISSUED_KEPT INT64_C(90 * 86400) /* seconds after the end */

enum cert_state {
	CERT_VALID = 1,
	CERT_SUPERSEDED = 2, /* the device enrolled again with another one */
	CERT_REVOKED = 3,
	CERT_CEASED = 4, /* the device checked out */
};

/* "revoked"; of one that is not valid. */
const char *cert_state_text(enum cert_state state);

struct issued {
	uint8_t fingerprint[CERT_FINGERPRINT_LEN];
	uint32_t org;
	uint32_t device; /* bound by Authenticate; 0: not yet */
	uint32_t meant;  /* made for this device alone; 0: for anybody */
	enum cert_state state;
	int64_t begins;  /* 0: not known */
	int64_t expires; /* last second */
	uint8_t key_id[KEYSPEC_ID_LEN];
	/* UDID or serial number of the only device that it is good for, when it
	 * was issued for a name; "" */
	char name[DEVICE_ID_MAX + 1];
	uint8_t renews[CERT_FINGERPRINT_LEN];     /* all zero: none */
	uint8_t renewed_by[CERT_FINGERPRINT_LEN]; /* the same */
	int64_t ended_at;           /* not valid since; 0: still valid */
	struct admission admission; /* what let its device in */
};

/* ERR_NOT_FOUND */
enum err_code issued_read(struct txn *t, const uint8_t fingerprint[static 32],
    struct issued *ret, struct err *err);
enum err_code issued_store(
    struct txn *t, const struct issued *i, struct err *err);
/* A new certificate, with its DER. */
enum err_code issued_add(struct txn *t, const struct issued *i,
    const struct cert *cert, struct err *err);
/* The one of the organization that ca has issued with that serial number (the
 * content of its INTEGER).  ERR_NOT_FOUND. */
enum err_code issued_by_serial(struct txn *t, uint32_t org, struct bytes serial,
    const struct cert *ca, struct issued *ret, struct err *err);
/* Make what the above looks into, of a store from before there was such. */
enum err_code issued_index(struct txn *t, struct err *err);
/* Append the DER.  ERR_NOT_FOUND. */
enum err_code issued_der(struct txn *t, const uint8_t fingerprint[static 32],
    struct buf *ret, struct err *err);
/* The certificate itself, the caller's.  ERR_NOT_FOUND. */
enum err_code issued_cert(struct txn *t, const uint8_t fingerprint[static 32],
    struct cert **ret, struct err *err);
/* Those of the organization that are kept whole, in the order of their serial
 * numbers; *stop = true ends it. */
typedef enum err_code issued_fn(void *arg, struct txn *t,
    const struct issued *i, bool *stop, struct err *err);
enum err_code issued_each(
    struct txn *t, uint32_t org, issued_fn *fn, void *arg, struct err *err);
/* It is not valid any more, for that reason; if it is known. */
enum err_code issued_end(struct txn *t, const uint8_t fingerprint[static 32],
    enum cert_state state, int64_t now, struct err *err);
/* The same for what renews it, and renews that, and no device has used yet. */
enum err_code issued_end_successors(struct txn *t,
    const uint8_t fingerprint[static 32], enum cert_state state, int64_t now,
    struct err *err);

/* How many valid ones of an organization end exactly then. */
uint32_t issued_count(struct txn *t, uint32_t org, int64_t expires);
/* Forget one that ends then, as if it had never been. */
enum err_code issued_drop(struct txn *t, const uint8_t fingerprint[static 32],
    int64_t expires, struct err *err);

/* Forget those that ended longer than ISSUED_KEPT ago and that no device has
 * in use, at most 500; *more is whether there are others. */
enum err_code issued_trim(
    struct txn *t, int64_t now, bool *more, struct err *err);

#endif
