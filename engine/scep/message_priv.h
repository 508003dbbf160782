/*
 * message_priv.h - a message between the files that read and answer it.
 */
#ifndef MDMFS_SCEP_MESSAGE_PRIV_H
#define MDMFS_SCEP_MESSAGE_PRIV_H

#include <openssl/cms.h>

#include "engine/scep/message.h"

/* RFC 8894 3.2.1 and RFC 5280 (failInfoText: draft-gutmann-scep, id-scep). */
#define OID_MESSAGE_TYPE    "2.16.840.1.113733.1.9.2"
#define OID_STATUS          "2.16.840.1.113733.1.9.3"
#define OID_FAIL_INFO       "2.16.840.1.113733.1.9.4"
#define OID_SENDER_NONCE    "2.16.840.1.113733.1.9.5"
#define OID_RECIPIENT_NONCE "2.16.840.1.113733.1.9.6"
#define OID_TRANSACTION     "2.16.840.1.113733.1.9.7"
#define OID_FAIL_INFO_TEXT  "1.3.6.1.5.5.7.24.1"

struct message {
	CMS_ContentInfo *cms;
	enum message_type type;
	uint8_t transaction[MESSAGE_TRANSACTION_MAX];
	size_t transaction_len;
	uint8_t nonce[MESSAGE_NONCE_MAX];
	size_t nonce_len;
	struct cert *signer; /* NULL before message_verify() */
	struct buf envelope; /* the EnvelopedData */
	int digest;          /* NID for the answer */
	int cipher;          /* NID for the answer; NID_undef: not yet known */
};

#endif
