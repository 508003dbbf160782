/*
 * answers_priv.h - between the files that read answers.
 */
#ifndef MDMFS_MODEL_ANSWERS_PRIV_H
#define MDMFS_MODEL_ANSWERS_PRIV_H

#include "engine/model/answers.h"

enum answer_how {
	ANSWER_FACTS, /* a dictionary: each scalar is a fact */
	ANSWER_LIST,  /* an array of dictionaries: each is a row */
	ANSWER_NAMED, /* a dictionary of dictionaries: the same, with a name */
	ANSWER_RESTRICTIONS,
};

struct answer_row {
	const char *type; /* the request */
	const char *key;  /* in the answer; "": the whole of it */
	enum answer_how how;
	const char *name; /* of the list; what names of facts begin with */
};
/* Ends with a NULL type. */
extern const struct answer_row answer_rows[];

/* Move the secrets of a message out of it: *shown is a copy without them, NULL
 * if there are none. */
enum err_code answer_secrets(
    struct txn *t, struct answer *answer, struct pl **shown, struct err *err);

/* The password or PIN that the acknowledged command has set. */
enum err_code answer_command_secret(
    struct txn *t, const struct answer *answer, struct err *err);

#endif
