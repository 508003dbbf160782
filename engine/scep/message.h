/*
 * message.h - SCEP's pkiMessage and CertRep (RFC 8894 3).
 *
 * A pkiMessage is a SignedData whose signed attributes say what it is; in it
 * is an EnvelopedData for the CA.  OpenSSL's types stay behind this header.
 */
#ifndef MDMFS_SCEP_MESSAGE_H
#define MDMFS_SCEP_MESSAGE_H

#include "engine/pki/cert.h"
#include "engine/pki/identity.h"
#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

/* RFC 8894 3.2.1.2; UPDATE is of the drafts before it. */
enum message_type {
	MESSAGE_UNKNOWN = 0,
	MESSAGE_CERT_REP = 3,
	MESSAGE_RENEWAL = 17,
	MESSAGE_UPDATE = 18,
	MESSAGE_ENROLL = 19, /* PKCSReq */
	MESSAGE_POLL = 20,
	MESSAGE_GET_CERT = 21,
	MESSAGE_GET_CRL = 22,
};

/* failInfo: RFC 8894 3.2.1.4. */
enum message_fault {
	MESSAGE_BAD_ALG = 0,
	MESSAGE_BAD_CHECK = 1,
	MESSAGE_BAD_REQUEST = 2,
	MESSAGE_BAD_TIME = 3,
	MESSAGE_BAD_CERT_ID = 4,
};

/* Bytes of what is echoed.  With the random nonce of the answer they leave
 * nobody the room that a collision of SHA-1 needs, which some clients have us
 * sign. */
#define MESSAGE_TRANSACTION_MAX 128
#define MESSAGE_NONCE_MAX       64

#define MESSAGE_MAX_CERTS 16

struct message;

/*
 * Read the outside, DER or BER: enough to answer it.  Nothing is verified
 * yet.  *ret is the caller's.
 * ERR_UNDECODABLE: it cannot even be answered; ERR_NO_MEMORY.
 */
enum err_code message_parse(
    struct bytes bytes, struct message **ret, struct err *err);
void message_free(struct message *m);

/*
 * Verify the signature (one signer; SHA-1, SHA-2 without SHA-224; RSA of 1024
 * to 8192 bits or a NIST curve).  Nothing is said of the signer's certificate:
 * not who issued it, nor whether it is still valid.
 * ERR_UNSUPPORTED: an algorithm; ERR_UNDECODABLE: the signature does not hold.
 */
enum err_code message_verify(struct message *m, struct err *err);

/*
 * After message_verify(): decrypt the content, for ca; append it to ret (give
 * it to buf_wipe()).  AES, 3DES and single DES in CBC mode.
 * ERR_UNSUPPORTED: a cipher; ERR_UNDECODABLE: damaged, for somebody else, or
 * no DER inside.
 */
enum err_code message_decrypt(struct message *m, const struct identity *ca,
    struct buf *ret, struct err *err);

enum message_type message_type(const struct message *m);
/* Bytes of the client, of whatever kind. */
struct bytes message_transaction(const struct message *m);
/* After message_verify(); borrowed from m. */
struct cert *message_signer(const struct message *m);

/* Whether message_grant() could answer the signer.  challenge may be NULL.
 * ERR_UNSUPPORTED. */
enum err_code message_can_grant(
    const struct message *m, const char *challenge, struct err *err);

/*
 * Append a CertRep, signed by ca with the digest of the request (SHA-256 if
 * that is not good enough).
 */

/*
 * SUCCESS: issued, encrypted for the signer with the cipher of the request
 * (3DES for single DES).  A key that cannot be encrypted for (EC) gets it
 * encrypted with the challenge (RFC 8894 3.1), which may be NULL for RSA.
 */
enum err_code message_grant(const struct message *m, const struct identity *ca,
    struct cert *issued, const char *challenge, struct buf *ret,
    struct err *err);

/* FAILURE; the first line of text goes with it as failInfoText. */
enum err_code message_refuse(const struct message *m, const struct identity *ca,
    enum message_fault fault, const char *text, struct buf *ret,
    struct err *err);

#endif
