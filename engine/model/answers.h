/*
 * answers.h - what the answers of devices teach: facts (facts.h), lists, and
 * secrets, which go nowhere else.
 *
 * One row of answer_rows[] a request type.  Lists are kept as the device told
 * them and shown in info/ twice: NAME.tsv and NAME.plist; a chain of certificates as
 * NAME.pem and NAME.plist.
 */
#ifndef MDMFS_MODEL_ANSWERS_H
#define MDMFS_MODEL_ANSWERS_H

#include "engine/model/facts.h"
#include "engine/model/queue.h"
#include "engine/schema/schema.h"

#define ANSWER_LIST_MAX   (2u << 20) /* bytes of one, as binary plist */
#define ANSWER_LISTS_MAX  40         /* of one device */
#define ANSWER_SECRET_MAX (64u << 10)

struct answer {
	const struct queued *q;   /* the command, not finished yet */
	const struct pl *message; /* of the device */
	bool acknowledged;
	/* results, where they have something to say; the caller's, zeroed */
	struct buf shown; /* the message without its secrets, for results/;
			   * empty: it has none */
	struct buf note;  /* for the event, behind what it says already */
};

/*
 * Learn what the message says.  Its secrets are kept even if the command
 * failed; of a command that set a password or PIN, that is kept when the device
 * acknowledges it.
 */
enum err_code answer_learn(
    struct txn *t, struct answer *answer, struct err *err);
void answer_free(struct answer *answer);

/* Append the errors that an answer names, in words; nothing if it names none. */
void answer_errors(const struct pl *message, struct buf *b);

/* Whether a key of an answer is one of its secrets. */
bool answer_is_secret(const char *key);

/* ---- lists -------------------------------------------------------------- */

enum answer_form { ANSWER_PLIST, ANSWER_TSV, ANSWER_PEM };

/* Whether name is that of a list's file, and which form it has; *len is the
 * length of the list's own name. */
bool answer_file(const char *name, enum answer_form *form, size_t *len);

/* Append the file; the first line of a TSV of dictionaries names its columns.
 * ERR_NOT_FOUND */
enum err_code answer_page(struct txn *t, const struct schema *schema,
    uint32_t device, const char *file, struct buf *b, struct err *err);

typedef bool answer_list_fn(void *arg, const char *file);
/* The files of all lists of a device, by name; return false to stop. */
enum err_code answer_files(struct txn *t, uint32_t device, answer_list_fn *fn,
    void *arg, struct err *err);

/* Append where the answer to a request type goes, as a sentence; nothing if to
 * results/ alone. */
void answer_goes(const char *type, struct buf *b);

#endif
