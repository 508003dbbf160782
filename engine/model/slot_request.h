/*
 * slot_request.h - requests for certificates: a slot's file `subject` asks for
 * one, and the signed answer, dropped into the slot, completes it.
 *
 * A request (REQUEST) is there while it is unanswered.  Its key is the
 * server's (slot_keys.h) and outlives it.  Its bytes are stored, since a
 * signature with an elliptic key is never the same twice.
 */
#ifndef MDMFS_MODEL_SLOT_REQUEST_H
#define MDMFS_MODEL_SLOT_REQUEST_H

#include "engine/model/slot_keys.h"

#define SLOT_SUBJECT_MAX 1024 /* bytes of a subject */

/* Zeroed: none. */
struct slot_request {
	struct slot_id id;
	uint64_t lasting; /* slot_lasting_id().dir */
	uint64_t dir;     /* ino of the slot's directory */
	uint64_t file;    /* ino of the file subject in it */
	uint8_t key_id[KEYSPEC_ID_LEN];
	int64_t made; /* seconds */
	char subject[SLOT_SUBJECT_MAX + 1];
	struct buf names; /* "a.example, b.example"; TLS alone */
	struct buf der;   /* PKCS#10; empty: it waits for a name */
};

/* The unanswered request of a slot, to be given to slot_request_fini().
 * ERR_NOT_FOUND: there is none. */
enum err_code slot_request_get(struct txn *t, struct slot_id id,
    struct slot_request *ret, struct err *err);
void slot_request_fini(struct slot_request *r);

/* Append where people read the request: "status/orgs/acme/apns.csr". */
void slot_request_path(struct txn *t, struct slot_id id, struct buf *ret);

/* Append what to do with it, for people: one line, no end. */
enum err_code slot_request_advice(struct txn *t, const struct slot_request *r,
    struct buf *ret, struct err *err);

/* Rules for places: see place.c. */
enum err_code slot_subject_gather(
    struct txn *t, struct change *c, struct err *err);
enum err_code slot_subject_judge(struct change *c, struct err *err);
enum err_code slot_subject_apply(
    struct txn *t, struct change *c, struct err *err);
enum err_code slot_subject_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);
enum err_code slot_key_type_gather(
    struct txn *t, struct change *c, struct err *err);
enum err_code slot_key_type_judge(struct change *c, struct err *err);
enum err_code slot_key_type_apply(
    struct txn *t, struct change *c, struct err *err);
void slot_request_release(struct change *c);
/* The names of unanswered requests for TLS may have changed: names, url. */
enum err_code slot_names_apply(
    struct txn *t, struct change *c, struct err *err);
enum err_code slot_names_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);

#endif
